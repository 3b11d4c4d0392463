"""Retention: what an agreement no longer lets us keep is deleted, proved to be gone, and recorded without the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from pipelines.core import clock, lake
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Drop, LastGood, ListEntry, PublishedList
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import (
    access,
    audit,
    casework_records,
    dossiers,
    drop_deletion,
    lake_deletion,
    link_decisions,
    lists_down,
    standing,
)
from schemas import registry

TABLES = standing.DERIVED
UNAGREED_DAYS = 30
"""Days for which a drop that no agreement speaks of is kept unread, so that a missing or mistyped one can be mended."""


@dataclass(frozen=True)
class Due:
    """What is past its retention: drops, those of them that a dataset stands on, and lists whose entries go.

    `decisions` are numbers of people's decisions about links, by borough; `casework` what officers recorded.
    """

    drops: list[Drop]
    stood_on: list[LastGood]
    lists: list[str]
    decisions: dict[str, list[int]]
    casework: dict[str, casework_records.Records]
    counts: dict[str, int] = field(default_factory=dict)


def apply_retention() -> StageResult:
    """Delete drops, list entries and dossiers past their retention, and lake history past `LODA_HISTORY_DAYS`.

    A drop that is the last good one of its dataset stays as long as an agreement covers it. Counts: `drops` deleted,
    `lists` whose entries are deleted, `decisions` about links deleted, `officers` records deleted, `tables` whose
    history was cut.
    """
    found = due()
    deleted = _delete(found)
    for name in found.lists:
        _forget_list(name)
    for borough, numbers in found.decisions.items():
        link_decisions.forget(borough, numbers, settings().operator)
    for borough, records in found.casework.items():
        casework_records.forget(borough, records, settings().operator)
    tables = _cut_history()
    ledger.settle()
    decisions, officers = found.counts["decisions"], found.counts["officers"]
    done = bool(found.drops or found.lists or decisions or officers)
    sentence = (
        f"{len(found.drops)} drops with {deleted} files, the entries of {len(found.lists)} lists, {decisions} "
        f"decisions about links and {officers} records of officers deleted; "
        f"history of {tables} tables kept for {settings().history_days} days"
    )
    counts = {"drops": len(found.drops), "lists": len(found.lists), "decisions": decisions, "officers": officers}
    counts["tables"] = tables
    return StageResult("retention", "london", "made" if done else "unchanged", sentence, dict(counts))


def retention_days(borough: str, dataset: str) -> int:
    """Days for which a drop is kept once it is finished with: the longest that an agreement which names it allows."""
    london = borough in registry.boroughs() and registry.boroughs()[borough].london
    days = [a.retention_days for a in registry.agreements() if a.names(borough, dataset, london=london)]
    return max(days, default=UNAGREED_DAYS)


def due() -> Due:
    """What is past its retention today."""
    now = clock.now()
    with transaction() as session:
        standing_on = {good.drop_id: good for good in session.scalars(sa.select(LastGood))}
        finished = session.scalars(
            sa.select(Drop).where(Drop.status.in_([s.value for s in FINAL]), Drop.finished_at.is_not(None))
        ).all()
        lists = session.scalars(sa.select(PublishedList).order_by(PublishedList.issued_at)).all()
        with_entries = set(session.scalars(sa.select(ListEntry.list_id).distinct()))
    old = [
        drop
        for drop in finished
        if drop_deletion.DELETED not in drop.hashes
        and _is_past(drop.finished_at, retention_days(drop.borough, drop.dataset), now)
        and (drop.id not in standing_on or not _is_covered(drop))
    ]
    # An extract whose corrected rows are in use is what they are laid over.
    past = {drop.id for drop in old}
    needed = drop_deletion.corrected_by([d for d in finished if d.id not in past and not drop_deletion.is_gone(d)])
    old = [drop for drop in old if drop.id not in needed]
    going = [
        issued.id
        for issued in _not_current(lists)
        if issued.id in with_entries and _is_past(issued.issued_at, retention_days(issued.borough, standing.SPINE), now)
    ]
    stood_on = [standing_on[drop.id] for drop in old if drop.id in standing_on]
    decided = _decisions_due(now)
    counts = {"drops": len(old), "lists": len(going), "datasets": len(stood_on)}
    counts["decisions"] = sum(len(numbers) for numbers in decided.values())
    recorded = _casework_due(now)
    counts["officers"] = sum(sum(records.counts().values()) + len(records.files) for records in recorded.values())
    return Due(old, stood_on, going, decided, recorded, counts)


def _decisions_due(now: datetime) -> dict[str, list[int]]:
    found = {}
    for borough in link_decisions.boroughs():
        days = retention_days(borough, standing.SPINE)
        with transaction() as session:
            numbers = link_decisions.past_retention(session, borough, days, now)
        if numbers:
            found[borough] = numbers
    return found


def _casework_due(now: datetime) -> dict[str, casework_records.Records]:
    found = {}
    for borough in casework_records.boroughs():
        days = retention_days(borough, casework_records.DATASET), retention_days(borough, standing.SPINE)
        with transaction() as session:
            records = casework_records.past_retention(session, borough, *days, now)
        if records:
            found[borough] = records
    return found


def _is_past(moment: datetime | None, days: int, now: datetime) -> bool:
    return moment is not None and moment < now - timedelta(days=days)


def _is_covered(drop: Drop) -> bool:
    if drop.dataset not in registry.contracts():
        return False
    return registry.cover(drop.borough, drop.dataset, None, clock.today()).refusal is None


def _not_current(lists: Iterable[PublishedList]) -> list[PublishedList]:
    """Lists that nobody works from: taken down, or replaced by a later one."""
    newest: dict[str, PublishedList] = {}
    every = sorted(lists, key=lambda issued: (issued.as_of, issued.version))
    for issued in every:
        if issued.withdrawn_at is None:
            newest[issued.borough] = issued
    return [issued for issued in every if newest.get(issued.borough) is not issued]


def _delete(found: Due) -> int:
    """Delete drops with all that is kept of them; returns how many files."""
    files = 0
    for borough, dataset in sorted({(drop.borough, drop.dataset) for drop in found.drops}):
        mine = [drop for drop in found.drops if (drop.borough, drop.dataset) == (borough, dataset)]
        with exclusive(f"intake-{borough}"):
            stood_on = [good for good in found.stood_on if (good.borough, good.dataset) == (borough, dataset)]
            rows, old = _delete_rows(borough, dataset, mine, stood_on)
            counts = drop_deletion.forget(mine, f"Deleted on {clock.today():%d %B %Y}: past its retention.")
        files += old + counts["raw_files"] + counts["bucket_files"]
        with transaction() as session:
            for drop in mine:
                audit.record(
                    session,
                    who=settings().operator,
                    what="delete drop past retention",
                    about=drop.id,
                    details={"rows": drop.rows_in, "days": retention_days(borough, dataset)},
                )
            if rows or old:
                audit.record(
                    session,
                    who=settings().operator,
                    what="delete rows past retention",
                    about=f"{dataset} of {borough}",
                    details={"rows": rows, "files_of_history": old},
                )
    return files


def _delete_rows(borough: str, dataset: str, drops: Sequence[Drop], stood_on: Sequence[LastGood]) -> tuple[int, int]:
    """Delete the rows of drops from the lake: those still standing, and files of history that hold any. Counts."""
    table = f"{access.HARMONISED}/{dataset}"
    if dataset not in registry.contracts():
        return 0, 0
    rows = 0
    for good in stood_on:
        part = {"borough": borough, "source": good.source}
        rows += good.rows
        lake_deletion.change_rows(table, part, lambda found: found.slice(0, 0), "past retention")
        with transaction() as session:
            session.delete(session.get_one(LastGood, (borough, dataset, good.source)))
    going = {drop.id for drop in drops}
    old = [
        path for path in lake_deletion.old_files(table, {"borough": borough}) if lake_deletion.drops_in(path) & going
    ]
    for path in old:
        lake_deletion.lake_folder().remove(path)
    return rows, len(old)


def _forget_list(name: str) -> None:
    with transaction() as session:
        issued = session.get_one(PublishedList, name)
        number = session.scalar(sa.select(sa.func.count()).where(ListEntry.list_id == name)) or 0
        lists_down.remove_files(issued)
        session.execute(sa.delete(ListEntry).where(ListEntry.list_id == name))
        behind = dossiers.forget(session, [name])
        issued.published_at, issued.files = None, {}
        audit.record(
            session,
            who=settings().operator,
            what="delete list past retention",
            about=name,
            details={"entries": number, "dossiers": behind},
        )


def _cut_history() -> int:
    names = [*TABLES, *(f"{access.HARMONISED}/{dataset}" for dataset in registry.contracts())]
    found = [table for table in (lake.open_table(name) for name in names) if table is not None]
    for table in found:
        table.vacuum(retention_hours=settings().history_days * 24, enforce_retention_duration=False, dry_run=False)
    return len(found)


@dataclass(frozen=True)
class Left:
    """Something that is still kept of a drop that was deleted: where, and how much."""

    drop: str
    where: str
    what: str


def prove() -> tuple[int, list[Left]]:
    """Look again for everything that should be gone: how many deleted drops were looked for, and what is left of them.

    Looked through: raw bytes, intake files, the bucket beside the extract, receipts in the ledger, the lake's rows as
    they stand, and every data file of its history that could still be read.
    """
    with transaction() as session:
        every = session.scalars(sa.select(Drop)).all()
    deleted = [drop for drop in every if drop_deletion.DELETED in drop.hashes]
    ids = {drop.id for drop in deleted}
    left = [
        Left(kept.drop.id, place, path)
        for kept in drop_deletion.what_is_kept(deleted)
        for place, paths in (("raw bytes", kept.raw), ("intake files", kept.intake), ("bucket", kept.beside))
        for path in paths
    ]
    left += [Left(drop.id, "ledger", "its receipt") for drop in deleted if drop.receipt is not None]
    for borough, dataset in sorted({(drop.borough, drop.dataset) for drop in deleted}):
        left += _left_in_lake(borough, dataset, ids)
    return len(deleted), left


def _left_in_lake(borough: str, dataset: str, ids: set[str]) -> list[Left]:
    """Data files, of the newest version or of history, that hold rows of these drops."""
    if dataset not in registry.contracts():
        return []
    table = f"{access.HARMONISED}/{dataset}"
    below = lake_deletion.lake_folder().list(f"{table}/borough={borough}")
    old = set(lake_deletion.old_files(table, {"borough": borough}))
    found = []
    for path in (entry.path for entry in below if entry.path.endswith(".parquet")):
        place = "lake history" if path in old else "lake"
        found += [Left(drop, place, path) for drop in sorted(lake_deletion.drops_in(path) & ids)]
    return found
