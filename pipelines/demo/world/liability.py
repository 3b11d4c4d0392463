"""Council tax: who is liable for each dwelling and since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.demo.world.landlords import names
from pipelines.demo.world.lives import OWNER, PRIVATE, SHARERS, SINGLE, SOCIAL, STUDENTS, Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.rows import coded, drawn, frame, located
from pipelines.demo.world.spec import NEVER, START, Bools, Floats, Ints, WorldSpec, dates, generator, lag
from pipelines.demo.world.spells import Spells, happenings
from pipelines.demo.world.stock import Stock
from pipelines.demo.world.text import Text, initials, joined, numbers, only
from pipelines.demo.world.vocabulary import people_words

OCCUPANT, LANDLORD, EMPTY, PROBATE = range(4)
FIRST_DAY = 8491
"""1 April 1993, when council tax began."""

_MOVES = np.array([0.0625, 0.055, 0.24])
"""Moves a year by tenure: stays of 16 and 4.2 years for owners and private renters (English Housing Survey 2020-21)."""
_MOVES_BY_LIFESTYLE = np.array([1.0, 0.95, 0.7, 0.9, 1.4, 2.0, 0.5, 2.0, 1.2])
_HMO_MOVES = 0.32
_LANDLORD_LIABLE = np.array([0.07, 0.05, 0.05, 0.16, 0.20, 0.16, 0.75, 0.45, 0.0])
_HMO_LANDLORD_LIABLE = 0.24


@dataclass(frozen=True)
class Periods:
    """One element a liability period, sorted by dwelling and start; `end` is its last day, NEVER while it lasts."""

    dwelling: Ints
    start: Ints
    end: Ints
    kind: Ints
    hmo: Bools
    tenure: Ints

    def last_move(self, day: int, size: int) -> Ints:
        """Day on which the people of each of `size` dwellings moved in, as of a day; -NEVER where nobody is known."""
        lived = self.kind <= LANDLORD
        key = self.dwelling[lived] * (2 * NEVER) + self.start[lived]
        at = np.searchsorted(key, np.arange(size) * (2 * NEVER) + day, side="right") - 1
        found = (at >= 0) & (self.dwelling[lived][np.maximum(at, 0)] == np.arange(size))
        return np.where(found, self.start[lived][np.maximum(at, 0)], -NEVER)


def make_periods(profile: Profile, lives: Lives, spells: Spells, seed: int) -> Periods:
    """Every liability period of the horizon: one where a landlord is liable, else as many as people move."""
    rng = generator(seed, profile.slug, "liability")
    who = spells.dwelling
    style = lives.lifestyle[who]
    let = spells.tenure == PRIVATE
    leaning = rng.random(len(lives.tenure))[who]
    by_landlord = let & (leaning < np.where(spells.hmo, _HMO_LANDLORD_LIABLE, _LANDLORD_LIABLE[style]))
    rate = _MOVES[spells.tenure] * np.where(let, _MOVES_BY_LIFESTYLE[style], 1.0)
    rate = np.where(spells.hmo, _HMO_MOVES, rate) * rng.gamma(1.6, 1 / 1.6, len(rate))
    rate[by_landlord] = 0.0
    first_day = _first_days(rng, lives, spells, rate)
    moved_spell, moved_day = happenings(rng, spells, rate)
    void, length = _voids(rng, spells, moved_spell)
    spell = np.concatenate([np.arange(len(who)), moved_spell, moved_spell[void > 0]])
    day = np.concatenate([first_day, np.where(void > 0, moved_day + length, moved_day), moved_day[void > 0]])
    lived_in = np.where(by_landlord[spell[: len(who) + len(moved_spell)]], LANDLORD, OCCUPANT)
    kind = np.concatenate([lived_in, void[void > 0]])
    return _in_order(spells, spell, day, kind)


def _first_days(rng: np.random.Generator, lives: Lives, spells: Spells, rate: Floats) -> Ints:
    """First day of what holds when a spell begins; before the horizon for those who already live there."""
    back = rng.exponential(365.25 / np.maximum(rate, 0.12))
    earlier = np.maximum(START - 1 - back, FIRST_DAY).astype(np.int64)
    since_hmo = spells.hmo & (lives.hmo_from[spells.dwelling] < START)
    earlier = np.where(since_hmo, np.maximum(earlier, np.maximum(lives.hmo_from[spells.dwelling], FIRST_DAY)), earlier)
    old = spells.first & (lives.built[spells.dwelling] == 0)
    return np.where(old, earlier, spells.start)


def _voids(rng: np.random.Generator, spells: Spells, spell: Ints) -> tuple[Ints, Ints]:
    """Kind (EMPTY, PROBATE, or 0 for none) and length in days of the gap before each new household."""
    tenure, hmo = spells.tenure[spell], spells.hmo[spell]
    chance = np.where(hmo, 0.10, np.array([0.12, 0.30, 0.36])[tenure])
    gap = rng.random(len(spell)) < chance
    length = rng.gamma(2.0, 18, len(spell)) + 7
    length = np.where(rng.random(len(spell)) < 0.06, rng.uniform(180, 800, len(spell)), length)
    probate = gap & (tenure == OWNER) & (rng.random(len(spell)) < 0.3)
    length = np.where(probate, rng.uniform(120, 420, len(spell)), length)
    return np.where(probate, PROBATE, np.where(gap, EMPTY, 0)), length.astype(np.int64)


def _in_order(spells: Spells, spell: Ints, day: Ints, kind: Ints) -> Periods:
    dwelling = spells.dwelling[spell]
    order = np.lexsort((kind, day, dwelling))
    dwelling, day, kind, spell = dwelling[order], day[order], kind[order], spell[order]
    same_next = np.r_[dwelling[1:] == dwelling[:-1], False]
    end = np.where(same_next, np.r_[day[1:] - 1, 0], NEVER)
    kept = end >= day
    return Periods(
        dwelling=dwelling[kept],
        start=day[kept],
        end=end[kept],
        kind=kind[kept],
        hmo=spells.hmo[spell[kept]],
        tenure=spells.tenure[spell[kept]],
    )


def council_tax(profile: Profile, stock: Stock, lives: Lives, periods: Periods, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: the periods that staff know of by `until` and that had not ended when its years began."""
    rng = generator(spec.seed, profile.slug, "council tax")
    size = len(periods.dwelling)
    known = periods.start + lag(rng, size, 20, 0.08, 130)
    end_known = np.where(periods.end >= NEVER, NEVER, periods.end + lag(rng, size, 20, 0.08, 110))
    account = np.empty(size, dtype=np.int64)
    account[np.argsort(periods.start, kind="stable")] = np.arange(size) + 60_000_000
    discount, exemption = _relief(rng, lives, periods)
    party = _parties(rng, lives, periods)
    given = [rng.integers(0, len(people_words(which)), size) for which in ("forenames", "surnames")]
    short = rng.random(size) < 0.25
    other_home = rng.integers(0, stock.dwellings, size)
    variant = rng.choice(5, size, p=[0.35, 0.2, 0.2, 0.15, 0.1])
    elsewhere = rng.random(size) < 0.03
    band = _bands(rng, stock)
    kept = np.flatnonzero((known <= spec.until_day) & (periods.end > spec.since_day))
    who = periods.dwelling[kept]
    by_landlord = (periods.kind[kept] != OCCUPANT) & (periods.tenure[kept] == PRIVATE)
    liable = np.where(by_landlord, lives.owner[who], -1)
    name = _occupier_names(given[0][kept], given[1][kept], short[kept])
    name[party[kept] == "council"] = f"{profile.name} Council"
    name[liable >= 0] = names(lives.landlords, liable[liable >= 0], variant[kept][liable >= 0])
    address = np.full(len(kept), None, dtype=object)
    address[liable >= 0] = lives.landlords.address[liable[liable >= 0]]
    moved = elsewhere[kept] & (liable < 0) & (party[kept] == "occupier")
    address[moved] = stock.address[other_home[kept][moved]]
    truth = np.full(len(kept), None, dtype=object)
    truth[liable >= 0] = lives.landlords.landlord_id[liable[liable >= 0]]
    columns = located(stock, who) | {
        "account_ref": numbers(account[kept]),
        "liable_name": name,
        "liable_address": address,
        "liable_party": party[kept],
        "band": band[who],
        "discount": discount[kept],
        "exemption_class": exemption[kept],
        "liability_start": dates(periods.start[kept]),
        "liability_end": dates(np.where(end_known[kept] <= spec.until_day, periods.end[kept], NEVER)),
        "known_since": dates(known[kept]),
        "true_landlord": truth,
    }
    return frame("council_tax", columns)


