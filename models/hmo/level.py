"""How likely a home of a given score is an HMO: set on what visits found, by how they came about.

A list holds homes without a licence, and its probabilities are to say how many of those are HMOs. Three kinds of visits
could tell, and not all alike:

- *Planned* ones (a programme, the list, its control slice) went to homes that the council chose by area, by score or by
  chance. All three are functions of what the features hold, so that among homes of equal score the visited are like
  the others: what these visits found is the level.
- Visits that *followed a complaint* went where somebody told a council officer what no dataset holds, and tenants of
  HMOs that are let badly tell most. Their share of HMOs is that of homes of equal score and more. They tell how the
  share grows with the score, and take no part in the level (a term of their own in the logistic curve).
- Visits that found an HMO *with its licence* found a home that is on no list, and are left out.

Where planned visits have found too few of either answer all visits set the level, which is then too high; where all
visits have, the register does, which only tells how many are recorded. Where people do not open the door the answer is
missing, which may depend on the answer: no data here can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.hmo import estimator
from models.hmo.days import Floats, Mask
from models.hmo.examples import Examples

FEWEST = 20
"""Visits of either answer below which nothing is set on them."""

PLANNED, VISITS, REGISTER = "planned visits", "visits", "register"


@dataclass(frozen=True)
class Level:
    """Probability = logistic(slope x raw score + intercept); `on` says what set the curve, `rows` which rows did."""

    slope: float
    intercept: float
    on: str
    rows: Mask


def fitted(rows: Examples, raw: Floats, usable: Mask) -> Level:
    """The curve from raw scores to probability.

    Args:
        rows: what was learnt from.
        raw: scores of the rows by models that have not seen them.
        usable: rows whose features are those of the day, so that a home's complaints are among them.
    """
    visited = usable & rows.visit & ~rows.held
    for on, chosen in ((PLANNED, visited & rows.planned), (VISITS, visited)):
        if min(int(rows.hmo[chosen].sum()), int((~rows.hmo[chosen]).sum())) >= FEWEST:
            even = np.ones(int(visited.sum()))
            slope, intercept = estimator.calibrate(raw[visited], rows.hmo[visited], even, ~chosen[visited])
            return Level(slope, intercept, on, chosen)
    every = np.ones(len(rows), dtype=bool)
    return Level(*estimator.calibrate(raw, rows.hmo, rows.stands_for), REGISTER, every)
