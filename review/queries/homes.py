"""Homes of a borough's gazetteer, on a list or not: found by address or UPRN, and one that stood on no list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.casework import outcomes, places, versions
from pipelines.casework.places import Place
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome
from review.queries import history

MOST = 50
"""Homes that a search shows."""


@dataclass(frozen=True)
class Met:
    """A home that a search met. `listed` where it stands or stood on a list of the borough."""

    uprn: str
    address: str
    listed: bool = False


@dataclass(frozen=True)
class Unlisted:
    """A home that stood on no list. `known` is what `models.hmo.unlisted` says of it."""

    place: Place
    known: dict[str, Any]
    version: int
    outcomes: list[Outcome]

    @property
    def uprn(self) -> str:
        """Its UPRN."""
        return self.place.uprn

    @property
    def address(self) -> str:
        """Its address on one line."""
        return self.place.address

    @property
    def standing(self) -> Outcome | None:
        """The newest outcome that holds."""
        return history.standing(self.outcomes)

    @property
    def timeline(self) -> list[dict[str, Any]]:
        """Records, licences and applications together, the newest first."""
        return history.timeline(self.known)


def search(borough: str, text: str) -> tuple[list[Met], int]:
    """The first `MOST` homes by address that fit, and how many fit: every word in the address, or the UPRN.

    It reads the lake: call it before a transaction is open.
    """
    rows = places.gazetteer(borough)
    address = pc.utf8_lower(rows["address"])
    close = "".join(text.lower().split())
    fits = pc.equal(rows["uprn"], close)
    if any(letter.isalpha() for letter in close):
        within = pa.chunked_array([pa.repeat(True, rows.num_rows)])
        for word in text.lower().replace(",", " ").split():
            within = pc.and_(within, pc.match_substring(address, word))
        # A postcode written without its space.
        fits = pc.or_(fits, pc.or_(within, pc.match_substring(pc.replace_substring(address, " ", ""), close)))
    found = rows.filter(fits).sort_by([("address", "ascending"), ("uprn", "ascending")])
    return [Met(row["uprn"], row["address"]) for row in found.slice(0, MOST).to_pylist()], found.num_rows


def with_lists(session: Session, borough: str, met: list[Met]) -> list[Met]:
    """The homes with whether each stands or stood on a list of the borough that was not taken down."""
    query = (
        sa.select(ListEntry.uprn)
        .join(PublishedList, PublishedList.id == ListEntry.list_id)
        .where(PublishedList.borough == borough, PublishedList.withdrawn_at.is_(None))
        .where(ListEntry.uprn.in_([home.uprn for home in met]))
        .distinct()
    )
    listed = set(session.scalars(query))
    return [Met(home.uprn, home.address, home.uprn in listed) for home in met]


def unlisted(session: Session, place: Place, known: dict[str, Any]) -> Unlisted | None:
    """What the ledger says of a home beside what the lake does; None where it stands or stood on a list."""
    home = Met(place.uprn, place.address)
    if with_lists(session, place.borough, [home])[0].listed:
        return None
    version = versions.version_of(session, place.borough, place.uprn)
    return Unlisted(place, known, version, outcomes.history(session, place.borough, place.uprn))
