"""Whether a stage has to be done again: the hash of what it reads, beside the hash it last worked from."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.hashing import code_version, hash_of
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood, StageState
from pipelines.governance import reads
from pipelines.governance.standing import PURPOSE
from schemas import registry


def drops_behind(boroughs: list[str] | None = None, datasets: list[str] | None = None) -> list[list[Any]]:
    """`[borough, dataset, source, drop id, lake version, scope]` of every last good extract that may be used today.

    In a stable order. The version tells apart two readings of one drop, before and after its mapping was mended; the
    scope is "all" or the fields that agreements cover. What no agreement covers is left out: a stage that worked with
    it finds other inputs than last time and works again without.
    """
    query = sa.select(
        LastGood.borough, LastGood.dataset, LastGood.source, LastGood.drop_id, LastGood.lake_version
    ).order_by(LastGood.borough, LastGood.dataset, LastGood.source)
    if boroughs is not None:
        query = query.where(LastGood.borough.in_(boroughs))
    if datasets is not None:
        query = query.where(LastGood.dataset.in_(datasets))
    with transaction() as session:
        found = session.execute(query).all()
    day = clock.today()
    scoped = [[*row, registry.cover(row.borough, row.dataset, PURPOSE, day).scope()] for row in found]
    return [row for row in scoped if row[-1] != "none"]


def input_hash(*parts: Any) -> str:
    """Hash of everything a stage reads, the code's version included."""
    return hash_of([code_version(), *parts])


def is_done(stage: str, borough: str, made_from: str) -> bool:
    """Whether the stage last worked from the very same inputs.

    If not, the old mark is taken away: the caller is about to write over what it stood for,
    and must be taken up again should it be killed half way.
    """
    with transaction() as session:
        state = session.get(StageState, (stage, borough))
        if state is not None and state.input_hash != made_from:
            session.delete(state)
            return False
        return state is not None


def mark_done(stage: str, borough: str, made_from: str, summary: dict[str, Any]) -> None:
    """Record what a stage worked from, with counts for people to read."""
    reads.flush()
    with transaction() as session:
        mark(session, stage, borough, made_from, summary)


def mark(session: Session, stage: str, borough: str, made_from: str, summary: dict[str, Any]) -> None:
    """The same in the transaction that writes what the stage made, after `reads.flush`.

    Its moment is never before that of an extract that was there, be the clock set back in between: who looks for what
    is late goes by that order.
    """
    there = session.scalar(sa.select(sa.func.max(LastGood.published_at)).where(LastGood.borough == borough))
    made_at = max(clock.now(), there) if there is not None else clock.now()
    session.merge(StageState(stage=stage, borough=borough, input_hash=made_from, made_at=made_at, summary=summary))


def state_of(stage: str, borough: str) -> str:
    """The hash a stage last worked from, or empty text."""
    with transaction() as session:
        state = session.get(StageState, (stage, borough))
        return state.input_hash if state else ""


def summary_of(stage: str, borough: str) -> dict[str, Any]:
    """The counts a stage last recorded, or nothing."""
    with transaction() as session:
        state = session.get(StageState, (stage, borough))
        return dict(state.summary) if state else {}
