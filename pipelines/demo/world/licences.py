"""Licences and applications: landlords who obey the law apply for what their property needs, others do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.demo.world.designations import ADDITIONAL, LICENCE_TYPES, MANDATORY, SELECTIVE, Scheme
from pipelines.demo.world.landlords import names
from pipelines.demo.world.lives import PRIVATE, Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.rows import drawn, frame, located, whole
from pipelines.demo.world.spec import END, NEVER, START, Bools, Ints, WorldSpec, dates, generator, lag
from pipelines.demo.world.spells import Spells
from pipelines.demo.world.stock import Stock
from pipelines.demo.world.text import references, running

FIVE_YEARS = 1826
MANDATORY_SINCE = 13243
"""6 April 2006, when mandatory licensing began."""
SELECTIVE_UPTAKE = 0.62
"""Share of lets in a selective area whose landlord licenses them: our own assumption."""
_NEW, _RENEWAL = range(2)


@dataclass(frozen=True)
class Licences:
    """One element a licence, sorted by its first day; `until` is its last day, `given_up` a day or NEVER."""

    dwelling: Ints
    kind: Ints
    start: Ints
    until: Ints
    given_up: Ints
    superseded: Ints
    renewal: Bools
    received: Ints

    def in_force(self, day: int) -> Bools:
        """Which licences are in force on a day."""
        return (self.start <= day) & (day <= self.until) & (day < np.minimum(self.given_up, self.superseded))

    def held(self, who: Ints, day: Ints) -> Ints:
        """Type of licence held by each of the dwellings `who` on each `day`, 0 for none."""
        mine = pd.DataFrame({"dwelling": self.dwelling, "licence": np.arange(len(self.dwelling))})
        asked = pd.DataFrame({"dwelling": who, "day": day, "row": np.arange(len(who))})
        pairs = asked.merge(mine, on="dwelling")
        one = pairs["licence"].to_numpy()
        on = pairs["day"].to_numpy()
        held = (self.start[one] <= on) & (on <= np.minimum(self.until[one], self.given_up[one]))
        found = np.zeros(len(who), dtype=np.int64)
        found[pairs["row"].to_numpy()[held]] = self.kind[one][held]
        return found


@dataclass(frozen=True)
class _Duties:
    """Stretches in which a dwelling needs a licence that its landlord will hold: first day, day after the last."""

    dwelling: Ints
    kind: Ints
    start: Ints
    end: Ints


def make_licences(
    profile: Profile,
    stock: Stock,
    lives: Lives,
    spells: Spells,
    schemes: list[Scheme],
    found: tuple[Ints, Ints],
    seed: int,
) -> Licences:
    """Every licence of the horizon.

    Args:
        profile: The borough.
        stock: Its properties.
        lives: Who lives there.
        spells: The same by stretch of time.
        schemes: The borough's designations.
        found: Dwellings, and days, where a visit found an HMO: some landlords apply after that.
        seed: Seed of the world.
    """
    rng = generator(seed, profile.slug, "licences")
    duties = _duties(rng, profile, stock, lives, spells, schemes, found)
    size = len(duties.dwelling)
    length = rng.choice([FIVE_YEARS, 731, 365], size, p=[0.82, 0.08, 0.10])
    delay = rng.gamma(1.3, 110, size).astype(np.int64) + 20
    begin = np.maximum(duties.start + delay, START - (length * rng.random(size)).astype(np.int64))
    begin = np.maximum(begin, duties.start)
    rows, starts, untils, renewals = [], [], [], []
    active = np.flatnonzero(begin < duties.end)
    first = True
    while first or len(active):
        rows.append(active)
        starts.append(begin[active])
        untils.append(begin[active] + length[active] - 1)
        renewals.append(np.full(len(active), not first))
        gap = np.where(rng.random(len(active)) < 0.6, 0, rng.gamma(1.5, 60, len(active))).astype(np.int64)
        begin[active] = begin[active] + length[active] + gap
        renew = rng.random(len(active)) < 0.86
        length[active] = FIVE_YEARS
        active = active[renew & (begin[active] < np.minimum(duties.end[active], END))]
        first = False
    return _assembled(rng, lives, duties, *(np.concatenate(part) for part in (rows, starts, untils, renewals)))


def _assembled(
    rng: np.random.Generator, lives: Lives, duties: _Duties, row: Ints, start: Ints, until: Ints, renewal: Bools
) -> Licences:
    order = np.lexsort((row, start))
    row, start, until, renewal = row[order], start[order], until[order], renewal[order]
    dwelling, kind = duties.dwelling[row], duties.kind[row]
    size = len(row)
    ended = lives.hmo_to[dwelling]
    given = (ended < until) & (ended > start) & (kind != SELECTIVE) & (rng.random(size) < 0.45)
    given_up = np.where(given, ended + rng.integers(5, 150, size), NEVER)
    given_up = np.where(rng.random(size) < 0.008, start + rng.integers(100, 900, size), given_up)
    given_up = np.where(given_up < until, given_up, NEVER)
    by_dwelling = np.lexsort((start, dwelling))
    later = np.full(size, NEVER)
    same = dwelling[by_dwelling][1:] == dwelling[by_dwelling][:-1]
    later[by_dwelling[:-1][same]] = start[by_dwelling[1:][same]]
    return Licences(
        dwelling=dwelling,
        kind=kind,
        start=start,
        until=until,
        given_up=given_up,
        superseded=np.where(later <= until, later, NEVER),
        renewal=renewal,
        received=start - rng.gamma(2.2, 55, size).astype(np.int64) - 10,
    )


def _duties(
    rng: np.random.Generator,
    profile: Profile,
    stock: Stock,
    lives: Lives,
    spells: Spells,
    schemes: list[Scheme],
    found: tuple[Ints, Ints],
) -> _Duties:
    """What is needed where, of those who will apply: the most compliant, up to the borough's licensed share."""
    ward = stock.ward
    score = lives.compliance + 0.6 * rng.standard_normal(stock.dwellings)
    ever = lives.hmo_from < NEVER
    share = min(0.95, profile.licensed_share * 1.12)
    willing = ever & (score >= (np.quantile(score[ever], 1 - share) if ever.any() else np.inf))
    let = np.flatnonzero((spells.tenure == PRIVATE) & ~spells.hmo)
    let_score = score[spells.dwelling[let]]
    let = let[let_score >= (np.quantile(let_score, 1 - SELECTIVE_UPTAKE) if len(let) else np.inf)]
    posing = np.flatnonzero(ever & ~willing & (rng.random(stock.dwellings) < 0.10))
    parts = [_stretch(lives, np.flatnonzero(willing & lives.mandatory), MANDATORY, MANDATORY_SINCE, NEVER)]
    for scheme in schemes:
        covered = scheme.covers[ward]
        if scheme.kind == ADDITIONAL:
            small = willing & ~lives.mandatory & covered & (lives.sharers >= scheme.min_persons)
            parts.append(_stretch(lives, np.flatnonzero(small), ADDITIONAL, scheme.start, scheme.until + 1))
        else:
            mine = let[covered[spells.dwelling[let]]]
            start = np.where(spells.first[mine] & (lives.built[spells.dwelling[mine]] == 0), 0, spells.start[mine])
            stretch = np.maximum(start, scheme.start), np.minimum(spells.end[mine], scheme.until + 1)
            parts.append((spells.dwelling[mine], np.full(len(mine), SELECTIVE), *stretch))
            wrong = posing[covered[posing]]
            parts.append(_stretch(lives, wrong, SELECTIVE, scheme.start, scheme.until + 1))
    parts.append(_after_visits(rng, lives, schemes, ward, willing, found))
    dwelling, kind, start, end = (np.concatenate(values) for values in zip(*parts, strict=True))
    return _Duties(dwelling=dwelling, kind=kind, start=start, end=end)


