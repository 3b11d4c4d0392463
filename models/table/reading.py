"""Any CSV or Parquet file as typed columns: numbers, yes and no, dates, text."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.core.errors import LodaError
from pipelines.extracts.plain_table import PARQUET, headings_as_written, read_plain_table

MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "unknown", "not known", "nat", "<na>")
"""Texts that say that there is no value, in small letters."""

TRUE = ("yes", "y", "true", "t")
FALSE = ("no", "n", "false", "f")

DATE = r"^\d{4}-\d{2}-\d{2}$"
TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$"
DAY_FIRST = r"^\d{1,2}[/.]\d{1,2}[/.]\d{4}$"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
CODE = r"^0\d+$"
"""Digits that begin with a nought are a code, not a number."""


def read_table(path: Path) -> pa.Table:
    """The file's rows in their order, each column of the one type that all its values have.

    Text that is all numbers, all dates (ISO 8601, or day first with the year in full) or all yes
    and no becomes that; `MISSING` becomes null. Parquet keeps the types it has.

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
    if not table.num_rows:
        raise LodaError(f"'{path}' has a heading row and no rows below it. It needs a row for each property.")
    if table.num_columns < 3:
        raise LodaError(
            f"'{path}' has {table.num_columns} column(s), and at least three are needed: what is to be found, the "
            "group and something to learn from. If its columns are separated, use a comma, semicolon, tab or |."
        )
    return pa.table({name: typed(column) for name, column in zip(table.column_names, table.columns, strict=True)})


def _parquet(path: Path) -> pa.Table:
    try:
        return pq.read_table(path).replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise LodaError(f"'{path}' cannot be read as a table. Give a CSV file, or a Parquet file.") from error


def typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of text as what all its values are; one of another type as it is."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    text = pc.if_else(pc.is_in(pc.utf8_lower(text), pa.array(MISSING)), None, text)
    if text.null_count == len(text):
        return text
    if _all(text, NUMBER):
        return _numbers(text) if not _any(text, CODE) else text
    if pc.all(pc.is_in(pc.utf8_lower(text), pa.array([*TRUE, *FALSE, None]))).as_py():
        lower = pc.utf8_lower(text)
        return pc.if_else(pc.is_null(lower), None, pc.is_in(lower, pa.array(TRUE)))
    return _dates(text)


def _numbers(text: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return text.cast(pa.int64())
    except pa.ArrowInvalid:
        return text.cast(pa.float64())


def _dates(text: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        if _all(text, DATE):
            return text.cast(pa.date32())
        if _all(text, TIME):
            plain = pc.replace_substring_regex(text, r"(Z|[+-]\d{2}:?\d{2})$", "")
            return pc.replace_substring(plain, "T", " ").cast(pa.timestamp("us"))
        if _all(text, DAY_FIRST):
            whole = pc.replace_substring_regex(text, r"^(\d{1,2})[/.](\d{1,2})[/.](\d{4})$", r"0\1/0\2/\3")
            whole = pc.replace_substring_regex(whole, r"0*(\d{2})/0*(\d{2})/", r"\1/\2/")
            return pc.strptime(whole, format="%d/%m/%Y", unit="s").cast(pa.date32())
    except pa.ArrowInvalid:
        pass  # a month 13 or a day 31 where there is none: it stays text
    return text


def _all(text: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern)).as_py())


def _any(text: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())


def require(table: pa.Table, name: str, what: str) -> pa.ChunkedArray:
    """A column by its name.

    Raises:
        LodaError: there is none; the sentence names those that are near.
    """
    if name in table.column_names:
        return table[name]
    lower = {column.lower(): column for column in table.column_names}
    near = [lower[n] for n in get_close_matches(name.lower(), list(lower), n=5, cutoff=0.5)]
    hint = f"Near it are: {', '.join(near)}." if near else f"It has: {', '.join(table.column_names[:20])}."
    raise LodaError(f"There is no column '{name}' ({what}) in the file. {hint}")


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as text, whole numbers without a point: the names of groups."""
    if pa.types.is_floating(column.type):
        known = pc.drop_null(column)
        if pc.all(pc.equal(pc.floor(known), known)).as_py():
            column = pc.cast(pc.if_else(pc.is_nan(column), None, column), pa.int64())
    return pc.cast(column, pa.string())
