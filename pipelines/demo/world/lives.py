"""Who lives where and since when: tenure, households, houses in multiple occupation, and their landlords."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.world.buildings import BLOCK, ESTATE_BLOCK
from pipelines.demo.world.landlords import Landlords, borough_landlords
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.spec import END, NEVER, START, YEARS, Bools, Floats, Ints, generator, pick
from pipelines.demo.world.stock import Stock

OWNER, SOCIAL, PRIVATE = range(3)
TENURES = ("owner_occupied", "social", "private_rented")
SINGLE, COUPLE, FAMILY, LARGE, SHARERS, STUDENTS, SHORT_LET, TEMPORARY, LODGERS = range(9)
LIFESTYLES = (
    "single",
    "couple",
    "family",
    "large_family",
    "two_sharers",
    "students",
    "short_let",
    "temporary",
    "lodgers",
)

HMO_TURNOVER = 0.05
"""Share of the HMO stock that starts, and that stops, in a year: our own assumption (no published rate found)."""

_RESIDENT_LANDLORDS = 0.09
"""HMOs where the owner lives with three and more lodgers, or that count as owner-occupied: our own assumption."""

_TENURE_BY_FORM = np.array(
    # owner, social, private
    [
        [0.80, 0.04, 0.16], [0.70, 0.12, 0.18], [0.52, 0.17, 0.31], [0.33, 0.12, 0.55],
        [0.36, 0.06, 0.58], [0.18, 0.64, 0.18], [0.10, 0.10, 0.80],
    ]
)  # fmt: skip
_HMO_BY_FORM = np.array([0.8, 1.0, 1.5, 0.9, 0.45, 0.55, 1.3])
_HMO_BY_ROOMS = np.array([0.02, 0.02, 0.3, 0.8, 1.0, 1.1, 1.2, 1.2, 1.2])
_LIFESTYLE_BY_TENURE = np.array(
    [
        [0.29, 0.29, 0.305, 0.075, 0.0, 0.0, 0.0, 0.0, 0.04],
        [0.37, 0.18, 0.33, 0.11, 0.0, 0.0, 0.0, 0.01, 0.0],
        [0.20, 0.225, 0.195, 0.095, 0.17, 0.04, 0.03, 0.045, 0.0],
    ]
)
_LARGE_SIZES = ((5, 6, 7, 8, 9, 10, 11, 12, 14, 16), (0.45, 0.28, 0.11, 0.07, 0.04, 0.025, 0.01, 0.006, 0.005, 0.004))


@dataclass(frozen=True)
class Lives:
    """One element a dwelling; days count from 1970-01-01 and NEVER means not.

    `tenure` holds until `tenure_day`, `later_tenure` from then on. A dwelling is an HMO from `hmo_from` until the day
    before `hmo_to`, with `sharers` persons in `groups` households; else it holds `persons`, of them `adults`.
    `nuisance` and `litter` (2 x N: while no HMO, while one) are how prone its people are to complaints, of mean 1: a
    few ordinary homes draw very many, HMOs differ less among themselves. `owner` is a position in `landlords`.
    """

    tenure: Ints
    later_tenure: Ints
    tenure_day: Ints
    hmo_from: Ints
    hmo_to: Ints
    sharers: Ints
    groups: Ints
    lifestyle: Ints
    adults: Ints
    persons: Ints
    nuisance: Floats
    litter: Floats
    built: Ints
    block_flat: Bools
    owner: Ints
    landlords: Landlords

    def tenure_at(self, day: Ints | int, who: Ints | slice = slice(None)) -> Ints:
        """Tenure of the dwellings `who` on a day."""
        return np.where(day >= self.tenure_day[who], self.later_tenure[who], self.tenure[who])

    def hmo_at(self, day: Ints | int, who: Ints | slice = slice(None)) -> Bools:
        """Whether the dwellings `who` are HMOs on a day."""
        found: Bools = (self.hmo_from[who] <= day) & (day < self.hmo_to[who])
        return found

    @property
    def mandatory(self) -> Bools:
        """Whether a dwelling, while it is an HMO, needs a mandatory licence (SI 2018/221, article 4)."""
        found: Bools = (self.sharers >= 5) & (self.groups >= 2) & ~self.block_flat
        return found

    @property
    def compliance(self) -> Floats:
        """Compliance of each dwelling's landlord; 0 where there is none."""
        if not len(self.landlords):
            return np.zeros(len(self.owner))
        return np.where(self.owner >= 0, self.landlords.compliance[np.maximum(self.owner, 0)], 0.0)


