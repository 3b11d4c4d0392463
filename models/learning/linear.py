"""Logistic regression on columns brought to one scale: where trees know only what they have seen, a line goes on.

A group that was left out may hold larger counts, other prices or other sizes than any that was learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.learning.arrays import Floats, Ints, Mask

STRENGTH = 0.05
"""Inverse of the penalty (scikit-learn's C) on terms of one standard deviation: groups differ, so it is firm."""

REACH = 3.0
"""Standard deviations of the training rows beyond which a value counts as that far and no further."""


@dataclass(frozen=True)
class Linear:
    """A fitted line. A raw score is `base` plus what each feature's terms add, which are nought at the training mean.

    Terms of a number are its logarithm (sign kept) in standard deviations, the square of that,
    whether it is above nought, and whether it is missing; those of a level, each level.
    """

    middle: Floats
    spread: Floats
    levels: tuple[Floats | None, ...]
    mean: Floats
    weights: Floats
    base: float

    def raw(self, values: Floats) -> Floats:
        """Raw scores in log-odds: shape (rows,)."""
        terms, _ = _terms(values, self.middle, self.spread, self.levels)
        return (terms - self.mean) @ self.weights + self.base

    def contributions(self, values: Floats) -> tuple[float, Floats]:
        """The base and what each feature adds, in log-odds: shape (rows, features)."""
        terms, of_feature = _terms(values, self.middle, self.spread, self.levels)
        shares = np.zeros((values.shape[1], values.shape[0]))
        np.add.at(shares, of_feature, ((terms - self.mean) * self.weights).T)
        return self.base, shares.T


def fit(values: Floats, positive: Mask, weights: Floats, categorical: Mask) -> Linear:
    """Fit the line.

    Args:
        values: shape (rows, features); a missing value is NaN.
        positive: the answer of each row.
        weights: of each row.
        categorical: which features are levels.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    known = ~np.isnan(values)
    logs = np.where(known, _log(values), 0.0)
    counts = np.maximum(known.sum(axis=0), 1)
    middle = logs.sum(axis=0) / counts
    spread = np.sqrt((np.where(known, logs - middle, 0.0) ** 2).sum(axis=0) / counts)
    spread[spread < 1e-9] = np.inf  # a constant says nothing
    levels = tuple(
        np.unique(values[known[:, at], at]) if level else None for at, level in enumerate(categorical.tolist())
    )
    terms, _ = _terms(values, middle, spread, levels)
    mean = terms.mean(axis=0)
    centred = terms - mean
    # Of a column without noughts or gaps two terms of four are the same in every row: they weigh nothing and take time.
    varies = centred.any(axis=0)
    of_terms = np.zeros(len(mean))
    with threadpool_limits(limits=1):
        model = LogisticRegression(C=STRENGTH, solver="newton-cholesky", max_iter=100)
        model.fit(centred[:, varies] if varies.any() else centred, positive.astype(int), sample_weight=weights)
    of_terms[varies] = model.coef_[0][: varies.sum()]
    return Linear(middle, spread, levels, mean, of_terms, float(model.intercept_[0]))


def _log(values: Floats) -> Floats:
    return np.sign(values) * np.log1p(np.abs(values))


def _terms(values: Floats, middle: Floats, spread: Floats, levels: tuple[Floats | None, ...]) -> tuple[Floats, Ints]:
    """The terms of every feature, and the feature that each is of."""
    parts: list[Floats] = []
    of_feature: list[int] = []
    for at, own in enumerate(levels):
        column = values[:, at]
        if own is not None:
            made = column[:, None] == own[None, :]
        else:
            missing = np.isnan(column)
            scaled = np.clip((_log(np.where(missing, 0.0, column)) - middle[at]) / spread[at], -REACH, REACH)
            scaled[missing] = 0.0
            made = np.column_stack([scaled, scaled**2, column > 0, missing])
        parts.append(np.asarray(made, dtype=np.float64))
        of_feature += [at] * made.shape[1]
    return np.column_stack(parts), np.asarray(of_feature, dtype=np.int64)
