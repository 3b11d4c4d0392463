"""Who hangs together, with a guard: a chain between two full first names or two registered numbers is cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.link.people.clusters import components
from pipelines.link.people.records import Rows, records

NEVER_BOTH = ("full", "number")


def guarded(rows: pd.DataFrame, edges: pd.DataFrame) -> tuple[Rows, int]:
    """A label for each record, and how many edges were cut.

    Groups without a contradiction are what hangs together. Only the others are built up again edge by edge, the surest
    first, leaving out each edge that would bring two contradicting records together.

    Args:
        rows: with `full` (first name and surname where both are known) and `number`, empty where unknown.
        edges: left, right, probability of the pairs that join.
    """
    left, right = (edges[end].to_numpy(np.int64) for end in ("left", "right"))
    label = components(len(rows), left, right)
    contested = np.zeros(len(rows), bool)
    for name in NEVER_BOTH:
        told = rows[name].where(rows[name] != "")
        contested |= told.groupby(label).transform("nunique").to_numpy() > 1
    if not contested.any():
        return label, 0
    forename = pd.Series("", index=rows.index, dtype=object)
    forename[contested] = rows.loc[contested, "full"].str.split(" ", n=1).str[0].fillna("")
    apart = _different(forename[contested])
    inside = contested[left]
    order = np.lexsort((right[inside], left[inside], -edges["probability"].to_numpy(float)[inside]))
    group = _Groups(np.flatnonzero(contested), forename.to_numpy(), rows["number"].to_numpy(), apart)
    cut = sum(not group.joined(int(a), int(b)) for a, b in zip(left[inside][order], right[inside][order], strict=True))
    label = label.copy()
    label[contested] = label.max() + 1 + group.labels()
    return pd.factorize(label)[0].astype(np.int64), cut


def _different(names: pd.Series[str]) -> set[tuple[str, str]]:
    """Pairs of full first names of which neither is a slip, a sound or a short form of the other."""
    from pipelines.link.people.comparators import ForenameLevels

    distinct = sorted({name for name in names if len(name) > 1})
    if len(distinct) < 2:
        return set()
    people = records(pd.DataFrame({"forename": distinct}, dtype=object))
    a, b = np.triu_indices(len(distinct), k=1)
    level, _ = ForenameLevels(people, "forename").levels(a.astype(np.int64), b.astype(np.int64))
    pairs = [(distinct[x], distinct[y]) for x, y in zip(a[level == 0], b[level == 0], strict=True)]
    return {*pairs, *((y, x) for x, y in pairs)}


class _Groups:
    """Records that are joined one edge at a time."""

    def __init__(
        self,
        members: npt.NDArray[np.int64],
        forename: npt.NDArray[np.object_],
        number: npt.NDArray[np.object_],
        apart: set[tuple[str, str]],
    ) -> None:
        self.members = members
        self.parent = {int(row): int(row) for row in members}
        self.forenames = {int(row): {forename[row]} - {""} for row in members}
        self.numbers = {int(row): {number[row]} - {""} for row in members}
        self.apart = apart

    def root(self, row: int) -> int:
        while self.parent[row] != row:
            self.parent[row] = self.parent[self.parent[row]]
            row = self.parent[row]
        return row

    def joined(self, a: int, b: int) -> bool:
        """Join the groups of two records, unless they contradict one another."""
        a, b = self.root(a), self.root(b)
        if a == b:
            return True
        if len(self.numbers[a] | self.numbers[b]) > 1:
            return False
        if any((x, y) in self.apart for x in self.forenames[a] for y in self.forenames[b]):
            return False
        self.parent[b] = a
        self.forenames[a] |= self.forenames.pop(b)
        self.numbers[a] |= self.numbers.pop(b)
        return True

    def labels(self) -> npt.NDArray[np.int64]:
        """A whole number for each member's group."""
        return np.array([self.root(int(row)) for row in self.members], dtype=np.int64)
