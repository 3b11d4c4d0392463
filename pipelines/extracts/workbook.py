"""Workbooks to rows, read as a stream: memory is for one chunk and the workbook's shared texts, whatever its range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extracts.chunk import Chunk, Numbers, RaggedRows
from pipelines.extracts.heading import WIDEST, find_heading
from pipelines.extracts.lines import Lines, Sorter
from pipelines.extracts.workbook_cells import Cells, sheet_cells
from pipelines.extracts.workbook_parts import Book, Sheet, readable
from schemas.mapping import Shape

FURTHER = 50
"""Columns right of the table of which the text is kept for rows that are set aside."""


def sheet_names(handle: IO[bytes]) -> list[str]:
    """The sheets of a workbook that an officer sees, in its order; all of them where all are hidden."""
    sheets = Book(handle).sheets
    return [sheet.name for sheet in sheets if sheet.visible] or [sheet.name for sheet in sheets]


def _sheet(book: Book, shape: Shape) -> Sheet | None:
    named = [sheet for sheet in book.sheets if shape.sheet in {None, sheet.name}]
    return named[0] if named else None


def workbook_rows(handle: IO[bytes], shape: Shape) -> Iterator[list[str]]:
    """The rows of a sheet as cells, from its first, blank ones among them; for a look at its top."""
    book = Book(handle)
    sheet = _sheet(book, shape)
    if sheet is not None:
        with readable():
            yield from _rows(sheet_cells(book, sheet))


def _rows(blocks: Iterator[Cells]) -> Iterator[list[str]]:
    following = 1
    for cells in blocks:
        if not len(cells.rows):
            continue
        starts = np.flatnonzero(np.diff(cells.rows, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(cells.rows)], strict=True):
            number = int(cells.rows[start])
            yield from ([] for _ in range(number - following))
            row = [""] * min(int(cells.columns[start:stop].max()) + 1, WIDEST)
            for column, text in zip(cells.columns[start:stop], cells.texts[start:stop].to_pylist(), strict=True):
                row[column] = text
            yield row
            following = number + 1


def workbook_chunks(handle: IO[bytes], shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
    """The rows below the heading of a sheet, numbered as the spreadsheet program numbers them.

    Raises:
        RefusedDrop: the workbook cannot be read.
    """
    book = Book(handle)
    sheet = _sheet(book, shape)
    if sheet is None:
        return
    width = len(names) - (shape.title_column is not None)
    with readable():
        heading, _ = find_heading(_rows(sheet_cells(book, sheet)), shape)
        if heading is None:
            return
        batches = (_lines(cells, width, heading.last_row) for cells in sheet_cells(book, sheet, book.shared_texts()))
        yield from Sorter(heading, shape, names, ragged).chunks(batches)


def _lines(cells: Cells, width: int, above: int) -> Lines:
    below = cells.rows > above
    columns, rows, texts = cells.columns[below], cells.rows[below], cells.texts.filter(pa.array(below))
    numbers, places = np.unique(rows, return_inverse=True)
    made = [_column(texts, np.flatnonzero(columns == column), places, len(numbers)) for column in range(width)]
    far = columns >= width
    beyond = pa.array([""] * len(numbers), pa.string())
    if far.any():
        right = [
            _column(texts, np.flatnonzero(columns == column), places, len(numbers))
            for column in np.unique(columns[far])[:FURTHER]
        ]
        beyond = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*right, " "))
    blank = np.zeros(len(numbers), bool)
    return Lines(made, numbers, beyond, blank, blank)


def _column(texts: pa.Array, mine: Numbers, places: Numbers, size: int) -> pa.Array:
    take = np.full(size, -1, np.int64)
    take[places[mine]] = mine
    return pc.fill_null(texts.take(pa.array(take, mask=take < 0)), "")


@dataclass(frozen=True)
class SheetLines:
    """The first lines of a sheet, its last ones if there are more, how many hold something, and how far it reaches."""

    head: list[list[str]]
    end: list[list[str]] | None
    written: int
    range_rows: int


def sheet_lines(handle: IO[bytes], name: str, rows: int, cells: int) -> SheetLines:
    """A look at a sheet: at most so many rows and cells of its top, and its end."""
    book = Book(handle)
    sheet = next(sheet for sheet in book.sheets if sheet.name == name)
    head: list[list[str]] = []
    reach = book.range_rows(sheet)
    with readable():
        taken = 0
        for row in _rows(sheet_cells(book, sheet)):
            if len(head) >= rows or taken >= cells:
                break
            head.append(row)
            taken += len(row)
        else:
            return SheetLines(head, None, sum(1 for row in head if any(row)), reach)
        last: Cells | None = None
        count = 0
        for block in sheet_cells(book, sheet, book.shared_texts()):
            count += len(np.unique(block.rows))
            last = block if len(block.rows) else last
        end = [row for row in _rows(iter([_end_of(last)])) if row] if last is not None else None
        return SheetLines(head, end, count, reach)


def _end_of(cells: Cells, rows: int = 300) -> Cells:
    late = cells.rows > int(cells.rows[-1]) - rows
    return Cells(
        cells.columns[late], cells.rows[late] - int(cells.rows[late][0]) + 1, cells.texts.filter(pa.array(late))
    )
