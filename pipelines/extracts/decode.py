"""Bytes to chunks of text columns, with the row numbers that the officer's own program shows."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import fastexcel
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB
from schemas.mapping import Shape

BLOCK_BYTES = 16 * MIB
PARQUET_ROWS = 250_000
LARGEST_WHOLE = 1e15
"""Up to here a floating number holds every whole one."""
REPLACEMENT = "\ufffd"
MIDNIGHT = r"^(\d{4}-\d{2}-\d{2}) 00:00:00(?:\.0+)?$"


@dataclass(frozen=True)
class Chunk:
    """Some rows of an extract: text columns by heading, and each row's number in the file."""

    table: pa.Table
    row_numbers: npt.NDArray[np.int64]


@dataclass
class RaggedRows:
    """Rows with more or fewer cells than headings: their numbers and their text as it came."""

    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def name_headings(cells: list[str]) -> list[str]:
    """Headings as mappings know them: a blank one is `(column 3)`, a second `Address` is `Address (2)`."""
    names: list[str] = []
    for position, cell in enumerate(cells, start=1):
        name = " ".join(cell.replace("\ufeff", "").split()) or f"(column {position})"
        taken = sum(1 for other in names if other == name or other.rsplit(" (", 1)[0] == name)
        names.append(f"{name} ({taken + 1})" if taken and name in names else name)
    return names


def headings(handle: IO[bytes], shape: Shape) -> list[str]:
    """The headings of a file if it has this shape; empty when the shape's heading row is not there."""
    if shape.format == "csv":
        return _csv_headings(handle, shape)
    if shape.format == "xlsx":
        table = _sheet(handle, shape, rows=shape.header_row)
        if table is None or table.num_rows < shape.header_row:
            return []
        return name_headings(
            [str(value or "") for value in table.slice(shape.header_row - 1, 1).to_pylist()[0].values()]
        )
    return name_headings(list(_parquet(handle).schema_arrow.names))


def chunks(handle: IO[bytes], shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
    """The rows below the heading, a chunk at a time; ragged rows are put in `ragged` instead.

    Raises:
        RefusedDrop: the file cannot be divided into rows.
    """
    if shape.format == "csv":
        yield from _csv_chunks(handle, shape, names, ragged)
    elif shape.format == "xlsx":
        table = _sheet(handle, shape, rows=None)
        if table is not None:
            yield _chunk(table.slice(shape.header_row).rename_columns(names), shape.header_row + 1)
    else:
        start = shape.header_row + 1
        for batch in _batches(_parquet(handle)):
            columns = [_as_text(column) for column in batch.columns]
            yield _chunk(pa.table(columns, names=names), start)
            start += batch.num_rows


class _AsUtf8(io.RawIOBase):
    """Bytes of any encoding as UTF-8; what cannot be decoded becomes the replacement character."""

    def __init__(self, handle: IO[bytes], encoding: str) -> None:
        self._handle = handle
        plain = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
        self._decoder = codecs.getincrementaldecoder(plain)(errors="replace")
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            block = self._handle.read(MIB)
            try:
                self._left = self._decoder.decode(block, final=not block).encode()
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


def _csv_headings(handle: IO[bytes], shape: Shape) -> list[str]:
    text = io.TextIOWrapper(io.BufferedReader(_AsUtf8(handle, shape.encoding)), encoding="utf-8", newline="")
    try:
        for number, cells in enumerate(csv.reader(text, delimiter=shape.delimiter), start=1):
            if number == shape.header_row:
                return name_headings(cells)
    except csv.Error as error:
        raise RefusedDrop("unreadable_text", "The heading row cannot be read as separated cells.") from error
    finally:
        text.detach()
    return []


def _csv_chunks(handle: IO[bytes], shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
    skipped: list[int] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        skipped.append(row.number)
        if row.number > shape.header_row:
            ragged.numbers.append(row.number)
            ragged.texts.append(row.text)
        return "skip"

    try:
        reader = pacsv.open_csv(
            pa.PythonFile(io.BufferedReader(_AsUtf8(handle, shape.encoding), MIB), mode="r"),
            read_options=pacsv.ReadOptions(use_threads=False, column_names=names, block_size=BLOCK_BYTES),
            parse_options=pacsv.ParseOptions(
                delimiter=shape.delimiter,
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
            below = numbers > shape.header_row
            yield _without_blank_rows(pa.Table.from_batches([batch]).filter(pa.array(below)), numbers[below])
    except pa.ArrowInvalid as error:
        # Arrow's own message quotes the text it stumbled over.
        raise RefusedDrop("unreadable_text", "The text cannot be divided into rows and cells.") from error


def _sheet(handle: IO[bytes], shape: Shape, rows: int | None) -> pa.Table | None:
    try:
        book = fastexcel.read_excel(handle.read())
        if shape.sheet is not None and shape.sheet not in book.sheet_names:
            return None
        sheet = book.load_sheet(
            shape.sheet if shape.sheet is not None else 0, header_row=None, skip_rows=0, n_rows=rows, dtypes="string"
        )
        return (
            pa.Table.from_batches([sheet.to_arrow()])
            if isinstance(sheet.to_arrow(), pa.RecordBatch)
            else sheet.to_arrow()
        )
    except fastexcel.FastExcelError as error:
        raise RefusedDrop(
            "unreadable_spreadsheet", "The workbook cannot be read; it may be damaged or locked."
        ) from error


def _parquet(handle: IO[bytes]) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(handle)
    except (pa.ArrowException, OSError) as error:
        raise RefusedDrop("unreadable_parquet", "The Parquet file is damaged or cut short.") from error


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    try:
        yield from file.iter_batches(batch_size=PARQUET_ROWS)
    except (pa.ArrowException, OSError) as error:
        raise RefusedDrop("unreadable_parquet", "A part of the Parquet file is damaged.") from error


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    if pa.types.is_floating(kind) and _are_whole(column):
        return column.cast(pa.int64()).cast(pa.string())  # 100023336956.0 is a UPRN, 1.00023e+11 is none
    if pa.types.is_timestamp(kind):
        return pc.strftime(column.cast(pa.timestamp("s", kind.tz), safe=False), format="%Y-%m-%d %H:%M:%S")
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return pa.nulls(len(column), pa.string())
    return column.cast(pa.string())


def _are_whole(column: pa.Array) -> bool:
    whole = pc.and_(pc.equal(column, pc.round(column)), pc.less(pc.abs(column), LARGEST_WHOLE))
    return bool(pc.all(whole, min_count=0).as_py())


def _chunk(table: pa.Table, first_row: int) -> Chunk:
    numbers = np.arange(first_row, first_row + table.num_rows, dtype=np.int64)
    # A sheet has no dates, only moments shown as dates: midnight is written as its day.
    plain = [pc.replace_substring_regex(pc.fill_null(column, ""), MIDNIGHT, r"\1") for column in table.columns]
    filled = pa.table(plain, names=table.column_names)
    return _without_blank_rows(filled, numbers)


def _without_blank_rows(table: pa.Table, numbers: npt.NDArray[np.int64]) -> Chunk:
    """Rows in which nothing is written are no rows; a spreadsheet shows them all the same, so numbers stay."""
    written = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        if written.all():
            break
        written |= pc.not_equal(pc.utf8_trim_whitespace(column), "").to_numpy()
    return Chunk(table.filter(pa.array(written)), numbers[written])
