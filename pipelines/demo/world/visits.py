"""Inspections: where complaints lead, a few programmes, checks of licences, and what they find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.demo.world.designations import MANDATORY, NONE, SELECTIVE, Scheme, required
from pipelines.demo.world.licences import Licences
from pipelines.demo.world.lives import PRIVATE, SOCIAL, Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.requests import CATEGORIES, HOUSING, Complaints
from pipelines.demo.world.rows import coded, frame, located, whole
from pipelines.demo.world.spec import END, START, YEARS, Bools, Floats, Ints, WorldSpec, dates, generator, lag
from pipelines.demo.world.stock import Stock
from pipelines.demo.world.text import only, references, running

COMPLAINT, PROGRAMME, LICENCE_CHECK = range(3)
REASONS = ("complaint", "programme", "licence_check")
FINDINGS = ("hmo_unlicensed", "hmo_licensed", "hmo_not_licensable", "not_hmo", "single_household", "empty")

INSPECTED = 0.55
"""Complaints about private homes that are inspected: 260 of 433 a year at the average council (HC 440, 2018)."""
_PROGRAMME_A_YEAR = 0.0010
"""Proactive visits a dwelling and year: our own assumption, about a third of those that complaints lead to."""
_NO_ACCESS = np.array([0.25, 0.34, 0.16])


@dataclass(frozen=True)
class Visits:
    """One element a visit, sorted by day, with whether an officer got in."""

    dwelling: Ints
    day: Ints
    reason: Ints
    access: Bools

    def found_hmo(self, lives: Lives) -> tuple[Ints, Ints]:
        """Dwelling and day of the visits that got into an HMO."""
        inside = self.access & lives.hmo_at(self.day, self.dwelling)
        return self.dwelling[inside], self.day[inside]


def make_visits(profile: Profile, stock: Stock, lives: Lives, complaints: Complaints, seed: int) -> Visits:
    """Visits that follow complaints and programmes; half of the failed ones are tried again."""
    rng = generator(seed, profile.slug, "visits")
    housing = np.isin(complaints.category, [CATEGORIES.index(name) for name in HOUSING])
    let = lives.tenure_at(complaints.day, complaints.dwelling) == PRIVATE
    suspected = complaints.category == CATEGORIES.index("hmo_suspected")
    chance = np.where(housing & (let | suspected), INSPECTED, np.where(let, 0.012, 0.0))
    led = np.flatnonzero(rng.random(len(chance)) < chance)
    complaint_day = complaints.day[led] + rng.gamma(2.0, 12, len(led)).astype(np.int64) + 2
    count = int(rng.poisson(stock.dwellings * _PROGRAMME_A_YEAR * YEARS))
    weight = _programme_weight(rng, stock, lives)
    dwelling = np.concatenate([complaints.dwelling[led], rng.choice(stock.dwellings, count, p=weight)])
    day = np.concatenate([complaint_day, rng.integers(START, END, count)])
    reason = np.concatenate([np.full(len(led), COMPLAINT), np.full(count, PROGRAMME)])
    return _attempted(rng, lives, dwelling, day, reason)


def with_licence_checks(visits: Visits, profile: Profile, lives: Lives, licences: Licences, seed: int) -> Visits:
    """The visits, and those that check an application: a quarter of the HMO ones, few of the selective ones."""
    rng = generator(seed, profile.slug, "licence checks")
    share = np.where(licences.kind == SELECTIVE, 0.04, 0.28)
    some = np.flatnonzero((rng.random(len(share)) < share) & (licences.start > START))
    day = licences.received[some] + rng.integers(10, 120, len(some))
    more = _attempted(rng, lives, licences.dwelling[some], day, np.full(len(some), LICENCE_CHECK))
    joint = {name: np.concatenate([values, vars(more)[name]]) for name, values in vars(visits).items()}
    order = np.argsort(joint["day"], kind="stable")
    return Visits(**{name: values[order] for name, values in joint.items()})


def _programme_weight(rng: np.random.Generator, stock: Stock, lives: Lives) -> Floats:
    """Programmes walk streets of rented homes in some wards; they do not know where HMOs are."""
    ward_weight = rng.gamma(0.6, 1.0, int(stock.places.ward.max()) + 1) + 0.01
    weight = ward_weight[stock.ward] * np.where(lives.tenure == PRIVATE, 1.0, 0.15)
    weight = np.where((lives.tenure == SOCIAL) | (lives.built > 0), 0.0, weight)
    if weight.sum() == 0:
        weight = np.ones(stock.dwellings)
    found: Floats = weight / weight.sum()
    return found


def _attempted(rng: np.random.Generator, lives: Lives, dwelling: Ints, day: Ints, reason: Ints) -> Visits:
    """First visits, and second ones where nobody let the officer in."""
    refuse = _NO_ACCESS[reason] + 0.05 * (lives.hmo_at(day, dwelling) & (lives.compliance[dwelling] < 0))
    access = rng.random(len(day)) >= refuse
    again = np.flatnonzero(~access & (rng.random(len(day)) < 0.5))
    second = rng.random(len(again)) >= refuse[again]
    later = day[again] + rng.integers(7, 45, len(again))
    order = np.argsort(np.concatenate([day, later]), kind="stable")
    return Visits(
        dwelling=np.concatenate([dwelling, dwelling[again]])[order],
        day=np.concatenate([day, later])[order],
        reason=np.concatenate([reason, reason[again]])[order],
        access=np.concatenate([access, second])[order],
    )


def inspection(
    profile: Profile,
    stock: Stock,
    lives: Lives,
    visits: Visits,
    licences: Licences,
    schemes: list[Scheme],
    spec: WorldSpec,
) -> pd.DataFrame:
    """The dataset: what was found, with the mistakes that visits make."""
    rng = generator(spec.seed, profile.slug, "inspections")
    size = len(visits.day)
    known = visits.day + lag(rng, size, 3, 0.05, 45)
    who, day = visits.dwelling, visits.day
    hmo = lives.hmo_at(day, who)
    finding = _findings(rng, stock, lives, visits, licences, schemes)
    seen_hmo = finding <= 2
    noise = rng.choice([-1, 0, 1], size, p=[0.14, 0.72, 0.14])
    persons = np.where(hmo, np.maximum(lives.sharers[who] + noise, 2), lives.persons[who])
    homes = np.where(hmo & seen_hmo, np.maximum(2, np.minimum(lives.groups[who] + noise, persons)), 1)
    homes = np.where((finding == 3) & ~hmo, 2, homes)
    asked = visits.access & (finding != 5) & (rng.random(size) < 0.85)
    poor = 1 / (1 + np.exp(1.9 + 0.6 * lives.compliance[who]))
    draw = rng.random(size)
    hazard = np.where(draw < poor, "category_1", np.where(draw < poor * 3.5, "category_2", "none"))
    number = running(day)
    kept = np.flatnonzero((known <= spec.until_day) & (day > spec.since_day))
    inside = visits.access[kept]
    columns = located(stock, who[kept]) | {
        "inspection_ref": references("INS-", day[kept], number[kept], 5),
        "visit_date": dates(day[kept]),
        "visit_reason": coded(REASONS, visits.reason[kept]),
        "access": np.where(inside, "gained", "no_access").astype(object),
        "finding": only(inside, coded(FINDINGS, finding[kept])),
        "occupants": whole(persons[kept], asked[kept]),
        "households": whole(homes[kept], asked[kept]),
        "hazard": only(inside, hazard[kept].astype(object)),
        "known_since": dates(known[kept]),
    }
    return frame("inspection", columns)


def _findings(
    rng: np.random.Generator, stock: Stock, lives: Lives, visits: Visits, licences: Licences, schemes: list[Scheme]
) -> Ints:
    """Position in FINDINGS for each visit: 7% of HMOs pass for one household, 0.5% of the others for an HMO."""
    who, day = visits.dwelling, visits.day
    needed = required(lives, schemes, stock.ward, day, who)
    held = licences.held(who, day)
    licensed = (held == needed) | (held == MANDATORY)
    hmo = lives.hmo_at(day, who)
    as_hmo = np.where((needed == NONE) | (needed == SELECTIVE), 2, np.where(licensed, 1, 0))
    size = len(who)
    other = np.array([3, 4, 5])[rng.choice(3, size, p=[0.22, 0.73, 0.05])]
    fooled, mistaken = rng.random(size) < 0.07, rng.random(size) < 0.005
    return np.where(hmo, np.where(fooled, 4, as_hmo), np.where(mistaken, 2, other))
