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
from functools import cache
from math import factorial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from models.learning import trees
from models.learning.arrays import Floats, Ints
from models.learning.trees import MAX_LEAVES, Splits

__all__ = ["MAX_LEAVES", "TreeTable", "contributions", "tables"]


@dataclass(frozen=True)
class TreeTable:
    """One tree: its splits, and what each pattern of their answers contributes.

    `shares` has shape (patterns, features used), `used` are those features, and `expected` is what the tree says of no
    row in particular.
    """

    splits: Splits
    used: Ints
    shares: Floats
    expected: float


_MADE: WeakKeyDictionary[Any, list[TreeTable]] = WeakKeyDictionary()
"""Tables of models that are still in use: a night explains many boroughs with one model."""


def tables(model: Any) -> list[TreeTable]:
    """The table of every tree of a fitted HistGradientBoostingClassifier for two classes.

    Raises:
        ValueError: a tree has more than `MAX_LEAVES` leaves.
    """
    if model not in _MADE:
        _MADE[model] = [_table(nodes, splits) for nodes, splits in trees.every_tree(model)]
    return _MADE[model]


def contributions(model: Any, values: Floats) -> tuple[float, Floats]:
    """What each feature adds to each raw score, in log-odds.

    Returns:
        The score of no row in particular, and an array of shape (rows, features); for every
        row the first plus the sum of the second is the model's raw score.
    """
    base = trees.baseline(model)
    shares = np.zeros((values.shape[1], values.shape[0]))
    columns, order = trees.as_split_on(model, values)
    made = tables(model)
    base += sum(tree.expected for tree in made)
    questions = trees.Questions.of([tree.splits for tree in made])
    for start in range(0, len(columns), trees.CHUNK):
        some = slice(start, start + trees.CHUNK)
        for tree, pattern in zip(made, questions.patterns(columns[some]), strict=True):
            for at, feature in enumerate(tree.used):
                shares[order[feature], some] += tree.shares[:, at].take(pattern)
    return base, shares.T


def _table(nodes: np.ndarray[Any, Any], splits: Splits) -> TreeTable:
    used = np.unique([question.feature for question in splits.asked]).astype(np.int64)
    worth = _worth(nodes, splits.node, used)
    return TreeTable(splits=splits, used=used, shares=_shapley(worth, len(used)), expected=float(worth[0, 0]))


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
    shares = np.zeros((worth.shape[1], used))
    for feature, (without, weights) in enumerate(_sets_without(used)):
        shares[:, feature] = weights @ (worth[without | (1 << feature)] - worth[without])
    return shares


@cache
def _sets_without(used: int) -> list[tuple[Ints, Floats]]:
    """For each of so many features the sets that it is not in, and what each set weighs in its Shapley value."""
    sets = np.arange(1 << used)
    size = np.array([int(number).bit_count() for number in sets])
    weight = np.array([factorial(k) * factorial(used - k - 1) / factorial(used) for k in range(used)])
    without = [sets[(sets >> feature) & 1 == 0] for feature in range(used)]
    return [(those, weight[size[those]]) for those in without]
