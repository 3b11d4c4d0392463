"""The records behind a home's score: which, of when, about what in the contract's words, and why they are tied to it.

Read as an analyst may see them, and no column but those listed here: kinds and codes that features read, never a name,
an address, a reference of a person or a text that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.hmo import sources
from models.hmo.days import NEVER, day_number, day_of, days_column, event_days
from models.hmo.features import BY_NAME
from models.hmo.features.declaration import POOLED, in_words
from models.hmo.features.residents import SHORT_STAY
from models.hmo.ties import BUILDING, HOME, homes_of, link_of, rows_of, tied
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
    "inspection": ("access", "finding"),
    "social_housing": ("social_landlord",),
}
"""Coded columns that are told of a record. Counts of people are told by the features alone; what a visit was for is not
told, since some homes are visited because they were drawn at random."""

COUNTS = {"electoral": "a count of electors", "benefits": "a count of benefit claims"}
LEADS = {
    "liable_party": "liable: ",
    "exemption_class": "exempt: ",
    "tenure": "tenure: ",
    "transaction_type": "certified for: ",
    "age_band": "built ",
    "social_landlord": "let by ",
}
"""What stands before a meaning that would be unclear alone."""

REFERENCES = {
    "epc": "certificate_ref",
    "service_request": "request_ref",
    "waste": "waste_ref",
    "planning": "planning_ref",
    "inspection": "inspection_ref",
}
"""The borough's own number of a record, by which an officer finds it, where it is no person's."""

ONLY = {"exemption_class": ("N",)}
"""Codes that a feature asks for; other exemptions tell of illness, death and prison, and nobody here needs them."""

SAYS_NOTHING = frozenset(
    {("discount", "none"), ("tenure", "unknown"), ("age_band", "unknown"), ("transaction_type", "other")}
)

ENDS = {"council_tax": "liability_end", "service_request": "closed_date", "social_housing": "social_until"}
"""Dates after the event that are told once they have come; of what stays it is the last day in force."""

STAYS = frozenset({"council_tax", "social_housing"})
"""Datasets whose records are of something that is so until it ends."""

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
        Records of the home and why datasets are not shown, as `of_homes` gives them.
    """
    wanted = reaches(known, counted)
    found, withheld = of_homes(borough, tied(borough, homes_of([uprn], [building]), wanted), 1, wanted, as_of)
    return found[0], withheld


def of_homes(
    borough: str, pairs: pd.DataFrame, size: int, wanted: Mapping[tuple[str, bool], Reach], as_of: date
) -> tuple[list[list[dict[str, Any]]], list[str]]:
    """The records of many homes, and of their buildings, known by the end of a day: each dataset is read once.

    Args:
        borough: its slug.
        pairs: records that are tied to the homes, as `ties.tied` finds them.
        size: how many homes.
        wanted: which records count, as `reaches` gives it.
        as_of: the day.

    Returns:
        For each home its records by dataset, those of the home first and of them the newest, each with dataset,
        record_id, event_date, reference, what, of (home or building) and link (decision, reason, stage, probability);
        and a sentence for each dataset that may not be shown.
    """
    datasets = sorted({dataset for dataset, _ in wanted})
    refusals = {dataset: access.refusal(borough, dataset, sources.PURPOSE, role=ROLE) for dataset in datasets}
    found: list[list[dict[str, Any]]] = [[] for _ in range(size)]
    for dataset in (dataset for dataset, refusal in refusals.items() if refusal is None):
        _add(found, borough, dataset, pairs[pairs["dataset"] == dataset], wanted, as_of)
    return found, [refusal for refusal in refusals.values() if refusal is not None]


def _add(
    found: list[list[dict[str, Any]]],
    borough: str,
    dataset: str,
    pairs: pd.DataFrame,
    wanted: Mapping[tuple[str, bool], Reach],
    as_of: date,
) -> None:
    """Put the records of one dataset to their homes, the newest first.

    Beside what their reach says, liabilities in force count, and short ones that ended within its days.
    """
    if pairs.empty:
        return
    contract, end, reference = registry.contract(dataset), ENDS.get(dataset), REFERENCES.get(dataset, "")
    more = [name for name in (end, reference) if name]
    columns = ("record_id", contract.event_time, contract.known_since, *KINDS[dataset], *more)
    rows = rows_of(borough, dataset, columns, pairs["record_id"].unique(), ROLE)
    chosen = _chosen(dataset, rows, pairs, wanted, day_number(as_of))
    last = as_of - timedelta(days=1) if dataset in STAYS else as_of
    plain = rows.take(pa.array(chosen["row"].unique(), pa.int64())).to_pylist()
    words = {}
    for row in plain:
        over = row[end] if end and row[end] is not None and row[end] <= last else None
        words[row["record_id"]] = (row.get(reference), _what(dataset, row, over))
    for pair in chosen.to_dict("records"):
        told = words[pair["record_id"]]
        found[pair["home"]].append(
            {
                **{"dataset": dataset, "record_id": pair["record_id"], "event_date": day_of(pair["event"])},
                **{"reference": told[0], "what": told[1], "of": BUILDING if pair["of_building"] else HOME},
                "link": link_of(pair),
            }
        )


def _chosen(
    dataset: str, rows: pa.Table, pairs: pd.DataFrame, wanted: Mapping[tuple[str, bool], Reach], day: int
) -> pd.DataFrame:
    """Those of the pairs that were known by the day and count, with `row` and `event`, in the order they are told."""
    contract = registry.contract(dataset)
    known = days_column(rows[contract.known_since])
    events = event_days(rows[contract.event_time], rows[contract.known_since])
    frame = pd.DataFrame({"record_id": rows["record_id"].to_numpy(), "row": np.arange(len(rows)), "event": events})
    frame["end"] = days_column(rows["liability_end"]) if dataset == "council_tax" else NEVER
    frame = frame[(events <= day) & (known <= day)]
    made = pairs.merge(frame, on="record_id")
    reach = [wanted.get((dataset, whether), Reach(0, False)) for whether in (False, True)]
    of = made["of_building"].to_numpy().astype(np.int64)
    since = day - np.array([own.days for own in reach])[of]
    event, end = made["event"].to_numpy(), made["end"].to_numpy()
    counts = event > since
    if dataset == "council_tax":
        counts |= (end >= day) | ((end - event < SHORT_STAY) & (end > since))
    newest = made.groupby(["home", "of_building"])["event"].transform("max").to_numpy()
    counts |= np.array([own.newest for own in reach])[of] & (event == newest)
    return made[counts].sort_values(["home", "of_building", "event", "record_id"], ascending=[True, True, False, True])


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
    if dataset in STAYS:
        told.append(f"ended {in_words(over)}" if over else "in force on the day")
    return "; ".join(told) or COUNTS.get(dataset, "not recorded")
