"""Boosted trees that take missing values as they are, and the calibration of their score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np

from models.learning import explain, trees
from models.learning.arrays import Floats, Mask, Numbers

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
    """Fitted models as one. Probability = logistic(slope x mean raw score + intercept): reasons add up in log-odds."""

    models: tuple[Any, ...]
    features: tuple[str, ...]
    slope: float
    intercept: float

    def raw(self, values: Numbers) -> Floats:
        """Raw scores in log-odds; `values` has shape (rows, features) in the order of `features`."""
        return mean_scores(self.models, values)

    def log_odds(self, values: Numbers) -> Floats:
        """Calibrated scores in log-odds."""
        return self.slope * self.raw(values) + self.intercept

    def probability(self, values: Numbers) -> Floats:
        """Probability that each row is positive."""
        return logistic(self.log_odds(values))

    def reasons(self, values: Floats) -> tuple[float, Floats]:
        """A base and what each feature adds to it, in calibrated log-odds: shape (rows, features)."""
        base, shares = 0.0, np.zeros(values.shape)
        for model in self.models:
            own_base, own = explain.contributions(model, values)
            base += own_base / len(self.models)
            shares += own / len(self.models)
        return self.slope * base + self.intercept, self.slope * shares


def logistic(scores: Floats) -> Floats:
    """Log-odds to probability."""
    return 1.0 / (1.0 + np.exp(-scores))


def fit(
    values: Floats,
    positive: Mask,
    weights: Floats,
    directions: Sequence[int] | None = None,
    changed: Mapping[str, Any] | None = None,
    weighted_bins: bool = True,
) -> Any:
    """Fit the trees.

    Args:
        values: shape (rows, features); a missing value is NaN.
        positive: the answer of each row.
        weights: of each row.
        directions: for each feature 1 if it can only raise the score as it grows, -1 if only lower it, 0 if the data
            decide; None for 0 everywhere.
        changed: settings other than `SETTINGS`.
        weighted_bins: whether bins hold as much weight each, as scikit-learn has it, or as many rows each, which takes
            a twentieth of the time.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    kind = HistGradientBoostingClassifier if weighted_bins else _bins_of_rows()
    model = kind(monotonic_cst=directions, **{**SETTINGS, **(changed or {})})
    # Rows without weight take no part in the bins; what no other row knows is made a constant and never split on.
    used = weights > 0
    known = np.where(np.isnan(values[used]).all(axis=0), 0.0, values[used])
    with one_thread():
        return model.fit(known, positive[used].astype(int), sample_weight=weights[used])


@cache
def _bins_of_rows() -> Any:
    """scikit-learn's trees with bins of as many rows each, whatever those weigh."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    class BinsOfRows(HistGradientBoostingClassifier):  # type: ignore[misc]
        def _bin_data(self, X: Any, sample_weight: Any, is_training_data: bool) -> Any:  # noqa: N803
            # Weighted quantiles sort a column anew for each of 62: more time than all trees take.
            return super()._bin_data(X, None, is_training_data)

    return BinsOfRows


def raw_scores(model: Any, values: Numbers) -> Floats:
    """Raw scores of fitted trees in log-odds: shape (rows,)."""
    return trees.raw_scores(model, values)


def mean_scores(models: Sequence[Any], values: Numbers) -> Floats:
    """Mean raw scores of several fitted models in log-odds: shape (rows,)."""
    return np.asarray(np.mean([raw_scores(model, values) for model in models], axis=0))


def one_thread() -> AbstractContextManager[Any]:
    """Keep OpenMP to one thread of this process.

    A night runs several processes: OpenMP threads that wait for one another on busy cores made
    a fit take 12 to 30 s instead of 1.5 s (two cores, load 4).
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return cast("AbstractContextManager[Any]", threadpool_limits(limits=1, user_api="openmp"))


def calibrate(raw: Floats, positive: Mask, weights: Floats, apart: Mask | None = None) -> tuple[float, float]:
    """Slope and intercept of the logistic curve from raw scores to probability (Platt 1999); the slope is positive.

    A slope that is not positive would turn the list upside down because of chance in few
    rows: then the scores keep their own slope and only their level is set.

    Args:
        raw: scores of rows that the models have not seen.
        positive: their answers.
        weights: of each row.
        apart: rows that tell the slope but not the level, since theirs is another one; None for none.
    """
    from scipy.optimize import brentq
    from sklearn.linear_model import LogisticRegression

    apart = np.zeros(len(raw), dtype=bool) if apart is None else apart
    known = np.column_stack([raw, apart]) if apart.any() else raw[:, None]
    curve = LogisticRegression(C=10.0).fit(known, positive.astype(int), sample_weight=weights)
    slope, intercept = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    if slope > 0.05:
        return slope, intercept
    raw, positive, weights = raw[~apart], positive[~apart], weights[~apart]
    share = float(np.average(positive, weights=weights))
    level = brentq(lambda shift: float(np.average(logistic(raw + shift), weights=weights)) - share, -30.0, 30.0)
    return 1.0, float(level)
