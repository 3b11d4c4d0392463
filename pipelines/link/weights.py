"""Fellegi-Sunter weights from counts of comparison patterns.

A pattern is one combination of levels; millions of pairs make a few hundred patterns, so expectation-maximisation
runs over the counts, whatever the number of pairs. It starts from, and is held to, a table of fixed beliefs
(a Dirichlet prior), because unsupervised estimation on addresses is known to settle on "same street" instead of
"same building". Where its result is not in order all the same, the fixed table is used and said so.

Fellegi and Sunter (1969), A theory for record linkage, JASA 64(328).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
ROUNDS = 50
SETTLED = 1e-5
PRIOR_PAIRS = 500.0
"""Weight of the fixed table against the borough's own pairs, as a number of pairs."""
FEWEST_PAIRS = 5_000
"""Below this the borough's own pairs are too few to learn from."""


@dataclass(frozen=True)
class Belief:
    """For each level of a feature from 0 upwards: its share among true pairs (m) and among all others (u)."""

    m: tuple[float, ...]
    u: tuple[float, ...]


@dataclass(frozen=True)
class Weights:
    """log2(m/u) for each feature and level; `learned` is false where the fixed table was kept."""

    log2: Mapping[str, Floats]
    learned: bool

    def of(self, levels: pd.DataFrame) -> Floats:
        """Total weight of each row of levels. A missing level (-1) says nothing: weight 0."""
        total = np.zeros(len(levels))
        for feature, weight in self.log2.items():
            total += np.append(weight, 0.0)[levels[feature].to_numpy()]
        return total


def fixed(beliefs: Mapping[str, Belief]) -> Weights:
    """The weights of a fixed table."""
    return Weights({f: np.log2(np.array(b.m) / np.array(b.u)) for f, b in beliefs.items()}, learned=False)


def fit(patterns: pd.DataFrame, counts: Floats, beliefs: Mapping[str, Belief]) -> Weights:
    """Weights for the patterns' features; those of the fixed table where pairs are few or the result is not in order.

    Args:
        patterns: one row a pattern, a column of levels (-1 missing) for each feature of `beliefs`.
        counts: how many pairs show each pattern.
        beliefs: the fixed table.
    """
    if counts.sum() < FEWEST_PAIRS:
        return fixed(beliefs)
    m = {f: np.array(b.m) for f, b in beliefs.items()}
    u = {f: np.array(b.u) for f, b in beliefs.items()}
    share = 0.05
    for _ in range(ROUNDS):
        odds = np.exp2(Weights({f: np.log2(m[f] / u[f]) for f in beliefs}, learned=True).of(patterns))
        true = share * odds / (share * odds + 1 - share)
        new_share = float((true * counts).sum() / counts.sum())
        for feature, belief in beliefs.items():
            levels = patterns[feature].to_numpy()
            m[feature] = _shares(levels, true * counts, belief.m)
            u[feature] = _shares(levels, (1 - true) * counts, belief.u)
        done = abs(new_share - share) < SETTLED
        share = new_share
        if done:
            break
    learned = Weights({f: rising(np.log2(m[f] / u[f])) for f in beliefs}, learned=True)
    return learned if in_order(learned.log2) and 1e-4 < share < 0.6 else fixed(beliefs)


def _shares(levels: npt.NDArray[np.int8], weight: Floats, prior: tuple[float, ...]) -> Floats:
    present = levels >= 0
    found = np.bincount(levels[present].astype(np.int64), weights=weight[present], minlength=len(prior))
    held = found + PRIOR_PAIRS * np.array(prior)
    return np.asarray(held / held.sum())


def rising(weight: Floats) -> Floats:
    """No level says more for a link than a better one. Slips are rare among all pairs, so they look telling alone."""
    return np.asarray(np.minimum.accumulate(weight[::-1])[::-1])


def in_order(log2: Mapping[str, Floats]) -> bool:
    """The best level of every feature speaks for a link and the worst against, else something else was learned."""
    return all(w[-1] > 0 > w[0] for w in log2.values())
