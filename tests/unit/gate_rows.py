"""Harmonised rows of any dataset for the gate's tests: what a test does not name is blank, or sound if required."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.core.bucket import Folder
from pipelines.core.ledger.models import Drop
from pipelines.extracts import IntakeFiles
from schemas import registry
from schemas.contract import Field

EXTRACT = date(2026, 9, 30)
ISSUES = pa.schema(
    [
        ("row_number", pa.int64()),
        ("field", pa.string()),
        ("column", pa.string()),
        ("issue_type", pa.string()),
        ("quarantines", pa.bool_()),
    ]
)


def _sound(field: Field, number: int) -> Any:
    """A value that a required field may hold."""
    if field.privacy == "direct":
        return f"{number:032x}"
    if field.codes is not None:
        return next(iter(field.codes))
    if field.name == "uprn":
        return str(100_000 + number)
    if field.name == "covers_ward":
        return "all"
    plain = {"string": f"{field.name} {number}", "integer": 1, "number": 1.0, "boolean": True}
    return date(2024, 1, 1) if field.type == "date" else plain[field.type]


def table(dataset: str, rows: Sequence[Mapping[str, Any]], borough: str = "camden") -> pa.Table:
    """Rows 2, 3, ... of a dataset as they reach the gate."""
    contract = registry.contract(dataset)
    content = [
        {
            "borough": borough,
            "source": "main",
            "drop_id": "a-drop",
            "row_number": number,
            "record_id": number,
            **{field.name: _sound(field, number) for field in contract.fields if field.required},
            "known_since": EXTRACT,
            **row,
        }
        for number, row in enumerate(rows, start=2)
    ]
    return pa.Table.from_pylist(content, schema=contract.arrow_schema())


def staged(
    folder: Path, rows: pa.Table, issues: Sequence[tuple[int, str, str]] = (), quarantined: int = 0
) -> tuple[Drop, IntakeFiles]:
    """A drop and its files between harmonising and the gate. `issues` are row number, field and issue type."""
    files = IntakeFiles("a-drop", Folder(str(folder)))
    files.write("rows", rows)
    listed = [
        {"row_number": n, "field": field, "column": field.title(), "issue_type": kind, "quarantines": False}
        for n, field, kind in issues
    ]
    files.write("issues", pa.Table.from_pylist(listed, schema=ISSUES))
    drop = Drop(
        id="a-drop",
        borough="camden",
        dataset="hmo_licence",
        source="main",
        path="drops/camden/hmo_licence/register.csv",
        rows_in=rows.num_rows + quarantined,
        extract_date=EXTRACT,
        received_at=datetime(2026, 10, 1, tzinfo=UTC),
        hashes={},
    )
    return drop, files
