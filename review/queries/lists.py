"""A borough's list as officers work it: the issued entries, beside what they plan and what visits found."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import sqrt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from pipelines.core.ledger.lists import newest_list
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome, Override, PropertyCase
from review import words
from review.disclosure import may_name_landlords
from review.filters import Filters
from review.words import LONDON_TIME

WITHIN_95 = 1.96


@dataclass(frozen=True)
class Row:
    """One entry as a page shows it. `before` is its rank on the list before, None where it was not on it."""

    rank: int
    uprn: str
    address: str
    ward: str | None
    band: str
    reasons: list[str]
    licence_needed: str
    licence_status: str
    landlord_id: str | None
    landlord_name: str | None
    before: int | None
    assigned_to: str | None
    planned_for: date | None
    found: str | None
    attempt: int | None
    visited_on: date | None
    override: str | None
    easting: float | None
    northing: float | None

    @property
    def status(self) -> str:
        """How far the work at this home is, as a code of `words.STATUSES`."""
        if self.found == "no_access":
            return "no_access"
        if self.found is not None:
            return "done"
        return "planned" if self.planned_for or self.assigned_to else "to_visit"


@dataclass(frozen=True)
class Shown:
    """One page of a list: the rows, how many there are in all, and what may be filtered by."""

    rows: list[Row]
    of: int
    page: int
    wards: list[str]
    officers: list[str]
    has_before: bool
    spread: float
    done_within_capacity: int


def current(session: Session, borough: str) -> PublishedList | None:
    """The list to work from, None where there is none."""
    return newest_list(session, borough)


def before(session: Session, issued: PublishedList) -> str | None:
    """Name of the list that stood before this one, of an earlier day, None where it is the first."""
    query = (
        sa.select(PublishedList.id)
        .where(
            PublishedList.borough == issued.borough,
            PublishedList.as_of < issued.as_of,
            PublishedList.withdrawn_at.is_(None),
        )
        .order_by(PublishedList.as_of.desc(), PublishedList.version.desc())
    )
    return session.scalars(query.limit(1)).first()


def _standing_at(session: Session, borough: str, day: date) -> str | None:
    """Name of the list that officers worked from at the end of a day."""
    query = (
        sa.select(PublishedList.id)
        .where(PublishedList.borough == borough, PublishedList.issued_at < _end_of(day))
        .order_by(PublishedList.as_of.desc(), PublishedList.version.desc())
    )
    return session.scalars(query.limit(1)).first()


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), LONDON_TIME)


def _joined(issued: PublishedList, earlier: str | None, today: date) -> Any:
    """Entries of a list with the case, the newest standing outcome and override, and the rank before: one row each."""
    last = (
        sa.select(sa.func.max(Outcome.number).label("number"), Outcome.uprn)
        .where(Outcome.borough == issued.borough, Outcome.superseded_at.is_(None))
        .group_by(Outcome.uprn)
        .subquery()
    )
    ruled = (
        sa.select(sa.func.max(Override.number).label("number"), Override.uprn)
        .where(Override.borough == issued.borough, Override.ended_at.is_(None), Override.expires_on >= today)
        .group_by(Override.uprn)
        .subquery()
    )
    previous = aliased(ListEntry)
    return (
        sa.select(
            ListEntry,
            previous.rank.label("before"),
            PropertyCase.assigned_to,
            PropertyCase.planned_for,
            Outcome.found,
            Outcome.attempt,
            Outcome.visited_on,
            Override.kind.label("override"),
        )
        .where(ListEntry.list_id == issued.id)
        .outerjoin(previous, sa.and_(previous.list_id == earlier, previous.uprn == ListEntry.uprn))
        .outerjoin(PropertyCase, sa.and_(PropertyCase.borough == issued.borough, PropertyCase.uprn == ListEntry.uprn))
        .outerjoin(last, last.c.uprn == ListEntry.uprn)
        .outerjoin(Outcome, Outcome.number == last.c.number)
        .outerjoin(ruled, ruled.c.uprn == ListEntry.uprn)
        .outerjoin(Override, Override.number == ruled.c.number)
    )


def _filtered(
    query: sa.Select[Any], asked: Filters, issued: PublishedList, at_day: str | None, named: bool
) -> sa.Select[Any]:
    if asked.ward:
        query = query.where(ListEntry.ward == asked.ward)
    if asked.band:
        first, end = words.band_range(asked.band, issued.capacity)
        query = query.where(ListEntry.rank >= first)
        query = query.where(ListEntry.rank <= end) if end is not None else query
    if asked.scheme:
        query = query.where(ListEntry.licence_needed == asked.scheme)
    if asked.landlord:
        query = query.where(ListEntry.landlord_id == asked.landlord)
    if asked.officer:
        query = query.where(PropertyCase.assigned_to == asked.officer)
    if asked.status:
        query = query.where(_has_status(asked.status))
    if asked.new_since:
        then = sa.select(ListEntry.uprn).where(ListEntry.list_id == at_day)
        query = query.where(ListEntry.uprn.not_in(then)) if at_day else query
    return query.where(_matches(asked.search, named)) if asked.search else query


def _has_status(status: str) -> sa.ColumnElement[bool]:
    under_way = sa.or_(PropertyCase.planned_for.is_not(None), PropertyCase.assigned_to.is_not(None))
    return {
        "to_visit": sa.and_(Outcome.found.is_(None), sa.not_(sa.func.coalesce(under_way, False))),
        "planned": sa.and_(Outcome.found.is_(None), under_way),
        "no_access": Outcome.found == "no_access",
        "done": sa.and_(Outcome.found.is_not(None), Outcome.found != "no_access"),
    }[status]


def _matches(text: str, named: bool) -> sa.ColumnElement[bool]:
    """Entries whose address, postcode or landlord holds every word of a search, or whose UPRN begins with it."""
    conditions = []
    for word in text.lower().split():
        like = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        landlord = [sa.func.lower(ListEntry.landlord_name).like(like, escape="!")] if named else []
        address = sa.func.lower(ListEntry.address).like(like, escape="!")
        conditions.append(sa.or_(address, ListEntry.uprn.like(like[1:], escape="!"), *landlord))
    close = text.lower().replace(" ", "")
    together = f"%{close.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
    # A postcode written without its space.
    postcode = sa.func.replace(sa.func.lower(ListEntry.address), " ", "").like(together, escape="!")
    return sa.or_(sa.and_(*conditions), sa.and_(sa.literal(any(letter.isdigit() for letter in close)), postcode))


_ORDERS: dict[str, list[Any]] = {
    "rank": [ListEntry.rank],
    "address": [ListEntry.address, ListEntry.rank],
    "ward": [ListEntry.ward, ListEntry.rank],
    "planned": [PropertyCase.planned_for.is_(None), PropertyCase.planned_for, ListEntry.rank],
    "visited": [Outcome.visited_on.is_(None), Outcome.visited_on.desc(), ListEntry.rank],
}
"""Orders of the list; of what is equal the lower rank comes first, so that an order is one and the same each time."""


def asked_for(session: Session, issued: PublishedList, asked: Filters, today: date, named: bool) -> Any:
    """The query of the rows that were asked for, in their order."""
    at_day = _standing_at(session, issued.borough, asked.new_since) if asked.new_since else None
    query = _filtered(_joined(issued, before(session, issued), today), asked, issued, at_day, named)
    return query.order_by(*_ORDERS[asked.sort])


def entries(session: Session, issued: PublishedList, asked: Filters, today: date, size: int | None) -> Shown:
    """The rows that were asked for, `size` of them (all where None) from the page asked for on."""
    named = may_name_landlords(issued.borough)
    query, page, of = asked_for(session, issued, asked, today, named), 1, issued.rows
    if asked.set_ones:
        counted = query.order_by(None).with_only_columns(ListEntry.rank).subquery()
        of = session.scalar(sa.select(sa.func.count()).select_from(counted)) or 0
    if size is not None:
        page = min(asked.page, max(1, -(-of // size)))  # past the end stands the last page
        query = query.limit(size).offset(size * (page - 1))
    rows = [_row(found, issued.capacity, named) for found in session.execute(query)]
    officers = session.scalars(
        sa.select(PropertyCase.assigned_to)
        .where(PropertyCase.borough == issued.borough, PropertyCase.assigned_to.is_not(None))
        .distinct()
    )
    fixed = _fixed(session, issued)
    return Shown(
        rows,
        of,
        page,
        fixed.wards,
        sorted(str(officer) for officer in officers),
        before(session, issued) is not None,
        fixed.spread,
        _done(session, issued),
    )


def row_of(session: Session, issued: PublishedList, uprn: str, today: date) -> Row:
    """One entry of a list, which must hold it."""
    query = _joined(issued, before(session, issued), today).where(ListEntry.uprn == uprn)
    return _row(session.execute(query).one(), issued.capacity, may_name_landlords(issued.borough))


@dataclass(frozen=True)
class Fixed:
    """What an issued list says for good: its wards, and how far the HMOs among its visits may lie from the expected."""

    wards: list[str]
    spread: float


_known: OrderedDict[str, Fixed] = OrderedDict()
LISTS_KNOWN = 64


def _fixed(session: Session, issued: PublishedList) -> Fixed:
    """What a list says for good, worked out once a process: lists do not change."""
    if issued.id not in _known:
        of_list = ListEntry.list_id == issued.id
        wards = session.scalars(sa.select(ListEntry.ward).where(of_list, ListEntry.ward.is_not(None)).distinct())
        chance = ListEntry.probability
        within = sa.and_(of_list, ListEntry.rank <= issued.capacity)
        variance = session.scalar(sa.select(sa.func.sum(chance * (1 - chance))).where(within))
        _known[issued.id] = Fixed(sorted(str(ward) for ward in wards), WITHIN_95 * sqrt(variance or 0.0))
        while len(_known) > LISTS_KNOWN:
            _known.popitem(last=False)
    return _known[issued.id]


def _done(session: Session, issued: PublishedList) -> int:
    """How many of the visits within capacity were made with an answer."""
    visited = sa.select(Outcome.uprn).where(
        Outcome.borough == issued.borough, Outcome.superseded_at.is_(None), Outcome.found != "no_access"
    )
    within = (ListEntry.list_id == issued.id, ListEntry.rank <= issued.capacity)
    return session.scalar(sa.select(sa.func.count()).where(*within, ListEntry.uprn.in_(visited))) or 0


def _row(found: Any, capacity: int, named: bool) -> Row:
    entry: ListEntry = found[0]
    return Row(
        entry.rank,
        entry.uprn,
        entry.address,
        entry.ward,
        words.band(entry.rank, capacity),
        [str(reason) for reason in entry.reasons],
        entry.licence_needed,
        entry.licence_status,
        entry.landlord_id,
        entry.landlord_name if named else None,
        found.before,
        found.assigned_to,
        found.planned_for,
        found.found,
        found.attempt,
        found.visited_on,
        found.override,
        entry.easting,
        entry.northing,
    )
