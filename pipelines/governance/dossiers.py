"""What stands behind entries of lists, and who: dossiers and landlords, erased and deleted with what they rest on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Dossier, ListEntry, PublishedList
from pipelines.governance import lake_deletion
from pipelines.governance.pseudonym import canonical
from pipelines.governance.subjects import Subject, is_in

AT_ONCE = 500
LANDLORD, NAME, LICENCES, HOLDER = "landlord", "name", "licences", "holder"
"""Where the content of a dossier names somebody: its landlord, and the holders of its licences."""


@dataclass
class Told:
    """Dossiers and list entries that are about a subject, by list and UPRN; `landlords` are a person's identifiers."""

    gone: list[tuple[str, str]] = field(default_factory=list)
    blanked: list[tuple[str, str]] = field(default_factory=list)
    entries: list[tuple[str, str]] = field(default_factory=list)
    landlords: frozenset[str] = frozenset()


def about(subject: Subject, records: Collection[tuple[str, str, int]]) -> Told:
    """Where dossiers and entries are about a property, or name a person or the landlord that a person is.

    A property's own dossiers go, and those of the homes that are a part of it; a person is blanked. `records` are the
    subject's records: borough, dataset, record id.
    """
    if not subject.names:
        building = Dossier.content["building_uprn"].as_string()
        mine = sa.or_(Dossier.uprn == subject.uprn, building == subject.uprn)
        with transaction() as session:
            rows = session.execute(sa.select(Dossier.list_id, Dossier.uprn).where(mine)).all()
        return Told(gone=[(row.list_id, row.uprn) for row in rows])
    landlords = _landlords(records)
    with transaction() as session:
        named = [(key, name) for key, content in _contents(session, subject) for name in _names(content)]
        told = [(key, name) for key, name in named if name]
        hit = is_in(canonical(pa.array([name for _, name in told], pa.string())), subject.names)
        blanked = {key for (key, _), is_hit in zip(told, hit, strict=True) if is_hit}
        blanked |= {key for key, content in _contents(session, subject) if _landlord_of(content) in landlords}
        return Told([], sorted(blanked), _entries(session, subject, landlords), landlords)


def _contents(session: Session, subject: Subject) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Dossiers of all properties, or of the one at which only a person is meant."""
    query = sa.select(Dossier.list_id, Dossier.uprn, Dossier.content)
    if subject.uprn is not None:
        query = query.where(Dossier.uprn == subject.uprn)
    for name, uprn, content in session.execute(query).yield_per(AT_ONCE):
        yield (name, uprn), content


def _landlord_of(content: dict[str, Any]) -> str | None:
    found = (content.get(LANDLORD) or {}).get("id")
    return None if found is None else str(found)


def _names(content: dict[str, Any]) -> list[str | None]:
    return [(content.get(LANDLORD) or {}).get(NAME), *(own.get(HOLDER) for own in content.get(LICENCES, []))]


def _landlords(records: Collection[tuple[str, str, int]]) -> frozenset[str]:
    """Identifiers of the landlords behind these records."""
    found: set[str] = set()
    for borough in {borough for borough, _, _ in records}:
        for part in lake_deletion.partitions("landlord", borough):
            rows = lake_deletion.rows_of("landlord", part)
            for row in [] if rows is None else rows.select(["dataset", "record_id", "landlord_id"]).to_pylist():
                if (borough, row["dataset"], row["record_id"]) in records:
                    found.add(row["landlord_id"])
    return frozenset(found)


def _entries(session: Session, subject: Subject, landlords: frozenset[str]) -> list[tuple[str, str]]:
    """Entries that name the person, or have one of these landlords."""
    known = sa.select(ListEntry.list_id, ListEntry.uprn, ListEntry.landlord_id, ListEntry.landlord_name)
    known = known.where(ListEntry.landlord_id.is_not(None))
    if subject.uprn is not None:
        known = known.where(ListEntry.uprn == subject.uprn)
    rows = session.execute(known).all()
    named = is_in(canonical(pa.array([row.landlord_name for row in rows], pa.string())), subject.names)
    return [(row[0], row[1]) for row, hit in zip(rows, named, strict=True) if hit or row.landlord_id in landlords]


def erase(told: Told, subject: Subject) -> None:
    """Delete a property's dossiers, and blank a person in the others and in entries; the caller records the erasure."""
    with transaction() as session:
        for name, uprn in told.gone:
            session.execute(sa.delete(Dossier).where(Dossier.list_id == name, Dossier.uprn == uprn))
        for name, uprn in told.entries:
            mine = sa.update(ListEntry).where(ListEntry.list_id == name, ListEntry.uprn == uprn)
            session.execute(mine.values(landlord_id=None, landlord_name=None))
        for key in told.blanked:
            row = session.get(Dossier, key)
            if row is not None:
                row.content = _blanked(row.content, subject, told.landlords)


def _blanked(content: dict[str, Any], subject: Subject, landlords: frozenset[str]) -> dict[str, Any]:
    """The content without a person: as the landlord, and as the holder of a licence, which stays without the name."""
    names = _names(content)
    landlord, *holders = is_in(canonical(pa.array(names, pa.string())), subject.names).tolist()
    licences = [
        own | ({HOLDER: None} if hit else {}) for own, hit in zip(content.get(LICENCES, []), holders, strict=True)
    ]
    gone = landlord or _landlord_of(content) in landlords
    return content | {LICENCES: licences, LANDLORD: None if gone else content.get(LANDLORD)}


def forget(session: Session, lists: Collection[str]) -> int:
    """Delete the dossiers of lists, in the caller's transaction; returns how many."""
    mine = Dossier.list_id.in_(lists)
    number = session.scalar(sa.select(sa.func.count()).select_from(Dossier).where(mine)) or 0
    session.execute(sa.delete(Dossier).where(mine))
    return number


def forget_borough(session: Session, borough: str) -> int:
    """Delete a borough's dossiers, in the caller's transaction; returns how many."""
    return forget(session, list(session.scalars(sa.select(PublishedList.id).where(PublishedList.borough == borough))))
