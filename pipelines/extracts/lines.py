"""Lines of a file told apart: rows of its table, headings that come again, page lines, titles, footers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extracts.chunk import Chunk, Mask, Numbers, RaggedRows, plain_text
from pipelines.extracts.heading import Heading
from schemas.mapping import Shape, whole_row

PAGE_HEADING = "page_heading_skipped"
PAGE_LINE = "page_line_skipped"
FOOTER = "footer_skipped"
PREAMBLE = "preamble_skipped"
LONE_AT_MOST = 1
WAIT_AT_MOST = 10_000
"""Lines of one cell that may turn out to be titles; where more follow one another, they are rows."""


@dataclass(frozen=True)
class Lines:
    """Some lines of a file, before anyone knows which of them are data.

    `cells`: text columns as many as headings, blank cells empty. `beyond`: what is written right of them.
    `short`: lines that end before the last column. `outside`: lines that stand outside every table (PDF).
    """

    cells: list[pa.Array]
    numbers: Numbers
    beyond: pa.Array
    short: Mask
    outside: Mask

    def __len__(self) -> int:
        return len(self.numbers)

    def slice(self, start: int, stop: int) -> Lines:
        """Some of them."""
        return Lines(
            [column.slice(start, stop - start) for column in self.cells],
            self.numbers[start:stop],
            self.beyond.slice(start, stop - start),
            self.short[start:stop],
            self.outside[start:stop],
        )

    def then(self, other: Lines) -> Lines:
        """These and, below them, others."""
        return Lines(
            [pa.concat_arrays([mine, theirs]) for mine, theirs in zip(self.cells, other.cells, strict=True)],
            np.concatenate([self.numbers, other.numbers]),
            pa.concat_arrays([self.beyond, other.beyond]),
            np.concatenate([self.short, other.short]),
            np.concatenate([self.outside, other.outside]),
        )


def lines_of_rows(rows: list[list[str]], first_number: int, width: int, outside: Mask | None = None) -> Lines:
    """Rows of any length as lines of a table with so many columns."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    beyond = [""] * len(rows)
    for place in np.flatnonzero(lengths > width):
        beyond[place] = plain_text(" ".join(rows[place][width:]))
        rows[place] = rows[place][:width]
    columns = list(zip_longest(*rows, fillvalue=""))
    columns += [("",) * len(rows)] * (width - len(columns))
    return Lines(
        [pa.array(column, pa.string()) for column in columns],
        np.arange(first_number, first_number + len(rows), dtype=np.int64),
        pa.array(beyond, pa.string()),
        lengths < width,
        np.zeros(len(rows), bool) if outside is None else outside,
    )


def _trimmed(column: pa.Array) -> pa.Array:
    spaced = pc.replace_substring_regex(column, r"[\s\x{00a0}\x{feff}]+", " ")
    return pc.utf8_trim_whitespace(spaced)


def _texts(columns: list[pa.Array]) -> pa.Array:
    """The text of each row as patterns see it."""
    return _trimmed(pc.binary_join_element_wise(*columns, " "))


