"""Any CSV or Parquet file as a table of texts, row for row: for tools that take a file without a mapping."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections import deque
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipelines.core.errors import LodaError, NotFound

DELIMITERS = (",", ";", "\t", "|")
PARQUET = (".parquet", ".pq")
GZIP = b"\x1f\x8b"
BLOCK = 16 * 1024 * 1024


def read_plain_table(path: Path, columns: tuple[str, ...] | None = None) -> pa.Table:
    """The file's rows in their order, every column as text, null where a cell is missing.

    A CSV may have any of four delimiters, be UTF-8, UTF-16 or Windows-1252, have cells with line breaks, and be packed
    by gzip. A row with
    too few cells is filled up with nulls; of one with too many, what is over is dropped: no row is lost or moved.
    Empty lines are no rows.

    Args:
        path: the file; Parquet by its ending, else CSV with one heading row.
        columns: only these, where they are there; None for all.

    Raises:
        NotFound: there is no such file.
        LodaError: it cannot be read as a table.
    """
    _there(path)
    if path.suffix.lower() in PARQUET:
        return _as_text(_parquet(path, columns))
    table = _csv(path)
    return table if columns is None else table.select([name for name in columns if name in table.column_names])


def headings(path: Path) -> list[str]:
    """The column names of a file, without its rows.

    Raises:
        NotFound: there is no such file.
        LodaError: it cannot be read as a table.
    """
    names = headings_as_written(path)
    return names if path.suffix.lower() in PARQUET else _unique(names)


def headings_as_written(path: Path) -> list[str]:
    """The column names of a file as they stand in it, repeated and blank ones included.

    Raises:
        NotFound: there is no such file.
        LodaError: it cannot be read as a table.
    """
    _there(path)
    if path.suffix.lower() in PARQUET:
        try:
            return list(pq.read_schema(path).names)
        except (pa.ArrowException, OSError) as error:
            raise _no_table(path) from error
    return _first_row(_text(_bytes(path, BLOCK)), path)


def ends_in_half_a_row(path: Path) -> bool:
    """Whether a CSV file breaks off: in a quoted cell, or in a row without a line end that lacks some of its cells.

    So ends a file whose end was lost on the way. Parquet has its end where it is whole, or cannot be read.

    Raises:
        NotFound: there is no such file.
        LodaError: it cannot be read as a table.
    """
    _there(path)
    if path.suffix.lower() in PARQUET:
        return False
    text = _text(_bytes(path)).replace("\0", "")
    width = len(_first_row(text, path))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    last: deque[list[str]] = deque(maxlen=1)
    try:
        last.extend(row for row in reader if row)
    except csv.Error as error:
        return "unexpected end" in str(error)
    return bool(last) and len(last[0]) < width and not text.endswith(("\n", "\r"))


def _bytes(path: Path, most: int = -1) -> bytes:
    """The file's bytes, unpacked if gzip packed them, or the first of them."""
    with path.open("rb") as handle:
        packed = handle.read(2) == GZIP
        handle.seek(0)
        if not packed:
            return handle.read(most)
        try:
            with gzip.open(handle) as unpacked:
                return unpacked.read(most)
        except (OSError, EOFError, zlib.error) as error:
            raise _no_table(path) from error


def _there(path: Path) -> None:
    if path.is_dir():
        raise NotFound(f"'{path}' is a folder. Give a file.")
    if not path.is_file():
        raise NotFound(f"There is no file '{path}'.")


def _parquet(path: Path, columns: tuple[str, ...] | None) -> pa.Table:
    try:
        wanted = None if columns is None else [name for name in columns if name in pq.read_schema(path).names]
        return pq.read_table(path, columns=wanted)
    except (pa.ArrowException, OSError) as error:
        raise _no_table(path) from error


def _as_text(table: pa.Table) -> pa.Table:
    texts = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_floating(column.type):
            # A UPRN that went through a spreadsheet or pandas is 100021234567.0.
            whole = pc.all(pc.equal(pc.floor(column), column)).as_py()
            column = pc.cast(column, pa.int64()) if whole and not pc.any(pc.is_inf(column)).as_py() else column
        try:
            texts[name] = pc.cast(column, pa.string())
        except pa.ArrowInvalid:
            texts[name] = pa.chunked_array([pa.array([_decoded(v) for v in column.to_pylist()], pa.string())])
        except pa.ArrowException:  # lists and structures, which Arrow casts to no text and Python does
            said = [None if v is None else str(v) for v in column.to_pylist()]
            texts[name] = pa.chunked_array([pa.array(said, pa.string())])
    return pa.table(texts)


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _csv(path: Path) -> pa.Table:
    raw = _bytes(path)
    text = _text(raw[:BLOCK])
    names = _unique(_first_row(text, path))
    delimiter = _delimiter(text)
    if _is_utf8(raw):
        try:
            return _by_arrow(raw, names, delimiter)
        except pa.ArrowInvalid:
            pass  # ragged rows or cells longer than a block: read more slowly below
    return _by_rows(_text(raw), names, delimiter)


def _by_arrow(raw: bytes, names: list[str], delimiter: str) -> pa.Table:
    return pacsv.read_csv(
        pa.BufferReader(raw.removeprefix(b"\xef\xbb\xbf")),
        read_options=pacsv.ReadOptions(column_names=names, skip_rows_after_names=1, block_size=BLOCK),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )


def _by_rows(text: str, names: list[str], delimiter: str) -> pa.Table:
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    width = len(names)
    rows = [(row + [""] * width)[:width] for row in reader if row][1:]
    columns = list(zip(*rows, strict=True)) if rows else [()] * width
    return pa.table(
        {name: pa.array([c or None for c in cells], pa.string()) for name, cells in zip(names, columns, strict=True)}
    )


def _is_utf8(raw: bytes) -> bool:
    if b"\0" in raw:
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _text(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The end of a sample, or of half a file, may lie within a character.
        if error.start >= len(raw) - 3 and "unexpected end" in error.reason:
            return raw[: error.start].decode("utf-8-sig")
        return raw.decode("cp1252", "replace")


def _first_row(text: str, path: Path) -> list[str]:
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        first = next((row for row in rows if row), None)
    except csv.Error as error:
        raise _no_table(path) from error
    if not first:
        raise LodaError(f"'{path}' is empty. It needs a heading row and a row for each record.")
    # Control characters in what should be headings: a picture, an archive, a workbook.
    if any(letter < " " and letter not in "\t\r\n" for cell in first for letter in cell):
        raise _no_table(path)
    return first


def _delimiter(text: str) -> str:
    line = text.lstrip("\r\n").split("\n", 1)[0]
    return max(DELIMITERS, key=line.count)


def _unique(names: list[str]) -> list[str]:
    """Headings without spaces round them; blank and repeated ones get a number."""
    out: list[str] = []
    for number, name in enumerate(names, start=1):
        plain = name.strip() or f"column {number}"
        out.append(plain if plain not in out else f"{plain} ({number})")
    return out


def _no_table(path: Path) -> LodaError:
    return LodaError(f"'{path}' cannot be read as a table. Give a CSV file with a heading row, or a Parquet file.")
