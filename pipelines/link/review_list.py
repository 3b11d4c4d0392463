"""What people decided about a borough's links, to be listed: what holds, what waits, what was superseded."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LinkReview
from pipelines.core.lock import exclusive
from pipelines.core.tables import PROPERTY
from pipelines.governance import access, audit, link_decisions
from pipelines.governance.reads import reading
from pipelines.link.review import IS
from schemas import registry

HOLDS, WAITS, SUPERSEDED = "holds", "waits", "superseded"
"""State of a decision. One waits whose property is not in the gazetteer; it is not applied until it is back."""


def decisions(borough: str, *, history: bool = False) -> list[dict[str, Any]]:
    """A borough's decisions, the newest first, with their state; with `history` those superseded as well.

    That they were read is put on record.

    Raises:
        NotFound: the borough is not known.
    """
    slug = registry.borough(borough).slug
    with reading("link review list", slug):
        there = properties(slug)
        with transaction() as session:
            return decisions_in(session, slug, there, history=history)


def properties(borough: str) -> set[str]:
    """UPRNs of the borough's gazetteer, read from the lake: to be called before a transaction is open."""
    uprns = pa.schema([PROPERTY.field("uprn")])
    return set(access.read_table("property", uprns, boroughs=[borough])["uprn"].to_pylist())


def decisions_in(session: Session, borough: str, there: set[str], *, history: bool = False) -> list[dict[str, Any]]:
    """What `decisions` gives, in the caller's transaction and inside its `reads.reading` or `reads.showing`.

    `there` is what `properties` gave.
    """
    found = link_decisions.read(borough, history=history, session=session)
    return [_row(decision, there) for decision in reversed(found)]


def withdraw(borough: str, number: int, who: str, reason: str) -> None:
    """Take a decision back, in the name of a person who says why: it holds no longer, and nothing takes its place.

    Raises:
        NotFound: the borough is not known, or has no such decision that holds.
        ConfigurationError: nobody is named, or no reason is given.
    """
    slug = registry.borough(borough).slug
    who, reason = " ".join(who.split()), " ".join(reason.split())
    if not who or not reason:
        raise ConfigurationError("A decision is taken back by a named person with a reason: give both.")
    with exclusive(link_decisions.LOCK.format(slug)), transaction() as session:
        found = session.get(LinkReview, number)
        if found is None or found.borough != slug or found.superseded_at is not None:
            raise NotFound(f"{slug} has no decision {number} that holds; see 'loda link review list {slug}'.")
        found.superseded_at = clock.now()
        audit.record(
            session, who=who, what="take link decision back", about=slug, details={"number": number, "why": reason}
        )


def _row(decision: LinkReview, there: set[str]) -> dict[str, Any]:
    state = HOLDS if decision.uprn in there else WAITS
    if decision.superseded_at is not None:
        state = SUPERSEDED
    return {
        "number": decision.number,
        "state": state,
        "sentence": _sentence(decision, state),
        "verdict": decision.verdict,
        "uprn": decision.uprn,
        "address": decision.address_written,
        "postcode": decision.postcode_written,
        "datasets": list(decision.datasets),
        "who": decision.who,
        "note": decision.note,
        "decided_at": decision.decided_at.isoformat(),
        "superseded_at": decision.superseded_at.isoformat() if decision.superseded_at else None,
        "superseded_by": decision.superseded_by,
    }


def _sentence(decision: LinkReview, state: str) -> str:
    if state == SUPERSEDED:
        if decision.superseded_by is None:
            return f"It was taken back on {decision.superseded_at:%d %B %Y}."
        return f"Decision {decision.superseded_by} took its place on {decision.superseded_at:%d %B %Y}."
    if state == WAITS:
        return "Its property is not in the gazetteer; it applies again should the property come back."
    if decision.verdict == IS:
        return "Every record with this address is tied to the property, whatever else speaks for another."
    return "No record with this address is tied to the property."
