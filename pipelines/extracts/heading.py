"""Where the headings of a table stand, and what its columns are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, pairwise

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import RefusedDrop
from pipelines.extracts.chunk import name_headings, plain_text
from schemas.mapping import Shape, whole_row

WIDEST = 16_384
"""Columns of the widest sheet that a spreadsheet program makes; a wider row is no row of headings."""
SEARCHED = 256
BROKEN = 0.6
"""From this share of columns with text in both of two heading rows, the lower one only continues the upper."""


@dataclass(frozen=True)
class Heading:
    """The rows of the headings as written, the number of the row before the first data row, and what stood above.

    `title` is the line of one cell directly above; `above` are the numbers of written rows above `begins_at`.
    """

    cells: tuple[tuple[str, ...], ...]
    last_row: int
    title: str = ""
    above: tuple[int, ...] = ()


def row_text(cells: Iterable[str]) -> str:
    """The text of a row as patterns of `Shape` see it: its written cells with one space between."""
    return plain_text(" ".join(cells))


def find_heading(rows: Iterator[list[str]], shape: Shape) -> tuple[Heading | None, Iterator[list[str]]]:
    """The headings of a file that begins with these rows, and the rows below them; None where there are none.

    Raises:
        RefusedDrop: the heading row has more cells than any table.
    """
    above: tuple[int, ...] = ()
    if shape.begins_at is not None:
        found = _skip_to(rows, shape.begins_at)
        if found is None:
            return None, iter(())
        above, rows, before = found
    else:
        before = 0
    preamble = list(islice(rows, max(shape.header_row - 1, 0)))
    if shape.header_row == 0:
        first = next(rows, None)
        if first is None:
            return None, iter(())
        width = shape.columns or len(first)
        return Heading((("",) * _sane(width),), before, "", above), chain([first], rows)
    cells = [tuple(row) for row in islice(rows, shape.header_rows)]
    if len(cells) < shape.header_rows or len(preamble) < shape.header_row - 1:
        return None, iter(())
    _sane(max(map(len, cells)))
    last = before + shape.header_row - 1 + shape.header_rows
    return Heading(tuple(cells), last, _title(preamble), above), rows


def _sane(width: int) -> int:
    if width > WIDEST:
        raise RefusedDrop(
            "unreadable_text", f"The row of headings has {width:,} cells; a table has at most {WIDEST:,}."
        )
    return width


def _skip_to(rows: Iterator[list[str]], pattern: str) -> tuple[tuple[int, ...], Iterator[list[str]], int] | None:
    """Numbers of the written rows before the first that reads so, the rows from there, and how many stand before."""
    written: list[int] = []
    before = 0
    while batch := list(islice(rows, SEARCHED)):
        texts = [row_text(cells) for cells in batch]
        hits = pc.match_substring_regex(pa.array(texts, pa.string()), whole_row(pattern)).to_pylist()
        here = hits.index(True) if True in hits else len(batch)
        written += [before + place for place, text in enumerate(texts[:here], start=1) if text]
        if here < len(batch):
            return tuple(written), chain(batch[here:], rows), before + here
        before += len(batch)
    return None


def _title(preamble: list[list[str]]) -> str:
    for cells in reversed(preamble):
        written = [cell for cell in map(plain_text, cells) if cell]
        if written:
            return written[0] if len(written) == 1 else ""
    return ""


def names_of(heading: Heading, shape: Shape) -> list[str]:
    """What the columns are called, in order; `title_column` comes last.

    Headings over several rows are joined with a space. One over several columns, which stands in the
    first of them only, is joined to each of those below it.
    """
    cells = list(heading.cells[-1]) if len(heading.cells) == 1 else _joined(heading.cells)
    if shape.columns is not None:
        # A heading further right is a new column: it must not be overlooked.
        last = max((place for place, cell in enumerate(cells, start=1) if plain_text(cell)), default=0)
        width = max(shape.columns, last)
        cells = (cells + [""] * width)[:width]
    for position, name in shape.heading_overrides.items():
        if position <= len(cells):
            cells[position - 1] = name
    return name_headings([*cells, shape.title_column] if shape.title_column is not None else cells)


def _joined(rows: tuple[tuple[str, ...], ...]) -> list[str]:
    width = max(map(len, rows))
    filled = [[plain_text(cell) for cell in (*row, *[""] * (width - len(row)))] for row in rows]
    for upper, lower in pairwise(filled):
        both = sum(bool(above and below) for above, below in zip(upper, lower, strict=True))
        if both >= BROKEN * width:
            continue  # words broken off, not one heading over several columns
        over = ""
        for place in range(width):
            if upper[place]:
                over = upper[place] if lower[place] else ""
            elif lower[place]:
                upper[place] = over
            else:
                over = ""
    return [plain_text(" ".join(parts)) for parts in zip(*filled, strict=True)]
