"""From probable pairs to entities, without chains: average linkage, with pairs that may never be in one entity.

Two groups are joined where one pair between them is a link by itself and the average pair is so to a third, the best
supported first; pairs that nothing speaks for count as different. So one slip that bridges two people joins nobody,
and a large group falls apart at its weakest edges by itself. A group that would hold a contradicted pair is never made.

Rounds of mutually best groups give the same as joining one at a time (the average is reducible; Bruynooghe 1978).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pipelines.link.people.records import Mask, Rows

JOIN_FROM = 1 / 3
"""Mean probability of the pairs between two groups from which they are one."""
LARGEST = 500
"""An entity of more records is held apart as its surest pairs, and reported."""
Floats = npt.NDArray[np.float64]


@dataclass
class Clusters:
    """Label of each record, and what the guard did.

    Attributes:
        label: whole numbers from 0, in the order of the records.
        counts: `chains_cut` pairs that were links by themselves but are left apart, `contradicted` pairs that may never
            be in one entity, `too_large` times that groups were not joined for their size.
    """

    label: Rows
    counts: dict[str, int]


def clustered(
    size: int,
    left: Rows,
    right: Rows,
    probability: Floats,
    sure: Mask,
    forbidden: Mask,
    side: npt.NDArray[np.int8] | None = None,
) -> Clusters:
    """Entities of `size` records.

    Args:
        size: how many records there are.
        left: one side of each pair.
        right: the other.
        probability: of each pair.
        sure: pairs that are links by themselves.
        forbidden: pairs that may never be in one entity.
        side: of two files which one each record is of; pairs inside a file then say nothing.
    """
    label, too_large = np.arange(size), 0
    linking = side is not None and bool(side.any())
    number = np.ones(size)
    rights = side.astype(float) if linking and side is not None else np.zeros(size)
    x, y = left, right
    held = np.column_stack([probability, sure.astype(float), forbidden.astype(float)])
    while len(x):
        x, y, held = _summed(x, y, held, size)
        of_pair = number[x] * number[y]
        if linking:
            lx, ly = number[x] - rights[x], number[y] - rights[y]
            of_pair = np.maximum(lx * rights[y] + ly * rights[x], 1.0)
        mean = held[:, 0] / of_pair
        fits = number[x] + number[y] <= LARGEST
        may = (mean >= JOIN_FROM) & (held[:, 1] > 0) & (held[:, 2] == 0)
        too_large += int((may & ~fits).sum())
        may &= fits
        if not may.any():
            break
        a, b = _mutually_best(x[may], y[may], mean[may], size)
        target = np.arange(size)
        target[b] = a
        label = target[label]
        number = np.bincount(label, minlength=size).astype(float)
        rights = np.bincount(label, weights=side, minlength=size) if linking else rights
        x, y = target[x], target[y]
        apart = x != y
        x, y, held = x[apart], y[apart], held[apart]
    counts = {
        "chains_cut": int((sure & ~forbidden & (label[left] != label[right])).sum()),
        "contradicted": int(forbidden.sum()),
        "too_large": too_large,
    }
    return Clusters(pd.factorize(label)[0].astype(np.int64), counts)


def _summed(x: Rows, y: Rows, held: Floats, size: int) -> tuple[Rows, Rows, Floats]:
    """Pairs of groups, each once, the lower number first, with what is held of them added up."""
    code = np.minimum(x, y).astype(np.int64) * size + np.maximum(x, y)
    which, codes = pd.factorize(code)
    if len(codes) == len(code):
        return code // size, code % size, held
    total = np.column_stack([np.bincount(which, weights=part, minlength=len(codes)) for part in held.T])
    return codes // size, codes % size, np.asarray(total, dtype=np.float64)


def _mutually_best(x: Rows, y: Rows, mean: Floats, size: int) -> tuple[Rows, Rows]:
    """Pairs of groups that are each other's best; equals in an order that lies across the numbers, for few rounds."""
    tie = (x * np.int64(2_654_435_761) ^ y * np.int64(40_503)) & 0xFFFFFF
    order = np.lexsort((y, x, tie, -np.round(mean, 6)))
    best = np.full(size, len(order))
    rank = np.arange(len(order))
    np.minimum.at(best, x[order], rank)
    np.minimum.at(best, y[order], rank)
    mutual = (best[x[order]] == rank) & (best[y[order]] == rank)
    return x[order][mutual], y[order][mutual]


def components(size: int, left: Rows, right: Rows) -> Rows:
    """Records that hang together by these pairs."""
    graph = coo_matrix((np.ones(len(left)), (left, right)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def pairs_within(label: Rows, wanted: Mask) -> tuple[Rows, Rows]:
    """All pairs of records of one label, for the labels of the wanted records."""
    rows = np.flatnonzero(wanted)
    order = rows[np.argsort(label[rows], kind="stable")]
    own = label[order]
    start = np.flatnonzero(np.append(True, own[1:] != own[:-1])) if len(own) else np.zeros(0, np.int64)
    length = np.diff(np.append(start, len(own)))
    partners = np.repeat(length, length) - (np.arange(len(own)) - np.repeat(start, length)) - 1
    which = np.repeat(np.arange(len(own)), partners)
    step = np.arange(len(which)) - np.repeat(np.cumsum(partners) - partners, partners)
    a, b = order[which], order[which + 1 + step]
    return np.minimum(a, b), np.maximum(a, b)
