"""Complaints and service requests, and waste events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.demo.world.buildings import CONVERSION, TERRACE
from pipelines.demo.world.lives import LARGE, LODGERS, PRIVATE, SHARERS, SHORT_LET, STUDENTS, TEMPORARY, Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.rows import drawn, frame, located, whole
from pipelines.demo.world.spec import NEVER, Bools, Floats, Ints, WorldSpec, dates, generator, lag
from pipelines.demo.world.spells import Spells, happenings
from pipelines.demo.world.stock import Stock
from pipelines.demo.world.text import Text, numbers, references, running

CATEGORIES = (
    "noise", "waste", "pests", "antisocial", "disrepair", "overcrowding", "hmo_suspected", "fire_safety", "other"
)  # fmt: skip
NUISANCE = ("noise", "waste", "pests", "antisocial")
HOUSING = ("disrepair", "overcrowding", "hmo_suspected", "fire_safety")

_NUISANCE_RATE = np.array([0.025, 0.046, 0.058])
_NUISANCE_RATE_HMO = 0.149
"""Complaints a year by tenure, set so that 43% of HMOs and 17% of other private lets have one in five years."""
_NUISANCE_BY_LIFESTYLE = np.array([0.55, 0.65, 0.85, 1.9, 1.7, 1.6, 2.0, 1.7, 1.2])
_NUISANCE_MIX = np.array([0.45, 0.26, 0.14, 0.15])
_HOUSING_RATE = {
    # owner, social, private, HMO: a year
    "disrepair": (0.0004, 0.006, 0.0085, 0.018),
    "overcrowding": (0.0002, 0.002, 0.0012, 0.004),
    "hmo_suspected": (0.0004, 0.0002, 0.0022, 0.0085),
    "fire_safety": (0.0003, 0.0006, 0.0006, 0.002),
    "other": (0.008, 0.010, 0.009, 0.012),
}
_SUSPECTED = {LARGE: 3.0, SHARERS: 2.5, STUDENTS: 2.5, SHORT_LET: 2.5, TEMPORARY: 2.0, LODGERS: 4.0}
_CROWDED = {LARGE: 6.0, TEMPORARY: 4.0}

WASTE_KINDS = ("missed_collection", "extra_container", "bulky", "fly_tip", "contamination")
_WASTE_RATE = np.array(
    # owner, social, private, HMO: a year
    [
        [0.034, 0.026, 0.030, 0.048], [0.006, 0.006, 0.006, 0.017], [0.030, 0.034, 0.032, 0.046],
        [0.002, 0.006, 0.007, 0.016], [0.006, 0.008, 0.010, 0.022],
    ]
)  # fmt: skip


def _by_tenure(rates: tuple[float, ...] | Floats, spells: Spells) -> Floats:
    found: Floats = np.where(spells.hmo, rates[3], np.asarray(rates)[spells.tenure])
    return found


def _factor(factors: dict[int, float], style: Ints) -> Floats:
    table = np.ones(LODGERS + 1)
    table[list(factors)] = list(factors.values())
    found: Floats = table[style]
    return found


def _complaint_rate(category: int, stock: Stock, lives: Lives, spells: Spells) -> Floats:
    """Complaints a year of one category in each spell."""
    who = spells.dwelling
    style = lives.lifestyle[who]
    if category < len(NUISANCE):
        base = np.where(spells.hmo, _NUISANCE_RATE_HMO, _NUISANCE_RATE[spells.tenure] * _NUISANCE_BY_LIFESTYLE[style])
        area = np.exp(0.25 * stock.hardship[who] - 0.03)
        prone: Floats = lives.nuisance[spells.hmo.astype(np.int64), who]
        found: Floats = _NUISANCE_MIX[category] * base * area * prone
        return found
    name = CATEGORIES[category]
    rate = _by_tenure(_HOUSING_RATE[name], spells)
    let = (spells.tenure == PRIVATE).astype(float)
    neglect = np.exp(-0.6 * lives.compliance[who] * let - 0.15 * let)
    if name in ("overcrowding", "hmo_suspected"):
        noticed = _factor(_CROWDED if name == "overcrowding" else _SUSPECTED, style)
        rate = rate * np.where(spells.hmo, lives.sharers[who] / 4.0, noticed)
    elif name in ("disrepair", "fire_safety"):
        rate = rate * neglect
    return rate


class Complaints:
    """Every request of the horizon, sorted by the day it was received: position of the dwelling, day, category."""

    def __init__(self, profile: Profile, stock: Stock, lives: Lives, spells: Spells, seed: int) -> None:
        parts = []
        for category, name in enumerate(CATEGORIES):
            rng = generator(seed, profile.slug, "complaints", name)
            spell, day = happenings(rng, spells, _complaint_rate(category, stock, lives, spells))
            parts.append((spells.dwelling[spell], day, np.full(len(day), category)))
        dwelling, day, category_of = (np.concatenate(values) for values in zip(*parts, strict=True))
        order = np.argsort(day, kind="stable")
        self.dwelling: Ints = dwelling[order]
        self.day: Ints = day[order]
        self.category: Ints = category_of[order]


def service_request(profile: Profile, stock: Stock, complaints: Complaints, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: some complaints about a flat are kept against the building as a whole, as officers do."""
    rng = generator(spec.seed, profile.slug, "service requests")
    size = len(complaints.day)
    known = complaints.day + lag(rng, size, 1.5, 0.03, 70)
    closed = complaints.day + rng.gamma(1.6, 16, size).astype(np.int64)
    closed[rng.random(size) < 0.02] = NEVER
    outcome = drawn(rng, ("no_action", "advice", "notice", "resolved"), (0.38, 0.33, 0.04, 0.25), size)
    number = running(complaints.day)
    record = at_building(rng, stock, complaints.dwelling, 0.12)
    kept = np.flatnonzero((known <= spec.until_day) & (complaints.day > spec.since_day))
    open_still = closed[kept] > spec.until_day
    columns = located(stock, record[kept]) | {
        "request_ref": references("SR-", complaints.day[kept], number[kept], 6),
        "request_category": np.array(CATEGORIES, dtype=object)[complaints.category[kept]],
        "received_date": dates(complaints.day[kept]),
        "closed_date": dates(np.where(open_still, NEVER, closed[kept])),
        "request_outcome": np.where(open_still, "open", outcome[kept]),
        "known_since": dates(known[kept]),
    }
    return frame("service_request", columns)