def _array(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    return np.asarray(values.to_numpy(zero_copy_only=False))


class Sorter:
    """Tells the lines below a heading apart, batch after batch; what it is not yet sure of waits for the next one."""

    def __init__(self, heading: Heading, shape: Shape, names: list[str], ragged: RaggedRows) -> None:
        self._shape, self._names, self._ragged = shape, names, ragged
        self._width = len(names) - (shape.title_column is not None)
        self._headings = [
            [plain_text(cell).lower() for cell in (*row, *[""] * self._width)][: self._width]
            for row in heading.cells
            if any(map(plain_text, row))
        ]
        self._title = heading.title
        self._ended = False
        self._rows = 0
        self._waiting: Lines | None = None
        ragged.skip(PREAMBLE, np.array(heading.above, np.int64))

    def chunks(self, batches: Iterator[Lines]) -> Iterator[Chunk]:
        """The rows of the table; all other lines are accounted for in `ragged`."""
        for batch in batches:
            yield self._sort(batch, last=False)
        if self._waiting is not None:
            yield self._sort(self._waiting.slice(0, 0), last=True)

    def _sort(self, batch: Lines, *, last: bool) -> Chunk:
        lines = batch if self._waiting is None else self._waiting.then(batch)
        written = np.zeros(len(lines), np.int64)
        for column in (*lines.cells, lines.beyond):
            written += _array(pc.not_equal(pc.utf8_trim_whitespace(column), ""))
        again = self._headings_again(lines)
        text = _texts([*lines.cells, lines.beyond]) if self._shape.skip or self._shape.ends_at is not None else None
        page = lines.outside | self._matching(text, self._shape.skip)
        page &= ~again & (written > 0)
        titles = self._titles(again, page & ~lines.outside, lines.outside, written)
        stop = len(lines)
        if self._shape.title_lines and not last:
            settled = np.flatnonzero((written > LONE_AT_MOST) & ~lines.outside)
            stop = int(settled[-1]) + 1 if len(settled) else 0
            stop = stop if len(lines) - stop <= WAIT_AT_MOST else len(lines)
        self._waiting = lines.slice(stop, len(lines)) if not last and stop < len(lines) else None
        footer = self._footers(text, written, stop)
        return self._told(lines, written, (again, page & ~titles, titles, footer), stop)

    def _told(self, lines: Lines, written: Numbers, kinds: tuple[Mask, Mask, Mask, Mask], stop: int) -> Chunk:
        again, page, titles, footer = (kind[:stop] for kind in kinds)
        wanted = (written[:stop] > 0) & ~footer
        data = wanted & ~again & ~page & ~titles
        numbers = lines.numbers[:stop]
        if self._shape.format == "pdf":
            numbers = self._rows + np.cumsum(data)
            self._rows += int(data.sum())
        self._ragged.skip(PAGE_HEADING, numbers[wanted & (again | titles)])
        self._ragged.skip(PAGE_LINE, numbers[wanted & page & ~again])
        self._ragged.skip(FOOTER, numbers[(written[:stop] > 0) & footer])
        torn = _array(pc.not_equal(lines.beyond, ""))[:stop]
        if not self._shape.short_rows:
            torn = torn | lines.short[:stop]
        self._set_aside(lines, np.flatnonzero(data & torn), numbers)
        columns = [column.slice(0, stop) for column in lines.cells]
        if self._shape.title_column is not None:
            columns.append(self._last_titles(lines, titles, stop))
        whole = data & ~torn
        return Chunk(pa.table(columns, names=self._names).filter(pa.array(whole)), numbers[whole])

    def _headings_again(self, lines: Lines) -> Mask:
        found = np.zeros(len(lines), bool)
        if not self._shape.repeated_headings:
            return found
        for cells in self._headings:
            like = np.arange(len(found))
            for place in sorted(range(self._width), key=lambda place: not cells[place]):  # written ones tell most
                if not len(like):
                    break
                among = pc.utf8_lower(_trimmed(lines.cells[place].take(pa.array(like))))
                like = like[_array(pc.equal(among, cells[place]))]
            found[like] = True
        return found

    def _matching(self, text: pa.Array | None, patterns: tuple[str, ...]) -> Mask:
        if text is None or not patterns:
            return np.zeros(1, bool)
        either = "|".join(f"(?:{pattern})" for pattern in patterns)
        return _array(pc.match_substring_regex(text, whole_row(either)))

    def _titles(self, again: Mask, page: Mask, outside: Mask, written: Numbers) -> Mask:
        """Lines of one cell that lead up to headings, over blank and page lines: no more than declared."""
        found = np.zeros(len(again), bool)
        if self._shape.group_titles:
            return np.asarray((written == LONE_AT_MOST) & ~page & ~outside & ~again, bool)
        if not self._shape.title_lines or not again.any():
            return found
        told = np.flatnonzero((written > 0) & ~page)
        leads = again[told].copy()
        lone = ((written[told] == LONE_AT_MOST) | outside[told]) & ~again[told]
        for _ in range(self._shape.title_lines):
            leads[:-1] |= lone[:-1] & leads[1:]
        found[told] = leads & lone
        return found

    def _footers(self, text: pa.Array | None, written: Numbers, stop: int) -> Mask:
        below = np.zeros(len(written), bool)
        if self._shape.ends_at is None or text is None:
            return below
        if not self._ended:
            hits = np.flatnonzero(self._matching(text, (self._shape.ends_at,))[:stop] & (written[:stop] > 0))
            if not len(hits):
                return below
            below[hits[0] :] = True
            self._ended = True
            return below
        return ~below

    def _last_titles(self, lines: Lines, titles: Mask, stop: int) -> pa.Array:
        places = pa.array(np.flatnonzero(titles[:stop]))
        texts = [self._title, *_texts([column.take(places) for column in (*lines.cells, lines.beyond)]).to_pylist()]
        self._title = texts[-1]
        return pa.array(texts, pa.string()).take(pa.array(np.cumsum(titles[:stop])))

    def _set_aside(self, lines: Lines, places: Numbers, numbers: Numbers) -> None:
        if not len(places):
            return
        taken = pa.array(places)
        columns = [column.take(taken).to_pylist() for column in (*lines.cells, lines.beyond)]
        for number, cells in zip(numbers[places].tolist(), zip(*columns, strict=True), strict=True):
            text = io.StringIO()
            csv.writer(text, delimiter=self._shape.delimiter, lineterminator="").writerow(_written_part(cells))
            self._ragged.numbers.append(number)
            self._ragged.texts.append(text.getvalue())


def _written_part(cells: tuple[str, ...]) -> tuple[str, ...]:
    last = max((place for place, cell in enumerate(cells, start=1) if cell), default=0)
    return cells[:last]
