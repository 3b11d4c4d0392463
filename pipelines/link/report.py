"""The report of a night's links: how many of which records were tied to what, made once the links are there.

The table `link_report` has one row for each dataset and value of each group: all, stage, reason, and the groups of
`groups.py`. It holds counts alone, as they are. What people are shown of it is in `figures.py`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from pipelines.core.tables import LINK_REPORT
from pipelines.governance import access
from pipelines.link.groups import areas_of, group_values, reference_version
from pipelines.link.records import Records
from pipelines.link.verdicts import tally

TABLE = "link_report"
ALL, STAGE, REASON = "all", "stage", "reason"

__all__ = ["areas_of", "make", "version", "write"]


def version() -> str:
    """A hash of what a report reads beside drops and links: the reference tables."""
    return reference_version()


def write(borough: str, told: pd.DataFrame, records: Records, areas: pd.Series[str], made_from: dict[str, str]) -> None:
    """Write the borough's rows of `link_report`.

    Args:
        borough: Its slug.
        told: The verdict on each record, in the order of `records.rows`.
        records: The records that were linked.
        areas: What `areas_of` says of the borough's postcodes.
        made_from: Hashes that the table's history keeps.
    """
    access.write_table(TABLE, make(borough, told, records, areas), borough=borough, made_from=made_from)


def make(borough: str, told: pd.DataFrame, records: Records, areas: pd.Series[str]) -> pa.Table:
    """The borough's rows of `link_report`, in a stable order."""
    every = pd.Series(ALL, index=told.index, dtype="category")
    values = {ALL: every, **{name: told[name] for name in (STAGE, REASON)}, **group_values(borough, records, areas)}
    dataset, decision = records.rows["dataset"], told["decision"]
    counted = pd.concat(
        [_counted(name, dataset, value.astype("category"), decision) for name, value in values.items()],
        ignore_index=True,
    )
    made = counted.assign(borough=borough)[LINK_REPORT.names]
    return pa.Table.from_pandas(made, schema=LINK_REPORT, preserve_index=False)


def _counted(group: str, dataset: pd.Series[Any], value: pd.Series[Any], decision: pd.Series[Any]) -> pd.DataFrame:
    """Records by dataset, value and decision; those without a value are not of this group."""
    wide = tally({"dataset": dataset, "value": value, "decision": decision})
    wide.insert(0, "records", wide.sum(axis=1))
    return wide.reset_index().assign(group=group)
