"""Keys to the JSON API: each for one role in one borough, shown once, kept as a hash, ended by its day or a person."""

from __future__ import annotations

import secrets
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.errors import LodaError, NotFound
from pipelines.core.ledger.engine import snapshot, transaction
from pipelines.core.ledger.officers import ApiToken
from pipelines.governance import audit
from review.identity.person import Person, Role
from review.identity.secret import keyed

SCHEME = "Bearer "
THROUGH = "token"
MOST_DAYS = 366
LONGEST_LABEL = 120
ROLES = (Role.ANALYST, Role.MANAGER, Role.DATA_OFFICER)
"""Roles that a key may have."""
USED_EVERY = timedelta(minutes=1)
"""That a key is in use is written at most so often."""


class NotGiven(LodaError):
    """A key that cannot be given out; the sentence says why."""


def why_not_given(label: str, role: str, days: int) -> str | None:
    """Why a key with these may not be given out, or None."""
    if not label:
        return "Say what the key is for, so that others know whether it is still needed."
    if len(label) > LONGEST_LABEL:
        return f"Say in at most {LONGEST_LABEL} letters what the key is for."
    if role not in {str(own) for own in ROLES}:
        return "Choose what the key may do."
    return None if 1 <= days <= MOST_DAYS else f"A key holds for 1 to {MOST_DAYS} days."


def give(borough: str, label: str, role: str, days: int, by: Person) -> str:
    """Make a key and put that on record; returns the key, which is kept nowhere.

    Raises:
        NotGiven: something is missing or too long; the sentence says what.
    """
    refusal = why_not_given(label, role, days)
    if refusal is not None:
        raise NotGiven(refusal)
    name, secret, now = secrets.token_hex(5), secrets.token_urlsafe(32), clock.now()
    with transaction() as session:
        session.add(
            ApiToken(
                id=name,
                secret_hash=keyed("token", secret),
                label=label,
                borough=borough,
                role=role,
                made_by=by.who,
                made_at=now,
                expires_at=now + timedelta(days=days),
            )
        )
        details = {"boroughs": [borough], "token": name, "role": role, "days": days}
        audit.record(session, who=by.who, what="give out API key", about=borough, details=details)
    return f"loda_{name}_{secret}"


def person_of(authorisation: str | None) -> Person | None:
    """Who a key belongs to, as the header `Authorization: Bearer KEY` gives it; None where it is none that holds."""
    if not authorisation or not authorisation.startswith(SCHEME):
        return None
    parts = authorisation[len(SCHEME) :].strip().split("_", 2)
    if len(parts) != 3 or parts[0] != "loda":
        return None
    now = clock.now()
    with snapshot() as session:
        found = session.scalars(sa.select(ApiToken).where(ApiToken.secret_hash == keyed("token", parts[2]))).first()
    if found is None or found.id != parts[1] or found.revoked_at is not None or found.expires_at <= now:
        return None
    if found.used_at is None or found.used_at + USED_EVERY <= now:
        with transaction() as session:
            session.get_one(ApiToken, found.id).used_at = now
    grants = {found.borough: frozenset({Role(found.role)})}
    return Person(f"token {found.id}", found.label, grants, found.secret_hash, THROUGH)


def of_borough(session: Session, borough: str) -> list[ApiToken]:
    """Keys of a borough, the newest first, those that were ended among them."""
    return list(
        session.scalars(sa.select(ApiToken).where(ApiToken.borough == borough).order_by(ApiToken.made_at.desc()))
    )


def end(borough: str, name: str, by: Person) -> None:
    """End a key and put that on record; one that was ended stays as it is.

    Raises:
        NotFound: the borough has no such key.
    """
    with transaction() as session:
        found = session.get(ApiToken, name)
        if found is None or found.borough != borough:
            raise NotFound("There is no such key in this borough.")
        if found.revoked_at is None:
            found.revoked_at, found.revoked_by = clock.now(), by.who
            details = {"boroughs": [borough], "token": name}
            audit.record(session, who=by.who, what="end API key", about=borough, details=details)
