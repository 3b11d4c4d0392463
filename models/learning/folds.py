"""Whole groups left out together, so that no group is judged by a model that has seen it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.learning.arrays import Ints, Mask, Texts

FOLDS = 5


def folds(groups: Sequence[str] | Texts, positive: Mask, most: int = FOLDS) -> Ints:
    """The fold of each row: whole groups left out together, positives spread as evenly as that allows.

    The largest group goes to the emptiest fold first, so the same rows always give the same folds.

    Args:
        groups: the group of each row.
        positive: which rows are positive.
        most: folds at most; with as many groups or fewer each group is a fold.
    """
    counts = pd.Series(positive.astype(int)).groupby(np.asarray(groups, dtype=object)).sum()
    order = counts.reset_index(name="positives").sort_values(["positives", "index"], ascending=[False, True])
    load = np.zeros(min(most, max(len(order), 1)))
    where: dict[str, int] = {}
    for group, size in zip(order["index"], order["positives"], strict=True):
        fold = int(load.argmin())
        where[str(group)] = fold
        load[fold] += size + 1e-6
    return np.asarray(pd.Series(np.asarray(groups, dtype=object)).map(where), dtype=np.int64)
