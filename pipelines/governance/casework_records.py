"""What officers recorded of properties: their erasure, their withdrawal and their deletion past retention.

Outcomes, overrides and plans are about a property, so they go with it when its records are erased. A person stands in
them only in free text, the note of an outcome and the reason of an override, which is blanked where it names the
person. Outcomes are the borough's inspections, kept under the agreement for that dataset; an address stands in all of
them that the gazetteer or a list gave, so without the gazetteer none stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import Outcome, OutcomeFile, Override, PropertyCase
from pipelines.governance import audit, standing
from pipelines.governance.subjects import Subject, in_text
from schemas import registry

DATASET = "inspection"
AT_ONCE = 500
"""Numbers in one statement; databases take some tens of thousands at most."""


@dataclass
class Records:
    """Numbers of outcomes and overrides that go, of those whose text is blanked, and cases by borough and UPRN."""

    outcomes: list[int] = field(default_factory=list)
    overrides: list[int] = field(default_factory=list)
    cases: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    boroughs: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return any((self.outcomes, self.overrides, self.cases, self.files, self.notes, self.reasons))

    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        return {
            "outcomes": len(self.outcomes),
            "overrides": len(self.overrides),
            "plans": len(self.cases),
            "notes_of_officers_that_are_blanked": len(self.notes) + len(self.reasons),
        }


# --- erasure ---


def about(subject: Subject) -> Records:
    """What is about a property, or names a person; one who is meant at one property only, is looked for there only."""
    found = Records()
    with transaction() as session:
        outcomes = session.execute(sa.select(Outcome.number, Outcome.borough, Outcome.uprn, Outcome.note)).all()
        overrides = session.execute(sa.select(Override.number, Override.borough, Override.uprn, Override.reason)).all()
        cases = session.execute(sa.select(PropertyCase.borough, PropertyCase.uprn)).all()
    if subject.names:
        for rows, going in ((outcomes, found.notes), (overrides, found.reasons)):
            named = _naming(rows, subject)
            going += [row[0] for row in named]
            found.boroughs |= {row[1] for row in named}
        return found
    for rows, going in ((outcomes, found.outcomes), (overrides, found.overrides)):
        mine = [row for row in rows if row[2] == subject.uprn]
        going += [row[0] for row in mine]
        found.boroughs |= {row[1] for row in mine}
    found.cases = [(case.borough, case.uprn) for case in cases if case.uprn == subject.uprn]
    found.boroughs |= {borough for borough, _ in found.cases}
    return found


def _naming(rows: Any, subject: Subject) -> list[Any]:
    """Rows whose text holds one of the person's names."""
    here = [row for row in rows if subject.uprn is None or row[2] == subject.uprn]
    if not here:
        return []
    hits = in_text(pa.array([row[3] for row in here], pa.string()), Subject(names=subject.names), ())
    return [row for row, hit in zip(here, hits, strict=True) if hit]


def erase(found: Records) -> None:
    """Delete or blank what was found, history among it; the caller records the erasure."""
    with transaction() as session:
        _delete(session, found)
        for numbers in _portions(found.notes):
            session.execute(sa.update(Outcome).where(Outcome.number.in_(numbers)).values(note=""))
        for numbers in _portions(found.reasons):
            session.execute(sa.update(Override).where(Override.number.in_(numbers)).values(reason=""))


def _delete(session: Session, found: Records) -> None:
    for numbers in _portions(found.outcomes):
        session.execute(sa.delete(Outcome).where(Outcome.number.in_(numbers)))
    for numbers in _portions(found.overrides):
        session.execute(sa.delete(Override).where(Override.number.in_(numbers)))
    for borough, uprn in found.cases:
        mine = sa.and_(PropertyCase.borough == borough, PropertyCase.uprn == uprn)
        session.execute(sa.delete(PropertyCase).where(mine))
    for borough, sha256 in found.files:
        session.execute(sa.delete(OutcomeFile).where(OutcomeFile.borough == borough, OutcomeFile.sha256 == sha256))


def _portions(numbers: list[int]) -> list[list[int]]:
    return [numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE)]


# --- withdrawal ---


def kept(session: Session, borough: str, dataset: str) -> bool:
    """Whether anything is kept that rests on a dataset of a borough."""
    return any(
        session.scalars(sa.select(table.borough).where(table.borough == borough)).first() for table in _of(dataset)
    )


def withdraw(session: Session, borough: str, dataset: str) -> int:
    """Delete what rests on a dataset that was taken back; returns how many outcomes there were."""
    number = 0
    for table in _of(dataset):
        if table is Outcome:
            number = session.scalar(sa.select(sa.func.count()).where(Outcome.borough == borough)) or 0
        session.execute(sa.delete(table).where(table.borough == borough))
    return number


def _of(dataset: str) -> tuple[Any, ...]:
    """Tables of officers' records that rest on a dataset."""
    if dataset == standing.SPINE:
        return (Outcome, OutcomeFile, Override, PropertyCase)
    return (Outcome, OutcomeFile) if dataset == DATASET else ()


# --- retention ---


def boroughs() -> list[str]:
    """Boroughs of which anything was recorded."""
    with transaction() as session:
        every = (sa.select(table.borough).distinct() for table in (Outcome, OutcomeFile, Override, PropertyCase))
        return sorted({borough for query in every for borough in session.scalars(query)})


def past_retention(session: Session, borough: str, days: int, days_of_lists: int, now: datetime) -> Records:
    """What of a borough is past its retention: `days` for inspections, `days_of_lists` for what stands beside lists.

    An outcome that stands is kept as long as an agreement covers inspections, as a dataset's last good extract is; one
    that was corrected, or is covered by nothing, for so many days after. An override goes so long after its end, a
    plan so long after its last change if nothing else is kept of the property.
    """
    past, past_lists = now - timedelta(days=days), now - timedelta(days=days_of_lists)
    covered = registry.cover(borough, DATASET, None, clock.today()).refusal is None
    found = Records(boroughs={borough})
    outcomes = session.execute(
        sa.select(Outcome.number, Outcome.uprn, Outcome.recorded_at, Outcome.superseded_at).where(
            Outcome.borough == borough
        )
    ).all()
    overrides = session.scalars(sa.select(Override).where(Override.borough == borough)).all()
    going = {
        row.number
        for row in outcomes
        if (row.superseded_at or row.recorded_at) < past and not (covered and row.superseded_at is None)
    }
    ended = {made.number for made in overrides if _ended(made, past_lists)}
    busy = {row.uprn for row in outcomes if row.number not in going}
    busy |= {made.uprn for made in overrides if made.number not in ended}
    cases = session.scalars(sa.select(PropertyCase).where(PropertyCase.borough == borough)).all()
    files = session.scalars(sa.select(OutcomeFile).where(OutcomeFile.borough == borough)).all()
    found.outcomes, found.overrides = sorted(going), sorted(ended)
    found.cases = [(borough, case.uprn) for case in cases if case.changed_at < past_lists and case.uprn not in busy]
    found.files = [(borough, file.sha256) for file in files if file.at < past]
    return found


def _ended(made: Override, past: datetime) -> bool:
    return made.ended_at < past if made.ended_at is not None else made.expires_on < past.date()


def forget(borough: str, found: Records, who: str) -> None:
    """Delete what is past its retention, and record how much."""
    with transaction() as session:
        _delete(session, found)
        details = {"outcomes": len(found.outcomes), "overrides": len(found.overrides)}
        details |= {"plans": len(found.cases), "files": len(found.files)}
        audit.record(session, who=who, what="delete officers' records past retention", about=borough, details=details)
