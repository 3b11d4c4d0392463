"""Comparison features in recordlinkage's framework, over `rapidfuzz.process.cpdist` and integer codes.

Each gives one small integer a pair: the higher the nearer, -1 where either side is missing. Import this module
inside the function that compares: recordlinkage takes more than a second to load.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz.distance import OSA
from rapidfuzz.process import cpdist
from recordlinkage.base import BaseCompareFeature

from pipelines.link.places import numbers_agree

Levels = npt.NDArray[np.int8]
MISSING = -1


class NumberLevels(BaseCompareFeature):  # type: ignore[misc]
    """House numbers: 2 equal, 1 one in the other's range, 0 different. Columns low, high, suffix on both sides."""

    def _compute_vectorized(self, *columns: pd.Series[Any]) -> Levels:
        names = ("low", "high", "suffix")
        left = pd.DataFrame({n: c.to_numpy() for n, c in zip(names, columns[:3], strict=True)})
        right = pd.DataFrame({n: c.to_numpy() for n, c in zip(names, columns[3:], strict=True)})
        return numbers_agree(left, right)


class StreetLevels(BaseCompareFeature):  # type: ignore[misc]
    """Streets by stem and type: 4 equal, 3 a slip in the stem, 2 one type missing, 1 other type, 0 different.

    Stem and type are apart because "RD" for "DR" is one slip in letters and another street on the ground.
    """

    SLIP = 0.75

    def _compute_vectorized(self, *columns: pd.Series[Any]) -> Levels:
        stem, kind, other_stem, other_kind = (c.to_numpy() for c in columns)
        near = similarity(stem, other_stem)
        same, slip = near == 1.0, near >= self.SLIP
        same_kind, open_kind = kind == other_kind, (kind == "") | (other_kind == "")
        level = np.where(slip & same_kind, 3, np.where(same & open_kind, 2, np.where(same, 1, 0)))
        level = np.where(same & same_kind, 4, level)
        missing = ((stem == "") & (kind == "")) | ((other_stem == "") & (other_kind == ""))
        return np.where(missing, MISSING, level).astype(np.int8)


class NameLevels(BaseCompareFeature):  # type: ignore[misc]
    """Names of buildings by OSA similarity: 2 from 0.8, 1 from 0.6, else 0."""

    def _compute_vectorized(self, *columns: pd.Series[Any]) -> Levels:
        left, right = (c.to_numpy() for c in columns)
        near = similarity(left, right)
        level = np.where(near >= 0.8, 2, np.where(near >= 0.6, 1, 0))
        return np.where((left == "") | (right == ""), MISSING, level).astype(np.int8)


class PostcodeLevels(BaseCompareFeature):  # type: ignore[misc]
    """Postcodes: 4 equal, 3 one slip apart, 2 same sector, 1 same district, 0 elsewhere."""

    def _compute_vectorized(self, *columns: pd.Series[Any]) -> Levels:
        left, right = columns
        a, b = left.to_numpy(), right.to_numpy()
        slips = cpdist(a, b, scorer=OSA.distance, score_cutoff=1, dtype=np.int32)
        sector = left.str[:-2].to_numpy() == right.str[:-2].to_numpy()
        district = left.str[:-4].to_numpy() == right.str[:-4].to_numpy()
        level = np.where(slips <= 1, 3, np.where(sector, 2, np.where(district, 1, 0)))
        level = np.where(a == b, 4, level)
        return np.where((a == "") | (b == ""), MISSING, level).astype(np.int8)


def similarity(left: npt.NDArray[np.object_], right: npt.NDArray[np.object_]) -> npt.NDArray[np.float32]:
    """Element-wise OSA similarity, 0 to 1 (restricted Damerau-Levenshtein, far faster than the other)."""
    return np.asarray(cpdist(left, right, scorer=OSA.normalized_similarity, dtype=np.float32))
