"""What the register says of homes and their buildings: licences with their holders, applications with their fate."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.hmo import sources
from models.hmo.days import NEVER, Ints, day_number, days_column, event_days
from models.hmo.ties import BUILDING, HOME, link_of, rows_of
from models.hmo.why_records import ROLE
from pipelines.governance import access
from schemas import registry

LICENCE, APPLICATION = "hmo_licence", "licence_application"
COLUMNS: dict[str, dict[str, str]] = {
    LICENCE: {
        "reference": "licence_ref",
        "type": "licence_type",
        "status": "licence_status",
        "from": "commencement_date",
        "until": "expiry_date",
        "max_persons": "max_persons",
        "max_households": "max_households",
        "holder": "holder_name",
    },
    APPLICATION: {
        "reference": "application_ref",
        "kind": "application_kind",
        "type": "licence_type",
        "status": "application_status",
        "received": "received_date",
        "decided": "decision_date",
        "effective_from": "effective_from",
        "effective_until": "effective_until",
    },
}
"""What is told of a record, by the field that it is of. An applicant is nobody's business but the register's."""

LONGEST_DAYS = 5 * 365 + 1
"""A licence lasts at most five years (Housing Act 2004 s.68(4), s.91(4)), also where its end is not written down."""


def of_homes(
    borough: str, dataset: str, pairs: pd.DataFrame, size: int, as_of: date
) -> tuple[list[list[dict[str, Any]]], str | None]:
    """Licences or applications of homes and of their buildings, known by the end of a day: one pass.

    Args:
        borough: its slug.
        dataset: `LICENCE` or `APPLICATION`.
        pairs: records that are tied to the homes, as `ties.tied` finds them.
        size: how many homes.
        as_of: the day.

    Returns:
        For each home its records, the newest first: dataset, record_id, event_date, of (home or building), link, and
        what `COLUMNS` names, codes in the contract's words, None where it is not known or may not be shown; of a
        licence its `state` on the day as well. And why they may not be shown at all, None where they may.
    """
    found: list[list[dict[str, Any]]] = [[] for _ in range(size)]
    refused = access.refusal(borough, dataset, sources.PURPOSE, role=ROLE)
    if refused is not None:
        return found, refused
    pairs = pairs[pairs["dataset"] == dataset]
    contract = registry.contract(dataset)
    columns = list(dict.fromkeys(["record_id", *COLUMNS[dataset].values(), contract.event_time, contract.known_since]))
    rows = rows_of(borough, dataset, columns, pairs["record_id"].unique(), ROLE)
    day, events = day_number(as_of), event_days(rows[contract.event_time], rows[contract.known_since])
    known = (days_column(rows[contract.known_since]) <= day) & (events <= day)
    rows, events = rows.filter(pa.array(known)), events[known]
    made = [told(dataset, row) for row in rows.to_pylist()]
    if dataset == LICENCE:
        for own, state in zip(made, states(rows, pairs, day), strict=True):
            own["state"] = state
    place = pd.DataFrame({"record_id": rows["record_id"].to_numpy(), "row": np.arange(len(made)), "event": events})
    ordered = pairs.merge(place, on="record_id").sort_values(
        ["home", "event", "record_id"], ascending=[True, False, True]
    )
    for pair in ordered.to_dict("records"):
        of = {"of": BUILDING if pair["of_building"] else HOME, "link": link_of(pair)}
        found[pair["home"]].append({"dataset": dataset, "record_id": pair["record_id"], **made[pair["row"]], **of})
    return found, None


def told(dataset: str, row: dict[str, Any]) -> dict[str, Any]:
    """The values of one record that `COLUMNS` names, codes in the contract's words, and `event_date`."""
    contract = registry.contract(dataset)
    found: dict[str, Any] = {"event_date": row[contract.event_time] or row[contract.known_since]}
    for name, field in COLUMNS[dataset].items():
        value = row[field]
        found[name] = (contract.by_name[field].codes or {}).get(value, value)
    return found


def states(rows: pa.Table, pairs: pd.DataFrame | None, day: int) -> list[str]:
    """What each licence is on a day: in force, not begun, revoked, surrendered, expired or superseded.

    `pairs` say at which home (`home`) each is (`record_id`): one that was replaced ended when the later one began,
    which may still be to come. Without them it has ended.
    """
    start, end = days_column(rows["commencement_date"]), days_column(rows["expiry_date"])
    unsaid = (end == NEVER) | (end < start)  # an end before the start is no end at all
    end = np.where(unsaid & (start < NEVER), start + LONGEST_DAYS, end)
    status = np.asarray(rows["licence_status"].fill_null("").to_pandas(), dtype=object)
    begun = (start <= day) | (start == NEVER)
    replaced = status == "superseded"
    if pairs is not None:
        replaced &= _latest(rows, pairs, start, day) > start
    undated = (status == "expired") & (end == NEVER)
    cases = [~begun, status == "revoked", status == "surrendered", (end < day) | undated, replaced]
    words = ["not begun", "revoked", "surrendered", "expired", "superseded"]
    return list(np.select(cases, words, "in force").tolist())


def _latest(rows: pa.Table, pairs: pd.DataFrame, start: Ints, day: int) -> Ints:
    """For each licence the last day by then on which one began at the same home."""
    begun = pd.DataFrame({"record_id": rows["record_id"].to_numpy(), "start": np.where(start <= day, start, -NEVER)})
    both = pairs[["home", "record_id"]].merge(begun, on="record_id")
    both["latest"] = both.groupby("home")["start"].transform("max")
    found = both.groupby("record_id")["latest"].max().reindex(begun["record_id"]).fillna(-NEVER)
    return np.asarray(found.to_numpy(), dtype=np.int64)
