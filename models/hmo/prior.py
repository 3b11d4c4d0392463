"""How many HMOs a borough has: the register and visits as two lists of the same homes.

The labelling mechanism, as far as it can be stated. A register holds the landlords who applied, so it misses those who
evade. Visits go where somebody complained or a programme led, whether the home is licensed or not, and say of each HMO
that they find whether it held a licence: the share that did is the register's coverage of the HMOs that visits find.
If visits found licensed and unlicensed HMOs of a borough alike, its HMOs would number its licences over that coverage
(dual-system estimation; Chapman 1951; Office for National Statistics, census coverage). A visit that leads to a licence
would count itself: such licences stand beside the estimate, not in it. A visit without access says nothing.

Boroughs with few visits borrow from the others: coverage is drawn from a beta distribution that all boroughs share
(empirical Bayes), so that a borough without visits has their average and a wide interval, not none. A borough that
shares no register has nothing to divide: it is given the middle of the others' shares, and their range.

On a synthetic London, where complaints follow negligence, the estimate is 1.8 times the truth and half of the intervals
hold it (`CAUTION`): nothing in the pipeline rests on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy import optimize, special, stats

from models.hmo import labels
from models.hmo.days import NEVER, Floats, Mask, day_number
from models.hmo.evidence import Evidence

LEVEL = 0.90
CAUTION = (
    "Read them as upper estimates, and the intervals as those of chance alone: where landlords do not comply, "
    "tenants complain more, so that visits find the unlicensed more often than the licensed."
)
WIDEST = 200.0
"""Pseudo-visits that the shared distribution is worth at most: boroughs are never taken to be all alike."""


@dataclass(frozen=True)
class Found:
    """What one borough's register and visits hold on a day, homes of the cohort only.

    Attributes:
        homes: of the cohort.
        licensed: with an HMO licence in force that no earlier visit led to.
        led_to: with one that followed a visit which found none.
        visited: HMOs that visits discovered.
        covered: of these, the ones that held a licence when they were found; those that need none count as without.
    """

    borough: str
    homes: int
    licensed: int
    led_to: int
    visited: int
    covered: int


@dataclass(frozen=True)
class Prior:
    """Estimated share of HMOs among a borough's homes, with an interval of `LEVEL`, and the register's coverage."""

    borough: str
    homes: int
    coverage: float
    share: float
    low: float
    high: float

    @property
    def hmos(self) -> float:
        """Estimated number of HMOs."""
        return self.share * self.homes


def found(evidence: Evidence, as_of: date, inside: Mask) -> Found:
    """Count the two lists of a borough, from what was known by the end of the day; `inside` is the day's cohort."""
    day = day_number(as_of)
    given = labels.answers(evidence)
    usable = (given.known <= day) & (given.event <= day) & inside[given.row]
    seen = given.visit & given.hmo & usable
    visited, unlicensed, held = (np.zeros(len(evidence), dtype=bool) for _ in range(3))
    visited[given.row[seen]] = True
    unlicensed[given.row[seen & given.unlicensed]] = True
    held[given.row[seen & given.held]] = True
    # A check of a licence has no end and is no licence.
    in_force = usable & given.hmo & ~given.visit & (given.until >= day) & (given.until < NEVER)
    licensed = np.zeros(len(evidence), dtype=bool)
    licensed[given.row[in_force]] = True
    return Found(
        borough=evidence.borough,
        homes=int(inside.sum()),
        licensed=int((licensed & ~unlicensed).sum()),
        led_to=int((licensed & unlicensed).sum()),
        visited=int(visited.sum()),
        covered=int((held & ~unlicensed).sum()),
    )


def possible(counts: Sequence[Found]) -> bool:
    """Whether there is a borough whose register can be held against what visits found."""
    return any(count.visited and count.licensed for count in counts)


def estimate(counts: Sequence[Found]) -> list[Prior]:
    """The share of HMOs of each borough, in the order of the counts.

    Raises:
        ValueError: no borough's visits have found an HMO or none shares a register, so that nothing tells what
            registers miss.
    """
    visited = np.array([count.visited for count in counts], dtype=float)
    covered = np.array([count.covered for count in counts], dtype=float)
    if not possible(counts):
        raise ValueError("No visit has found an HMO in a borough with a register: what registers miss is not known.")
    shared = np.array([count.licensed > 0 for count in counts])
    a, b = _shared(visited[shared], covered[shared])
    made: list[Prior | None] = []
    for count in counts:
        if not count.licensed:
            made.append(None)
            continue
        coverage = stats.beta(a + count.covered, b + count.visited - count.covered)
        low, middle, high = (float(coverage.ppf(at)) for at in ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2))
        share = [_share(count, at) for at in (middle, high, low)]
        made.append(Prior(count.borough, count.homes, middle, *share))
    known = np.array([own.share for own in made if own is not None])
    average = float(np.median(known)), float(known.min()), float(known.max())
    return [own or Prior(c.borough, c.homes, 0.0, *average) for own, c in zip(made, counts, strict=True)]


def _share(count: Found, coverage: float) -> float:
    known = count.licensed + count.led_to
    hmos = max(count.licensed / max(coverage, 1e-6) + count.led_to, known)
    return min(hmos / max(count.homes, 1), 1.0)


def _shared(visited: Floats, covered: Floats) -> tuple[float, float]:
    """The beta distribution of coverage over boroughs: the likeliest given their beta-binomial counts."""
    mean = (covered.sum() + 0.5) / (visited.sum() + 1.0)

    def unlikely(log_size: float) -> float:
        a, b = mean * np.exp(log_size), (1 - mean) * np.exp(log_size)
        return -float((special.betaln(a + covered, b + visited - covered) - special.betaln(a, b)).sum())

    best = optimize.minimize_scalar(unlikely, bounds=(np.log(2.0), np.log(WIDEST)), method="bounded")
    size = float(np.exp(best.x))
    return mean * size, (1 - mean) * size
