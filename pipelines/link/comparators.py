"""Comparison features in recordlinkage's framework, over `rapidfuzz.process.cpdist`.

Each gives one number a pair: the higher the nearer, NaN where a side is missing. Import this module inside the
function that compares: recordlinkage takes more than a second to load.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA
from rapidfuzz.process import cpdist
from recordlinkage.base import BaseCompareFeature

from pipelines.link.places import by_distinct, numbers_agree

Values = npt.NDArray[np.float32]
Texts = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]


class Number(BaseCompareFeature):  # type: ignore[misc]
    """House numbers: 2 equal, 1 one in the other's range, 0 different. Columns low, high, suffix on both sides."""

    def _compute_vectorized(self, *columns: pd.Series[Any]) -> Values:
        names = ("low", "high", "suffix")
        left = pd.DataFrame({n: c.to_numpy() for n, c in zip(names, columns[:3], strict=True)})
        right = pd.DataFrame({n: c.to_numpy() for n, c in zip(names, columns[3:], strict=True)})
        level = numbers_agree(left, right).astype(np.float32)
        return np.where(level < 0, np.nan, level).astype(np.float32)


class Likeness(BaseCompareFeature):  # type: ignore[misc]
    """OSA similarity of two texts, 0 to 1."""

    def _compute_vectorized(self, *columns: pd.Series[str]) -> Values:
        left, right = (c.to_numpy() for c in columns)
        return _where_both(left, right, similarity(left, right))


class Within(BaseCompareFeature):  # type: ignore[misc]
    """How well the second text is found anywhere in the first, 0 to 1."""

    def _compute_vectorized(self, *columns: pd.Series[str]) -> Values:
        left, right = (c.to_numpy() for c in columns)
        found = np.asarray(cpdist(left, right, scorer=fuzz.partial_ratio, dtype=np.float32)) / 100
        # A shorter text is found within any longer one; only the second may be the shorter.
        size = [by_distinct(c, lambda text: text.str.len()) for c in columns]
        short = size[0] < size[1]
        return _where_both(left, right, np.where(short, similarity(left, right), found))


class SameKind(BaseCompareFeature):  # type: ignore[misc]
    """Types of street: 2 equal, 1 one is not given, 0 different."""

    def _compute_vectorized(self, *columns: pd.Series[str]) -> Values:
        left, right = (c.to_numpy() for c in columns)
        return np.where(left == right, 2, np.where((left == "") | (right == ""), 1, 0)).astype(np.float32)


class Postcode(BaseCompareFeature):  # type: ignore[misc]
    """Postcodes: 4 equal, 3 one slip apart, 2 same sector, 1 same district, 0 elsewhere."""

    def _compute_vectorized(self, *columns: pd.Series[str]) -> Values:
        left, right = columns
        a, b = left.to_numpy(), right.to_numpy()
        slips = cpdist(a, b, scorer=OSA.distance, score_cutoff=1, dtype=np.int32)
        sector, district = (_same_but_for(n, left, right) for n in (2, 4))
        level = np.where(slips <= 1, 3, np.where(sector, 2, np.where(district, 1, 0)))
        return _where_both(a, b, np.where(a == b, 4, level))


def _same_but_for(last: int, left: pd.Series[str], right: pd.Series[str]) -> Mask:
    one, two = (by_distinct(side, lambda text: text.str[:-last]) for side in (left, right))
    return np.asarray(one == two)


def similarity(left: Texts, right: Texts) -> Values:
    """Element-wise OSA similarity, 0 to 1 (restricted Damerau-Levenshtein, far faster than the other)."""
    return np.asarray(cpdist(left, right, scorer=OSA.normalized_similarity, dtype=np.float32))


def _where_both(left: Texts, right: Texts, values: npt.NDArray[Any]) -> Values:
    return np.where((left == "") | (right == ""), np.nan, values).astype(np.float32)
