"""Whether the night before came to its end. One that was killed is told by the next, in words and in the audit log.

A night that is under way has a line of its own in the ledger, which goes when it ends in whatever way but a kill. One
night at a time runs on a ledger, so a line that is there when a night begins was left by one that was killed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.core import clock
from pipelines.core.ledger.engine import schema_revisions, transaction, upgrade
from pipelines.core.ledger.models import StageState
from pipelines.core.lock import exclusive, exclusive_of_all
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import audit

STAGE = "night"
LONDON = "london"
LOCK = "night"
"""Held by a whole night of `loda run`."""
STAGES = "stages"
"""Shared by every stage that is at work, be it one of `loda run` or of a task of Airflow's."""


@contextmanager
def night_under_way() -> Iterator[StageResult | None]:
    """Alone on this ledger: a night, and what there is to tell of the one before; None where that came to its end.

    Raises:
        Busy: another night ran for longer than `LODA_LOCK_TIMEOUT_SECONDS`.
    """
    with exclusive(LOCK):
        told = _begun()
        try:
            yield told
        finally:
            _ended()


@contextmanager
def no_night_under_way(wait: float | None = None) -> Iterator[None]:
    """While no night and no stage is at work, whoever runs it; those that begin meanwhile wait.

    Raises:
        Busy: one of them ran for longer than `wait` seconds, `LODA_LOCK_TIMEOUT_SECONDS` unless given.
    """
    with exclusive(LOCK, wait), exclusive_of_all(STAGES, wait):
        yield


def upgrade_between_nights(wait: float | None = None) -> None:
    """Bring the ledger's tables to the newest version; where there is anything to bring, while no stage is at work.

    Raises:
        Busy: see `no_night_under_way`.
        ConfigurationError: see `upgrade`.
    """
    current, head = schema_revisions()
    if current == head:
        return
    with no_night_under_way(wait):
        upgrade()


def _begun() -> StageResult | None:
    now = clock.now()
    with transaction() as session:
        left = session.get(StageState, (STAGE, LONDON))
        sentence = None
        if left is not None:
            sentence = (
                f"The night that began on {left.made_at:%d %B %Y at %H:%M} UTC was interrupted before its end. "
                "What it had finished stands; the rest is done now."
            )
            details = {"began": left.made_at.isoformat()}
            audit.record(session, who=settings().operator, what="night interrupted", about=LONDON, details=details)
            session.delete(left)
            session.flush()
        session.add(
            StageState(stage=STAGE, borough=LONDON, input_hash="", made_at=now, summary={"process": os.getpid()})
        )
    return StageResult(STAGE, LONDON, "made", sentence) if sentence else None


def _ended() -> None:
    with transaction() as session:
        mark = session.get(StageState, (STAGE, LONDON))
        if mark is not None:
            session.delete(mark)
