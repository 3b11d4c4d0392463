"""What a home holds, in a form in which two can be compared; and what must never be seen in one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from deltalake import DeltaTable

from pipelines.core.ledger.engine import engine, transaction
from pipelines.core.ledger.models import AuditEvent, Base, Drop, StageState
from pipelines.governance import audit, outages

GROWS = {"loda_audit_event", "alembic_version"}
"""Tables that record what was tried, which differs after a kill."""

IN_FULL = {StageState.__tablename__}
"""Tables of counts, shown row by row where they differ."""

OF_A_TRY = {"lake_version", "lake_versions", "marker", "seconds"}
"""Numbers of versions of the lake, since a commit made again has the next one; marks of files written anew."""

DONE_AGAIN = {"link", "landlords"}
"""Stages whose counts tell how much of the time before they could keep, which differs where they were done again."""


def content(home: Path) -> dict[str, Any]:
    """Hashes of all that lasts, by name: files, rows of the lake, rows of the ledger."""
    found: dict[str, Any] = {}
    for folder in ("bucket", "published", "models", "lake/raw"):
        for path in sorted((home / folder).rglob("*")):
            if path.is_file():
                found[str(path.relative_to(home))] = _file(path)
    for log in sorted((home / "lake").rglob("_delta_log")):
        rows = DeltaTable(str(log.parent)).to_pyarrow_table()
        lines = sorted(repr(sorted(row.items())) for row in rows.to_pylist())
        found[f"table {log.parent.relative_to(home)}"] = f"{len(lines)} {_hash(lines)}"
    with transaction() as session:
        for table in Base.metadata.sorted_tables:
            if table.name not in GROWS:
                rows_of = [dict(row._mapping) for row in session.execute(sa.select(table))]
                if table.name == StageState.__tablename__:
                    rows_of = [row for row in rows_of if row["stage"] != outages.STAGE]
                    rows_of = [row | {"summary": {}} if row["stage"] in DONE_AGAIN else row for row in rows_of]
                lines = sorted(json.dumps(_plain(row), sort_keys=True, default=str) for row in rows_of)
                found[f"ledger {table.name}"] = f"{len(lines)} {_hash(lines)}"
                if table.name in IN_FULL:
                    found |= {f"ledger {table.name} {number}": line for number, line in enumerate(lines)}
    engine().dispose()
    return found


def _file(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".json":
        return _hash([json.dumps(_plain(json.loads(data)), sort_keys=True)])
    return hashlib.sha256(data).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items() if key not in OF_A_TRY}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _hash(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def faults(home: Path) -> list[str]:
    """Promises that are broken at this moment, which may be the one after a kill: none, ever."""
    told = [*_half_published(home)]
    with transaction() as session:
        verdict = audit.check(session, [a for a in [audit.read_anchor()] if a])
        if not verdict.sound:
            told.append(f"audit: {verdict.sentence}")
        numbers = list(session.scalars(sa.select(AuditEvent.number).order_by(AuditEvent.number)))
        if numbers != list(range(1, len(numbers) + 1)):
            told.append("audit: a line is missing")
        for drop in session.scalars(sa.select(Drop)):
            kept = home / "lake" / "raw" / drop.sha256
            if not kept.is_file() or hashlib.sha256(kept.read_bytes()).hexdigest() != drop.sha256:
                told.append(f"drop {drop.id}: its bytes are not kept")
            if drop.finished_at and drop.rows_in != drop.accepted + drop.quarantined:
                told.append(f"drop {drop.id}: rows in are not rows accepted and quarantined")
    engine().dispose()
    return told


def _half_published(home: Path) -> list[str]:
    told = []
    for current in sorted((home / "published").glob("*/current.json")):
        said = json.loads(current.read_bytes())
        folder = current.parent / said["version"]
        manifest = json.loads((folder / "manifest.json").read_bytes())
        for name, digest in manifest["sha256"].items():
            if not (folder / name).is_file() or hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                told.append(f"{current.parent.name}: {name} of the current list is not the one of its manifest")
    return told
