"""Retention: what an agreement no longer lets us keep is deleted, and the deletion is recorded without the data."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from pipelines.core import clock, lake
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Drop, LastGood
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import audit
from schemas import registry

TABLES = ("property", "link", "landlord", "matrix", "score", "licensing")


def apply_retention() -> StageResult:
    """Delete raw bytes and intake files of drops past their retention, and lake history past `LODA_HISTORY_DAYS`.

    A drop that is the last good one of its dataset stays as long as its agreement is in
    force. Counts: `drops` deleted, `tables` whose history was cut.
    """
    drops = _delete_old_drops()
    tables = _cut_history()
    done = bool(drops)
    sentence = f"{drops} drops deleted; history of {tables} tables kept for {settings().history_days} days"
    return StageResult(
        "retention", "london", "made" if done else "unchanged", sentence, {"drops": drops, "tables": tables}
    )


def _retention_days(borough: str, dataset: str) -> int:
    london = borough in registry.boroughs() and registry.boroughs()[borough].london
    days = [
        agreement.retention_days
        for agreement in registry.agreements()
        if (borough in agreement.boroughs or ("all-london" in agreement.boroughs and london))
        and (dataset in agreement.datasets or "all" in agreement.datasets)
    ]
    return max(days, default=0)


def _delete_old_drops() -> int:
    store = Folder(settings().lake_url)
    with transaction() as session:
        current = set(session.scalars(sa.select(LastGood.drop_id)))
        finished = session.scalars(
            sa.select(Drop).where(Drop.status.in_([s.value for s in FINAL]), Drop.finished_at.is_not(None))
        ).all()
        old = [
            drop
            for drop in finished
            if drop.id not in current
            and drop.finished_at is not None
            and drop.finished_at < clock.now() - timedelta(days=_retention_days(drop.borough, drop.dataset))
            and drop.hashes.get("deleted") is None
        ]
        going = {drop.id for drop in old}
        everything = session.scalars(sa.select(Drop)).all()
        kept_bytes = {d.sha256 for d in everything if d.id not in going and "deleted" not in d.hashes}
        for drop in old:
            store.remove(f"intake/{drop.id}")
            if drop.sha256 not in kept_bytes:
                store.remove(f"raw/{drop.sha256}")
                store.remove(f"raw/{drop.sha256}.json")
            drop.receipt = None
            drop.hashes = {"deleted": clock.now().isoformat()}
            audit.record(
                session,
                who=settings().operator,
                what="delete drop past retention",
                about=drop.id,
                details={"rows": drop.rows_in},
            )
    return len(old)


def _cut_history() -> int:
    names = [*TABLES, *(f"harmonised/{dataset}" for dataset in registry.contracts())]
    found = [table for table in (lake.open_table(name) for name in names) if table is not None]
    for table in found:
        table.vacuum(retention_hours=settings().history_days * 24, enforce_retention_duration=False, dry_run=False)
    return len(found)
