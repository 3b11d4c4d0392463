"""Files in, answers out: CSV or Parquet with a person or firm a row; entities and edges as CSV or Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipelines.core.errors import LodaError, NotFound
from pipelines.link.people.matching import Matched, match
from pipelines.link.people.records import prepared
from pipelines.link.people.roles import recognised

LOOKED_AT = 64 * 1024
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class Linked:
    """What was found in files.

    Attributes:
        rows: file, row (from 1), id if a column was named, entity, size, decision; one a row of the files, in order.
        edges: left_file, left_row, right_file, right_row, probability, decision, reason, explanation.
        roles: by file the columns that were compared, by role.
        matched: entities, counts and what the ceilings left out.
    """

    rows: pd.DataFrame
    edges: pd.DataFrame
    roles: dict[str, dict[str, list[str]]]
    matched: Matched


def link_files(
    files: Sequence[Path], columns: Mapping[str, Sequence[str]] | None = None, id_column: str | None = None
) -> Linked:
    """Entities over the rows of one file, or of two.

    Of two files, rows of one file are joined only through a row of the other; a row may have several partners, but
    none that is far worse than its best.

    Raises:
        NotFound: a file is not there.
        LodaError: a file cannot be read, a column does not exist, or nothing tells one person from another.
    """
    tables = [read(path) for path in files]
    given = [_of_file(columns or {}, table, tables) for table in tables]
    found = [recognised(table, own) for table, own in zip(tables, given, strict=True)]
    frames = [prepared(table, roles) for table, roles in zip(tables, found, strict=True)]
    if len(frames) == 2 and not set(frames[0]) & set(frames[1]):
        raise LodaError("The two files have no kind of column in common; say which are alike, with --columns.")
    side = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames]).astype(np.int8)
    matched = match(pd.concat(frames, ignore_index=True).fillna(""), side)
    labels = [path.name for path in files]
    if len(set(labels)) < len(labels):
        labels = [str(path) for path in files]
    if len(set(labels)) < len(labels):
        labels = [f"{label} ({number + 1})" for number, label in enumerate(labels)]
    ids = [_ids(table, id_column) for table in tables] if id_column else None
    rows = _rows(matched, labels, side, ids)
    edges = _edges(matched, rows)
    return Linked(rows, edges, dict(zip(labels, found, strict=True)), matched)


def _of_file(columns: Mapping[str, Sequence[str]], table: pa.Table, tables: Sequence[pa.Table]) -> dict[str, list[str]]:
    """The columns named by hand that this file has; one that no file has is left in, to be refused."""
    every = {name for other in tables for name in other.column_names}
    mine = {r: [c for c in cs if c in table.column_names or c not in every] for r, cs in columns.items()}
    return {role: names for role, names in mine.items() if names}


def _ids(table: pa.Table, name: str) -> list[str | None]:
    if name not in table.column_names:
        raise LodaError(f"There is no column '{name}' for --id; the columns are {', '.join(table.column_names)}.")
    return list(table[name].cast(pa.string()).to_pylist())


def _rows(
    matched: Matched,
    labels: Sequence[str],
    side: np.ndarray[tuple[int], np.dtype[np.int8]],
    ids: list[list[str | None]] | None,
) -> pd.DataFrame:
    entity = pd.Series(matched.entity, dtype=object)
    within = pd.Series(side).groupby(side).cumcount() + 1
    rows = pd.DataFrame({"file": np.array(labels, dtype=object)[side], "row": within.to_numpy()})
    if ids is not None:
        rows["id"] = [value for part in ids for value in part]
    size = entity.map(entity.value_counts()).astype("int64") if len(entity) else pd.Series(dtype="int64")
    asked = np.zeros(len(rows), bool)
    review = matched.edges[matched.edges["decision"] == "review"]
    asked[review[["left", "right"]].to_numpy().ravel().astype(np.int64)] = True
    decision = np.where(size > 1, "linked", np.where(asked, "review", "alone"))
    return rows.assign(entity=entity.to_numpy(), size=size.to_numpy(), decision=decision)


def _edges(matched: Matched, rows: pd.DataFrame) -> pd.DataFrame:
    parts = {}
    for end in ("left", "right"):
        at = matched.edges[end].to_numpy().astype(np.int64)
        parts[f"{end}_file"] = rows["file"].to_numpy()[at]
        parts[f"{end}_row"] = rows["row"].to_numpy()[at]
    rest = matched.edges[["probability", "decision", "reason", "explanation"]]
    return pd.concat([pd.DataFrame(parts), rest.assign(probability=rest["probability"].round(6))], axis=1)


def read(path: Path) -> pa.Table:
    """A file's columns as text, one row a line; an empty cell and a missing one are the same."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    try:
        table = pq.read_table(path) if path.suffix.lower() in PARQUET else _csv(path)
        texts = [_as_text(column) for column in table.columns]
    except (pa.ArrowException, UnicodeError, csv.Error, OSError) as error:
        raise LodaError(
            f"{path.name} could not be read as {'Parquet' if path.suffix.lower() in PARQUET else 'CSV'}: "
            f"{_plain(error)}. Save it again as CSV in UTF-8 with the same columns in every row."
        ) from error
    if not table.num_columns or not all(name.strip() for name in table.column_names):
        raise LodaError(f"{path.name} has a column without a heading; the first row must name every column.")
    if len(set(table.column_names)) < table.num_columns:
        twice = next(name for name in table.column_names if table.column_names.count(name) > 1)
        raise LodaError(f"{path.name} has two columns named '{twice}'; give each a name of its own.")
    return pa.table(dict(zip(table.column_names, texts, strict=True)))


def _plain(error: Exception) -> str:
    """What was wrong, without any value of a row."""
    columns = re.search(r"Expected (\d+) columns, got (\d+)", str(error))
    if columns:
        return f"a row has {columns[2]} cells where there are {columns[1]} columns"
    return "it is not whole, or of another kind"


def _as_text(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks()
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type) or pa.types.is_dictionary(values.type):
        values = pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())
    return values.cast(pa.string())


def _csv(path: Path) -> pa.Table:
    raw = path.read_bytes()
    if not raw.strip():
        raise LodaError(f"{path.name} is empty; its first row must name the columns.")
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    text = text.replace("\x00", "")
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    delimiter = max(",;\t|", key=text[:LOOKED_AT].split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    names = [name.strip() for name in next(reader)]
    rows = pacsv.read_csv(
        pa.BufferReader(text.encode("utf-8")),
        read_options=pacsv.ReadOptions(column_names=[str(n) for n in range(len(names))], skip_rows=reader.line_num),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=len(names) > 1
        ),
        convert_options=pacsv.ConvertOptions(
            column_types={str(n): pa.string() for n in range(len(names))}, strings_can_be_null=False
        ),
    )
    return rows.rename_columns(names)


def write(frame: pd.DataFrame, path: Path) -> None:
    """Rows to a file, by its ending Parquet or CSV.

    Raises:
        LodaError: it cannot be written.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in PARQUET:
            pq.write_table(table, path)
        else:
            pacsv.write_csv(table, path)
    except OSError as error:
        raise LodaError(f"{path} could not be written ({error.strerror}); choose another place.") from error