def make_lives(profile: Profile, stock: Stock, pool: Landlords, seed: int) -> Lives:
    """Settle one borough."""
    rng = generator(seed, profile.slug, "lives")
    built = stock.buildings.built[stock.home]
    form = stock.form
    letting = stock.places.letting[stock.area]
    tenure = _tenures(rng, profile, form, stock.hardship, letting)
    later, tenure_day = _changes(rng, tenure)
    hmo_from, hmo_to = _hmos(rng, profile, stock, tenure, letting, built)
    ever = hmo_from < NEVER
    later[ever], tenure_day[ever] = tenure[ever], NEVER
    bought = ever & (tenure == PRIVATE) & (hmo_from > START) & (rng.random(len(ever)) < 0.3)
    tenure[bought], later[bought] = OWNER, PRIVATE
    tenure_day[bought] = np.maximum(START, hmo_from[bought] - rng.integers(20, 150, int(bought.sum())))
    sharers, groups = _sharers(rng, profile, stock, ever)
    lifestyle, adults, persons = _households(rng, tenure, stock.rooms)
    nuisance = np.stack([rng.gamma(0.35, 1 / 0.35, len(form)), rng.gamma(2.5, 1 / 2.5, len(form))])
    litter = 0.4 * nuisance + 0.6 * rng.gamma(0.5, 1 / 0.5, len(form))
    rented = (tenure == PRIVATE) | (later == PRIVATE) | ever
    landlords, owner = borough_landlords(pool, seed, profile.slug, profile.number, rented, ever)
    return Lives(
        tenure=tenure,
        later_tenure=later,
        tenure_day=tenure_day,
        hmo_from=hmo_from,
        hmo_to=hmo_to,
        sharers=sharers,
        groups=groups,
        lifestyle=lifestyle,
        adults=adults,
        persons=persons,
        nuisance=nuisance,
        litter=litter,
        built=built,
        block_flat=((form == BLOCK) | (form == ESTATE_BLOCK)) & (stock.buildings.units[stock.home] >= 3),
        owner=owner,
        landlords=landlords,
    )


def _tenures(rng: np.random.Generator, profile: Profile, form: Ints, hardship: Floats, letting: Floats) -> Ints:
    """Tenure by form of building and area, scaled until the borough's published shares come out."""
    odds = _TENURE_BY_FORM[form]
    odds = odds * np.exp(np.stack([np.zeros(len(form)), 0.5 * hardship, 0.35 * letting], axis=1))
    target = np.array([profile.owned, profile.social, profile.private])
    for _ in range(15):
        shares = odds / odds.sum(axis=1, keepdims=True)
        odds = shares * (target / shares.mean(axis=0))
    shares = odds / odds.sum(axis=1, keepdims=True)
    return pick(rng, shares)


def _changes(rng: np.random.Generator, tenure: Ints) -> tuple[Ints, Ints]:
    """Homes that are let later, sold to their occupier later, or bought by their council tenant."""
    chance = np.array([0.08, 0.02, 0.10])[tenure]
    changing = rng.random(len(tenure)) < chance
    later = np.where(changing, np.array([PRIVATE, OWNER, OWNER])[tenure], tenure)
    return later, np.where(changing, rng.integers(START + 60, END, len(tenure)), NEVER)


