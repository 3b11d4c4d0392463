"""One property as a page shows it: its newest entry and dossier, what officers planned and found, its lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.casework import outcomes, overrides, versions
from pipelines.core.errors import NotFound
from pipelines.core.ledger.models import Dossier, ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome, Override, PropertyCase
from review import words
from review.disclosure import may_name_landlords, without_names
from review.queries import history

LISTS_SHOWN = 24


@dataclass(frozen=True)
class Placed:
    """The place of a property on one list."""

    as_of: date
    version: int
    rank: int
    band: str


@dataclass(frozen=True)
class Property:
    """All that a property's page shows. `entry` is of the newest list that it stood on; `dossier` is what stood behind.

    `on_current` says whether that list is the one to work from.
    """

    entry: ListEntry
    issued: PublishedList
    on_current: bool
    dossier: dict[str, Any]
    case: PropertyCase | None
    version: int
    outcomes: list[Outcome]
    override: Override | None
    overrides: list[Override]
    lists: list[Placed]

    @property
    def standing(self) -> Outcome | None:
        """The newest outcome that holds."""
        return history.standing(self.outcomes)

    @property
    def timeline(self) -> list[dict[str, Any]]:
        """Records, licences and applications of the dossier together, the newest first."""
        return history.timeline(self.dossier)


def find(session: Session, borough: str, uprn: str) -> Property:
    """A property that stands or stood on a list of the borough.

    Raises:
        NotFound: it stood on none.
    """
    query = (
        sa.select(ListEntry, PublishedList)
        .join(PublishedList, PublishedList.id == ListEntry.list_id)
        .where(ListEntry.uprn == uprn, PublishedList.borough == borough, PublishedList.withdrawn_at.is_(None))
        .order_by(PublishedList.as_of.desc(), PublishedList.version.desc())
        .limit(LISTS_SHOWN)
    )
    found = session.execute(query).all()
    if not found:
        raise NotFound(
            "This property is on no list of the borough. Look for it among the homes that are not on the list."
        )
    entry, issued = found[0]
    newest = session.scalar(
        sa.select(PublishedList.id)
        .where(PublishedList.borough == borough, PublishedList.withdrawn_at.is_(None))
        .order_by(PublishedList.as_of.desc(), PublishedList.version.desc())
        .limit(1)
    )
    dossier = session.get(Dossier, (issued.id, uprn))
    return Property(
        entry,
        issued,
        newest == issued.id,
        _shown(borough, dossier),
        session.get(PropertyCase, (borough, uprn)),
        versions.version_of(session, borough, uprn),
        outcomes.history(session, borough, uprn),
        overrides.at(session, borough, uprn),
        overrides.history(session, borough, uprn),
        [Placed(own.as_of, own.version, place.rank, words.band(place.rank, own.capacity)) for place, own in found],
    )


def _shown(borough: str, dossier: Dossier | None) -> dict[str, Any]:
    if dossier is None:
        return {}
    return dossier.content if may_name_landlords(borough) else without_names(dossier.content)
