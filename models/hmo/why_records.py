"""The records behind a home's score: which, of when, about what in the contract's words, and why they are tied to it.

Read as an analyst may see them, and no column but those listed here: kinds and codes that features read, never a name,
an address, a reference of a person or a text that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo import sources
from models.hmo.days import NEVER, day_number, day_of, days_column, event_days
from models.hmo.features import BY_NAME
from models.hmo.features.declaration import POOLED, in_words
from models.hmo.features.residents import SHORT_STAY
from pipelines.core.tables import LINK
from pipelines.governance import access
from schemas import registry
from schemas.agreement import Role

ROLE: Role = "analyst"
"""Who decides which homes are visited, and so who asks why."""

KINDS: dict[str, tuple[str, ...]] = {
    "council_tax": ("liable_party", "discount", "exemption_class", "band"),
    "electoral": (),
    "benefits": (),
    "epc": ("property_type", "built_form", "age_band", "tenure", "transaction_type", "energy_rating"),
    "service_request": ("request_category", "request_outcome"),
    "waste": ("waste_kind",),
    "planning": ("planning_kind",),
}
"""Coded columns that are told of a record. Counts of people are told by the features alone."""

COUNTS = {"electoral": "a count of electors", "benefits": "a count of benefit claims"}
LEADS = {
    "liable_party": "liable: ",
    "exemption_class": "exempt: ",
    "tenure": "tenure: ",
    "transaction_type": "certified for: ",
    "age_band": "built ",
}
"""What stands before a meaning that would be unclear alone."""

REFERENCES = {
    "epc": "certificate_ref",
    "service_request": "request_ref",
    "waste": "waste_ref",
    "planning": "planning_ref",
}
"""The borough's own number of a record, by which an officer finds it, where it is no person's."""

ONLY = {"exemption_class": ("N",)}
"""Codes that a feature asks for; other exemptions tell of illness, death and prison, and nobody here needs them."""

SAYS_NOTHING = frozenset(
    {("discount", "none"), ("tenure", "unknown"), ("age_band", "unknown"), ("transaction_type", "other")}
)

ENDS = {"council_tax": "liability_end", "service_request": "closed_date"}
"""Dates after the event that are told once they have come; of a liability it is the last day in force."""

OF_BUILDING = ("building_complaints_36_months", "building_complaints_12_months", "building_change_of_use_10_years")
"""Features that count records of the building that a home is a part of."""

NOT_OF_HOME = frozenset({"surroundings", "landlord"})
"""Themes that count records of other people's homes, which are no business of whoever visits this one."""


@dataclass(frozen=True)
class Reach:
    """Which records of a dataset count: events of the last `days` days and, if `newest`, the newest one at any age."""

    days: int
    newest: bool


def reaches(known: Iterable[str], counted: Iterable[str]) -> dict[tuple[str, bool], Reach]:
    """Which records are behind a score, by dataset and whether they are of the building.

    Args:
        known: names of the features whose values are known. One of what is so on the day rests on the newest record.
        counted: those of them that add something to the score; only datasets that one of these rests on are told.
    """
    datasets = {dataset for name in counted for dataset in _of_home(name)}
    found: dict[tuple[str, bool], Reach] = {}
    for name in known:
        for dataset in _of_home(name) & datasets:
            key = (dataset, name in OF_BUILDING)
            before, days = found.get(key, Reach(0, False)), BY_NAME[name].window_days
            found[key] = Reach(max(before.days, days or 0), before.newest or days is None)
    return found


def _of_home(name: str) -> set[str]:
    """Datasets whose records of the home, or of its building, a feature counts."""
    feature = BY_NAME[name]
    return set() if feature.theme in NOT_OF_HOME or feature.dataset in POOLED else set(feature.rests_on) & set(KINDS)


