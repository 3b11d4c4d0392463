"""The audit log: acts that somebody answers for, append-only, each line chained to the one before by its hash."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.hashing import hash_of
from pipelines.core.ledger.models import AuditEvent

START = "0" * 64


def record(session: Session, *, who: str, what: str, about: str, details: dict[str, Any] | None = None) -> None:
    """Add a line in the caller's transaction, so that the act and its record stand or fall together."""
    last = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.number.desc()).limit(1)).first()
    event = AuditEvent(
        number=last.number + 1 if last else 1,
        at=clock.now().replace(microsecond=0),
        who=who,
        what=what,
        about=about,
        details=details or {},
        previous_hash=last.hash if last else START,
        hash="",
    )
    event.hash = _hash(event)
    session.add(event)


def verify(session: Session) -> int | None:
    """Number of the first line that was changed or whose predecessor is missing; None where the chain is whole."""
    previous = START
    expected = 1
    for event in session.scalars(sa.select(AuditEvent).order_by(AuditEvent.number)):
        if event.number != expected or event.previous_hash != previous or event.hash != _hash(event):
            return expected
        previous, expected = event.hash, expected + 1
    return None


def _hash(event: AuditEvent) -> str:
    moment = event.at.astimezone(UTC).isoformat()
    return hash_of([event.number, moment, event.who, event.what, event.about, event.details, event.previous_hash])
