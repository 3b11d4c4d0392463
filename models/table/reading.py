"""Any CSV or Parquet file as typed columns: numbers, yes and no, dates, text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.learning.preprocess import floats
from models.table import texts
from models.table.calendar import of_digits
from pipelines.core.errors import LodaError
from pipelines.extracts.plain_table import PARQUET, ends_in_half_a_row, headings_as_written, read_plain_table


@dataclass(frozen=True)
class Table:
    """A file's rows in their order, each column of the one type that its values have, and what was emptied for that."""

    columns: pa.Table
    told: tuple[str, ...] = ()


def read_table(path: Path, group: str | None = None, strict: Collection[str | None] = ()) -> Table:
    """The file's rows in their order, each column of the one type that its values have (see `texts.read_text`).

    Parquet keeps the types it has.

    Args:
        path: CSV or Parquet.
        group: a column whose text stays as it is written, since its values are names.
        strict: columns in which every value counts, so that none is emptied.

    Raises:
        NotFound: there is no such file.
        LodaError: it cannot be read as a table, has no rows, or has two columns of one name.
    """
    names = [name.strip() for name in headings_as_written(path)]
    twice = sorted(name for name, times in Counter(names).items() if times > 1 and name)
    if twice:
        raise LodaError(
            f"'{path}' has more than one column named {', '.join(repr(n) for n in twice[:5])}. Give each its own name."
        )
    table = _parquet(path) if path.suffix.lower() in PARQUET else read_plain_table(path)
    if ends_in_half_a_row(path):
        raise LodaError(
            f"'{path}' breaks off within a row: its end was lost, or a quotation mark is opened and never closed. "
            "Export the file anew."
        )
    if not table.num_rows:
        raise LodaError(f"'{path}' has a heading row and no rows below it. It needs a row for each property.")
    if table.num_columns < 3:
        raise LodaError(
            f"'{path}' has {table.num_columns} column(s), and at least three are needed: what is to be found, the "
            "group and something to learn from. If its columns are separated, use a comma, semicolon, tab or |."
        )
    made, told = {}, []
    for name, column in zip(table.column_names, table.columns, strict=True):
        made[name], words = _typed(_plain(column), name == group, name in strict)
        told += [f"'{name}' {words}"] if words else []
    return Table(pa.table(made), tuple(told))


def _parquet(path: Path) -> pa.Table:
    try:
        return pq.read_table(path).replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise LodaError(f"'{path}' cannot be read as a table. Give a CSV file, or a Parquet file.") from error


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Of the several types that Arrow has for one thing the common one."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        try:
            return column.cast(pa.binary()).cast(pa.string())
        except pa.ArrowInvalid:
            return column  # bytes that are no text
    return column


def _typed(column: pa.ChunkedArray, group: bool, strict: bool) -> tuple[pa.ChunkedArray, str]:
    """A column as what its values are, and in words what was emptied."""
    kind = column.type
    if pa.types.is_string(kind):
        if group:
            return texts.plain(column), ""
        read = texts.read_text(column, strict)
        column = read.values
        if read.emptied:
            return column, f"holds {read.kind}, and in {read.emptied:,} rows something else, which was emptied"
    if (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) and not (group or strict):
        days = of_digits(floats(column))
        return (column if days is None else pa.chunked_array([texts.stamps(days)])), ""
    return column, ""


def require(table: pa.Table, name: str, what: str) -> pa.ChunkedArray:
    """A column by its name.

    Raises:
        LodaError: there is none; the sentence names those that are near.
    """
    if name in table.column_names:
        return table[name]
    lower = {column.lower(): column for column in table.column_names}
    near = [lower[n] for n in get_close_matches(name.lower(), list(lower), n=5, cutoff=0.5)]
    has = ", ".join(repr(n) for n in near or table.column_names[:20])
    hint = f"Near it are: {has}." if near else f"It has: {has}."
    raise LodaError(f"There is no column '{name}' ({what}) in the file. {hint}")


def as_text(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Values as text, whole numbers without a point: the names of groups.

    Raises:
        LodaError: they are lists, structures or bytes, which name nothing.
    """
    if pa.types.is_floating(column.type):
        values = floats(column)
        known = values[~np.isnan(values)]
        whole = bool((np.abs(known) < 2**53).all() and (known % 1 == 0).all())
        column = pa.chunked_array([pa.array(values, mask=np.isnan(values))])
        column = column.cast(pa.int64()) if whole else column
    try:
        text = pc.cast(column, pa.string())
    except pa.ArrowException as error:
        raise LodaError(
            f"The group '{name}' holds {column.type}. It must name the group of each row: give a column of text, whole "
            "numbers or dates."
        ) from error
    # pandas writes whole numbers as 1.0 where one of the column is missing.
    pointed = pc.all(pc.match_substring_regex(text, r"^-?\d+\.0$")).as_py()
    return pc.replace_substring_regex(text, r"\.0$", "") if pointed else text
