"""Several boosted models and a line as one: the mean of the trees' log-odds, and the line's, averaged.

An average of log-odds keeps reasons exact: what a feature adds is the average of what it adds to each. The trees know
what goes together, the line goes on where a group holds values that no training group has; each errs where the other
does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from models.learning import boosting, explain, linear
from models.learning.arrays import Floats, Mask
from models.learning.linear import Linear

MOST_ROWS = 50_000
"""Rows that one model learns from at most. Of more, positives are kept and negatives drawn, another draw for each
model, and weighted to stand for all: time no longer grows with the table."""

PART = 0.8
"""Share of the rows that each model sees."""

SETTINGS: Mapping[str, Any] = {**boosting.SETTINGS, "max_iter": 75, "learning_rate": 0.08}
"""Of each model. Half as many trees of twice the step take half the time and rank the same: with community districts of
New York left out, areas under the curve differ by 0.0001 and 0.0002 within its boroughs."""


LINE = 0.5
"""What the line weighs beside the trees together: an even average, fixed before any table was seen."""


@dataclass(frozen=True)
class Bag:
    """Fitted models. Probability = logistic(slope x mean raw score + intercept), so reasons add up in log-odds."""

    models: tuple[Any, ...]
    line: Linear
    slope: float = 1.0
    intercept: float = 0.0

    def raw(self, values: Floats) -> Floats:
        """Mean raw scores in log-odds; `values` has shape (rows, features)."""
        trees = np.mean([boosting.raw_scores(model, values) for model in self.models], axis=0)
        return np.asarray((1 - LINE) * trees + LINE * self.line.raw(values))

    def log_odds(self, values: Floats) -> Floats:
        """Calibrated scores in log-odds."""
        return self.slope * self.raw(values) + self.intercept

    def reasons(self, values: Floats) -> tuple[float, Floats]:
        """A base and what each feature adds to it, in calibrated log-odds: shape (rows, features)."""
        told = [explain.contributions(model, values) for model in self.models]
        line_base, line_shares = self.line.contributions(values)
        base = float((1 - LINE) * np.mean([base for base, _ in told]) + LINE * line_base)
        shares = (1 - LINE) * np.mean([shares for _, shares in told], axis=0) + LINE * line_shares
        return self.slope * base + self.intercept, self.slope * shares

    def calibrated(self, raw: Floats, positive: Mask) -> Bag:
        """The same models with the curve that fits raw scores of rows left out (`boosting.calibrate`)."""
        slope, intercept = boosting.calibrate(raw, positive, np.ones(len(raw)))
        return replace(self, slope=slope, intercept=intercept)


def fit(
    values: Floats, positive: Mask, categorical: Mask, models: int, workers: int = 1, seed: int = boosting.SEED
) -> Bag:
    """Fit a bag.

    Args:
        values: shape (rows, features); a missing value is NaN.
        positive: the answer of each row.
        categorical: which features are levels to be split on one by one.
        models: how many.
        workers: threads; the result does not depend on it.
        seed: the same seed and rows give the same models.
    """
    rows, weights = _drawn(np.random.default_rng(seed), positive, 1.0)
    one = partial(_fit_one, values, positive, categorical)
    seeds: Sequence[int] = range(seed, seed + models)
    with ThreadPoolExecutor(workers) as pool:
        trees = pool.map(one, seeds)
        line = linear.fit(values[rows], positive[rows], weights, categorical)
        return Bag(tuple(trees), line)


def _fit_one(values: Floats, positive: Mask, categorical: Mask, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    rows, weights = _drawn(rng, positive, PART)
    changed = {**SETTINGS, "random_state": seed, "categorical_features": categorical if categorical.any() else None}
    return boosting.fit(values[rows], positive[rows], weights, changed=changed, weighted_bins=False)


def _drawn(rng: np.random.Generator, positive: Mask, part: float) -> tuple[Any, Floats]:
    """The rows that one model sees, `part` of either answer if they are not too many, and what each stands for."""
    hits, misses = np.flatnonzero(positive), np.flatnonzero(~positive)
    most_hits = min(round(part * len(hits)) or 1, MOST_ROWS // 2)
    most_misses = min(round(part * len(misses)) or 1, max(MOST_ROWS - most_hits, MOST_ROWS // 2))
    taken = [rng.choice(hits, most_hits, replace=False), rng.choice(misses, most_misses, replace=False)]
    weights = np.r_[np.full(most_hits, len(hits) / most_hits), np.full(most_misses, len(misses) / most_misses)]
    rows = np.concatenate(taken)
    order = np.argsort(rows)
    return rows[order], weights[order] / weights.mean()
