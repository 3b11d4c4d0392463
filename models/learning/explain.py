"""Reasons: exact Shapley values of the boosted trees, which add up to the score.

For one tree the value of a set of features is what the tree is expected to say when only
those are known: a known split is followed, an unknown one is averaged over its two sides by
how many training rows went each way (path-dependent TreeSHAP; Lundberg et al., "From local
explanations to global understanding with explainable AI for trees", 2020). A tree of at
most eight leaves has at most seven splits, so a row is one of 128 patterns of answers:
the Shapley values of all patterns are worked out once for each tree, by definition and
without approximation, and looked up for each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from models.learning.arrays import Floats, Ints, Mask

MAX_LEAVES = 8
"""More leaves would make the tables grow beyond 128 patterns a tree."""


@dataclass(frozen=True)
class TreeTable:
    """One tree: its splits, and what each pattern of their answers contributes.

    `shares` has shape (patterns, features used); bit `i` of a pattern is 1 where split `i`
    sends the row to the left. `left_levels` holds, for a split by category, which levels go
    left, and None for a split by number.
    """

    feature: Ints
    threshold: Floats
    missing_left: Mask
    left_levels: tuple[Mask | None, ...]
    used: Ints
    shares: Floats
    expected: float


def tables(model: Any) -> list[TreeTable]:
    """The table of every tree of a fitted HistGradientBoostingClassifier for two classes."""
    return [_table(stage[0].nodes, stage[0].raw_left_cat_bitsets) for stage in model._predictors]


def contributions(model: Any, values: Floats) -> tuple[float, Floats]:
    """What each feature adds to each raw score, in log-odds.

    Returns:
        The score of no row in particular, and an array of shape (rows, features); for every
        row the first plus the sum of the second is the model's raw score.
    """
    base = float(np.ravel(model._baseline_prediction)[0])
    shares = np.zeros((values.shape[1], values.shape[0]))
    columns, order = _as_split_on(model, values)
    missing = np.isnan(columns)
    for tree in tables(model):
        base += tree.expected
        pattern = np.zeros(values.shape[0], dtype=np.intp)
        for bit, (feature, threshold, levels) in enumerate(
            zip(tree.feature, tree.threshold, tree.left_levels, strict=True)
        ):
            own = columns[:, feature]
            goes_left = own <= threshold if levels is None else levels[np.nan_to_num(own).astype(np.intp)]
            goes_left = np.where(missing[:, feature], tree.missing_left[bit], goes_left)
            pattern |= goes_left.astype(np.intp) << bit
        for at, feature in enumerate(tree.used):
            shares[order[feature]] += tree.shares[pattern, at]
    return base, shares.T


def _as_split_on(model: Any, values: Floats) -> tuple[Floats, Ints]:
    """The columns as the trees see them, and the feature that each is: scikit-learn puts categories first."""
    categorical = getattr(model, "is_categorical_", None)
    if categorical is None:
        return np.asfortranarray(values, dtype=np.float64), np.arange(values.shape[1])
    order = np.r_[np.flatnonzero(categorical), np.flatnonzero(~categorical)]
    return np.asfortranarray(model._preprocessor.transform(values), dtype=np.float64), order


def _table(nodes: np.ndarray[Any, Any], bitsets: np.ndarray[Any, Any]) -> TreeTable:
    splits = np.flatnonzero(nodes["is_leaf"] == 0)
    if len(splits) >= MAX_LEAVES:
        raise ValueError(f"A tree of {len(splits) + 1} leaves cannot be explained; at most {MAX_LEAVES} are.")
    feature = nodes["feature_idx"][splits].astype(np.int64)
    used = np.unique(feature)
    worth = _worth(nodes, splits, used)
    return TreeTable(
        feature=feature,
        threshold=nodes["num_threshold"][splits].astype(float),
        missing_left=nodes["missing_go_to_left"][splits].astype(bool),
        left_levels=tuple(
            _levels(bitsets[nodes["bitset_idx"][split]]) if nodes["is_categorical"][split] else None for split in splits
        ),
        used=used,
        shares=_shapley(worth, len(used)),
        expected=float(worth[0, 0]),
    )


def _levels(bits: np.ndarray[Any, Any]) -> Mask:
    """Which of 256 levels are set in eight words of 32 bits, the lowest bit first."""
    return np.unpackbits(bits.astype("<u4").view(np.uint8), bitorder="little").astype(bool)


def _worth(nodes: np.ndarray[Any, Any], splits: Ints, used: Ints) -> Floats:
    """What the tree is expected to say for each set of known features and each pattern: shape (sets, patterns)."""
    bit_of = {int(node): bit for bit, node in enumerate(splits)}
    sets = np.arange(1 << len(used))[:, None]
    patterns = np.arange(1 << len(splits))[None, :]
    shape = (sets.size, patterns.size)

    def below(node: int) -> Floats:
        if node not in bit_of:
            return np.full(shape, float(nodes["value"][node]))
        left, right = int(nodes["left"][node]), int(nodes["right"][node])
        on_left, on_right = below(left), below(right)
        share = float(nodes["count"][left]) / float(nodes["count"][node])
        known = (sets >> int(np.searchsorted(used, nodes["feature_idx"][node]))) & 1
        answer = (patterns >> bit_of[node]) & 1
        followed = np.where(answer == 1, on_left, on_right)
        return np.where(known == 1, followed, share * on_left + (1 - share) * on_right)

    return below(0)


def _shapley(worth: Floats, used: int) -> Floats:
    """Shapley values from the worth of every set of features: shape (patterns, features)."""
    sets = np.arange(1 << used)
    size = np.array([int(number).bit_count() for number in sets])
    shares = np.zeros((worth.shape[1], used))
    for feature in range(used):
        without = sets[(sets >> feature) & 1 == 0]
        weights = np.array([factorial(k) * factorial(used - k - 1) / factorial(used) for k in size[without]])
        shares[:, feature] = weights @ (worth[without | (1 << feature)] - worth[without])
    return shares
