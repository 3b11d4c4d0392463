"""What a borough's lists rest on: which datasets it shares, how new they are, and how many records found their home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.hmo.features import FEATURES
from pipelines.core.ledger.models import LastGood
from pipelines.core.tables import LINK_REPORT
from pipelines.governance import access
from schemas import registry

PURPOSE: access.Purpose = "hmo_detection"
ALL = "all"
WITHOUT = {
    "gazetteer": ("The gazetteer is", "no home is known, and no list can be made"),
    "council_tax": ("Council tax is", "who is liable, discounts and what a landlord has elsewhere are not known"),
    "electoral": ("The electoral register is", "how many people are registered at a home is not known"),
    "benefits": ("Benefit claims are", "several claims at one home are not seen"),
    "hmo_licence": (
        "The licence register is",
        "a licence that is held is not known, and homes that hold one may stand on the list",
    ),
    "licence_application": (
        "Licence applications are",
        "homes for which a licence was applied for may stand on the list",
    ),
    "licensing_scheme": ("Licensing schemes are", "only the licence that all of England asks for can be told"),
    "service_request": ("Complaints are", "what neighbours and tenants report about a home does not count"),
    "waste": ("Waste records are", "bins and fly-tipping at a home do not count"),
    "planning": ("Planning records are", "conversions and planning enforcement do not count"),
    "epc": ("Energy certificates are", "size, age and tenure by a certificate are not known"),
    "inspection": ("Inspections are", "visits in the borough's own system teach the model nothing"),
    "social_housing": (
        "Social housing is",
        "homes of the council and of housing associations may stand on the list",
    ),
}
"""A dataset with its verb, and what the lists lack where it is missing, as it goes on after "so"."""


@dataclass(frozen=True)
class Source:
    """One dataset of a borough. `match_rate` is the share of its records that were tied to a home or building.

    `missing` says what follows where there is nothing of it that may be used, `refusal` why it may not be.
    """

    dataset: str
    title: str
    newest: date | None
    rows: int
    records: int
    match_rate: float | None
    refusal: str | None
    missing: str | None


def matched(borough: str) -> dict[str, tuple[int, int]]:
    """By dataset how many records there are and how many were tied; to be called before a transaction is open."""
    rows = access.read_table("link_report", LINK_REPORT, boroughs=[borough])
    rows = rows.filter(pc.equal(rows["group"], ALL))
    counts = zip(*(rows[name].to_pylist() for name in ("dataset", "records", "linked", "parent")), strict=True)
    return {dataset: (records, linked + parent) for dataset, records, linked, parent in counts}


def sources(session: Session, borough: str, tied: Mapping[str, tuple[int, int]]) -> list[Source]:
    """Every dataset there could be, those in use first."""
    query = (
        sa.select(LastGood.dataset, sa.func.max(LastGood.extract_date), sa.func.sum(LastGood.rows))
        .where(LastGood.borough == borough)
        .group_by(LastGood.dataset)
    )
    there = {dataset: (newest, int(rows)) for dataset, newest, rows in session.execute(query)}
    found = [_source(borough, dataset, there.get(dataset), tied.get(dataset)) for dataset in registry.contracts()]
    return sorted(found, key=lambda own: (own.missing is not None, own.title))


def _source(borough: str, dataset: str, there: tuple[date, int] | None, tied: tuple[int, int] | None) -> Source:
    refusal = access.refusal(borough, dataset, PURPOSE)
    title = registry.contract(dataset).title
    used = there is not None and refusal is None
    newest, rows = there if there is not None and used else (None, 0)
    records, good = tied if tied is not None and used else (0, 0)
    rate = good / records if records else None
    return Source(dataset, title, newest, rows, records, rate, refusal, None if used else _missing(dataset, refusal))


def _missing(dataset: str, refusal: str | None) -> str:
    """What the lists lack without a dataset, with how many of the model's figures stay unknown."""
    subject, follows = WITHOUT[dataset]
    why = "not shared" if refusal else "covered by an agreement, but nothing has come yet"
    resting = sum(dataset == feature.dataset or dataset in feature.also for feature in FEATURES)
    figures = f" {resting} of the {len(FEATURES)} figures that the model uses stay unknown." if resting else ""
    return f"{subject} {why}, so {follows}.{figures}"
