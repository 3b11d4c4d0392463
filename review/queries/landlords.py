"""One landlord: homes, licences, places on lists and what visits found, as far as agreements and roles go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome
from review import words

HOMES_SHOWN = 200
MOST_NAMED = 30_000
"""Homes that a query names at most; SQLite takes 32,766 values."""


@dataclass(frozen=True)
class Placed:
    """A home on the newest list of its borough."""

    borough: str
    uprn: str
    address: str
    rank: int
    band: str
    landlord_name: str | None


@dataclass(frozen=True)
class Home:
    """One home of the landlord. `licences` and `liable` are as `models.hmo.landlord_page` tells them."""

    uprn: str
    address: str
    roles: list[str] = field(default_factory=list)
    licences: list[dict[str, Any]] = field(default_factory=list)
    liable: list[dict[str, Any]] = field(default_factory=list)
    placed: Placed | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True)
class InBorough:
    """What the landlord has in one borough; None where nothing may be said of it."""

    borough: str
    homes: list[Home]
    unplaced: int
    on_list: int | None
    hits: int | None

    @property
    def in_force(self) -> int:
        """Licences in force, one of several homes once."""
        held = [own for home in self.homes for own in home.licences if own["state"] == "in force"]
        return len({own["reference"] or str(own) for own in held})

    @property
    def shown(self) -> list[Home]:
        """The homes that a page shows: those on the list first, in its order, the others by address."""
        return sorted(
            self.homes, key=lambda home: (home.placed is None, home.placed.rank if home.placed else 0, home.address)
        )[:HOMES_SHOWN]


def placed(session: Session, landlord_id: str) -> list[Placed]:
    """The landlord's homes on the newest list of each borough."""
    newest = sa.func.row_number().over(
        partition_by=PublishedList.borough, order_by=(PublishedList.as_of.desc(), PublishedList.version.desc())
    )
    standing = (
        sa.select(PublishedList.id, PublishedList.borough, PublishedList.capacity, newest.label("place"))
        .where(PublishedList.withdrawn_at.is_(None))
        .subquery()
    )
    query = (
        sa.select(
            standing.c.borough,
            ListEntry.uprn,
            ListEntry.address,
            ListEntry.rank,
            standing.c.capacity,
            ListEntry.landlord_name,
        )
        .join(ListEntry, ListEntry.list_id == standing.c.id)
        .where(standing.c.place == 1, ListEntry.landlord_id == landlord_id)
        .order_by(standing.c.borough, ListEntry.rank)
    )
    return [
        Placed(borough, uprn, address, rank, words.band(rank, capacity), name)
        for borough, uprn, address, rank, capacity, name in session.execute(query)
    ]


def outcomes(session: Session, homes: Collection[tuple[str, str]]) -> dict[tuple[str, str], Outcome]:
    """The newest standing outcome of homes given by borough and UPRN."""
    boroughs, uprns = sorted({slug for slug, _ in homes}), sorted({uprn for _, uprn in homes})[:MOST_NAMED]
    query = (
        sa.select(Outcome)
        .where(Outcome.borough.in_(boroughs), Outcome.uprn.in_(uprns), Outcome.superseded_at.is_(None))
        .order_by(Outcome.visited_on, Outcome.number)
    )
    return {(own.borough, own.uprn): own for own in session.scalars(query) if (own.borough, own.uprn) in homes}


def by_borough(
    told: Mapping[str, Any],
    on_lists: Collection[Placed],
    found: Mapping[tuple[str, str], Outcome],
    *,
    lists_hidden: Collection[str],
    outcomes_hidden: Collection[str],
) -> list[InBorough]:
    """All of it by borough, in order.

    Args:
        told: what `models.hmo.landlord_page.landlord` says.
        on_lists: the landlord's places on lists that may be shown.
        found: outcomes by borough and UPRN.
        lists_hidden: boroughs whose lists may not be shown.
        outcomes_hidden: boroughs of whose visits an analyst may not know.
    """
    known: dict[str, dict[str, Home]] = {}
    unplaced: dict[str, int] = {}
    places = {(own.borough, own.uprn): own for own in on_lists}
    for borough in told["boroughs"]:
        slug = borough["borough"]
        unplaced[slug] = borough["unplaced"]
        for own in borough["properties"]:
            key, address = (slug, own["uprn"]), _with_postcode(own["address"] or "", own["postcode"] or "")
            more = {name: own[name] for name in ("roles", "licences", "liable")}
            known.setdefault(slug, {})[own["uprn"]] = Home(
                own["uprn"], address, placed=places.get(key), outcome=found.get(key), **more
            )
    for (slug, uprn), place in places.items():
        if uprn not in known.setdefault(slug, {}):
            known[slug][uprn] = Home(uprn, place.address, placed=place, outcome=found.get((slug, uprn)))
    return [
        InBorough(
            slug,
            list(known.get(slug, {}).values()),
            unplaced.get(slug, 0),
            None if slug in lists_hidden else sum(own.borough == slug for own in on_lists),
            None if slug in outcomes_hidden else _hits(known.get(slug, {})),
        )
        for slug in sorted({*known, *unplaced})
    ]


def _hits(homes: Mapping[str, Home]) -> int:
    return sum(home.outcome is not None and home.outcome.found == "hmo_unlicensed" for home in homes.values())


def _with_postcode(address: str, postcode: str) -> str:
    """The address with its postcode, once."""
    return address if not postcode or address.upper().endswith(postcode.upper()) else f"{address}, {postcode}"
