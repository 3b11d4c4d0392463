"""How often somebody may try: attempts are counted by where they come from, in the ledger, for all processes."""

from __future__ import annotations

import ipaddress
import math
from datetime import timedelta

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import SignInAttempt
from review.identity.secret import keyed
from review.settings import review_settings

WINDOW = timedelta(minutes=15)
NETWORK_V6 = 64
"""Whoever has one IPv6 address has the 2^64 of its network."""


def origin_of(request: Request) -> str:
    """Where a request comes from, as a keyed hash: the address itself is not kept."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return keyed("origin", host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return keyed("origin", str(ipaddress.ip_network((address, NETWORK_V6), strict=False)))
    return keyed("origin", str(getattr(address, "ipv4_mapped", None) or address))


def count(origin: str, most: int | None = None) -> int:
    """Count one attempt; returns 0 where it is within the limit, else the seconds until the next may be made.

    What is refused is not counted, so that the wait does not grow while somebody tries.
    """
    now, limit = clock.now(), review_settings().sign_in_attempts if most is None else most
    with transaction() as session:
        session.execute(sa.delete(SignInAttempt).where(SignInAttempt.at <= now - WINDOW))
        made = _made(session, origin)
        if len(made) < limit:
            session.add(SignInAttempt(origin=origin, at=now))
            return 0
    return max(1, math.ceil((made[-limit].at + WINDOW - now).total_seconds()))


def forgive(origin: str) -> None:
    """Take the last attempt back: it went well, and an office behind one address has many who sign in."""
    with transaction() as session:
        made = _made(session, origin)
        if made:
            session.delete(made[-1])


def _made(session: Session, origin: str) -> list[SignInAttempt]:
    mine = sa.select(SignInAttempt).where(SignInAttempt.origin == origin).order_by(SignInAttempt.number)
    return list(session.scalars(mine))
