"""What visits made of the lists: the base rate, from entries drawn at random, and hits found against hits expected.

Only visits that were made because of a list count (`visit_reason` list or control): a complaint that leads to a home
which happens to be on a list says nothing about the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.hmo import sources
from models.hmo.labels import FOUND_HMO, FOUND_NONE, UNLICENSED
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


MOST_NAMED = 30_000
"""Homes that a query names at most; SQLite takes 32,766 values."""


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

    See `base_rate_of`.
    """
    return base_rate_of(borough, listed_entries(borough), list_visits(borough))


def base_rate_of(
    borough: str, entries: pd.DataFrame, visits: pd.DataFrame, *, answer: str = "hmo", steps: int = 1
) -> BaseRate | None:
    """The base rate from a borough's entries and visits.

    With `steps` it is made from the first answers by that many at a time, so that one more answer does not move it.
    `answer` is the column of the visits that counts.

    In each list those controls count whose place lies within what was visited. They are a simple random sample of the
    list's candidates, whatever the model says of them; each weighs the inverse of its chance to be drawn, so that lists
    of several sizes add up to an unbiased estimate. The interval is Wilson's, on the effective number of answers
    (Kish). A control without access is visited but not answered: where access depends on the answer the rate is biased
    as every inspection's is.
    """
    sample = _reached(followed(entries, visits))
    answered = sample[sample["answered"]].sort_values(["day", "uprn"]).drop_duplicates("uprn")
    answered = answered.head(len(answered) // steps * steps)
    if answered.empty:
        return None
    weight = 1 / answered["inclusion"].to_numpy()
    rate = float(np.average(answered[answer].to_numpy(dtype=float), weights=weight))
    low, high = wilson(rate, float(weight.sum() ** 2 / (weight**2).sum()))
    return BaseRate(
        borough=borough,
        lists=int(sample["list_id"].nunique()),
        drawn=len(sample),
        visited=int(sample["visited"].sum()),
        answered=len(answered),
        hmos=int(answered[answer].sum()),
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
    return expected_of(borough, led_by_lists(listed_entries(borough), list_visits(borough)))


def led_by_lists(entries: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Entries that were visited, each visit once, beside the newest list issued by its day that held the home."""
    joined = followed(entries, visits)
    return joined[joined["visited"]].sort_values(["as_of", "version"]).drop_duplicates(["uprn", "day"], keep="last")


def expected_of(borough: str, seen: pd.DataFrame) -> ExpectedFound | None:
    """What the rows of `led_by_lists` promised, against what was found; None without an answer."""
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


def listed_entries(borough: str, visited: Sequence[str] | None = None, session: Session | None = None) -> pd.DataFrame:
    """Entries of a borough's lists, of each day the newest version, with the list's day, capacity and candidates.

    With `visited` only what figures need: entries of these homes, and those that were drawn at random. In the caller's
    transaction where a `session` is given.
    """
    issued = (PublishedList.id, PublishedList.as_of, PublishedList.version, PublishedList.capacity)
    own = (ListEntry.uprn, ListEntry.rank, ListEntry.probability, ListEntry.control_slot)
    query = sa.select(*issued, PublishedList.control_frame, *own).join(ListEntry, ListEntry.list_id == PublishedList.id)
    newest = (
        sa.select(PublishedList.as_of, sa.func.max(PublishedList.version).label("version"))
        .where(PublishedList.borough == borough)
        .group_by(PublishedList.as_of)
        .subquery()
    )
    of_day = sa.and_(newest.c.as_of == PublishedList.as_of, newest.c.version == PublishedList.version)
    query = query.join(newest, of_day).where(PublishedList.borough == borough)
    if visited is not None and len(visited) <= MOST_NAMED:
        query = query.where(sa.or_(ListEntry.control_slot.is_not(None), ListEntry.uprn.in_(visited)))
    with nullcontext(session) if session is not None else transaction() as within:
        rows = within.execute(query).all()
    names = ["list_id", "as_of", "version", "capacity", "frame", "uprn", "rank", "probability", "control_slot"]
    return pd.DataFrame([tuple(row) for row in rows], columns=names)


def list_visits(borough: str) -> pd.DataFrame:
    """Visits because of a list: UPRN, day, whether it has an answer, and whether that is an HMO, an unlicensed one.

    `source` tells whose record it is. What a visit to several flats at once found is of them all together and no
    answer about one.
    """
    columns = ["borough", "source", "record_id", "visit_date", "visit_reason", "access", "finding"]
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
            "unlicensed": alone & gained & (tied["finding"] == UNLICENSED),
            "source": tied["source"],
        }
    ).dropna(subset=["day"])


def followed(entries: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Each entry once, with the first visit that followed the list, one with an answer before one without."""
    met = entries.reset_index(names="entry").merge(visits, on="uprn")
    after = pd.to_datetime(met["day"]) - pd.to_datetime(met["as_of"])
    met = met[(after >= timedelta(0)) & (after <= timedelta(days=WINDOW_DAYS))]
    met = met.sort_values(["answered", "day"], ascending=[False, True]).drop_duplicates("entry")
    answers = [name for name in ("answered", "hmo", "unlicensed") if name in visits]
    told = met.set_index("entry")[["day", *answers]].reindex(entries.index)
    visited = told["day"].notna()
    return entries.assign(day=told["day"], visited=visited, **{name: told[name].eq(True) for name in answers})


def _reached(joined: pd.DataFrame) -> pd.DataFrame:
    """The controls of lists that were worked from whose places lie within what was visited, with their chance."""
    within = joined[joined["visited"] & (joined["rank"] <= joined["capacity"])]
    reached = joined["list_id"].map(within.groupby("list_id")["rank"].max())
    controls = joined[joined["frame"].notna() & (joined["control_slot"] <= reached)].copy()
    per_list = controls.groupby("list_id")["visited"]
    worked = per_list.transform("mean") >= WORKED
    controls["inclusion"] = per_list.transform("size") / controls["frame"].astype(float)
    return controls[worked]


def wilson(rate: float, answers: float) -> tuple[float, float]:
    """Wilson's score interval for a share of a number of answers that need not be whole."""
    z = 1.959964
    middle = (rate + z**2 / (2 * answers)) / (1 + z**2 / answers)
    half = z / (1 + z**2 / answers) * np.sqrt(rate * (1 - rate) / answers + z**2 / (4 * answers**2))
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)
