"""What the register says of a property on a day: licences, applications under way, temporary exemptions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipelines.licensing.cases import REFORM, as_days
from pipelines.licensing.logic import Mask

LONGEST_LICENCE_YEARS = 5
"""A licence lasts at most five years (Housing Act 2004 s.68(4), s.91(4))."""
EXEMPTION_MONTHS = 3
"""A temporary exemption notice is in force for three months beginning with its service (s.62(4)(a), s.86(4)(a))."""
APPEAL_DAYS = 28
"""A refused application is still effective while an appeal may be brought (s.72(8), s.95(7); Sch. 5 para. 33)."""
ENTRY_DAYS = 28
"""Working rule, not law: how long a granted application stands in for the register's entry of its licence."""

LICENCE_COLUMNS = (
    "uprn",
    "licence_ref",
    "licence_type",
    "licence_status",
    "max_persons",
    "max_households",
    "commencement_date",
    "expiry_date",
)
APPLICATION_COLUMNS = (
    "uprn",
    "application_ref",
    "application_kind",
    "licence_type",
    "application_status",
    "received_date",
    "decision_date",
    "effective_from",
    "effective_until",
)
DATES = ("commencement_date", "expiry_date", "received_date", "decision_date", "effective_from", "effective_until")
LICENCE_FACTS = (
    "licence_ref",
    "licence_type",
    "until",
    "max_persons",
    "max_households",
    "before_reform",
    "end_unknown",
    "current",
)


def prepare(rows: pd.DataFrame, columns: tuple[str, ...], on: pd.Series[Any]) -> pd.DataFrame:
    """The rows of properties that are asked about, with every column and the day asked about as `on`."""
    made = rows.reindex(columns=list(columns))
    for name in DATES:
        if name in made:
            made[name] = as_days(made[name]).astype("datetime64[s]")
    made["on"] = on.reindex(made["uprn"]).to_numpy()
    return made[made["on"].notna()].reset_index(drop=True)


def licence_state(licences: pd.DataFrame, on: pd.Series[Any]) -> pd.DataFrame:
    """The licences of each property on its day.

    `licences` has `LICENCE_COLUMNS`; `on` is the day asked about, indexed by UPRN. Returns a frame on the index of
    `on` with `part2_*` (a mandatory or additional licence in force, or one whose type is not said), `part3_*` (a
    selective one in force) and `past_*` (the last one that is not in force, with `past_kind`).
    """
    rows = prepare(licences, LICENCE_COLUMNS, on)
    start, day = rows["commencement_date"], rows["on"]
    end = rows["expiry_date"].where(~(rows["expiry_date"] < start))  # an end before the start is no end at all
    longest = start + pd.DateOffset(years=LONGEST_LICENCE_YEARS) - pd.Timedelta(days=1)
    rows["end_unknown"] = end.isna()
    rows["until"] = end.fillna(longest)
    status = rows["licence_status"].fillna("")
    rows["before_reform"] = (start < REFORM).to_numpy()
    latest = rows.groupby("uprn")["commencement_date"].transform("max")
    replaced = (status == "superseded") & (latest > start) & (latest <= day)
    ended = status.isin(["revoked", "surrendered"]) | replaced
    undated = rows["until"].isna() & (status == "expired")
    begun = start.isna() | (start <= day)
    past_end = (rows["until"] < day) | undated
    rows["past_kind"] = np.select(
        [~begun, status == "revoked", status == "surrendered", past_end, replaced],
        ["not begun", "revoked", "surrendered", "expired", "superseded"],
        "",
    )
    current = begun & ~ended & ~past_end
    rows["current"] = current
    selective = (rows["licence_type"] == "selective").to_numpy()
    state = pd.DataFrame(index=on.index)
    for part, mask in (("part2", current & ~selective), ("part3", current & selective)):
        state = state.join(_last(rows, mask, "commencement_date", LICENCE_FACTS).add_prefix(f"{part}_"))
    return state.join(_last(rows, ~current, "until", ("licence_ref", "until", "past_kind")).rename(columns=_past))


