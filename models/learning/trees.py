"""Fitted trees as tables: a row is a pattern of answers to a tree's splits, and the pattern says what the tree says.

A tree of at most eight leaves has at most seven splits, so that a row is one of 128 patterns. Comparing whole columns
and looking the patterns up takes a tenth of the time that walking each row down each tree takes, and gives the same
bits: the comparisons, the values of the leaves and the order in which they are added are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.learning.arrays import Floats, Ints, Mask, Numbers

MAX_LEAVES = 8
"""More leaves would make the tables grow beyond 128 patterns a tree."""

CHUNK = 16_384
"""Rows worked on at a time, so that a tree's columns of them stay in the processor's cache."""


@dataclass(frozen=True)
class Splits:
    """The splits of one tree, in the order of their bits in a pattern: a bit is 1 where the row goes to the left.

    `node` is where a split stands in the tree's own nodes, `feature` the column that the tree sees. `left_levels`
    holds, for a split by category, which levels go left, and None for a split by number.
    """

    node: Ints
    feature: Ints
    threshold: Floats
    missing_left: Mask
    left_levels: tuple[Mask | None, ...]

    def pattern(self, columns: Floats) -> npt.NDArray[np.uint8]:
        """The pattern of each row of columns as the trees see them (`as_split_on`)."""
        found = np.zeros(len(columns), dtype=np.uint8)
        splits = zip(self.feature, self.threshold, self.missing_left, self.left_levels, strict=True)
        for bit, (feature, threshold, missing_left, levels) in enumerate(splits):
            own = columns[:, feature]
            if levels is None:
                # What is missing compares as false either way.
                left = ~(own > threshold) if missing_left else own <= threshold
            else:
                left = np.where(np.isnan(own), missing_left, levels[np.nan_to_num(own).astype(np.intp)])
            found |= left.view(np.uint8) << np.uint8(bit)
        return found


def splits(nodes: np.ndarray[Any, Any], bitsets: np.ndarray[Any, Any]) -> Splits:
    """The splits of one tree.

    Raises:
        ValueError: the tree has more than `MAX_LEAVES` leaves.
    """
    at = np.flatnonzero(nodes["is_leaf"] == 0)
    if len(at) >= MAX_LEAVES:
        raise ValueError(f"A tree of {len(at) + 1} leaves cannot be explained; at most {MAX_LEAVES} are.")
    return Splits(
        node=at,
        feature=nodes["feature_idx"][at].astype(np.int64),
        threshold=nodes["num_threshold"][at].astype(float),
        missing_left=nodes["missing_go_to_left"][at].astype(bool),
        left_levels=tuple(
            _levels(bitsets[nodes["bitset_idx"][split]]) if nodes["is_categorical"][split] else None for split in at
        ),
    )


def _levels(bits: np.ndarray[Any, Any]) -> Mask:
    """Which of 256 levels are set in eight words of 32 bits, the lowest bit first."""
    return np.unpackbits(bits.astype("<u4").view(np.uint8), bitorder="little").astype(bool)


def every_tree(model: Any) -> Iterator[tuple[np.ndarray[Any, Any], Splits]]:
    """Nodes and splits of every tree of a fitted HistGradientBoostingClassifier for two classes."""
    for stage in model._predictors:
        yield stage[0].nodes, splits(stage[0].nodes, stage[0].raw_left_cat_bitsets)


def baseline(model: Any) -> float:
    """The raw score before any tree."""
    return float(np.ravel(model._baseline_prediction)[0])


def as_split_on(model: Any, values: Numbers) -> tuple[Floats, Ints]:
    """The columns as the trees see them, and the feature that each is: scikit-learn puts categories first."""
    categorical = getattr(model, "is_categorical_", None)
    if categorical is None:
        return np.asfortranarray(values, dtype=np.float64), np.arange(values.shape[1])
    order = np.r_[np.flatnonzero(categorical), np.flatnonzero(~categorical)]
    return np.asfortranarray(model._preprocessor.transform(values), dtype=np.float64), order


def raw_scores(model: Any, values: Numbers) -> Floats:
    """Raw scores in log-odds, shape (rows,), of values of shape (rows, features): scikit-learn's to the last bit."""
    columns, _ = as_split_on(model, values)
    tables = [(own, _said(nodes, own)) for nodes, own in every_tree(model)]
    scores = np.full(len(values), baseline(model))
    for start in range(0, len(values), CHUNK):
        rows = columns[start : start + CHUNK]
        for own, said in tables:
            scores[start : start + CHUNK] += said[own.pattern(rows)]
    return scores


def _said(nodes: np.ndarray[Any, Any], own: Splits) -> Floats:
    """What the tree says of each pattern."""
    bit_of = {int(node): bit for bit, node in enumerate(own.node)}
    patterns = np.arange(1 << len(own.node))

    def below(node: int) -> Any:
        if node not in bit_of:
            return float(nodes["value"][node])
        left = (patterns >> bit_of[node]) & 1 == 1
        return np.where(left, below(int(nodes["left"][node])), below(int(nodes["right"][node])))

    return np.broadcast_to(np.asarray(below(0), dtype=float), patterns.shape)