def _stretch(lives: Lives, who: Ints, kind: int, start: int, end: int) -> tuple[Ints, Ints, Ints, Ints]:
    return (
        who,
        np.full(len(who), kind),
        np.maximum(lives.hmo_from[who], start),
        np.minimum(lives.hmo_to[who], end),
    )


def _after_visits(
    rng: np.random.Generator, lives: Lives, schemes: list[Scheme], ward: Ints, willing: Bools, found: tuple[Ints, Ints]
) -> tuple[Ints, Ints, Ints, Ints]:
    """Landlords who apply because an officer found their HMO."""
    who, day = found
    late = (rng.random(len(who)) < 0.45) & ~willing[who]
    covered = np.zeros(len(who), dtype=np.bool_)
    for scheme in schemes:
        covered |= (
            (scheme.kind == ADDITIONAL) & scheme.covers[ward[who]] & (scheme.start <= day) & (day <= scheme.until)
        )
    kind = np.where(lives.mandatory[who], MANDATORY, np.where(covered, ADDITIONAL, 0))
    late &= kind > 0
    return who[late], kind[late], day[late] + 40, lives.hmo_to[who[late]]


def hmo_licence(profile: Profile, stock: Stock, lives: Lives, licences: Licences, spec: WorldSpec) -> pd.DataFrame:
    """The register: current licences and those that ended within the years kept."""
    rng = generator(spec.seed, profile.slug, "register")
    size = len(licences.dwelling)
    known = licences.start + lag(rng, size, 9, 0.05, 70)
    margin, variant = rng.integers(0, 3, size), rng.choice(5, size, p=[0.55, 0.15, 0.15, 0.05, 0.10])
    code = drawn(rng, ("surrendered", "revoked"), (0.9, 0.1), size)
    number = running(licences.start)
    until = spec.until_day
    kept = np.flatnonzero((known <= until) & (licences.until > spec.since_day))
    who = licences.dwelling[kept]
    hmo = licences.kind[kept] != SELECTIVE
    status = np.where(licences.until[kept] < until, "expired", "current").astype(object)
    status = np.where(licences.superseded[kept] <= until, "superseded", status)
    status = np.where(licences.given_up[kept] <= until, code[kept], status)
    owner = lives.owner[who]
    holder = names(lives.landlords, owner, variant[kept])
    agent = lives.landlords.agent[owner]
    persons = np.where(hmo, lives.sharers[who], lives.persons[who]) + margin[kept]
    homes = np.where(hmo, lives.groups[who] + margin[kept], 1)
    letters = np.array(["", "HMOLIC", "HMOADL", "SELECT"], dtype=object)[licences.kind[kept]]
    columns = located(stock, who) | {
        "licence_ref": references("", licences.start[kept], number[kept], 5, "/") + "/" + letters,
        "licence_type": np.array(LICENCE_TYPES, dtype=object)[licences.kind[kept]],
        "licence_status": status,
        "holder_name": holder,
        "holder_address": lives.landlords.address[owner],
        "manager_name": np.where(pd.isna(agent), holder, agent),
        "max_persons": whole(persons),
        "max_households": whole(homes),
        "storeys": whole(stock.buildings.storeys[stock.home[who]]),
        "sleeping_rooms": whole(np.maximum(np.where(hmo, lives.groups[who], stock.rooms[who] - 1), 1)),
        "commencement_date": dates(licences.start[kept]),
        "expiry_date": dates(licences.until[kept]),
        "known_since": dates(known[kept]),
        "true_landlord": lives.landlords.landlord_id[owner],
    }
    return frame("hmo_licence", columns)
