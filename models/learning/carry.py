"""What carries over from one group of rows to another, found without any answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.learning.arrays import Floats, Mask, Texts
from models.learning.preprocess import Column

SEEN_ELSEWHERE = 0.1
"""Share of a group's rows whose level some other group has too, below which levels are the group's own."""

OTHER_LEVEL = 0.05
"""Share of a column's variance (of its ranks) between groups from which its level differs by group."""


def tells_groups_apart(column: Column, groups: Texts) -> bool:
    """Whether a column's values are each group's own, so that nothing learnt of them holds in a group left out.

    Text does if in half of the groups nearly no row has a level that any other group has, such
    as names of wards. Whole numbers do if groups' ranges (1st to 99th percentile) lie apart and
    hold several values each, such as numbers of districts.
    """
    known = ~np.isnan(column.values)
    frame = pd.DataFrame({"group": groups[known], "value": column.values[known]})
    if frame["group"].nunique() < 2:
        return False
    if column.kind == "category":
        held_by = frame.groupby("value")["group"].transform("nunique")
        return bool((held_by > 1).groupby(frame["group"]).mean().median() < SEEN_ELSEWHERE)
    if column.kind != "number" or bool((frame["value"] % 1 != 0).any()):
        return False
    by_group = frame.groupby("group")["value"]
    if by_group.nunique().median() < 2:
        return False
    ranges = pd.DataFrame({"low": by_group.quantile(0.01), "high": by_group.quantile(0.99)}).sort_values("low")
    return bool((ranges["low"].to_numpy()[1:] > ranges["high"].to_numpy()[:-1]).all())


def differs_by_group(values: Floats, groups: Texts) -> Mask:
    """Which columns stand on another level in some groups than in others: shape (columns,)."""
    ranks = pd.DataFrame(values).rank()
    between = ranks.groupby(groups).transform("mean").var(ddof=0)
    return np.asarray((between / ranks.var(ddof=0)).fillna(0.0) > OTHER_LEVEL, dtype=bool)
