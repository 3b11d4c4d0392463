"""What people decided about links: the one door to reading it, and its deletion when it may not be kept.

A decision holds an address, so it is personal data like the record that it was made for: it is read under the
agreements of its borough and put on record, erased with its property, deleted when every dataset in which the
address stood is withdrawn, and deleted by retention. It holds no token, so a rotation of the key leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LinkReview
from pipelines.core.lock import exclusive
from pipelines.governance import audit, reads, standing
from pipelines.governance.pseudonym import canonical
from pipelines.governance.subjects import Subject, in_text, is_in
from schemas import registry

TABLE = "link_review"
LOCK = "link-review-{}"
"""Whoever changes a borough's decisions holds this lock."""

FIELDS = ("address", "postcode", "uprn", "note")


def read(borough: str, *, history: bool = False, session: Session | None = None) -> list[LinkReview]:
    """A borough's decisions that hold, in the order in which they were made; with `history` those superseded as well.

    Only those for which an agreement in force covers the gazetteer and a dataset in which the address stood. That
    they were read is put on record. In the caller's transaction where a `session` is given; only inside
    `reads.reading`, since the line cannot be written while it is open.
    """
    if standing.refusal("link", borough) is not None:
        return []
    query = sa.select(LinkReview).where(LinkReview.borough == borough).order_by(LinkReview.number)
    if not history:
        query = query.where(LinkReview.superseded_at.is_(None))
    with nullcontext(session) if session is not None else transaction() as within:
        every = within.scalars(query).all()
    covered = _covered(borough, standing.PURPOSE)
    found = [decision for decision in every if covered & set(decision.datasets)]
    if found:
        reads.add(TABLE, boroughs=[borough], rows=len(found), fields=FIELDS, purpose=standing.PURPOSE)
    return found


def _covered(borough: str, purpose: str | None) -> set[str]:
    """Datasets of a borough that may be used today for a purpose, or for any."""
    day = clock.today()
    return {name for name in registry.contracts() if registry.cover(borough, name, purpose, day).refusal is None}


# --- erasure ---


def about(subject: Subject, places: Iterable[str]) -> tuple[list[int], list[int]]:
    """Numbers of decisions about a property, and of those whose note names a person.

    `places` are the addresses at which the property was found, as `place_keys` gives them.
    """
    with transaction() as session:
        every = session.scalars(sa.select(LinkReview).order_by(LinkReview.number)).all()
    if not every:
        return [], []
    if subject.names:
        notes = pa.array([decision.note for decision in every], pa.string())
        named = in_text(notes, Subject(names=subject.names), ())
        return [], [d.number for d, hit in zip(every, named, strict=True) if hit]
    address = canonical(pa.array([decision.address_written for decision in every], pa.string()))
    postcode = pc.fill_null(canonical(pa.array([d.postcode_written for d in every], pa.string())), "")
    there = is_in(pc.binary_join_element_wise(address, postcode, "|"), places)
    there |= is_in(pa.array([decision.uprn for decision in every], pa.string()), [str(subject.uprn)])
    return [d.number for d, hit in zip(every, there, strict=True) if hit], []


def erase(numbers: Sequence[int], notes: Sequence[int]) -> None:
    """Delete decisions, those superseded too, and blank the notes of others; the caller records the erasure."""
    for borough in _boroughs_of([*numbers, *notes]):
        with exclusive(LOCK.format(borough)), transaction() as session:
            mine = LinkReview.borough == borough
            session.execute(sa.delete(LinkReview).where(mine, LinkReview.number.in_(numbers)))
            session.execute(sa.update(LinkReview).where(mine, LinkReview.number.in_(notes)).values(note=""))


def _boroughs_of(numbers: Sequence[int]) -> list[str]:
    with transaction() as session:
        found = sa.select(LinkReview.borough).where(LinkReview.number.in_(numbers)).distinct()
        return sorted(session.scalars(found))


# --- withdrawal and retention ---


def withdraw(borough: str, dataset: str) -> int:
    """Delete what rests on a dataset that was taken back; returns how many decisions.

    A decision whose address stood in other datasets as well stays; without the gazetteer none does.
    """
    with exclusive(LOCK.format(borough)), transaction() as session:
        mine = session.scalars(sa.select(LinkReview).where(LinkReview.borough == borough)).all()
        gone = [d for d in mine if dataset == standing.SPINE or set(d.datasets) <= {dataset}]
        for decision in mine:
            decision.datasets = [name for name in decision.datasets if name != dataset]
        for decision in gone:
            session.delete(decision)
    return len(gone)


def past_retention(session: Session, borough: str, days: int, now: datetime) -> list[int]:
    """Numbers of a borough's decisions that are past their retention.

    One that holds is kept as long as an agreement covers the gazetteer and a dataset in which the address stood, as a
    dataset's last good extract is; one that was superseded, or is covered by nothing, for so many days after.
    """
    covered = _covered(borough, None)
    past = now - timedelta(days=days)
    found = []
    for decision in session.scalars(sa.select(LinkReview).where(LinkReview.borough == borough)):
        kept = standing.SPINE in covered and bool(covered & set(decision.datasets))
        if (decision.superseded_at or decision.decided_at) < past and not (kept and decision.superseded_at is None):
            found.append(decision.number)
    return found


def boroughs() -> list[str]:
    """Boroughs for which anything was decided."""
    with transaction() as session:
        return sorted(session.scalars(sa.select(LinkReview.borough).distinct()))


def forget(borough: str, numbers: Sequence[int], who: str) -> None:
    """Delete decisions past their retention, and record how many."""
    with exclusive(LOCK.format(borough)), transaction() as session:
        session.execute(sa.delete(LinkReview).where(LinkReview.number.in_(numbers)))
        audit.record(
            session,
            who=who,
            what="delete link decisions past retention",
            about=borough,
            details={"decisions": len(numbers)},
        )
