"""What visits found, as officers record it; a correction takes the place of an outcome and keeps it as history.

Every function here works in the caller's transaction and opens none of its own.
"""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.casework import places, rules, versions
from pipelines.casework.places import Place
from pipelines.casework.words import SETTLES, Found, Method, Through
from pipelines.core.errors import NotFound
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome, PropertyCase
from pipelines.governance import audit
from pipelines.governance.reads import told_with


def record(
    session: Session,
    *,
    borough: str,
    uprn: str,
    found: str,
    visited_on: date,
    method: str,
    officer: str,
    recorded_by: str,
    note: str = "",
    list_id: str | None = None,
    place: Place | None = None,
    recorded_through: Through = Through.PAGE,
    expected_version: int | None = None,
) -> Outcome:
    """Keep what a visit found, with its line in the audit log.

    Address and rank come from the list that led there (`list_id`), else from the newest list the property stood on.
    For one that stood on none give `place`, from `places.in_gazetteer`, called before the transaction was opened.
    `officer` went there, `recorded_by` answers for the record. A plan for a day up to the visit is done with it.

    Raises:
        NotAllowedNow: a rule is against it; the sentence says which.
        ChangedMeanwhile: somebody else has written to the property since `expected_version` was on the page.
    """
    note, officer = rules.tidy(note), rules.tidy_name(officer)
    where = _where(session, borough, uprn, list_id, place)
    issued = session.get(PublishedList, list_id) if list_id is not None else None
    _check(found, visited_on, method, note, officer, issued.as_of if issued else None)
    case = versions.write(session, borough, uprn, expected_version=expected_version, who=recorded_by)
    made = Outcome(
        borough=borough,
        uprn=uprn,
        address=where.address,
        list_id=list_id,
        rank=_rank(session, list_id, uprn),
        found=found,
        attempt=_attempt(session, borough, uprn, found, visited_on),
        visited_on=visited_on,
        method=method,
        note=note,
        officer=officer,
        recorded_by=recorded_by,
        recorded_at=case.changed_at,
        recorded_through=recorded_through,
    )
    session.add(made)
    _plan_is_done(case, made)
    session.flush()
    _told(session, "record outcome", made)
    return made


def correct(
    session: Session,
    number: int,
    *,
    borough: str,
    found: str,
    visited_on: date,
    method: str,
    officer: str,
    recorded_by: str,
    note: str = "",
    recorded_through: Through = Through.PAGE,
    expected_version: int | None = None,
) -> Outcome:
    """Put a corrected outcome in the place of one that stands; the old one stays as history.

    Raises:
        NotFound: the borough has no such outcome.
        NotAllowedNow: it was corrected before, or a rule is against the new one.
        ChangedMeanwhile: somebody else has written to the property since `expected_version` was on the page.
    """
    before = of_number(session, borough, number)
    note, officer = rules.tidy(note), rules.tidy_name(officer)
    rules.require(rules.why_not_kept(borough) or rules.why_erased(session, before.uprn))
    issued = session.get(PublishedList, before.list_id) if before.list_id is not None else None
    _check(found, visited_on, method, note, officer, issued.as_of if issued else None)
    case = versions.write(session, borough, before.uprn, expected_version=expected_version, who=recorded_by)
    session.refresh(before)  # the lock may have waited for another correction
    rules.require(rules.why_not_corrected(before))
    before.superseded_at = case.changed_at
    session.flush()  # it is no try any more when tries are counted
    made = Outcome(
        borough=borough,
        uprn=before.uprn,
        address=before.address,
        list_id=before.list_id,
        rank=before.rank,
        found=found,
        attempt=_attempt(session, borough, before.uprn, found, visited_on),
        visited_on=visited_on,
        method=method,
        note=note,
        officer=officer,
        recorded_by=recorded_by,
        recorded_at=case.changed_at,
        recorded_through=recorded_through,
        corrects=before.number,
    )
    session.add(made)
    session.flush()
    before.superseded_by = made.number
    _plan_is_done(case, made)
    _told(session, "correct outcome", made)
    return made


def of_number(session: Session, borough: str, number: int) -> Outcome:
    """One outcome of a borough, standing or history.

    Raises:
        NotFound: the borough has none of this number.
    """
    found = session.get(Outcome, number) if 0 < number < 2**31 else None
    if found is None or found.borough != borough:
        raise NotFound("There is no such outcome in this borough.")
    return found


