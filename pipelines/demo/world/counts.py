"""Counts at a property: electors, and live benefit claims."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from pipelines.demo.world.liability import Periods
from pipelines.demo.world.lives import LARGE, LODGERS, PRIVATE, SHARERS, SHORT_LET, STUDENTS, TEMPORARY, Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.rows import frame, located, whole
from pipelines.demo.world.spec import Floats, Ints, WorldSpec, day_of, generator
from pipelines.demo.world.stock import Stock

REGISTERED = np.array([0.90, 0.80, 0.62])
"""Adults registered by tenure; over London they come to the 76% that the Electoral Commission found in 2018."""
REGISTERED_HMO = np.array([0.10, 0.52])
"""Sharers registered, in HMOs of people who may not vote or never register (45% of HMOs) and in the others: our own
assumption, below the private renters, for they are younger and have moved lately."""
UNLIKE_SURNAMES = np.array([0.32, 0.42, 0.50])
"""Chance that a further adult of one household has another surname, by tenure: our own assumption."""
CLAIMING = np.array([0.055, 0.44, 0.13])
"""Homes with a claim by tenure: our own assumption."""


def snapshot_days(spec: WorldSpec, months: tuple[int, ...], years: int) -> list[int]:
    """First days of the given months within the last `years` before `until`."""
    days = [
        day_of(date(year, month, 1)) for year in range(spec.until.year - years, spec.until.year + 1) for month in months
    ]
    return [day for day in days if max(spec.since_day, spec.until_day - years * 365) < day <= spec.until_day]


def electoral(profile: Profile, stock: Stock, lives: Lives, periods: Periods, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: the registers published on 1 December of the last three years, of properties with electors."""
    rng = generator(spec.seed, profile.slug, "electors")
    size = stock.dwellings
    leaning, steady = rng.standard_normal(size), rng.random(size)
    joining = (rng.random(size) >= 0.45).astype(np.int64)
    parts = [
        part
        for day in snapshot_days(spec, (12,), 3)
        if (part := _register(profile, lives, periods, spec, day, leaning, steady, joining))[0] is not None
    ]
    who, electors, surnames, joined, day, known = (
        np.concatenate(values) if parts else np.zeros(0, dtype=np.int64)
        for values in (zip(*parts, strict=True) if parts else [()] * 6)
    )
    columns = located(stock, who) | {
        "electors": whole(electors),
        "surnames": whole(surnames),
        "joined_12_months": whole(joined),
        "snapshot_date": day.astype("datetime64[D]").astype("datetime64[s]"),
        "known_since": known.astype("datetime64[D]").astype("datetime64[s]"),
    }
    return frame("electoral", columns)


def _register(
    profile: Profile,
    lives: Lives,
    periods: Periods,
    spec: WorldSpec,
    day: int,
    leaning: Floats,
    steady: Floats,
    joining: Ints,
) -> tuple[Ints, ...]:
    """Dwellings with electors on a day; their electors, surnames and those new within 12 months; the day twice."""
    rng = generator(spec.seed, profile.slug, "register of electors", str(day))
    size = len(leaning)
    hmo, tenure = lives.hmo_at(day), lives.tenure_at(day)
    moved = periods.last_move(day, size)
    new = day - moved < 365
    adults = np.where(hmo, lives.sharers, np.where(lives.lifestyle == SHORT_LET, 0, lives.adults))
    share = np.where(hmo, REGISTERED_HMO[joining], REGISTERED[tenure] * np.where(new, 0.68, 1.03))
    share = np.clip(share + np.where(tenure == PRIVATE, 0.26, 0.12) * leaning, 0.0, 1.0)
    electors = np.floor(adults * share + np.where(hmo, rng.random(size), steady)).astype(np.int64)
    electors = np.minimum(electors, adults)
    stale = rng.binomial(3, np.where(hmo, 0.15, np.where(day - moved < 1100, 0.15, 0.02)))
    unlike = np.where(hmo, 0.76, np.where(lives.lifestyle == SHARERS, 0.9, UNLIKE_SURNAMES[tenure]))
    unlike = np.where(np.isin(lives.lifestyle, (LARGE, STUDENTS, LODGERS)) & ~hmo, 0.62, unlike)
    surnames = np.where(electors > 0, 1 + rng.binomial(np.maximum(electors - 1, 0), unlike), 0)
    joiners = np.where(hmo, rng.binomial(electors, 0.32), np.where(new, electors, rng.binomial(electors, 0.07)))
    total = electors + stale
    listed = np.flatnonzero((total > 0) & (lives.built < day))
    known = min(day + 12, spec.until_day)
    when = np.full(len(listed), day)
    if day + 12 > spec.until_day:
        listed, when = listed[:0], when[:0]
    return listed, total[listed], (surnames + stale)[listed], joiners[listed], when, np.full(len(listed), known)


def benefits(profile: Profile, stock: Stock, lives: Lives, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: half-yearly counts of the last two years, at properties with a claim."""
    rng = generator(spec.seed, profile.slug, "benefits")
    size = stock.dwellings
    steady, poor_house = rng.random(size), rng.random(size) < 0.22
    local = np.clip(profile.claimants_pc / 11.8, 0.4, 1.6) * np.exp(0.3 * stock.hardship - 0.045)
    rows, claims, private, days = [], [], [], []
    for day in snapshot_days(spec, (4, 10), 2):
        if day + 6 > spec.until_day:
            continue
        again = generator(spec.seed, profile.slug, "benefits", str(day))
        hmo, tenure = lives.hmo_at(day), lives.tenure_at(day)
        chance = CLAIMING[tenure] * local
        chance = np.where(lives.lifestyle == TEMPORARY, 0.85, np.where(lives.lifestyle == SHORT_LET, 0.0, chance))
        one = (np.where(again.random(size) < 0.1, again.random(size), steady) < chance).astype(np.int64)
        one += (one > 0) & (lives.lifestyle == LARGE) & (steady < chance * 0.45)
        one += (one > 0) & (again.random(size) < 0.04)
        in_hmo = again.binomial(lives.sharers, np.clip(np.where(poor_house, 0.16, 0.03) * local, 0, 0.9))
        count = np.where(hmo, in_hmo, one)
        found = np.flatnonzero((count > 0) & (lives.built < day))
        rows.append(found)
        claims.append(count[found])
        private.append(np.where(tenure[found] == PRIVATE, again.binomial(count[found], 0.88), 0))
        days.append(np.full(len(found), day))
    who, claim, rent, day_of_count = (
        np.concatenate(part) if part else np.zeros(0, dtype=np.int64) for part in (rows, claims, private, days)
    )
    columns = located(stock, who) | {
        "benefit_claims": whole(claim),
        "benefit_private_rent_claims": whole(rent),
        "snapshot_date": day_of_count.astype("datetime64[D]").astype("datetime64[s]"),
        "known_since": (day_of_count + 6).astype("datetime64[D]").astype("datetime64[s]"),
    }
    return frame("benefits", columns)
