"""Deleting rows of the lake for good: from the newest version and from every older one that can still be read.

A table's partitions are folders, so the history of one borough goes while all others keep theirs. Whoever calls
holds the lock of what writes to the partition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core import lake
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood
from pipelines.core.settings import settings

Mask = npt.NDArray[np.bool_]


def lake_folder() -> Folder:
    """The lake as files."""
    return Folder(settings().lake_url)


def partitions(table: str, borough: str | None = None) -> list[dict[str, str]]:
    """Every partition of a table that has rows now, of one borough if given."""
    found = lake.open_table(table)
    if found is None:
        return []
    order = found.metadata().partition_columns
    parts = [{name: part[name] for name in order} for part in found.partitions()]
    return sorted((p for p in parts if borough in (None, p["borough"])), key=lambda part: tuple(part.values()))


def rows_of(table: str, partition: Mapping[str, str]) -> pa.Table | None:
    """The rows of a partition as they stand; None if nothing was ever written to the table."""
    found = lake.open_table(table)
    if found is None:
        return None
    return found.to_pyarrow_table(filters=[(name, "=", value) for name, value in partition.items()])


def change_rows(
    table: str, partition: Mapping[str, str], change: Callable[[pa.Table], pa.Table], why: str
) -> int | None:
    """Write a partition's rows anew, and delete the old ones from history; the new version, None if nothing changed.

    The ledger is told, so that what was made of the rows is made anew.
    """
    rows = rows_of(table, partition)
    if rows is None:
        return None
    changed = change(rows)
    version = None
    if not changed.equals(rows):
        version = lake.replace(table, changed, partition, {"deleted": why})
        _tell_ledger(table, partition, version, changed.num_rows)
    purge(table, partition)
    return version


def remove_rows(table: str, partition: Mapping[str, str], gone: Callable[[pa.Table], Mask], why: str) -> int:
    """Delete the rows of a partition for which `gone` is true; returns how many there were."""
    removed = 0

    def left(rows: pa.Table) -> pa.Table:
        nonlocal removed
        going = gone(rows)
        removed = int(going.sum())
        return rows.filter(pa.array(~going))

    change_rows(table, partition, left, why)
    return removed


def remove_borough(table: str, borough: str, why: str) -> int:
    """Delete all of a borough's rows of a table; returns how many there were."""
    parts = partitions(table, borough)
    removed = sum(remove_rows(table, part, lambda rows: np.ones(rows.num_rows, bool), why) for part in parts)
    purge(table, {"borough": borough})
    return removed


def _tell_ledger(table: str, partition: Mapping[str, str], version: int, rows: int) -> None:
    kind, _, dataset = table.partition("/")
    if kind != "harmonised":
        return
    with transaction() as session:
        last = session.get(LastGood, (partition["borough"], dataset, partition["source"]))
        if last is not None:
            last.lake_version, last.rows = version, rows


def purge(table: str, partition: Mapping[str, str]) -> int:
    """Delete the files of a partition that only older versions need; returns how many."""
    old = old_files(table, partition)
    for path in old:
        lake_folder().remove(path)
    return len(old)


def old_files(table: str, partition: Mapping[str, str]) -> list[str]:
    """Files of a partition that the newest version does not need, relative to the lake."""
    found = lake.open_table(table)
    if found is None:
        return []
    needed = {path.rsplit("/", 1)[-1] for path in found.file_uris()}
    below = "/".join([table, *(f"{name}={value}" for name, value in partition.items())])
    files = [entry.path for entry in lake_folder().list(below)]
    return [path for path in files if path.endswith(".parquet") and path.rsplit("/", 1)[-1] not in needed]


def drops_in(path: str) -> set[str]:
    """Drops of which a data file of a harmonised dataset holds rows."""
    with lake_folder().read(path) as handle:
        column = pq.ParquetFile(handle).read(columns=["drop_id"])["drop_id"]
    return set(column.unique().to_pylist())