def _past(name: str) -> str:
    return name if name == "past_kind" else f"past_{name}"


def _last(rows: pd.DataFrame, mask: Any, by: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Of each property's rows under the mask, the last by a date (ties by reference), indexed by UPRN."""
    reference = next(name for name in ("licence_ref", "application_ref") if name in rows)
    chosen = rows[mask].sort_values([by, reference], na_position="first").drop_duplicates("uprn", keep="last")
    found: pd.DataFrame = chosen.set_index("uprn").reindex(columns=list(columns))
    return found


def application_state(applications: pd.DataFrame, on: pd.Series[Any]) -> pd.DataFrame:
    """The applications and temporary exemptions of each property on its day.

    `applications` has `APPLICATION_COLUMNS`. Returns, on the index of `on`, `exempt2_*` and `exempt3_*` (a temporary
    exemption in force that covers Part 2, or Part 3) and `pending2_*` and `pending3_*` (an application or notification
    that is effective, s.72(4) and (8), s.95(3)). A notice under s.62 covers both Parts (s.62(3)), one under s.86 only
    Part 3. Applications to vary a licence protect nobody and are not read.
    """
    rows = prepare(applications, APPLICATION_COLUMNS, on)
    day, status = rows["on"], rows["application_status"].fillna("received")
    notice = (rows["application_kind"] == "temporary_exemption").to_numpy()
    served = rows["effective_from"].fillna(rows["decision_date"]).fillna(rows["received_date"])
    three_months = served + pd.DateOffset(months=EXEMPTION_MONTHS) - pd.Timedelta(days=1)
    rows["until"] = rows["effective_until"].where(rows["effective_until"] < three_months, three_months)
    # A register of notices may give only their days, which says that they were served.
    granted = (status == "granted") | (rows["application_status"].isna() & rows["effective_from"].notna())
    exempt = notice & granted & (served <= day) & (day <= rows["until"])
    pending = _effective(rows, status, notice, granted)
    selective = (rows["licence_type"] == "selective").to_numpy()
    untyped = rows["licence_type"].isna().to_numpy()
    state = pd.DataFrame(index=on.index)
    groups = {
        "exempt2": exempt & ~selective,
        "exempt3": exempt,
        "pending2": pending & ~selective,
        "pending3": pending & (selective | untyped | notice),
    }
    for name, mask in groups.items():
        by = "until" if name.startswith("exempt") else "received_date"
        found = _last(rows, mask, by, ("application_ref", "until", "received_date", "application_kind"))
        state = state.join(found.add_prefix(f"{name}_"))
    return state


def _effective(rows: pd.DataFrame, status: pd.Series[Any], notice: Mask, granted: pd.Series[Any]) -> Mask:
    """Whether an application or notification is effective on the day (s.72(8)): made, not withdrawn, not settled."""
    day = rows["on"]
    made = (rows["received_date"].isna() | (rows["received_date"] <= day)).to_numpy()
    kind = rows["application_kind"].isin(["new", "renewal", "temporary_exemption"]).to_numpy()
    decided = rows["decision_date"]
    undecided = (decided > day).to_numpy() | ((status == "received") & ~granted & ~(decided <= day)).to_numpy()
    appeal = ((status == "refused") & (decided <= day) & (day <= decided + pd.Timedelta(days=APPEAL_DAYS))).to_numpy()
    entry = ((status == "granted") & (decided <= day) & (day <= decided + pd.Timedelta(days=ENTRY_DAYS))).to_numpy()
    withdrawn_later = (status == "withdrawn").to_numpy() & (decided > day).to_numpy()
    effective = (undecided & (status != "withdrawn").to_numpy()) | appeal | (entry & ~notice) | withdrawn_later
    return np.asarray(made & kind & effective, dtype=bool)