def _parties(rng: np.random.Generator, lives: Lives, periods: Periods) -> Text:
    let = periods.tenure == PRIVATE
    owner = lives.owner[periods.dwelling]
    firm = let & (owner >= 0) & lives.landlords.company[np.maximum(owner, 0)] if len(lives.landlords) else let & False
    party = np.full(len(owner), 0)
    party[periods.kind != OCCUPANT] = 1
    party[(periods.kind != OCCUPANT) & firm & (rng.random(len(owner)) < 0.5)] = 2
    party[(periods.kind == OCCUPANT) & let & (rng.random(len(owner)) < 0.012)] = 2
    party[(periods.kind == EMPTY) & (periods.tenure == SOCIAL)] = 3
    return coded(("occupier", "owner", "company", "council"), party)


def _relief(rng: np.random.Generator, lives: Lives, periods: Periods) -> tuple[Text, Text]:
    """Discount and exemption: single persons, some who wrongly claim to be, students, empty homes."""
    size = len(periods.dwelling)
    who, lived = periods.dwelling, periods.kind == OCCUPANT
    style = lives.lifestyle[who]
    alone = (style == SINGLE) | (lives.adults[who] == 1)
    chance = np.select([periods.hmo, alone, style == SHARERS], [0.21, 0.88, 0.16], 0.06)
    draw = rng.random(size)
    discount = np.where(lived & (draw < chance), 1, 0)
    discount[lived & (draw > 0.985)] = 2
    discount[lived & (draw > 0.998)] = 3
    discount[(periods.kind == EMPTY) & (draw < 0.3)] = 4
    studious = rng.random(len(lives.tenure))[who] < 0.09
    students = lived & (rng.random(size) < 0.75) & ((periods.hmo & studious) | (~periods.hmo & (style == STUDENTS)))
    exemption = only(lived & (rng.random(size) < 0.004), drawn(rng, ("U", "S", "W"), (0.7, 0.1, 0.2), size))
    exemption = np.where(students, "N", exemption)
    exemption = np.where(periods.kind == PROBATE, "F", exemption)
    hard = (periods.kind == EMPTY) & (rng.random(size) < 0.03)
    exemption = np.where(hard, drawn(rng, ("B", "E", "L", "G"), (0.2, 0.4, 0.3, 0.1), size), exemption)
    discount[pd.notna(exemption)] = 0
    return coded(("none", "spd", "disregard", "all_disregarded", "empty"), discount), exemption


def _occupier_names(forename: Ints, surname: Ints, short: Bools) -> Text:
    first = people_words("forenames")[forename]
    return joined([np.where(short, initials(first), first), people_words("surnames")[surname]], " ")


def _bands(rng: np.random.Generator, stock: Stock) -> Text:
    """Bands A to H by floor area and form: our own assumption, of the shape of the Valuation Office's London totals."""
    value = 0.9 * np.log(stock.floor_area / 60) * 2 + 2.4 - 0.35 * stock.hardship
    found = np.clip(np.round(value + 0.6 * rng.standard_normal(len(value))), 0, 7).astype(np.int64)
    return coded(tuple("ABCDEFGH"), found)
