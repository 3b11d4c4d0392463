"""The audit log as a page shows it: lines by act, subject, person and day, and whether the whole of it is sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.governance import audit
from pipelines.governance.audit import Anchor
from review.words import LONDON_TIME

AT_ONCE = 500
"""Lines that are looked through at once for those about a person's boroughs."""

CHECKED_AT_ONCE = 5_000
"""Lines that are checked in one transaction, so that nobody who writes waits long."""


@dataclass(frozen=True)
class Asked:
    """What lines were asked for; `before` is the number of a line, those after it are left out."""

    what: str = ""
    about: str = ""
    who: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None


def lines(session: Session, asked: Asked, boroughs: list[str] | None, size: int) -> tuple[list[AuditEvent], bool]:
    """The newest lines that fit, at most `size`, and whether there are older ones; of some boroughs, or all (None)."""
    found: list[AuditEvent] = []
    before = asked.before
    while True:
        query = _query(asked, boroughs, before).limit(size + 1 if boroughs is None else AT_ONCE)
        some = session.scalars(query).all()
        found += [line for line in some if boroughs is None or is_about(line, boroughs)]
        if len(found) > size or len(some) < AT_ONCE:
            return found[:size], len(found) > size
        before = some[-1].number


def _query(asked: Asked, boroughs: list[str] | None, before: int | None) -> sa.Select[AuditEvent]:
    query = sa.select(AuditEvent).order_by(AuditEvent.number.desc())
    for column, text in ((AuditEvent.what, asked.what), (AuditEvent.about, asked.about), (AuditEvent.who, asked.who)):
        if text:
            query = query.where(sa.func.lower(column).like(f"%{_plain(text.lower())}%", escape="!"))
    if asked.since is not None:
        query = query.where(AuditEvent.at >= _midnight(asked.since))
    if asked.until is not None:
        query = query.where(AuditEvent.at < _midnight(asked.until + timedelta(days=1)))
    if before is not None:
        query = query.where(AuditEvent.number < before)
    return query if boroughs is None else query.where(_may_be_about(boroughs))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON_TIME)


def _plain(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _may_be_about(boroughs: list[str]) -> sa.ColumnElement[bool]:
    """Lines that `is_about` has to look at."""
    details = sa.cast(AuditEvent.details, sa.Text)
    found: list[sa.ColumnElement[bool]] = []
    for slug in boroughs:
        found += [AuditEvent.about == slug, details.like(f'%"{_plain(slug)}"%', escape="!")]
        found += [AuditEvent.about.like(f"{_plain(slug)}{mark}%", escape="!") for mark in "-/"]
    return sa.or_(sa.false(), *found)


def is_about(line: AuditEvent, boroughs: Iterable[str]) -> bool:
    """Whether a line speaks of one of these boroughs: of itself, of a list, drop, layout or property, or by name."""
    own = set(boroughs)
    if line.about in own or any(line.about.startswith((f"{slug}-", f"{slug}/")) for slug in own):
        return True
    return bool(own & set(_named(line.details)))


def _named(details: Any) -> list[str]:
    """Boroughs that details name, under `borough` or `boroughs`, however deep."""
    if isinstance(details, list):
        return [slug for each in details for slug in _named(each)]
    if not isinstance(details, dict):
        return []
    found = [slug for value in details.values() for slug in _named(value)]
    for name in ("borough", "boroughs"):
        value = details.get(name)
        found += [value] if isinstance(value, str) else [slug for slug in value or [] if isinstance(slug, str)]
    return found


# --- whether it is sound ---


@dataclass(frozen=True)
class Soundness:
    """Whether every line was found sound; `checked_at` is when the first of them was last looked at."""

    sound: bool
    sentence: str
    lines: int
    checked_at: datetime
    anchor: Anchor | None


_lock = Lock()
_checked: tuple[str, Anchor, datetime] | None = None
"""The ledger, the newest line that was found sound with all before it, and when the check of those began."""


def soundness(ledger: str, *, anew: bool = False) -> Soundness:
    """Whether the log is sound, every line; those found sound before by this process are looked at `anew` if asked."""
    global _checked
    kept = audit.read_anchor()
    with _lock:
        known = _checked if not anew and _checked is not None and _checked[0] == ledger else None
        head, began = (known[1], known[2]) if known else (Anchor(0, audit.START), clock.now())
        while True:
            with transaction() as session:
                verdict = audit.check(session, [], since=head, at_most=CHECKED_AT_ONCE)
            if not verdict.sound or verdict.head == head:
                break
            head = verdict.head
        if not verdict.sound:
            _checked = None
            return Soundness(False, verdict.sentence, verdict.lines, began, kept)
        _checked = (ledger, head, began)
    against = _against(kept, head)
    said = against or f"{head.number:,} lines, each chained to the one before; none changed."
    return Soundness(against is None, said, head.number, began, kept)


def _against(kept: Anchor | None, head: Anchor) -> str | None:
    """What contradicts the anchor, in a sentence, or None."""
    if kept is None or (kept.number == head.number and kept.hash == head.hash):
        return None
    with transaction() as session:
        line = session.get(AuditEvent, kept.number)
    if line is None:
        return f"The log ends at line {head.number}, but the anchor knows of line {kept.number}: its end was cut off."
    if line.hash != kept.hash:
        return f"Line {kept.number} is another than the anchor says: the log was written anew."
    return None
