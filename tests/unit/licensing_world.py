"""A small borough in the lake: a spine, links and a register, for tests of licensing, ranking and published lists."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from pipelines.core.tables import LINK, PROPERTY, SCORE
from pipelines.governance import access
from schemas import registry

BOROUGH = "camden"
AS_OF = date(2024, 6, 1)
KNOWN = date(2024, 1, 1)


def _table(schema: pa.Schema, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def write_properties(*rows: dict[str, Any], borough: str = BOROUGH) -> None:
    """Properties with defaults of a terraced house; every row needs a `uprn`."""
    usual = {"borough": borough, "blpu_class": "RD04", "units_in_building": 1, "storeys": 2, "ward_name": "Kilburn"}
    named = [usual | {"address": f"{row['uprn']} EXAMPLE ROAD", "postcode": "NW6 1AA"} | row for row in rows]
    access.write_table("property", _table(PROPERTY, named), borough=borough, made_from={})


def write_dataset(dataset: str, *rows: dict[str, Any], borough: str = BOROUGH) -> None:
    """Harmonised rows; `record_id` is their number, `known_since` 1 January 2024 unless given."""
    usual = {"borough": borough, "source": "test", "drop_id": "d1", "address": "x", "known_since": KNOWN}
    numbered = [usual | {"row_number": n, "record_id": n} | row for n, row in enumerate(rows, start=1)]
    schema = registry.contract(dataset).arrow_schema()
    access.write_dataset(dataset, _table(schema, numbered), borough=borough, source="test", made_from={})


def write_links(*links: tuple[str, int, str], decision: str = "linked", borough: str = BOROUGH) -> None:
    """Links of (dataset, record_id, uprn)."""
    rows = [
        {"borough": borough, "dataset": dataset, "record_id": record, "uprn": uprn, "decision": decision}
        for dataset, record, uprn in links
    ]
    access.write_table("link", _table(LINK, rows), borough=borough, made_from={})


def write_scores(scores: dict[str, float], as_of: date = AS_OF, borough: str = BOROUGH) -> None:
    """Probabilities by UPRN, each with four reasons."""
    rows = [
        {
            "borough": borough,
            "uprn": uprn,
            "as_of": as_of,
            "model_id": "m1",
            "probability": probability,
            "reasons": ["many surnames", "=cmd|' /C calc'!A0", "noise complaints", "a fourth reason"],
        }
        for uprn, probability in scores.items()
    ]
    access.write_table("score", _table(SCORE, rows), borough=borough, made_from={})
