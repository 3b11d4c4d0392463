"""Small numbers: which counts of a borough, its wards and its LSOAs are shown, so that no hidden one can be worked out.

The rule is OpenSAFELY's, whose threshold and base stand in `pipelines.governance.access`: a count of 1 to 7 is hidden,
what is shown is rounded to a multiple of 5. Complementary hiding follows the usual audit of tables (Handbook on
Statistical Disclosure Control, ch. 5): a hidden count's feasible interval, given all that is shown, is kept wide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.governance.access import ROUNDING_MULTIPLE, SUPPRESSION_THRESHOLD

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
UNBOUNDED = 10**9
"""What a reader knows of a hidden count's upper end before looking at totals: nothing."""


@dataclass(frozen=True)
class Tree:
    """Areas of a borough: node 0 is the borough, `parent[i] < i` for all others, leaves are LSOAs."""

    parent: Ints

    @property
    def leaves(self) -> Flags:
        """Nodes without children."""
        out = np.ones(len(self.parent), bool)
        out[self.parent[1:]] = False
        return out

    def totals(self, leaf_counts: Ints) -> Ints:
        """Counts of every node from those of the leaves (zero elsewhere)."""
        out = leaf_counts.copy()
        for node in range(len(out) - 1, 0, -1):
            out[self.parent[node]] += out[node]
        return out


@dataclass(frozen=True)
class Decision:
    """What was decided of a tree's counts: `basis` they were rounded from (never published) and which are shown."""

    basis: Ints
    shown: Flags

    @property
    def published(self) -> Ints:
        """Rounded counts; -1 where hidden."""
        return np.where(self.shown, rounded(self.basis), -1)


def rounded(counts: Ints) -> Ints:
    """To the nearest multiple of the base; halves cannot occur with an odd base."""
    base = ROUNDING_MULTIPLE
    return (counts + base // 2) // base * base


def bounds(tree: Tree, decision: Decision) -> tuple[Ints, Ints]:
    """Lowest and highest value of every count that agrees with all that is shown.

    Exact: in a tree one pass up and one down reach the bounds that linear programming finds.
    """
    least_shown, half = SUPPRESSION_THRESHOLD + 1, ROUNDING_MULTIPLE // 2
    seen, value = decision.shown, decision.published
    low = np.where(seen & (value > 0), np.maximum(least_shown, value - half), 0)
    high = np.where(seen, np.where(value > 0, value + half, 0), UNBOUNDED)
    inner = ~tree.leaves
    from_low, from_high = tree.totals(np.where(inner, 0, low)), tree.totals(np.where(inner, 0, high))
    for node in range(len(low) - 1, -1, -1):
        if inner[node]:
            children = tree.parent == node
            children[0] = False
            from_low[node], from_high[node] = low[children].sum(), high[children].sum()
            low[node], high[node] = max(low[node], from_low[node]), min(high[node], from_high[node])
    before_low, before_high = low.copy(), high.copy()
    for node in range(1, len(low)):
        up = tree.parent[node]
        low[node] = max(low[node], low[up] - (from_high[up] - before_high[node]))
        high[node] = min(high[node], high[up] - (from_low[up] - before_low[node]))
    return low, high


def exposed(tree: Tree, decision: Decision) -> Flags:
    """Hidden counts whose feasible interval is too narrow: small ones need all of 1 to 7, others as wide a span."""
    low, high = bounds(tree, decision)
    small = (decision.basis > 0) & (decision.basis <= SUPPRESSION_THRESHOLD)
    narrow = high - low < SUPPRESSION_THRESHOLD - 1
    inside = small & ((low > 1) | (high < SUPPRESSION_THRESHOLD))
    return ~decision.shown & (narrow | inside)


def decide(tree: Tree, counts: Ints, before: Decision | None = None) -> Decision:
    """Which counts are shown, and from what.

    `counts`: of the leaves, true ones. `before`: the last publication's decision for the same tree. A leaf that
    changed by no more than the threshold keeps the number it was published from; a count that rests on the same number
    stays hidden if it was, and one that was shown is taken to be known. Where no decision protects both nights, the
    former stands unchanged.
    """
    leaf = np.where(tree.leaves, counts, 0)
    if before is not None:
        old = np.where(tree.leaves, before.basis, 0)
        leaf = np.where(np.abs(leaf - old) <= SUPPRESSION_THRESHOLD, old, leaf)
    basis = tree.totals(leaf)
    same = np.zeros(len(basis), bool) if before is None else basis == before.basis
    shown = (basis == 0) | (basis > SUPPRESSION_THRESHOLD)
    known = same & before.shown if before is not None else same
    if before is not None:
        shown &= ~(same & ~before.shown)
    while True:
        made = Decision(basis, shown)
        open_ones = np.flatnonzero(exposed(tree, made))
        if not len(open_ones):
            return made
        options = (_cover(tree, made, int(node), known) for node in open_ones[::-1])
        chosen = next((found for found in options if found is not None), None)
        if chosen is None:
            if before is None:
                raise AssertionError("Without an earlier publication everything can be hidden.")
            return before
        shown = shown.copy()
        shown[chosen] = False


def _cover(tree: Tree, made: Decision, node: int, known: Flags) -> int | None:
    """The smallest count to hide for an exposed one: a child, else a sibling, the parent, or the same one level up."""
    free = made.shown & ~known & (made.basis > 0)
    below = free & (tree.parent == node)
    below[0] = False
    if below.any():
        options = np.flatnonzero(below)
        return int(options[np.argmin(made.basis[options])])
    for at in _upwards(tree, node):
        beside = free & (tree.parent == tree.parent[at])
        beside[0] = False
        if at and beside.any():
            options = np.flatnonzero(beside)
            return int(options[np.argmin(made.basis[options])])
        up = int(tree.parent[at]) if at else 0
        if free[up]:
            return up
    return None


def _upwards(tree: Tree, node: int) -> Iterator[int]:
    while node:
        yield node
        node = int(tree.parent[node])
    yield 0