def behind(
    borough: str, uprn: str, building: str | None, known: Iterable[str], counted: Iterable[str], as_of: date
) -> tuple[list[dict[str, Any]], list[str]]:
    """The records of a home, and of its building, that features rest on, known by the end of a day.

    Args:
        borough: its slug.
        uprn: the home.
        building: UPRN of the building that it is a part of, if it is.
        known: names of the features whose values are known.
        counted: those of them that add something to the score.
        as_of: the day.

    Returns:
        Records by dataset, those of the home first and of them the newest, each with dataset, record_id, event_date,
        reference, what, of (home or building) and link (decision, reason, stage, probability); and a sentence for
        each dataset that may not be shown.
    """
    wanted = reaches(known, counted)
    refusals = {
        dataset: access.refusal(borough, dataset, sources.PURPOSE, role=ROLE)
        for dataset in sorted({dataset for dataset, _ in wanted})
    }
    places = {uprn: False, **({building: True} if building else {})}
    seen = [dataset for dataset, refusal in refusals.items() if refusal is None]
    links = access.read_table("link", LINK, boroughs=[borough])
    links = links.filter(pc.is_in(links["dataset"], pa.array(seen, pa.string())))
    links = sources.accepted(links)
    links = links.filter(pc.is_in(links["uprn"], pa.array(list(places), pa.string())))
    found: list[dict[str, Any]] = []
    for dataset in seen:
        tied: dict[int, dict[str, Any]] = {}
        for link in links.filter(pc.equal(links["dataset"], dataset)).to_pylist():
            of_building = places[link["uprn"]]
            # A record of the home itself says more than that it is of its building as well.
            if (dataset, of_building) in wanted and not (of_building and link["record_id"] in tied):
                tied[link["record_id"]] = link
        of_place = {record: places[link["uprn"]] for record, link in tied.items()}
        for whether in (False, True):
            mine = [record for record, of_building in of_place.items() if of_building is whether]
            found += [
                {**record, "of": "building" if whether else "home", "link": _link(tied, record)}
                for record in _rows(borough, dataset, mine, as_of, wanted.get((dataset, whether), Reach(0, False)))
            ]
    return found, [refusal for refusal in refusals.values() if refusal is not None]


def _link(tied: dict[int, dict[str, Any]], record: dict[str, Any]) -> dict[str, Any]:
    return {name: tied[record["record_id"]][name] for name in ("decision", "reason", "stage", "probability")}


def _rows(borough: str, dataset: str, record_ids: list[int], as_of: date, reach: Reach) -> list[dict[str, Any]]:
    """Those of these records that were known by the day and count, the newest first.

    Beside what `reach` says, liabilities in force count, and short ones that ended within its days.
    """
    if not record_ids:
        return []
    contract, end = registry.contract(dataset), ENDS.get(dataset)
    more = [name for name in (end, REFERENCES.get(dataset)) if name]
    columns = ("record_id", contract.event_time, contract.known_since, *KINDS[dataset], *more)
    rows = access.read_dataset(dataset, boroughs=[borough], purpose=sources.PURPOSE, columns=columns, role=ROLE)
    rows = rows.filter(pc.is_in(rows["record_id"], pa.array(record_ids, pa.int64())))
    day = day_number(as_of)
    events = event_days(rows[contract.event_time], rows[contract.known_since])
    counts = events > day - reach.days
    if dataset == "council_tax":
        ends = days_column(rows["liability_end"])
        counts |= (ends >= day) | ((ends - events < SHORT_STAY) & (ends > day - reach.days))
    known = (events <= day) & (days_column(rows[contract.known_since]) <= day)
    if reach.newest:
        counts |= events == np.max(events, where=known, initial=-NEVER)
    kept = np.flatnonzero(known & counts)
    kept = kept[np.lexsort((rows["record_id"].to_numpy()[kept], -events[kept]))]
    made = []
    for row, event in zip(rows.take(pa.array(kept, pa.int64())).to_pylist(), events[kept].tolist(), strict=True):
        last = day - 1 if dataset == "council_tax" else day
        over = row[end] if end and row[end] is not None and day_number(row[end]) <= last else None
        record = {"dataset": dataset, "record_id": row["record_id"], "event_date": day_of(event)}
        made.append(record | {"reference": row.get(REFERENCES.get(dataset, "")), "what": _what(dataset, row, over)})
    return made


def _what(dataset: str, row: dict[str, Any], over: date | None) -> str:
    """A record in the contract's words for its codes."""
    fields = registry.contract(dataset).by_name
    told = []
    for name in KINDS[dataset]:
        code = row[name]
        # What came of a complaint was not known before it was closed.
        if code is None or (name, code) in SAYS_NOTHING or (name == "request_outcome" and over is None):
            continue
        meaning = (fields[name].codes or {}).get(code, code)
        told.append(LEADS.get(name, "") + meaning if code in ONLY.get(name, (code,)) else "an exemption")
    if dataset == "council_tax":
        told.append(f"ended {in_words(over)}" if over else "in force on the day")
    return "; ".join(told) or COUNTS.get(dataset, "not recorded")
