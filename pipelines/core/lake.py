"""The lake: Delta tables, one partition replaced at a time, every version kept until retention takes it.

Never touch a table in a process that forks afterwards: the Delta runtime does not survive it.
Only `pipelines.governance.access` and the ledger's keepers import this module; stages read through the former.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction

from pipelines.core import lake_use
from pipelines.core.lake_files import write_files
from pipelines.core.settings import settings

COMMIT_TRIES = 20
WRITTEN = WriterProperties(
    compression="ZSTD", compression_level=1, dictionary_page_size_limit=64 * 1024, max_row_group_size=128 * 1024
)
"""Half the size of the writer's default and two thirds of its time: it gives up sooner on a dictionary of tokens that
are all different (a million council tax rows: 47 MB and 1.7 s against 83 MB and 2.5 s). Groups of rows are small enough
to be passed over by who asks for some datasets of `link`, which lie one after another: half the time, 1% more room."""
Rows: TypeAlias = pa.Table | Callable[[], pa.RecordBatchReader]
"""Rows to write: in memory, or a function that begins to read them some at a time."""
# Smallest and largest values in the log would outlive the rows that they were taken from.
WITHOUT_VALUES = {"delta.dataSkippingNumIndexedCols": "0"}


def table_url(table: str) -> str:
    """Where a table such as `harmonised/council_tax` or `link` lies."""
    return f"{settings().lake_url.rstrip('/')}/{table}"


def open_table(table: str, version: int | None = None) -> DeltaTable | None:
    """The table at a version (the newest by default), or None if nothing was ever written to it."""
    try:
        return DeltaTable(table_url(table), version=version)
    except TableNotFoundError:
        return None


def version_of(table: str) -> int | None:
    """The newest version, or None if there is none."""
    found = open_table(table)
    return found.version() if found else None


def replace(
    table: str,
    data: Rows,
    partition: Mapping[str, str],
    made_from: Mapping[str, str],
) -> int:
    """Replace one partition (`{"borough": "camden"}`) in one atomic commit and return the new version.

    Rows that a function reads are streamed: memory does not grow with them. `made_from` holds the hashes the data was
    made from; they stay in the table's history. Boroughs that commit at the same moment are told apart by Delta and
    tried again.
    """
    properties = CommitProperties(custom_metadata=dict(made_from))
    if isinstance(data, pa.Table):
        version = _tried_again(table, lambda: _write(table, data, partition, properties))
        _told_written(table, version, data.num_rows, data.schema, partition)
        return version
    rows = data()
    schema = rows.schema
    files = write_files(table_url(table), rows, partition)
    version = _tried_again(table, lambda: _commit(table, schema, files, partition, properties))
    _told_written(table, version, sum(json.loads(file.stats)["numRecords"] for file in files), schema, partition)
    return version


def _told_written(table: str, version: int, rows: int, schema: pa.Schema, partition: Mapping[str, str]) -> None:
    if lake_use.is_recorded():
        columns = lake_use.columns_of([(field.name, field.type) for field in schema])
        lake_use.was_written(lake_use.Touched(table, version, rows, columns, partition=dict(partition)))


def _tried_again(table: str, commit: Callable[[], None]) -> int:
    for attempt in range(COMMIT_TRIES):
        try:
            commit()
            return int(DeltaTable(table_url(table)).version())
        except CommitFailedError:
            if attempt == COMMIT_TRIES - 1:
                raise
            time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))
    raise AssertionError("unreachable")


def _write(table: str, rows: pa.Table, partition: Mapping[str, str], properties: CommitProperties) -> None:
    existing = open_table(table)
    write_deltalake(
        table_url(table),
        rows,
        mode="overwrite",
        # Given for a new table too: another borough may have made it a moment ago.
        predicate=" AND ".join(f"{name} = {_quoted(value)}" for name, value in partition.items()),
        writer_properties=WRITTEN,
        partition_by=list(partition),
        configuration=WITHOUT_VALUES,
        commit_properties=properties,
        schema_mode="merge" if existing else None,
    )


def _commit(
    table: str,
    schema: pa.Schema,
    files: list[AddAction],
    partition: Mapping[str, str],
    properties: CommitProperties,
) -> None:
    """Put files that are written already in the place of a partition's old ones."""
    known = open_table(table)
    if known is None or {field.name for field in known.schema().fields} < set(schema.names):
        # Of no rows, so that it can be done again; another borough may have made the table a moment ago.
        _write(table, schema.empty_table(), dict.fromkeys(partition, ""), CommitProperties())
        known = DeltaTable(table_url(table))
    known.create_write_transaction(
        files,
        mode="overwrite",
        schema=known.schema(),
        partition_by=list(partition),
        partition_filters=[(name, "=", value) for name, value in partition.items()],
        commit_properties=properties,
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def read(
    table: str,
    *,
    columns: Sequence[str] | None = None,
    boroughs: Sequence[str] | None = None,
    among: Mapping[str, Sequence[Any]] | None = None,
    version: int | None = None,
) -> pa.Table | None:
    """Rows of a table, of some boroughs only if given; None if nothing was ever written to it.

    Of the rows only those whose columns have one of the values in `among`, which are looked for while the files are
    read. A column that the table does not have yet is left out.
    """
    found = open_table(table, version)
    if found is None:
        return None
    wanted_values = {**({"borough": boroughs} if boroughs is not None else {}), **(among or {})}
    chosen = [(name, "in", list(values)) for name, values in wanted_values.items()] or None
    there = {field.name for field in found.schema().fields}
    wanted = [name for name in columns if name in there] if columns is not None else None
    rows = found.to_pyarrow_table(columns=wanted, filters=chosen)
    if lake_use.is_recorded():
        names = lake_use.columns_of([(field.name, field.type) for field in rows.schema])
        whose = tuple(boroughs) if boroughs is not None else None
        lake_use.was_read(lake_use.Touched(table, found.version(), rows.num_rows, names, whose))
    return rows
