"""What visits made of the lists: the base rate, from entries drawn at random, and hits found against hits expected.

Only visits that were made because of a list count (`visit_reason` list or control): a complaint that leads to a home
which happens to be on a list says nothing about the list.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from models.hmo import sources
from models.hmo.labels import FOUND_HMO, FOUND_NONE
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.governance import access

BY_LIST = ("list", "control")
WINDOW_DAYS = 120
"""A visit later than this after a list was issued is not put down to it."""

WORKED = 0.5
"""A list counts for the base rate where at least this share of the controls that were reached was visited.

Of the lists of nights on which nobody planned visits a control is visited only because another list held it, for its
likelihood: such lists would raise the rate.
"""


@dataclass(frozen=True)
class BaseRate:
    """Share of HMOs among a borough's candidates, estimated from visits to its control slices (95% interval)."""

    borough: str
    lists: int
    drawn: int
    visited: int
    answered: int
    hmos: int
    rate: float
    low: float
    high: float
    candidates: int

    def as_row(self) -> dict[str, Any]:
        """The estimate as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class ExpectedFound:
    """HMOs expected among visited entries (the sum of their probabilities, with its 95% band) and found."""

    borough: str
    visited: int
    answered: int
    expected: float
    low: float
    high: float
    found: int

    def as_row(self) -> dict[str, Any]:
        """The figures as plain data."""
        return asdict(self)


def base_rate(borough: str) -> BaseRate | None:
    """The share of HMOs among all candidates of a borough's lists; None until a visit to a control has an answer.

    In each list those controls count whose place lies within what was visited. They are a simple random sample of the
    list's candidates, whatever the model says of them; each weighs the inverse of its chance to be drawn, so that lists
    of several sizes add up to an unbiased estimate. The interval is Wilson's, on the effective number of answers
    (Kish). A control without access is visited but not answered: where access depends on the answer the rate is biased
    as every inspection's is.
    """
    entries = listed_entries(borough)
    sample = _reached(_followed(entries, list_visits(borough)))
    if sample.empty or not sample["answered"].any():
        return None
    answered = sample[sample["answered"]].sort_values("day").drop_duplicates("uprn")
    weight = 1 / answered["inclusion"].to_numpy()
    rate = float(np.average(answered["hmo"].to_numpy(dtype=float), weights=weight))
    low, high = _interval(rate, float(weight.sum() ** 2 / (weight**2).sum()))
    return BaseRate(
        borough=borough,
        lists=int(sample["list_id"].nunique()),
        drawn=len(sample),
        visited=int(sample["visited"].sum()),
        answered=len(answered),
        hmos=int(answered["hmo"].sum()),
        rate=round(rate, 4),
        low=round(low, 4),
        high=round(high, 4),
        candidates=int(sample.sort_values("as_of")["frame"].iloc[-1]),
    )


def expected_against_found(borough: str) -> ExpectedFound | None:
    """Hits that the probabilities of visited entries promised and hits that visits found; None without an answer.

    A visit counts for the newest list issued by its day that held the home. The band is that of a sum of independent
    answers with these probabilities, by the normal curve.
    """
    joined = _followed(listed_entries(borough), list_visits(borough))
    seen = joined[joined["visited"]].sort_values(["as_of", "version"]).drop_duplicates(["uprn", "day"], keep="last")
    answered = seen[seen["answered"]]
    if answered.empty:
        return None
    chance = answered["probability"].to_numpy()
    expected, spread = float(chance.sum()), 1.96 * float(np.sqrt((chance * (1 - chance)).sum()))
    return ExpectedFound(
        borough=borough,
        visited=len(seen),
        answered=len(answered),
        expected=round(expected, 2),
        low=round(max(expected - spread, 0.0), 2),
        high=round(min(expected + spread, float(len(answered))), 2),
        found=int(answered["hmo"].sum()),
    )


def listed_entries(borough: str) -> pd.DataFrame:
    """Entries of a borough's lists, of each day the newest version, with the list's day, capacity and candidates."""
    issued = (PublishedList.id, PublishedList.as_of, PublishedList.version, PublishedList.capacity)
    own = (ListEntry.uprn, ListEntry.rank, ListEntry.probability, ListEntry.control_slot)
    query = sa.select(*issued, PublishedList.control_frame, *own).join(ListEntry, ListEntry.list_id == PublishedList.id)
    with transaction() as session:
        rows = session.execute(query.where(PublishedList.borough == borough)).all()
    names = ["list_id", "as_of", "version", "capacity", "frame", "uprn", "rank", "probability", "control_slot"]
    frame = pd.DataFrame([tuple(row) for row in rows], columns=names)
    newest = frame.groupby("as_of")["version"].transform("max") if len(frame) else frame["version"]
    return frame[frame["version"] == newest].reset_index(drop=True)


def list_visits(borough: str) -> pd.DataFrame:
    """Visits because of a list: UPRN, day, whether it has an answer, and whether that is an HMO.

    What a visit to several flats at once found is of them all together and no answer about one.
    """
    columns = ["borough", "record_id", "visit_date", "visit_reason", "access", "finding"]
    rows = access.read_dataset("inspection", boroughs=[borough], purpose="hmo_detection", columns=columns).to_pandas()
    rows = rows[rows["visit_reason"].isin(BY_LIST)].drop(columns="borough")
    links = sources.links([borough], ("inspection",)).to_pandas()[["record_id", "uprn"]].drop_duplicates()
    tied = rows.merge(links, on="record_id")
    alone = ~tied.duplicated("record_id", keep=False)
    gained = tied["access"] == "gained"
    return pd.DataFrame(
        {
            "uprn": tied["uprn"],
            "day": tied["visit_date"],
            "answered": alone & gained & tied["finding"].isin([*FOUND_HMO, *FOUND_NONE]),
            "hmo": alone & gained & tied["finding"].isin(FOUND_HMO),
        }
    ).dropna(subset=["day"])


def _followed(entries: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Each entry once, with the first visit that followed the list, one with an answer before one without."""
    met = entries.reset_index(names="entry").merge(visits, on="uprn")
    after = pd.to_datetime(met["day"]) - pd.to_datetime(met["as_of"])
    met = met[(after >= timedelta(0)) & (after <= timedelta(days=WINDOW_DAYS))]
    met = met.sort_values(["answered", "day"], ascending=[False, True]).drop_duplicates("entry")
    told = met.set_index("entry")[["day", "answered", "hmo"]].reindex(entries.index)
    visited = told["day"].notna()
    answers = {name: told[name].eq(True) for name in ("answered", "hmo")}
    return entries.assign(day=told["day"], visited=visited, **answers)


def _reached(joined: pd.DataFrame) -> pd.DataFrame:
    """The controls of lists that were worked from whose places lie within what was visited, with their chance."""
    within = joined[joined["visited"] & (joined["rank"] <= joined["capacity"])]
    reached = joined["list_id"].map(within.groupby("list_id")["rank"].max())
    controls = joined[joined["frame"].notna() & (joined["control_slot"] <= reached)].copy()
    per_list = controls.groupby("list_id")["visited"]
    worked = per_list.transform("mean") >= WORKED
    controls["inclusion"] = per_list.transform("size") / controls["frame"].astype(float)
    return controls[worked]


def _interval(rate: float, answers: float) -> tuple[float, float]:
    """Wilson's score interval for a share of a number of answers that need not be whole."""
    z = 1.959964
    middle = (rate + z**2 / (2 * answers)) / (1 + z**2 / answers)
    half = z / (1 + z**2 / answers) * np.sqrt(rate * (1 - rate) / answers + z**2 / (4 * answers**2))
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)
