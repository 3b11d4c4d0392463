"""Who lives in a property and who lets it, by the best evidence known on the as-of date."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipelines.licensing.cases import as_days

EVIDENCE_DAYS = 730
"""Working rule: a visit or an application older than this says nothing of who lives there now."""
SURNAMES_OF_TWO_HOUSEHOLDS = 3
"""Working rule: so many surnames on one register count as two households. In law surnames prove nothing (s.258)."""
LANDLORDS = {"council": "local_authority", "housing_association": "registered_provider", "other_public": "other_public"}
NOT_AN_HMO = frozenset({"not_hmo", "single_household"})
AN_HMO = frozenset({"hmo_unlicensed", "hmo_licensed", "hmo_not_licensable"})


def people(
    buildings: pd.Index[Any],
    inspections: pd.DataFrame,
    applications: pd.DataFrame,
    electors: pd.DataFrame,
    on: pd.Timestamp,
) -> pd.DataFrame:
    """Persons and households of each building: a visit's count, else an application's, else electors as a lower bound.

    Each frame has a column `uprn` and the columns of its contract. Returns, on the index `buildings`, `occupants`,
    `occupants_at_least`, `households`, `evidence` (a phrase), `by_surnames` and `found_not_hmo` (the day of the last
    visit, where it found no HMO).
    """
    visit, stated, counted = _visits(inspections, on), _stated(applications, on), _electors(electors, on)
    made = pd.DataFrame(index=buildings).join(visit).join(stated).join(counted)
    by_visit = made["visit_occupants"].notna()
    by_application = ~by_visit & made["stated_occupants"].notna()
    by_electors = ~by_visit & ~by_application & (made["electors"].fillna(0) > 0)
    surnames = made["surnames"].fillna(0) >= SURNAMES_OF_TWO_HOUSEHOLDS
    occupants = made["visit_occupants"].fillna(made["stated_occupants"]).fillna(made["electors"].where(by_electors))
    households = made["visit_households"]
    households = households.fillna(made["stated_households"].where(by_application))
    by_surnames = households.isna() & surnames
    return pd.DataFrame(
        {
            "occupants": occupants.astype("Int64"),
            "occupants_at_least": by_electors,
            "households": households.mask(by_surnames, 2).astype("Int64"),
            "evidence": _phrase(made, by_visit, by_application, by_electors),
            "by_surnames": by_surnames,
            "found_not_hmo": made["visit_date"].where(made["finding"].isin(NOT_AN_HMO)),
        },
        index=buildings,
    )


def _visits(rows: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """The last visit of each building on which an officer got in, if it is recent enough."""
    day = as_days(rows["visit_date"])
    recent = rows[(rows["access"] == "gained") & (day <= on) & (day >= on - pd.Timedelta(days=EVIDENCE_DAYS))]
    last = recent.sort_values(["visit_date", "inspection_ref"]).drop_duplicates("uprn", keep="last").set_index("uprn")
    finding = last["finding"]
    occupants = last["occupants"].astype("Float64").mask(finding == "empty", 0)
    households = last["households"].astype("Float64").mask(finding == "empty", 0)
    households = households.fillna(finding.map({"single_household": 1.0, **dict.fromkeys(AN_HMO, 2.0)}))
    return pd.DataFrame(
        {
            "visit_date": as_days(last["visit_date"]),
            "finding": finding,
            "visit_occupants": occupants.astype(float),
            "visit_households": households.astype(float),
        }
    )


def _stated(rows: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """What the last recent application of each building says of who lives there."""
    day = as_days(rows["received_date"])
    recent = rows[rows["occupants"].notna() & (day <= on) & (day >= on - pd.Timedelta(days=EVIDENCE_DAYS))]
    last = recent.sort_values(["received_date", "application_ref"]).drop_duplicates("uprn", keep="last")
    last = last.set_index("uprn")
    return pd.DataFrame(
        {
            "stated_date": as_days(last["received_date"]),
            "stated_occupants": last["occupants"].astype(float),
            "stated_households": last["households"].astype(float),
        }
    )


def _electors(rows: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """Electors and surnames of each building at the newest count of each source; the rooms of a house are summed."""
    known = rows[as_days(rows["snapshot_date"]) <= on]
    newest = known[known["snapshot_date"] == known.groupby("source")["snapshot_date"].transform("max")]
    sums = newest.groupby("uprn").agg(
        electors=("electors", "sum"), surnames=("surnames", "sum"), counted_on=("snapshot_date", "max")
    )
    return sums.astype({"electors": float, "surnames": float}).assign(counted_on=as_days(sums["counted_on"]))


def _phrase(
    made: pd.DataFrame, by_visit: pd.Series[bool], by_application: pd.Series[bool], by_electors: pd.Series[bool]
) -> Any:
    """`6 persons in 3 households (visit of 2026-03-01)`, for each row that has evidence."""
    said = np.full(len(made), "", dtype=object)
    for mask, persons, households, when, source in (
        (by_visit, "visit_occupants", "visit_households", "visit_date", "visit of"),
        (by_application, "stated_occupants", "stated_households", "stated_date", "stated in an application of"),
    ):
        rows = made[mask]
        if len(rows):
            count = rows[households].astype("Int64").astype("string").fillna("an unknown number of")
            phrase = (
                _whole(rows[persons]) + " persons in " + count + " households (" + source + " " + _day(rows[when]) + ")"
            )
            said[mask.to_numpy()] = phrase.to_numpy(dtype=object)
    rows = made[by_electors]
    if len(rows):
        phrase = (
            "at least "
            + _whole(rows["electors"])
            + " persons (electors registered on "
            + _day(rows["counted_on"])
            + ")"
        )
        said[by_electors.to_numpy()] = phrase.to_numpy(dtype=object)
    return said


def _whole(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.astype("Int64").astype("string")


def _day(dates: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series(dates.to_numpy().astype("datetime64[D]").astype(str), dates.index, dtype="string")


def landlords(social: pd.DataFrame, on: pd.Timestamp) -> pd.Series[Any]:
    """The controller of each property that was social housing on the day, indexed by UPRN."""
    start, end = as_days(social["social_from"]), as_days(social["social_until"])
    there = social[(start.isna() | (start <= on)) & (end.isna() | (end >= on))]
    last = there.sort_values(["social_landlord"]).drop_duplicates("uprn").set_index("uprn")
    return last["social_landlord"].map(LANDLORDS)
