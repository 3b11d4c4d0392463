"""Energy performance certificates and planning cases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.demo.world.buildings import AGE_BANDS, CONVERSION, DETACHED, SEMI, TERRACE
from pipelines.demo.world.lives import OWNER, PRIVATE, SOCIAL, Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.rows import coded, drawn, frame, located, whole
from pipelines.demo.world.spec import END, NEVER, START, Floats, Ints, WorldSpec, dates, generator, lag
from pipelines.demo.world.spells import Spells, happenings
from pipelines.demo.world.stock import Stock
from pipelines.demo.world.text import Text, joined, numbers, references, running

_FIRST_CERTIFICATE = 15340
"""1 January 2012: certificates last ten years, older ones are left out."""
_CERTIFICATES = np.array([0.90, 1.35, 1.55])
"""Certificates a dwelling by tenure from 2012 to 2027; over London about 60% of dwellings come to have one."""

PLANNING_KINDS = ("change_of_use_hmo", "flat_conversion", "extension", "lawful_use", "enforcement", "other")


def epc(profile: Profile, stock: Stock, lives: Lives, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: every certificate lodged by `until`, with the assessor's errors of counting rooms."""
    rng = generator(spec.seed, profile.slug, "certificates")
    count = rng.poisson(_CERTIFICATES[lives.tenure] * rng.gamma(3, 1 / 3, stock.dwellings))
    who = np.repeat(np.arange(stock.dwellings), count)
    day = rng.integers(_FIRST_CERTIFICATE, END, len(who))
    who, day = who[day > lives.built[who]], day[day > lives.built[who]]
    order = np.argsort(day, kind="stable")
    who, day = who[order], day[order]
    size = len(who)
    lodged = day + rng.integers(0, 12, size)
    known = lodged + lag(rng, size, 20, 0.03, 60)
    miscount = rng.choice([-1, 0, 1], size, p=[0.08, 0.84, 0.08])
    area = np.round(stock.floor_area[who] * rng.normal(1, 0.05, size), 1)
    tenure, reason = _tenures(rng, lives, who, day)
    rating = np.clip(3.4 - 0.28 * stock.buildings.age[stock.home[who]] + 0.8 * rng.standard_normal(size), 0, 6)
    groups = rng.integers(0, 10**4, (4, size))
    kept = np.flatnonzero(known <= spec.until_day)
    columns = located(stock, who[kept]) | {
        "certificate_ref": joined([*(numbers(group[kept], 4) for group in groups), numbers(kept, 7)], "-"),
        **_form(rng, stock, who, kept),
        "transaction_type": reason[kept],
        "tenure": tenure[kept],
        "energy_rating": coded(tuple("ABCDEFG"), np.round(rating[kept]).astype(np.int64)),
        "age_band": coded(AGE_BANDS, stock.buildings.age[stock.home[who[kept]]]),
        "floor_area": np.maximum(area[kept], 9.0),
        "habitable_rooms": whole(np.maximum(stock.rooms[who] + miscount, 1)[kept]),
        "certificate_date": dates(day[kept]),
        "lodgement_date": dates(lodged[kept]),
        "known_since": dates(known[kept]),
    }
    return frame("epc", columns)


def _form(rng: np.random.Generator, stock: Stock, who: Ints, kept: Ints) -> dict[str, Text]:
    form = stock.form[who]
    draw = rng.random(len(who))
    kind = np.where(form > TERRACE, np.where(draw < 0.12, "maisonette", "flat"), "house").astype(object)
    kind[(form == DETACHED) & (draw < 0.08)] = "bungalow"
    built = np.where(draw < 0.72, "mid_terrace", np.where(draw < 0.97, "end_terrace", "enclosed")).astype(object)
    built[form == DETACHED] = "detached"
    built[form == SEMI] = "semi_detached"
    return {"property_type": kind[kept], "built_form": built[kept]}


