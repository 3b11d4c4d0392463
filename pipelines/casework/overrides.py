"""Where an officer outranks the list: a property left off, visited first or visited last, with a reason and an end."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.casework import outcomes, places, rules, versions
from pipelines.casework.places import Place
from pipelines.core import clock
from pipelines.core.errors import NotFound
from pipelines.core.ledger.officers import Override
from pipelines.governance import audit


def add(
    session: Session,
    *,
    borough: str,
    uprn: str,
    kind: str,
    reason: str,
    expires_on: date,
    who: str,
    expected_version: int | None,
    place: Place | None = None,
) -> Override:
    """Outrank the list at a property up to and including a day, with its line in the audit log.

    Raises:
        NotAllowedNow: a rule is against it; the sentence says which.
        ChangedMeanwhile: somebody else has written to the property since `expected_version` was on the page.
    """
    reason = rules.tidy(reason)
    rules.require(outcomes.why_not(session, borough, uprn, place))
    where = places.on_a_list(session, borough, uprn) or place
    assert where is not None  # noqa: S101 - one of both is there, or it was stopped above
    case = versions.write(session, borough, uprn, expected_version=expected_version, who=who)
    rules.require(rules.why_not_override(kind, reason, expires_on, at(session, borough, uprn)))
    made = Override(
        borough=borough,
        uprn=uprn,
        address=where.address,
        kind=kind,
        reason=reason,
        who=who,
        made_at=case.changed_at,
        expires_on=expires_on,
    )
    session.add(made)
    session.flush()
    _told(session, "outrank list", made, who)
    return made


def end(session: Session, number: int, *, borough: str, who: str, expected_version: int | None) -> Override:
    """End what outranks the list before its day.

    Raises:
        NotFound: the borough has none of this number.
        NotAllowedNow: it has ended already.
        ChangedMeanwhile: somebody else has written to the property since `expected_version` was on the page.
    """
    found = session.get(Override, number) if 0 < number < 2**31 else None
    if found is None or found.borough != borough:
        raise NotFound("There is no such decision in this borough.")
    case = versions.write(session, borough, found.uprn, expected_version=expected_version, who=who)
    session.refresh(found)  # the lock may have waited for somebody else to end it
    rules.require(rules.why_not_ended(found))
    found.ended_at, found.ended_by = case.changed_at, who
    session.flush()
    _told(session, "end outranking", found, who)
    return found


def at(session: Session, borough: str, uprn: str) -> Override | None:
    """What outranks the list at a property today; None for nothing."""
    return session.scalars(_in_force(borough).where(Override.uprn == uprn)).first()


def in_force(session: Session, borough: str) -> list[Override]:
    """Where a borough's list is outranked today, the first to end first."""
    return list(session.scalars(_in_force(borough)))


def history(session: Session, borough: str, uprn: str) -> list[Override]:
    """All that ever outranked the list at a property, the newest first."""
    query = sa.select(Override).where(Override.borough == borough, Override.uprn == uprn)
    return list(session.scalars(query.order_by(Override.number.desc())))


def _in_force(borough: str) -> sa.Select[Override]:
    mine = sa.and_(Override.borough == borough, Override.ended_at.is_(None), Override.expires_on >= clock.today())
    return sa.select(Override).where(mine).order_by(Override.expires_on, Override.number)


def _told(session: Session, what: str, made: Override, who: str) -> None:
    """The line in the audit log: that it was done and until when, not the reason, which is free text."""
    details = {"boroughs": [made.borough], "kind": str(made.kind), "until": f"{made.expires_on}", "number": made.number}
    audit.record(session, who=who, what=what, about=f"{made.borough}/{made.uprn}", details=details)