def at_building(rng: np.random.Generator, stock: Stock, dwelling: Ints, share: float) -> Ints:
    """Records of the dwellings, for a share of them that of the building they are in."""
    return np.where(rng.random(len(dwelling)) < share, stock.shell[dwelling], dwelling)


def waste(profile: Profile, stock: Stock, lives: Lives, spells: Spells, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: flats of blocks share their bins, so what happens there is mostly kept against the building."""
    rng = generator(spec.seed, profile.slug, "waste")
    who = spells.dwelling
    shared = stock.form[who] > CONVERSION
    busy = _factor({SHORT_LET: 1.8, LARGE: 1.6, TEMPORARY: 1.3, STUDENTS: 1.3}, lives.lifestyle[who])
    spell_parts, day_parts, kind_parts = [], [], []
    for kind in range(len(WASTE_KINDS)):
        rate = _by_tenure(_WASTE_RATE[kind], spells) * lives.litter[spells.hmo.astype(np.int64), who]
        rate = rate * np.where(spells.hmo, 1.0, busy) * np.where(shared, 0.45, 1.0)
        spell, day = happenings(rng, spells, rate)
        spell_parts.append(spell)
        day_parts.append(day)
        kind_parts.append(np.full(len(day), kind))
    day = np.concatenate(day_parts)
    order = np.argsort(day, kind="stable")
    day, kind_of = day[order], np.concatenate(kind_parts)[order]
    dwelling = who[np.concatenate(spell_parts)[order]]
    known = day + lag(rng, len(day), 3, 0.02, 60)
    containers = np.where(kind_of == 1, 1 + rng.binomial(2, 0.2, len(day)), 1 + rng.binomial(5, 0.25, len(day)))
    block = stock.form[dwelling] > CONVERSION
    record = at_building_when(rng, stock, dwelling, block)
    kept = np.flatnonzero((known <= spec.until_day) & (day > spec.since_day))
    return frame("waste", located(stock, record[kept]) | _waste_columns(day, kind_of, containers, known, kept))


def at_building_when(rng: np.random.Generator, stock: Stock, dwelling: Ints, block: Bools) -> Ints:
    """Records of the dwellings; for most flats of blocks, and a few of converted houses, that of the building."""
    share = np.where(block, 0.7, np.where(stock.form[dwelling] > TERRACE, 0.2, 0.0))
    return np.where(rng.random(len(dwelling)) < share, stock.shell[dwelling], dwelling)


def _waste_columns(day: Ints, kind: Ints, containers: Ints, known: Ints, kept: Ints) -> dict[str, object]:
    kinds: Text = np.array(WASTE_KINDS, dtype=object)
    counted = np.isin(kind, (1, 2))
    return {
        "waste_ref": np.array("W-", dtype=object) + numbers(800_000 + kept),
        "waste_kind": kinds[kind[kept]],
        "event_date": dates(day[kept]),
        "containers": whole(containers[kept], counted[kept]),
        "known_since": dates(known[kept]),
    }
