"""Which days and which boroughs a model learns from, and which it is tried on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from models.hmo.days import Ints, Texts

STEP_DAYS = 182
STEPS = 4
FOLDS = 5


def history(as_of: date) -> list[date]:
    """As-of dates that training looks back to, oldest first.

    For 1 October 2026: 3 October 2024, 3 April 2025, 2 October 2025, 2 April 2026. A label that
    became known on 1 December 2025 trains on what was known on 2 October 2025.
    """
    return [as_of - timedelta(days=STEP_DAYS * step) for step in range(STEPS, 0, -1)]


def folds(groups: Sequence[str] | Texts, hmo: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
    """The fold of each row: whole groups (boroughs) left out together, HMOs spread as evenly as that allows.

    The largest group goes to the emptiest fold first, so the same rows always give the same folds.
    """
    counts = pd.Series(hmo.astype(int)).groupby(np.asarray(groups, dtype=object)).sum()
    order = counts.reset_index(name="hmo").sort_values(["hmo", "index"], ascending=[False, True])
    load = np.zeros(min(FOLDS, max(len(order), 1)))
    where: dict[str, int] = {}
    for group, size in zip(order["index"], order["hmo"], strict=True):
        fold = int(load.argmin())
        where[str(group)] = fold
        load[fold] += size + 1e-6
    return np.asarray(pd.Series(np.asarray(groups, dtype=object)).map(where), dtype=np.int64)
