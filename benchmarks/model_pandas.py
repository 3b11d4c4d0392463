"""A part of the features as one would write them in pandas: merges and groupbys over frames, for `model.py` to compare.

The definitions are those of `docs/features.md`; nothing here is shared with the code that it is compared with.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from schemas import registry

KINDS = {"noise_36_months": "noise", "pests_36_months": "pests", "waste_36_months": "waste",
         "disrepair_36_months": "disrepair", "hmo_suspected_36_months": "hmo_suspected"}  # fmt: skip
WASTE = {"missed_collection_24_months": "missed_collection", "bulky_24_months": "bulky",
         "fly_tip_24_months": "fly_tip", "extra_container_24_months": "extra_container"}  # fmt: skip
PLANNING = {"change_of_use_hmo_10_years": "change_of_use_hmo", "flat_conversion_10_years": "flat_conversion"}
RATINGS = {letter: float(number) for number, letter in enumerate("ABCDEFG", start=1)}
BANDS = {letter: float(number) for number, letter in enumerate("ABCDEFGH", start=1)}
HOUSE = {"house": 1.0, "bungalow": 1.0, "flat": 0.0, "maisonette": 0.0}
YEAR = 365


class Known:
    """Frames of what was known on a day, each row with the UPRN that it is linked to."""

    def __init__(self, tables: dict[str, pa.Table], as_of: date) -> None:
        self.as_of = pd.Timestamp(as_of)
        self.homes = pd.Index(sorted(tables["property"]["uprn"].to_pandas()), name="uprn")
        links = tables["link"].to_pandas()
        self.frames: dict[str, pd.DataFrame] = {}
        for dataset in ("service_request", "waste", "planning", "electoral", "benefits", "epc", "council_tax"):
            contract = registry.contract(dataset)
            frame = tables[dataset].to_pandas(date_as_object=False)
            own = links[links["dataset"] == dataset][["record_id", "uprn"]]
            frame = frame.merge(own, on="record_id", how="left")
            frame = frame.rename(columns={contract.event_time: "event", contract.known_since: "known"})
            frame = frame[(frame["known"] <= self.as_of) & (frame["event"] <= self.as_of)]
            self.frames[dataset] = frame.sort_values(["event", "record_id"])

    def since(self, days: int) -> pd.Timestamp:
        """The day before the first of a window's days."""
        return self.as_of - timedelta(days=days)

    def short(self, dataset: str, days: int) -> bool:
        """Whether the history reaches back over less than half of a window."""
        frame = self.frames[dataset]
        events = frame["event"]
        if dataset == "council_tax":
            events = frame.loc[frame["liability_end"] <= self.as_of, "liability_end"]
        first = events.sort_values().iloc[int(len(events) * 0.01)]
        return bool((self.as_of - first).days < 0.5 * days)

    def count(self, dataset: str, days: int, column: str = "", code: str = "") -> pd.Series:
        """Rows of a window by home."""
        frame = self.frames[dataset]
        frame = frame[frame["event"] > self.since(days)]
        if column:
            frame = frame[frame[column] == code]
        found = frame.groupby("uprn").size().reindex(self.homes).fillna(0.0)
        return found.replace(0.0, np.nan) if self.short(dataset, days) else found

    def newest(self, dataset: str, column: str, codes: dict[str, float] | None = None) -> pd.Series:
        """The newest value by home."""
        frame = self.frames[dataset]
        values = frame[column].map(codes) if codes else frame[column]
        return frame.assign(value=values).dropna(subset=["value"]).groupby("uprn")["value"].last().reindex(self.homes)

    def counted(self, dataset: str, column: str) -> pd.Series:
        """The value in the newest count by home."""
        frame = self.frames[dataset]
        since = max(frame["event"].max() - timedelta(days=31), self.since(400))
        return frame[frame["event"] > since].groupby("uprn")[column].last().reindex(self.homes)


def features(tables: dict[str, pa.Table], as_of: date) -> pd.DataFrame:
    """These features of every property, by UPRN."""
    known = Known(tables, as_of)
    found: dict[str, pd.Series] = {
        "complaints_12_months": known.count("service_request", YEAR),
        "complaints_36_months": known.count("service_request", 3 * YEAR),
        "certificates_10_years": known.count("epc", 10 * YEAR),
        "liability_changes_5_years": known.count("council_tax", 5 * YEAR),
        "liability_changes_12_months": known.count("council_tax", YEAR),
        "floor_area": known.newest("epc", "floor_area"),
        "habitable_rooms": known.newest("epc", "habitable_rooms"),
        "energy_rating": known.newest("epc", "energy_rating", RATINGS),
        "is_house": known.newest("epc", "property_type", HOUSE),
        "band": known.newest("council_tax", "band", BANDS),
        "electors": known.counted("electoral", "electors"),
        "surnames": known.counted("electoral", "surnames"),
        "joined_12_months": known.counted("electoral", "joined_12_months"),
        "benefit_claims": known.counted("benefits", "benefit_claims"),
    }
    for kinds, dataset, column, days in (
        (KINDS, "service_request", "request_category", 3 * YEAR),
        (WASTE, "waste", "waste_kind", 2 * YEAR),
        (PLANNING, "planning", "planning_kind", 10 * YEAR),
    ):
        found |= {name: known.count(dataset, days, column, code) for name, code in kinds.items()}
    complaints = known.frames["service_request"]
    last = complaints.groupby("uprn")["event"].max().reindex(known.homes)
    found["months_since_complaint"] = (known.as_of - last).dt.days // 30.4375
    return pd.DataFrame(found | _accounts(known) | _area(known, tables))


def _accounts(known: Known) -> dict[str, pd.Series]:
    frame = known.frames["council_tax"]
    force = frame[frame["liability_end"].isna() | (frame["liability_end"] >= known.as_of)]
    accounts = force.groupby("uprn").size().reindex(known.homes)

    def any_of(column: str, code: str) -> pd.Series:
        found = force[force[column] == code].groupby("uprn").size().reindex(known.homes).fillna(0) > 0
        return found.astype(float).where(accounts.notna())

    return {
        "accounts_at_once": accounts.astype(float),
        "owner_liable": any_of("liable_party", "owner"),
        "company_liable": any_of("liable_party", "company"),
        "single_person_discount": any_of("discount", "spd"),
        "students_only": any_of("exemption_class", "N"),
    }


def _area(known: Known, tables: dict[str, pa.Table]) -> dict[str, pd.Series]:
    """Electors for each other home of the area, among homes of the cohort that were counted."""
    spine = tables["property"].to_pandas().set_index("uprn").reindex(known.homes)
    links = tables["link"].to_pandas().query("dataset == 'social_housing'")[["record_id", "uprn"]]
    social = tables["social_housing"].to_pandas(date_as_object=False).merge(links, on="record_id")
    social = social[social["known_since"] <= known.as_of]
    member = (spine["blpu_class"] != "PP") & ~spine.index.isin(social["uprn"])
    electors = known.counted("electoral", "electors").where(member)
    total, homes = (electors.groupby(spine["lsoa_code"]).transform(how) for how in ("sum", "count"))
    rest = homes - electors.notna()
    return {"area_electors": ((total - electors.fillna(0)) / rest).where(rest > 0)}
