"""The detector: boosted trees that take missing values as they are, and a calibration of their score."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from models.hmo import explain
from models.hmo.days import Floats, Mask
from models.hmo.features import BY_NAME

SEED = 20261001
SETTINGS: dict[str, Any] = {
    "max_iter": 150,
    "learning_rate": 0.04,
    "max_leaf_nodes": explain.MAX_LEAVES,
    "min_samples_leaf": 30,
    "l2_regularization": 1.0,
    "max_bins": 63,
    "early_stopping": False,
    "random_state": SEED,
}
"""Small trees: they can be explained exactly, and labels are few. Most features are small counts: 63 bins hold them."""


@dataclass(frozen=True)
class Detector:
    """A fitted model. Probability = logistic(slope x raw score + intercept), so reasons add up in log-odds."""

    model: Any
    features: tuple[str, ...]
    slope: float
    intercept: float

    def raw(self, values: Floats) -> Floats:
        """Raw scores in log-odds; `values` has shape (rows, features) in the order of `features`."""
        return raw_scores(self.model, values)

    def log_odds(self, values: Floats) -> Floats:
        """Calibrated scores in log-odds."""
        return self.slope * self.raw(values) + self.intercept

    def probability(self, values: Floats) -> Floats:
        """Probability that each property is a house in multiple occupation."""
        return logistic(self.log_odds(values))

    def reasons(self, values: Floats) -> tuple[float, Floats]:
        """A base and what each feature adds to it, in calibrated log-odds: shape (rows, features)."""
        base, shares = explain.contributions(self.model, values)
        return self.slope * base + self.intercept, self.slope * shares


def logistic(scores: Floats) -> Floats:
    """Log-odds to probability."""
    return 1.0 / (1.0 + np.exp(-scores))


def fit(values: Floats, hmo: Mask, weights: Floats, names: Sequence[str]) -> Any:
    """Fit the trees. Features whose direction is declared can only raise the score as they grow."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    directions = [BY_NAME[name].direction for name in names]
    model = HistGradientBoostingClassifier(monotonic_cst=directions, **SETTINGS)
    # A feature that nobody knows cannot be cut into bins; as a constant it is never split on.
    known = np.where(np.isnan(values).all(axis=0), 0.0, values)
    with one_thread():
        return model.fit(known, hmo.astype(int), sample_weight=weights)


def raw_scores(model: Any, values: Floats) -> Floats:
    """Raw scores of fitted trees in log-odds: shape (rows,)."""
    with one_thread():
        return np.asarray(model.decision_function(values), dtype=float)


def one_thread() -> AbstractContextManager[Any]:
    """Keep OpenMP to one thread of this process.

    A night runs several processes: OpenMP threads that wait for one another on busy cores made
    a fit take 12 to 30 s instead of 1.5 s (two cores, load 4).
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return cast("AbstractContextManager[Any]", threadpool_limits(limits=1, user_api="openmp"))


def calibrate(raw: Floats, hmo: Mask, weights: Floats) -> tuple[float, float]:
    """Slope and intercept of the logistic curve from raw scores to probability (Platt 1999); the slope is positive.

    A slope that is not positive would turn the list upside down because of chance in few
    rows: then the scores keep their own slope and only their level is set.
    """
    from scipy.optimize import brentq
    from sklearn.linear_model import LogisticRegression

    curve = LogisticRegression(C=10.0).fit(raw[:, None], hmo.astype(int), sample_weight=weights)
    slope, intercept = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    if slope > 0.05:
        return slope, intercept
    share = float(np.average(hmo, weights=weights))
    level = brentq(lambda shift: float(np.average(logistic(raw + shift), weights=weights)) - share, -30.0, 30.0)
    return 1.0, float(level)
