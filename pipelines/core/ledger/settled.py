"""Which properties officers have taken off the lists to come: by a finding that settles them, or by an override."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.ledger.officers import Outcome, Override

SETTLING = ("hmo_unlicensed", "hmo_licensed", "hmo_not_licensable", "not_hmo", "single_household", "empty")
"""Findings after which nobody has to go there soon: it is a case under enforcement, or there is nothing to find."""

ELSEWHERE = "wrong_address"
"""A visit that was not to the property says nothing of it: what was found before stands."""

EXCLUDE = "exclude"


def settled(session: Session, borough: str, today: date, days: int) -> set[str]:
    """UPRNs of a borough whose newest standing outcome settles them, up to `days` days after that visit.

    Whoever went back and was not let in has opened the question again.
    """
    nth = sa.func.row_number().over(
        partition_by=Outcome.uprn, order_by=(Outcome.visited_on.desc(), Outcome.number.desc())
    )
    visits = (
        sa.select(Outcome.uprn, Outcome.found, Outcome.visited_on, nth.label("nth"))
        .where(Outcome.borough == borough, Outcome.superseded_at.is_(None), Outcome.found != ELSEWHERE)
        .subquery()
    )
    newest = sa.select(visits.c.uprn).where(
        visits.c.nth == 1, visits.c.found.in_(SETTLING), visits.c.visited_on >= today - timedelta(days=days)
    )
    return set(session.scalars(newest))


def excluded(session: Session, borough: str, today: date) -> set[str]:
    """UPRNs of a borough that an officer's override keeps off the lists issued on a day; its last day included."""
    mine = sa.select(Override.uprn).where(
        Override.borough == borough,
        Override.kind == EXCLUDE,
        Override.ended_at.is_(None),
        Override.expires_on >= today,
    )
    return set(session.scalars(mine))
