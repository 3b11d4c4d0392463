"""Two officers at one property: who writes names the version that was on the page, and the second is told.

`PropertyCase.version` rises with every write to a property. The row is held until the transaction ends (PostgreSQL:
`SELECT ... FOR UPDATE`; SQLite: the ledger's transactions hold the whole database), so of two writes at once one waits
and then finds the other's version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.errors import LodaError
from pipelines.core.ledger.officers import Outcome, Override, PropertyCase

LONDON_TIME = ZoneInfo("Europe/London")


class ChangedMeanwhile(LodaError):
    """Somebody else has written to the property since it was looked at; the sentence says who, what and when."""


def version_of(session: Session, borough: str, uprn: str) -> int:
    """The version to show with a form about a property; 0 where nobody has written to it."""
    found = session.get(PropertyCase, (borough, uprn))
    return found.version if found else 0


def changed_since(session: Session, borough: str, uprn: str, expected_version: int) -> str | None:
    """What somebody else did at a property since this version of it was looked at, in a sentence; None for nothing."""
    if version_of(session, borough, uprn) == expected_version:
        return None
    found = last_change(session, borough, uprn)
    if found is None:  # what stood there was erased
        return "This property's records were changed since you opened the page. Look at it again, then send yours anew."
    at, who, what = found
    own = at.astimezone(LONDON_TIME)
    return (
        f"{who} {what} this property on {own.day} {own:%B %Y at %H:%M}, after you had opened the page. "
        "Nothing of theirs is lost, and yours is not saved yet: look at what they did, then send yours again."
    )


def last_change(session: Session, borough: str, uprn: str) -> tuple[datetime, str, str] | None:
    """When, who and what ("recorded an outcome at") was done last at a property; None where nothing was."""
    outcomes = sa.select(Outcome.recorded_at, Outcome.recorded_by, Outcome.corrects)
    outcomes = outcomes.where(Outcome.borough == borough, Outcome.uprn == uprn)
    overrides = sa.select(Override).where(Override.borough == borough, Override.uprn == uprn)
    found: list[tuple[datetime, int, str, str]] = []
    for at, who, corrects in session.execute(outcomes):
        found.append((at, 1, who, "recorded an outcome at" if corrects is None else "corrected an outcome at"))
    for override in session.scalars(overrides):
        found.append((override.made_at, 1, override.who, "outranked the list at"))
        if override.ended_at is not None and override.ended_by is not None:
            found.append((override.ended_at, 1, override.ended_by, "ended what outranked the list at"))
    case = session.get(PropertyCase, (borough, uprn))
    if case is not None:
        # Every write leaves its moment here; where no other record has it, the plan was what changed.
        found.append((case.changed_at, 0, case.changed_by, "changed the plan of"))
    if not found:
        return None
    at, _, who, what = max(found)
    return at, who, what


def write(session: Session, borough: str, uprn: str, *, expected_version: int | None, who: str) -> PropertyCase:
    """The property's row, held and a version higher, for whoever is about to write to the property.

    `expected_version` is the one that was on the page; None for a file or a program that saw none.

    Raises:
        ChangedMeanwhile: the row has another version.
    """
    case = _held(session, borough, uprn)
    if expected_version is not None:
        told = changed_since(session, borough, uprn, expected_version)
        if told is not None:
            raise ChangedMeanwhile(told)
    case.version += 1
    case.changed_by, case.changed_at = who, clock.now()
    return case


def write_many(session: Session, borough: str, done_until: Mapping[str, date], *, who: str) -> None:
    """The same for many properties at once, by UPRN; a plan for a day up to the one given with it is done.

    For what comes from a file, whose writer has seen no version: whoever has a page open is told of it.
    """
    # In one order, so that two of these wait for each other and do not block one another.
    uprns = sorted(done_until)
    case, now = sa.inspect(PropertyCase).local_table, clock.now()
    assert isinstance(case, sa.Table)  # noqa: S101 - a mapped class has a table
    new = [{"borough": borough, "uprn": u, "version": 0, "changed_by": "", "changed_at": now} for u in uprns]
    made = postgresql.insert(case) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(case)
    raised = (
        sa.update(case)
        .where(case.c.borough == borough, case.c.uprn == sa.bindparam("of"))
        .values(
            version=case.c.version + 1,
            changed_by=who,
            changed_at=now,
            planned_for=sa.case((case.c.planned_for <= sa.bindparam("until"), None), else_=case.c.planned_for),
        )
    )
    session.connection().execute(made.on_conflict_do_nothing(), new)
    session.connection().execute(raised, [{"of": uprn, "until": done_until[uprn]} for uprn in uprns])


def hold(session: Session, borough: str, uprns: Iterable[str]) -> None:
    """Hold several properties before the first is written to, in one order.

    A writer holds the audit log from its first line on; who then waited for a property that another writer holds,
    which waits for the log, would wait for ever.
    """
    for uprn in sorted(uprns):
        _held(session, borough, uprn)


def _held(session: Session, borough: str, uprn: str) -> PropertyCase:
    """The row, locked against every other transaction until this one ends; made where there is none."""
    new = {"borough": borough, "uprn": uprn, "version": 0, "changed_by": "", "changed_at": clock.now()}
    if session.get_bind().dialect.name == "postgresql":
        session.execute(postgresql.insert(PropertyCase).values(new).on_conflict_do_nothing())
    else:
        session.execute(sqlite.insert(PropertyCase).values(new).on_conflict_do_nothing())
    held = sa.select(PropertyCase).where(PropertyCase.borough == borough, PropertyCase.uprn == uprn)
    # What the session has seen before the lock may be older than what the lock waited for.
    return session.scalars(held.with_for_update().execution_options(populate_existing=True)).one()