def _hmos(
    rng: np.random.Generator, profile: Profile, stock: Stock, tenure: Ints, letting: Floats, built: Ints
) -> tuple[Ints, Ints]:
    """First day and end of being an HMO: the stock stays near the borough's share while HMOs come and go."""
    size = len(tenure)
    weight = _HMO_BY_FORM[stock.form] * _HMO_BY_ROOMS[np.minimum(stock.rooms, 8)]
    weight = weight * np.exp(0.45 * letting + 0.15 * stock.hardship)
    resident = _RESIDENT_LANDLORDS * (profile.private - profile.hmo_share) / profile.owned
    weight = weight * np.where(tenure == PRIVATE, 1.0, resident)
    eligible = (tenure != SOCIAL) & (built == 0)
    wanted = round(profile.hmo_share * size * (1 + HMO_TURNOVER * YEARS))
    wanted = min(wanted, int(0.85 * eligible.sum()))
    key = np.where(eligible, np.log(weight) + rng.gumbel(0, 1, size), -np.inf)
    chosen = np.argsort(-key, kind="stable")[:wanted]
    before = rng.random(wanted) < 1 / (1 + HMO_TURNOVER * YEARS)
    begun = np.where(before, START - rng.exponential(6 * 365.25, wanted) - 1, rng.uniform(START, END, wanted))
    ended = np.maximum(begun, START) + rng.exponential(365.25 / HMO_TURNOVER, wanted) + 60
    hmo_from, hmo_to = np.full(size, NEVER), np.full(size, NEVER)
    hmo_from[chosen] = begun.astype(np.int64)
    hmo_to[chosen] = np.where(ended > END, NEVER, ended).astype(np.int64)
    return hmo_from, hmo_to


def _sharers(rng: np.random.Generator, profile: Profile, stock: Stock, ever: Bools) -> tuple[Ints, Ints]:
    """Persons and households of the HMOs; the larger dwellings hold five and more."""
    rows = np.flatnonzero(ever)
    score = stock.rooms[rows] + 1.5 * rng.standard_normal(len(rows))
    large = np.zeros(len(rows), dtype=np.bool_)
    large[np.argsort(-score, kind="stable")[: round(len(rows) * profile.mandatory_share * 1.08)]] = True
    small = rng.choice([3, 4], len(rows), p=[0.48, 0.52])
    persons = np.where(large, rng.choice(_LARGE_SIZES[0], len(rows), p=_LARGE_SIZES[1]), small)
    couples = rng.binomial(persons // 2, 0.18)
    sharers, groups = np.zeros(len(ever), dtype=np.int64), np.zeros(len(ever), dtype=np.int64)
    sharers[rows], groups[rows] = persons, np.maximum(2, persons - couples)
    return sharers, groups


def _households(rng: np.random.Generator, tenure: Ints, rooms: Ints) -> tuple[Ints, Ints, Ints]:
    """Lifestyle, adults and persons of each dwelling while it is no HMO."""
    size = len(tenure)
    style = pick(rng, _LIFESTYLE_BY_TENURE[tenure])
    style[(style == LARGE) & (rooms < 4)] = FAMILY
    style[(style == FAMILY) & (rooms < 2)] = SINGLE
    grown = rng.binomial(2, 0.22, size)
    children = 1 + rng.binomial(2, 0.42, size)
    large = rng.integers(4, 7, size)
    adults = np.select(
        [style == SINGLE, np.isin(style, (COUPLE, SHARERS)), style == FAMILY, style == LARGE, style == STUDENTS,
         style == SHORT_LET, style == TEMPORARY],
        [1, 2, 2 + grown - (rng.random(size) < 0.25), large, 1 + (rng.random(size) < 0.6), 2,
         1 + (rng.random(size) < 0.5)],
        2 + (rng.random(size) < 0.35),
    )  # fmt: skip
    with_children = np.isin(style, (FAMILY, LARGE, TEMPORARY))
    return style, adults.astype(np.int64), (adults + np.where(with_children, children, 0)).astype(np.int64)
