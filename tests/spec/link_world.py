"""A gazetteer and records small enough to write down, linked without a lake."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines.link.linking import link
from pipelines.link.records import make_records
from pipelines.link.spine import COLUMNS, Spine, make_spine
from schemas import registry


def spine_of(rows: list[dict[str, str]]) -> Spine:
    """The spine of rows with uprn, address, postcode and, where they matter, parent and class."""
    renamed = [
        {**row, "parent_uprn": row.get("parent"), "blpu_class": row.get("class"), "logical_status": row.get("status")}
        for row in rows
    ]
    schema = registry.contract("gazetteer").arrow_schema()
    columns = {name: pa.array([row.get(name) for row in renamed], schema.field(name).type) for name in COLUMNS}
    return make_spine(pa.table(columns), "camden")[0]


def links_of(records: list[dict[str, str]], spine: Spine) -> list[dict[str, Any]]:
    """The rows of `link` for records with text and, where they matter, postcode and own (UPRN)."""
    table = pa.table(
        {
            "record_id": pa.array(range(len(records)), pa.int64()),
            "address": pa.array([r["text"] for r in records], pa.string()),
            "postcode": pa.array([r.get("postcode") for r in records], pa.string()),
            "uprn": pa.array([r.get("own") for r in records], pa.string()),
        }
    )
    made, _ = link(make_records({"epc": table}, spine.whole, spine.streets), spine, "camden")
    return sorted(made.to_pylist(), key=lambda row: row["record_id"])
