"""Sessions: begun at sign-in, kept in the ledger so that they can be ended from outside, known by a secret's hash."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.ledger.engine import snapshot, transaction
from pipelines.core.ledger.officers import SignIn
from pipelines.governance import audit
from review.identity.person import Person, Role
from review.identity.secret import keyed
from review.settings import review_settings

SEEN_EVERY = timedelta(minutes=1)
"""That a session is in use is written at most so often."""

KEPT = timedelta(days=1)
"""How long a session stays in the ledger after its end; that there was one stays in the audit log."""


def begin(subject: str, name: str, grants: Mapping[str, Sequence[str]], through: str) -> str:
    """Begin a session and put it on record; returns the secret for the cookie, which is kept nowhere else."""
    secret, now = secrets.token_urlsafe(32), clock.now()
    with transaction() as session:
        begun = SignIn(
            secret_hash=keyed("session", secret),
            subject=subject[:255],
            name=name[:120],
            grants={borough: sorted(roles) for borough, roles in grants.items()},
            through=through,
            began_at=now,
            seen_at=now,
            expires_at=now + timedelta(hours=review_settings().session_hours),
        )
        session.execute(sa.delete(SignIn).where(SignIn.expires_at <= now - KEPT))
        session.add(begun)
        audit.record(
            session,
            who=_person(begun).who,
            what="sign in",
            about="review",
            details={"through": through, "grants": begun.grants},
        )
    return secret


def person_of(secret: str | None) -> Person | None:
    """Who a session's secret belongs to; None where it is unknown, expired, unused for too long or was ended."""
    if not secret:
        return None
    now, idle = clock.now(), timedelta(minutes=review_settings().session_minutes)
    with snapshot() as session:
        found = session.get(SignIn, keyed("session", secret))
    if found is None or found.revoked_at is not None or found.expires_at <= now or found.seen_at + idle <= now:
        return None
    if found.seen_at + SEEN_EVERY <= now:
        with transaction() as session:
            session.execute(sa.update(SignIn).where(SignIn.secret_hash == found.secret_hash).values(seen_at=now))
    return _person(found)


def _person(found: SignIn) -> Person:
    known = {role.value for role in Role}
    grants = {
        borough: frozenset(Role(role) for role in roles if role in known) for borough, roles in found.grants.items()
    }
    return Person(found.subject, found.name, grants, found.secret_hash, found.through)


def end(key: str, by: Person) -> bool:
    """End a session, one's own or somebody else's, and put it on record; returns whether there was one to end."""
    with transaction() as session:
        found = session.get(SignIn, key)
        if found is not None and found.revoked_at is None:
            found.revoked_at, found.revoked_by = clock.now(), by.who
            what = "sign out" if key == by.key else "end a session"
            audit.record(session, who=by.who, what=what, about="review", details={"of": found.subject})
            return True
    return False


def open_sessions(session: Session) -> list[SignIn]:
    """Sessions that could be used now, the newest first."""
    now, idle = clock.now(), timedelta(minutes=review_settings().session_minutes)
    mine = sa.select(SignIn).where(SignIn.revoked_at.is_(None), SignIn.expires_at > now, SignIn.seen_at > now - idle)
    return list(session.scalars(mine.order_by(SignIn.began_at.desc())))
