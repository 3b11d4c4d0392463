"""Who goes to a property and on which day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.casework import outcomes, rules, versions
from pipelines.casework.places import Place
from pipelines.core.ledger.officers import PropertyCase
from pipelines.governance import audit

MOST_AT_ONCE = 200


def plan(
    session: Session,
    *,
    borough: str,
    uprn: str,
    assigned_to: str | None,
    planned_for: date | None,
    who: str,
    expected_version: int | None,
    place: Place | None = None,
) -> PropertyCase:
    """Say who goes to a property and when; None takes either away. With its line in the audit log.

    Raises:
        NotAllowedNow: a rule is against it; the sentence says which.
        ChangedMeanwhile: somebody else has written to the property since `expected_version` was on the page.
    """
    assigned = rules.tidy_name(assigned_to or "") or None
    rules.require(
        outcomes.why_not(session, borough, uprn, place)
        or (rules.why_not_name(assigned) if assigned else None)
        or rules.why_not_planned_for(planned_for)
    )
    case = versions.write(session, borough, uprn, expected_version=expected_version, who=who)
    case.assigned_to, case.planned_for = assigned, planned_for
    session.flush()
    details = {"boroughs": [borough], "assigned": assigned is not None, "planned": planned_for is not None}
    audit.record(session, who=who, what="plan visit", about=f"{borough}/{uprn}", details=details)
    return case


def plan_round(
    session: Session,
    *,
    borough: str,
    versions_seen: Mapping[str, int],
    assigned_to: str | None,
    planned_for: date | None,
    who: str,
) -> int:
    """Plan several properties of a list at once, by UPRN with the version that was on the page: all or none.

    Returns how many.

    Raises:
        NotAllowedNow: a rule is against one of them, or they are too many at once.
        ChangedMeanwhile: somebody else has written to one of them meanwhile.
    """
    if not versions_seen:
        rules.require("Choose the properties that are to be planned.")
    if len(versions_seen) > MOST_AT_ONCE:
        rules.require(f"Plan at most {MOST_AT_ONCE} properties at once.")
    for uprn in versions_seen:
        rules.require(outcomes.why_not(session, borough, uprn))
    versions.hold(session, borough, versions_seen)
    for uprn in sorted(versions_seen):
        plan(
            session,
            borough=borough,
            uprn=uprn,
            assigned_to=assigned_to,
            planned_for=planned_for,
            who=who,
            expected_version=versions_seen[uprn],
        )
    return len(versions_seen)


def officers(session: Session, borough: str) -> list[str]:
    """Names to whom properties of a borough are assigned, in order."""
    query = sa.select(PropertyCase.assigned_to).where(
        PropertyCase.borough == borough, PropertyCase.assigned_to.is_not(None)
    )
    return sorted({name for name in session.scalars(query.distinct()) if name})
