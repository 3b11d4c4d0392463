"""Drops of a borough: what arrived, what became of it, what waits, and what its datasets stand on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.errors import NotFound
from pipelines.core.ledger.models import Drop, DropStatus, LastGood
from pipelines.gate import decisions
from pipelines.gate.decisions import Waiting
from pipelines.publish.due import Standing
from pipelines.publish.notices import sentence_of
from schemas import registry

NAMES_A_DROP = re.compile(r"[A-Za-z0-9_.-]{1,120}")
RECORDED_HERE = "review"
"""The source of rows that came from no drop: what officers recorded in these pages."""


@dataclass(frozen=True)
class Arrived:
    """One drop as a line of the list shows it."""

    id: str
    dataset: str
    file: str
    status: str
    reason: str | None
    received_at: datetime
    extract_date: date
    rows_in: int
    accepted: int
    quarantined: int


@dataclass(frozen=True)
class InUse:
    """What one dataset of a borough stands on, and when the next extract is due; `state` is empty where none is."""

    dataset: str
    title: str
    source: str
    drop: str | None
    extract_date: date | None
    age: int | None
    rows: int | None
    state: str
    due: date | None
    notice: str


def find(session: Session, borough: str, drop_id: str) -> Drop:
    """A drop of a borough.

    Raises:
        NotFound: the borough has none of that name; of other boroughs' nothing is said.
    """
    drop = session.get(Drop, drop_id) if NAMES_A_DROP.fullmatch(drop_id) else None
    if drop is None or drop.borough != borough:
        raise NotFound("There is no such drop.")
    return drop


def arrived(session: Session, borough: str, page: int, size: int) -> tuple[list[Arrived], int]:
    """One page of a borough's drops, the newest first, and how many there are."""
    of = session.scalar(sa.select(sa.func.count()).select_from(Drop).where(Drop.borough == borough)) or 0
    columns = (
        Drop.id,
        Drop.dataset,
        Drop.path,
        Drop.status,
        Drop.reason,
        Drop.received_at,
        Drop.extract_date,
        Drop.rows_in,
        Drop.accepted,
        Drop.quarantined,
    )
    query = sa.select(*columns).where(Drop.borough == borough).order_by(Drop.received_at.desc(), Drop.id.desc())
    found = session.execute(query.limit(size).offset(size * (page - 1))).all()
    return [
        Arrived(
            id=row.id,
            dataset=row.dataset,
            file=row.path.rsplit("/", 1)[-1],
            status=row.status,
            reason=row.reason,
            received_at=row.received_at,
            extract_date=row.extract_date,
            rows_in=row.rows_in,
            accepted=row.accepted,
            quarantined=row.quarantined,
        )
        for row in found
    ], of


def held(session: Session, borough: str) -> list[Waiting]:
    """Drops of a borough that wait for a person or for a mended mapping, the longest first."""
    query = sa.select(Drop).where(Drop.borough == borough, Drop.status == DropStatus.HELD.value)
    found = session.scalars(query.order_by(Drop.finished_at, Drop.id)).all()
    last = {(row.dataset, row.source): row for row in _last_good(session, borough)}
    return [decisions.waiting_on(drop, last.get((drop.dataset, str(drop.source)))) for drop in found]


def _last_good(session: Session, borough: str) -> list[LastGood]:
    query = sa.select(LastGood).where(LastGood.borough == borough)
    return list(session.scalars(query.order_by(LastGood.dataset, LastGood.source)))


def in_use(session: Session, borough: str, standing: list[Standing], today: date) -> list[InUse]:
    """What a borough's datasets stand on, those that are late or missing first; `standing` is how they stand today."""
    contracts = registry.contracts()
    by_dataset = {stood.dataset: stood for stood in standing}
    lines = []
    for row in _last_good(session, borough):
        stood = by_dataset.get(row.dataset) if row.source != RECORDED_HERE else None
        title = contracts[row.dataset].title if row.dataset in contracts else row.dataset
        lines.append(_line(stood, title, row, today))
    there = {line.dataset for line in lines if line.source != RECORDED_HERE}
    lines += [_line(stood, stood.title, None, today) for stood in standing if stood.dataset not in there]
    worst = {"missing": 0, "late": 1, "due": 2, "due_soon": 3}
    return sorted(lines, key=lambda line: (worst.get(line.state, 9), line.title, line.source))


def _line(stood: Standing | None, title: str, row: LastGood | None, today: date) -> InUse:
    return InUse(
        dataset=row.dataset if row is not None else stood.dataset if stood is not None else "",
        title=title,
        source=row.source if row is not None else "",
        drop=row.drop_id if row is not None and row.source != RECORDED_HERE else None,
        extract_date=row.extract_date if row is not None else None,
        age=(today - row.extract_date).days if row is not None else None,
        rows=row.rows if row is not None else None,
        state=stood.state if stood is not None else "",
        due=stood.due if stood is not None else None,
        notice=sentence_of(stood, today) if stood is not None and stood.state not in ("in_time", "due_soon") else "",
    )
