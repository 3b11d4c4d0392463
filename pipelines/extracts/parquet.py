"""Parquet files to chunks of text columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.core.errors import RefusedDrop
from pipelines.extracts.chunk import Chunk, name_headings, without_blank_rows

ROWS_AT_ONCE = 250_000
DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
LARGEST_WHOLE = 1e15
"""Up to here a floating number holds every whole one."""


def parquet_headings(handle: IO[bytes]) -> list[str]:
    """The names of a Parquet file's columns."""
    return name_headings(list(_file(handle).schema_arrow.names))


def parquet_rows(handle: IO[bytes]) -> int:
    """How many rows a Parquet file says it has."""
    return int(_file(handle).metadata.num_rows)


def parquet_chunks(handle: IO[bytes], names: list[str]) -> Iterator[Chunk]:
    """The rows; numbered as if the headings stood in row 1, as they do once it is opened as a sheet."""
    start = 2
    for batch in _batches(_file(handle)):
        columns = [pc.fill_null(as_text(column), "") for column in batch.columns]
        numbers = np.arange(start, start + batch.num_rows, dtype=np.int64)
        yield without_blank_rows(pa.table(columns, names=names), numbers)
        start += batch.num_rows


def _file(handle: IO[bytes]) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(handle)
    except DAMAGE as error:
        raise RefusedDrop("unreadable_parquet", "The Parquet file is damaged or cut short.") from error


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    try:
        yield from file.iter_batches(batch_size=ROWS_AT_ONCE)
    except DAMAGE as error:
        raise RefusedDrop("unreadable_parquet", "A part of the Parquet file is damaged.") from error


def as_text(column: pa.Array) -> pa.Array:
    """A column of any type as text; whole floating numbers without a point, days without midnight."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_floating(kind) and _are_whole(column):
        return column.cast(pa.int64()).cast(pa.string())  # 100023336956.0 is a UPRN, 1.00023e+11 is none
    if pa.types.is_timestamp(kind):
        text = pc.strftime(column.cast(pa.timestamp("s", kind.tz), safe=False), format="%Y-%m-%d %H:%M:%S")
        return without_midnight(text)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return pa.nulls(len(column), pa.string())
    text = column.cast(pa.string(), safe=False)
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:  # bytes that are not UTF-8
        blob = text.cast(pa.binary())
        return pa.array([None if b is None else b.decode("utf-8", "replace") for b in blob.to_pylist()], pa.string())
    return text


def without_midnight(text: pa.Array) -> pa.Array:
    """Moments at midnight written as their days: a sheet has no dates, only moments shown as dates."""
    return pc.replace_substring_regex(text, r"^(\d{4}-\d{2}-\d{2}) 00:00:00(?:\.0+)?$", r"\1")


def _are_whole(column: pa.Array) -> bool:
    whole = pc.and_(pc.equal(column, pc.round(column)), pc.less(pc.abs(column), LARGEST_WHOLE))
    return bool(pc.all(whole, min_count=0).as_py())
