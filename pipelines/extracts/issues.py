"""The issues of one drop on disk: where and what, never the value; and two ways to read them in bounded memory.

A drop of a million rows may well have a million changes that nobody has to act upon (a postcode in small letters in
every row). What people read is either a count of each kind or the few rows that are quarantined, so neither reading
ever holds all issues at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.extracts.intake import IntakeFiles

WORD = pa.dictionary(pa.int32(), pa.string())
ISSUES = pa.schema(
    [
        ("row_number", pa.int64()),
        ("field", pa.string()),
        ("column", pa.string()),
        ("issue_type", pa.string()),
        ("quarantines", pa.bool_()),
    ]
)
"""One recorded fault or change as it is read: the row and the column of the officer's file, the contract's field.

What concerns a column as a whole stands at the row of its heading.
"""
_WRITTEN = pa.schema([(field.name, WORD if field.type == pa.string() else field.type) for field in ISSUES])
KIND = ["field", "column", "issue_type", "quarantines"]
ROWS_NAMED = 10


def issue_rows(
    numbers: npt.NDArray[np.int64], field: str, column: str, issue_type: str, *, quarantines: bool
) -> pa.Table:
    """Issues of one kind at one place, a row each, as `issue_writer` takes them."""
    size = len(numbers)
    words = [
        pa.DictionaryArray.from_arrays(np.zeros(size, np.int32), pa.array([word], pa.string()))
        for word in (field, column, issue_type)
    ]
    return pa.table([pa.array(numbers, pa.int64()), *words, pa.repeat(quarantines, size)], schema=_WRITTEN)


def no_issues() -> pa.Table:
    """None, as `issue_writer` takes them."""
    return _WRITTEN.empty_table()


@contextmanager
def issue_writer(files: IntakeFiles) -> Iterator[pq.ParquetWriter]:
    """Write the `issues` of a drop in pieces; words are kept once, so a million issues take a few megabytes.

    The words are read back as plain text: the file does not say how they were held in memory.
    """
    with (
        files.folder.write("issues.parquet") as handle,
        pq.ParquetWriter(
            handle,
            _WRITTEN,
            store_schema=False,
            use_dictionary=["field", "column", "issue_type"],
            column_encoding={"row_number": "DELTA_BINARY_PACKED"},
        ) as pen,
    ):
        yield pen


def count_issues(files: IntakeFiles) -> pd.DataFrame:
    """Each kind of issue of a drop once: `field`, `column`, `issue_type`, `quarantines`, `rows`, `first_rows`.

    `rows` counts rows with it, `first_rows` lists the numbers of the first ten. Memory grows with the kinds, not the
    issues.
    """
    return count_kinds(files.batches("issues"))


def count_kinds(batches: Iterable[pa.Table]) -> pd.DataFrame:
    """The same of issues that come in batches."""
    rows: dict[tuple[str, str, str, bool], int] = {}
    first: dict[tuple[str, str, str, bool], list[int]] = {}
    for batch in batches:
        grouped = batch.group_by(KIND, use_threads=False).aggregate([("row_number", "count"), ("row_number", "list")])
        for kind in grouped.to_batches():
            _add(kind, rows, first)
    frame = pd.DataFrame([(*kind, count) for kind, count in rows.items()], columns=[*KIND, "rows"])
    frame["first_rows"] = pd.Series([first[kind] for kind in rows], dtype=object)
    return frame


def _add(
    grouped: pa.RecordBatch,
    rows: dict[tuple[str, str, str, bool], int],
    first: dict[tuple[str, str, str, bool], list[int]],
) -> None:
    keys = zip(*(grouped.column(name).to_pylist() for name in KIND), strict=True)
    for place, key in enumerate(keys):
        numbers = grouped.column("row_number_list")[place].values.to_numpy()
        rows[key] = rows.get(key, 0) + len(numbers)
        lowest = np.partition(numbers, ROWS_NAMED)[:ROWS_NAMED] if len(numbers) > ROWS_NAMED else numbers
        first[key] = sorted({*first.get(key, []), *(int(n) for n in lowest)})[:ROWS_NAMED]


def issues_of_rows(files: IntakeFiles, numbers: npt.NDArray[np.int64]) -> pa.Table:
    """All issues of these rows, such as those that are quarantined."""
    wanted = pa.array(np.unique(numbers), pa.int64())
    found = [batch.filter(pc.is_in(batch["row_number"], wanted)) for batch in files.batches("issues")]
    return pa.concat_tables(found) if found else ISSUES.empty_table()


def quarantined_rows(files: IntakeFiles) -> npt.NDArray[np.int64]:
    """Ascending numbers of the rows that an issue quarantines."""
    found = [
        batch["row_number"].filter(batch["quarantines"]).to_numpy()
        for batch in files.batches("issues", ["row_number", "quarantines"])
    ]
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]))
