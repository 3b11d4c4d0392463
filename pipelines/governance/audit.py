"""The audit log: acts that somebody answers for, append-only, each line chained to the one before by its hash.

The database refuses to change or delete a line (migration 0003). What a person with the database's own rights could
still do is found out: a changed or missing line breaks the chain, and a cut tail or a chain written anew contradicts
the anchor, the number and hash of the newest line, which stands in `<home>/audit-anchor.json`, is printed by
`loda audit verify` and can be kept anywhere else.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.errors import LodaError
from pipelines.core.hashing import hash_of
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.settings import settings

START = "0" * 64
CHAIN_LOCK = 7_036_274_011
"""Number of the PostgreSQL advisory lock under which lines are added; any number that nothing else uses."""

LINES_AT_ONCE = 1_000


def record(session: Session, *, who: str, what: str, about: str, details: dict[str, Any] | None = None) -> None:
    """Add a line in the caller's transaction, so that the act and its record stand or fall together.

    `details` are counts, names of fields and reasons, never values of personal data: a line is never deleted.
    Several processes may add lines at once; the later one waits until the earlier transaction has ended.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": CHAIN_LOCK})
    last = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.number.desc()).limit(1)).first()
    event = AuditEvent(
        number=last.number + 1 if last else 1,
        at=clock.now().replace(microsecond=0),
        who=who[:120],
        what=what[:60],
        about=about,
        details=details or {},
        previous_hash=last.hash if last else START,
        hash="",
    )
    event.hash = _hash(event)
    session.add(event)
    session.flush()
    _anchor_when_committed(session, event)


def note(*, what: str, about: str, details: dict[str, Any] | None = None, who: str | None = None) -> None:
    """Add a line in a transaction of its own, in the name of `LODA_OPERATOR` unless somebody is named."""
    with transaction() as session:
        record(session, who=who or settings().operator, what=what, about=about, details=details)


@dataclass(frozen=True)
class Anchor:
    """The newest line of the log at some moment: its number and its hash."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def anchor_path() -> Path:
    """Where the newest anchor of this machine lies."""
    return settings().home / "audit-anchor.json"


def _anchor_when_committed(session: Session, event: AuditEvent) -> None:
    """Write the anchor once the transaction is through; of several lines in it the last one counts."""
    waiting = "audit_anchor" in session.info
    session.info["audit_anchor"] = Anchor(event.number, event.hash)
    if waiting:
        return

    def committed(_session: Session) -> None:
        found = session.info.pop("audit_anchor", None)
        if found is not None:
            _keep_anchor(found)

    def undone(_session: Session) -> None:
        session.info.pop("audit_anchor", None)

    sa.event.listen(session, "after_commit", committed, once=True)
    sa.event.listen(session, "after_rollback", undone, once=True)


_one_thread = threading.Lock()


def _keep_anchor(made: Anchor) -> None:
    path = anchor_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    # A lock on a file is waited for by sleeping, and under load it is a matter of luck who wakes when it is free. Of
    # the threads of this process the one with the newest line writes for all that wait.
    with _one_thread:
        if _has(made):
            return
        with FileLock(path.with_suffix(".lock")):
            # Of two processes the later line may come first to this place.
            if not _has(made):
                beside = path.with_suffix(".part")
                beside.write_text(json.dumps({"number": made.number, "hash": made.hash}))
                beside.replace(path)


def _has(made: Anchor) -> bool:
    """Whether the anchor of this machine is of this line or a later one."""
    return (read_anchor() or Anchor(0, START)).number >= made.number


def read_anchor() -> Anchor | None:
    """The anchor of this machine; None where nothing was recorded from here."""
    path = anchor_path()
    if not path.exists():
        return None
    content = json.loads(path.read_text())
    return Anchor(int(content["number"]), str(content["hash"]))


def parse_anchor(text: str) -> Anchor:
    """An anchor as `loda audit verify` prints it, `NUMBER:HASH`.

    Raises:
        LodaError: it is none.
    """
    number, _, digest = text.strip().partition(":")
    if not number.isdecimal() or len(digest) != len(START):
        raise LodaError(f"'{text[:20]}' is no anchor; it is a line's number, a colon and 64 hex digits.")
    return Anchor(int(number), digest)


@dataclass(frozen=True)
class Verdict:
    """Whether the log is whole. `line` is the first that is wrong; `head` the newest, to be kept elsewhere."""

    sound: bool
    lines: int
    line: int | None
    head: Anchor
    sentence: str


def verify(session: Session) -> int | None:
    """Number of the first line that was changed or whose predecessor is missing; None where the chain is whole."""
    return check(session, []).line


def check(
    session: Session, anchors: Sequence[Anchor], *, since: Anchor | None = None, at_most: int | None = None
) -> Verdict:
    """Go through the whole log, and hold it against anchors that were kept.

    With `since`, a line that was found sound before, only what follows it; with `at_most` so many lines of it, of
    which the anchors must be.
    """
    begun = since or Anchor(0, START)
    previous, expected = begun.hash, begun.number + 1
    wanted = {anchor.number: anchor for anchor in anchors}
    query = sa.select(AuditEvent).where(AuditEvent.number > begun.number).order_by(AuditEvent.number)
    for event in session.scalars(query.limit(at_most).execution_options(yield_per=LINES_AT_ONCE)):
        head = Anchor(expected - 1, previous)
        if event.number != expected or event.previous_hash != previous:
            said = f"Line {expected} is missing, or the line before it was changed."
            return Verdict(False, expected - 1, expected, head, said)
        if event.hash != _hash(event):
            return Verdict(False, expected - 1, expected, head, f"Line {expected} was changed after it was written.")
        kept = wanted.pop(expected, None)
        if kept is not None and kept.hash != event.hash:
            said = f"Line {expected} is another than the anchor that was kept says: the log was written anew."
            return Verdict(False, expected - 1, expected, head, said)
        previous, expected = event.hash, expected + 1
    head = Anchor(expected - 1, previous)
    if wanted:
        furthest = max(wanted)
        said = f"The log ends at line {head.number}, but an anchor knows of line {furthest}: its end was cut off."
        return Verdict(False, head.number, head.number + 1, head, said)
    return Verdict(True, head.number, None, head, f"{head.number} lines, each chained to the one before; none changed.")


def _hash(event: AuditEvent) -> str:
    moment = event.at.astimezone(UTC).isoformat()
    return hash_of([event.number, moment, event.who, event.what, event.about, event.details, event.previous_hash])


def lines(
    session: Session, *, about: str | None = None, what: str | None = None, last: int | None = None
) -> list[AuditEvent]:
    """Lines, oldest first: those that speak of `about` (a borough, a dataset, a drop, a list), of an act, the last."""
    query = sa.select(AuditEvent).order_by(AuditEvent.number.desc())
    if about:
        text = f"%{_plain(about)}%"
        within = sa.or_(
            AuditEvent.about.like(text, escape="\\"), sa.cast(AuditEvent.details, sa.Text).like(text, escape="\\")
        )
        query = query.where(within)
    if what:
        query = query.where(AuditEvent.what == what)
    if last is not None:
        query = query.limit(last)
    return list(reversed(session.scalars(query).all()))


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