def _tenures(rng: np.random.Generator, lives: Lives, who: Ints, day: Ints) -> tuple[Text, Text]:
    """Tenure and reason on the certificate; an eighth of them do not say, some are of the tenure before."""
    tenure = lives.tenure_at(day, who)
    swapped = rng.random(len(who)) < 0.07
    shown = np.where(swapped & (tenure != SOCIAL), np.where(tenure == OWNER, PRIVATE, OWNER), tenure)
    shown = np.where(rng.random(len(who)) < 0.12, 3, shown)
    sale, let = rng.random(len(who)) < 0.8, rng.random(len(who)) < 0.62
    reason = np.select(
        [(tenure == OWNER) & sale, (tenure == PRIVATE) & let, (tenure == PRIVATE) & sale, (tenure == SOCIAL) & let],
        [2, 0, 2, 1],
        4,
    )
    reason = np.where((lives.built[who] > 0) & (day - lives.built[who] < 200), 3, reason)
    words = ("rental_private", "rental_social", "marketed_sale", "new_dwelling", "other")
    return coded(("owner_occupied", "rental_social", "rental_private", "unknown"), shown), coded(words, reason)


def _planning_rate(kind: int, stock: Stock, lives: Lives, spells: Spells) -> Floats:
    """Cases a year of one kind in each spell; changes of use are drawn apart."""
    form, let = stock.form[spells.dwelling], spells.tenure == PRIVATE
    house = form <= TERRACE
    large = house & (stock.rooms[spells.dwelling] >= 5)
    rates: dict[int, Floats] = {
        1: np.where(large & let, 0.0016, np.where(house, 0.0006, np.where(form == CONVERSION, 0.0006, 0.0))),
        2: np.where(house, np.where(spells.tenure == OWNER, 0.014, 0.007), 0.0007),
        3: np.where(spells.hmo, 0.0022, np.where(let, 0.0006, 0.0009)),
        4: np.where(spells.hmo, 0.0042, np.where(let, 0.0014, 0.0009)),
        5: np.full(len(let), 0.004),
    }
    return rates[kind]


def planning(profile: Profile, stock: Stock, lives: Lives, spells: Spells, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: few HMOs ask for a change of use, and some who ask never become one."""
    rng = generator(spec.seed, profile.slug, "planning")
    parts = [_changes_of_use(rng, stock, lives)]
    for kind in range(1, len(PLANNING_KINDS)):
        spell, day = happenings(rng, spells, _planning_rate(kind, stock, lives, spells))
        parts.append((spells.dwelling[spell], day, np.full(len(day), kind)))
    who, day, kind_of = (np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.argsort(day, kind="stable")
    who, day, kind_of = who[order], day[order], kind_of[order]
    size = len(day)
    known = day + lag(rng, size, 6, 0.03, 40)
    decided = day + 20 + rng.gamma(3.0, 18, size).astype(np.int64)
    decision = drawn(rng, ("granted", "refused", "withdrawn"), (0.72, 0.2, 0.08), size)
    record = np.where(rng.random(size) < 0.25, stock.shell[who], who)
    number = running(day)
    kept = np.flatnonzero((known <= spec.until_day) & (day > spec.since_day))
    pending = decided[kept] > spec.until_day
    columns = located(stock, record[kept]) | {
        "planning_ref": references("", day[kept], number[kept], 5, "/AP/"),
        "planning_kind": coded(PLANNING_KINDS, kind_of[kept]),
        "received_date": dates(day[kept]),
        "planning_decision": np.where(pending, "pending", decision[kept]),
        "decision_date": dates(np.where(pending, NEVER, decided[kept])),
        "known_since": dates(known[kept]),
    }
    return frame("planning", columns)


def _changes_of_use(rng: np.random.Generator, stock: Stock, lives: Lives) -> tuple[Ints, Ints, Ints]:
    begun = np.flatnonzero((lives.hmo_from > START) & (lives.hmo_from < NEVER))
    asked = begun[rng.random(len(begun)) < 0.12]
    asked_day = lives.hmo_from[asked] - rng.integers(-200, 240, len(asked))
    let = np.flatnonzero((stock.form <= TERRACE) & (lives.tenure != SOCIAL) & (lives.hmo_from >= NEVER))
    hopeful = let[rng.random(len(let)) < 0.006]
    hopeful_day = rng.integers(START, END, len(hopeful))
    day = np.clip(np.concatenate([asked_day, hopeful_day]), START, END)
    return np.concatenate([asked, hopeful]), day, np.zeros(len(day), dtype=np.int64)
