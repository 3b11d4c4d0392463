"""Separated text to rows: any encoding, delimiter, quotation mark and line end."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB
from pipelines.extracts.chunk import Chunk, RaggedRows, without_blank_rows
from pipelines.extracts.heading import find_heading
from pipelines.extracts.lines import Lines, Sorter, lines_of_rows
from schemas.mapping import Shape

BLOCK_BYTES = 8 * MIB
"""Of text at a time. Arrow reads up to 32 such blocks ahead, so larger ones take memory and gain nothing."""
CELLS_AT_ONCE = 600_000
ROWS_AT_ONCE = 50_000
STEP = 256


class AsUtf8(io.RawIOBase):
    """Bytes of any encoding as UTF-8; what cannot be decoded becomes the replacement character."""

    def __init__(self, handle: IO[bytes], encoding: str) -> None:
        self._handle = handle
        plain = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
        self._decoder = codecs.getincrementaldecoder(plain)(errors="replace")
        self._left = memoryview(b"")  # of which a part is taken without a copy of the rest

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as there is text.

        Raises:
            RefusedDrop: the file does not begin as text of its encoding does.
        """
        while not self._left:
            block = self._handle.read(MIB)
            try:
                self._left = memoryview(self._decoder.decode(block, final=not block).encode())
            except UnicodeError as error:
                raise RefusedDrop(
                    "unreadable_text", "The file does not begin as text of its declared encoding does."
                ) from error
            if not block:
                break
        taken = self._left[: len(buffer)]
        buffer[: len(taken)] = taken
        self._left = self._left[len(taken) :]
        return len(taken)


def text_rows(handle: IO[bytes], shape: Shape) -> Iterator[list[str]]:
    """The rows of the file as cells, from the first, one at a time.

    Raises:
        RefusedDrop: it cannot be divided into cells.
    """
    text = io.TextIOWrapper(io.BufferedReader(AsUtf8(handle, shape.encoding), MIB), encoding="utf-8", newline="")
    try:
        yield from csv.reader(
            text,
            delimiter=shape.delimiter,
            quotechar=shape.quote or None,
            quoting=csv.QUOTE_MINIMAL if shape.quote else csv.QUOTE_NONE,
        )
    except csv.Error as error:
        raise RefusedDrop("unreadable_text", "The text cannot be divided into rows and cells.") from error
    finally:
        text.detach()


def csv_chunks(handle: IO[bytes], shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
    """The rows below the heading.

    One heading row with nothing but data below it is read by Arrow: a million rows of 12 columns take one second of
    one processor. Any other shape goes through Python's CSV reader, in 17 seconds.

    Raises:
        RefusedDrop: the text cannot be divided into rows.
    """
    if shape.plain:
        yield from _plain_chunks(handle, shape, names, ragged)
        return
    heading, below = find_heading(text_rows(handle, shape), shape)
    if heading is not None:
        yield from Sorter(heading, shape, names, ragged).chunks(
            _batches(below, heading.last_row + 1, len(names) - (shape.title_column is not None))
        )


def _batches(rows: Iterator[list[str]], first_number: int, width: int) -> Iterator[Lines]:
    batch: list[list[str]] = []
    cells = 0
    while step := list(islice(rows, STEP)):
        batch += step
        cells += sum(map(len, step))
        if len(batch) >= ROWS_AT_ONCE or cells >= CELLS_AT_ONCE:
            yield lines_of_rows(batch, first_number, width)
            first_number += len(batch)
            batch, cells = [], 0
    if batch:
        yield lines_of_rows(batch, first_number, width)


def _plain_chunks(handle: IO[bytes], shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
    skipped: list[int] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        skipped.append(row.number)
        if row.number > shape.header_row:
            ragged.numbers.append(row.number)
            ragged.texts.append(row.text)
        return "skip"

    try:
        reader = pacsv.open_csv(
            pa.PythonFile(io.BufferedReader(AsUtf8(handle, shape.encoding), MIB), mode="r"),
            read_options=pacsv.ReadOptions(use_threads=False, column_names=names, block_size=BLOCK_BYTES),
            parse_options=pacsv.ParseOptions(
                delimiter=shape.delimiter,
                quote_char=shape.quote or False,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={n: pa.string() for n in names}, strings_can_be_null=False
            ),
        )
        following = 1
        for batch in reader:
            numbers = np.arange(following, following + batch.num_rows + len(skipped), dtype=np.int64)
            numbers = numbers[~np.isin(numbers, skipped)][: batch.num_rows]
            if batch.num_rows:
                following = int(numbers[-1]) + 1
            skipped[:] = [number for number in skipped if number >= following]
            above = int(np.searchsorted(numbers, shape.header_row, side="right"))
            yield without_blank_rows(pa.Table.from_batches([batch]).slice(above), numbers[above:])
    except pa.ArrowInvalid as error:
        # Arrow's own message quotes the text it stumbled over.
        raise RefusedDrop("unreadable_text", "The text cannot be divided into rows and cells.") from error
