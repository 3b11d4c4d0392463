"""What the model has to beat in the same table: the best single column, chosen and levelled by the training groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.learning.arrays import Floats, Mask
from models.learning.preprocess import Column


@dataclass(frozen=True)
class OneColumn:
    """A ranking by one column. `levels` orders categories; `curve` gives the share of positives at each value."""

    column: str
    at: int
    direction: int
    auc: float
    levels: Floats | None
    curve: Any

    def scores(self, columns: Sequence[Column], rows: Mask) -> tuple[Floats, Floats]:
        """What the rows are ranked by, missing values last, and the probability stated for each."""
        values = _ordered(columns[self.at].take(rows), self.levels, self.direction)
        return values, np.asarray(self.curve.predict(values), dtype=float)


def best_column(columns: Sequence[Column], train: Mask, positive: Mask) -> OneColumn:
    """The column that alone ranks the training rows best, whichever way up, by the area under the curve.

    Text of many levels is passed over where there is anything else: on the rows that it was
    learnt from it looks better than it is.
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.metrics import roc_auc_score

    answers = positive[train]
    best: tuple[float, int, int, Floats | None] = (-1.0, 0, 1, None)
    some = any(not column.many for column in columns)
    for at, column in enumerate(columns):
        if some and column.many:
            continue
        own = column.take(train)
        levels = _levels(own, answers) if column.kind == "category" else None
        for direction in (1,) if levels is not None else (1, -1):
            auc = float(roc_auc_score(answers, _ordered(own, levels, direction)))
            if auc > best[0]:
                best = (auc, at, direction, levels)
    auc, at, direction, levels = best
    curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    curve.fit(_ordered(columns[at].take(train), levels, direction), answers.astype(float))
    return OneColumn(columns[at].name, at, direction, auc, levels, curve)


def _levels(column: Column, positive: Mask) -> Floats:
    """Share of positives of each level, drawn to the whole's; a level that was not seen has the whole's."""
    codes = np.where(np.isnan(column.values), len(column.levels), column.values).astype(np.int64)
    seen = np.bincount(codes, minlength=len(column.levels) + 1)
    hits = np.bincount(codes, weights=positive, minlength=len(column.levels) + 1)
    return np.asarray((hits + 10 * positive.mean()) / (seen + 10), dtype=np.float64)


def _ordered(column: Column, levels: Floats | None, direction: int) -> Floats:
    if levels is not None:
        codes = np.where(np.isnan(column.values), len(levels) - 1, column.values).astype(np.int64)
        return levels[codes]
    values = direction * column.values
    # Below every known value, and finite for the curve.
    return np.where(np.isnan(values), -1e300, values)