def history(session: Session, borough: str, uprn: str) -> list[Outcome]:
    """All that was recorded of a property, the newest visit first, what was corrected among it."""
    query = sa.select(Outcome).where(Outcome.borough == borough, Outcome.uprn == uprn)
    return list(session.scalars(query.order_by(Outcome.visited_on.desc(), Outcome.number.desc())))


def standing(session: Session, borough: str, uprn: str) -> list[Outcome]:
    """What holds of a property, the newest visit first."""
    return [outcome for outcome in history(session, borough, uprn) if outcome.superseded_at is None]


def why_not(session: Session, borough: str, uprn: str, place: Place | None = None) -> str | None:
    """Why nothing can be recorded at a property, or None: pages ask before they show a form."""
    refusal = rules.why_no_borough(borough) or rules.why_no_uprn(uprn)
    refusal = refusal or rules.why_not_kept(borough) or rules.why_erased(session, uprn)
    if refusal is not None:
        return refusal
    known = place if place is not None and (place.borough, place.uprn) == (borough, uprn) else None
    return None if known or places.on_a_list(session, borough, uprn) else rules.NOT_IN_BOROUGH


def _where(session: Session, borough: str, uprn: str, list_id: str | None, place: Place | None) -> Place:
    """The property with its address.

    Raises:
        NotAllowedNow: nothing may be kept of it, or it is none of the borough's.
    """
    rules.require(why_not(session, borough, uprn, place))
    if list_id is not None:
        rules.require(rules.why_not_list(session.get(PublishedList, list_id), borough))
        listed = places.on_a_list(session, borough, uprn, list_id)
        rules.require(None if listed else "This property is not on that list; leave the list out if none led there.")
    else:
        listed = places.on_a_list(session, borough, uprn)
    where = listed or place
    assert where is not None  # noqa: S101 - one of both is there, or it was stopped above
    return where


def _check(found: str, visited_on: date, method: str, note: str, officer: str, since: date | None) -> None:
    rules.require(
        rules.why_not_found(found)
        or rules.why_not_method(method, found)
        or rules.why_not_visited_on(visited_on, since)
        or rules.why_not_name(officer)
        or rules.why_not_note(note)
    )


def _rank(session: Session, list_id: str | None, uprn: str) -> int | None:
    if list_id is None:
        return None
    return session.scalar(sa.select(ListEntry.rank).where(ListEntry.list_id == list_id, ListEntry.uprn == uprn))


def _attempt(session: Session, borough: str, uprn: str, found: str, visited_on: date) -> int | None:
    """Which visit in a row this is at which nobody opened, from 1; None where somebody did."""
    if found != Found.NO_ACCESS:
        return None
    query = sa.select(Outcome.found).where(
        Outcome.borough == borough,
        Outcome.uprn == uprn,
        Outcome.superseded_at.is_(None),
        Outcome.visited_on <= visited_on,
        Outcome.found != Found.WRONG_ADDRESS,  # it was no visit to this property
        Outcome.method != Method.DESK,
    )
    tries = 1
    for before in session.scalars(query.order_by(Outcome.visited_on.desc(), Outcome.number.desc())):
        if before != Found.NO_ACCESS:
            break
        tries += 1
    return tries


def _plan_is_done(case: PropertyCase, made: Outcome) -> None:
    """A visit that was made is no longer planned; one that is planned for later stays where the question is open."""
    if case.planned_for is not None and (made.found in SETTLES or case.planned_for <= made.visited_on):
        case.planned_for = None


def _told(session: Session, what: str, made: Outcome) -> None:
    """The line in the audit log: codes and numbers, neither note nor name nor address; and what was read for it."""
    details = {
        "boroughs": [made.borough],
        "outcome": made.number,
        "found": str(made.found),
        "method": str(made.method),
        "through": str(made.recorded_through),
        "list": made.list_id,
    }
    if made.corrects is not None:
        details["corrects"] = made.corrects
    details |= told_with(session)
    audit.record(session, who=made.recorded_by, what=what, about=f"{made.borough}/{made.uprn}", details=details)


def recorded_since(session: Session, moment: datetime | None) -> int:
    """How many outcomes were recorded since a moment, or ever."""
    query = sa.select(sa.func.count()).select_from(Outcome)
    return int(session.scalar(query if moment is None else query.where(Outcome.recorded_at > moment)) or 0)
