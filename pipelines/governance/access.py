"""The one door to the lake's data: no agreement in force, no read.

Every stage after the gate reads and writes here, so that who may use what, for which
purpose and until when is decided in one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import pyarrow as pa

from pipelines.core import clock, lake
from schemas import registry

Purpose = Literal["hmo_detection"]
HARMONISED = "harmonised"


def allowed(borough: str, dataset: str, purpose: Purpose, on: date | None = None) -> bool:
    """Whether an agreement in force on that day (today by default) lets this dataset be used for this purpose."""
    day = on or clock.today()
    london = registry.boroughs()[borough].london if borough in registry.boroughs() else False
    return any(
        purpose in agreement.purposes
        and agreement.valid_from <= day <= agreement.valid_until
        and (borough in agreement.boroughs or ("all-london" in agreement.boroughs and london))
        and (dataset in agreement.datasets or "all" in agreement.datasets)
        for agreement in registry.agreements()
    )


def read_dataset(
    dataset: str,
    *,
    boroughs: Sequence[str],
    purpose: Purpose,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Harmonised rows of a dataset for the boroughs whose agreements allow it; empty where nothing came.

    Shape: the contract's `arrow_schema()`, or the columns asked for, in that order.
    """
    may = [b for b in boroughs if allowed(b, dataset, purpose)]
    schema = registry.contract(dataset).arrow_schema()
    wanted = schema if columns is None else pa.schema([schema.field(c) for c in columns])
    found = lake.read(f"{HARMONISED}/{dataset}", columns=wanted.names, boroughs=may) if may else None
    return wanted.empty_table() if found is None else _as(found, wanted)


def read_table(table: str, schema: pa.Schema, *, boroughs: Sequence[str] | None = None) -> pa.Table:
    """Rows of a table that a stage made (`link`, `property`, `score`), empty where nothing was made."""
    found = lake.read(table, columns=schema.names, boroughs=boroughs)
    return schema.empty_table() if found is None else _as(found, schema)


def _as(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """In the schema's order and types; a field that was added after these rows were written is null in them."""
    columns = [
        found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(found.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def write_table(table: str, data: pa.Table, *, borough: str, made_from: Mapping[str, str]) -> int:
    """Replace one borough's rows of a stage's table in one atomic commit; returns the table's version."""
    return lake.replace(table, data, {"borough": borough}, made_from)


def write_dataset(dataset: str, data: pa.Table, *, borough: str, source: str, made_from: Mapping[str, str]) -> int:
    """Replace one borough's rows of a harmonised dataset in one atomic commit; returns the table's version."""
    return lake.replace(f"{HARMONISED}/{dataset}", data, {"borough": borough, "source": source}, made_from)
