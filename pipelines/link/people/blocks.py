"""Candidate pairs: several passes over keys of whole numbers, their union, with ceilings that are reported.

A pass takes records that agree on all columns of its key. A block of more pairs than `PAIRS_A_BLOCK` is left out of its
pass, the largest blocks are left out where all passes together have more than `PAIRS_IN_ALL`, and both are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.link.people.records import Column, Mask, Records, Rows

PAIRS_A_BLOCK = 50_000
PAIRS_IN_ALL = 20_000_000

Key = tuple[str, ...]
PASSES: tuple[Key, ...] = (
    ("surname_sound", "forename_sound"),
    ("surname[:4]", "forename[:3]"),
    ("surname", "birth"),
    ("forename", "birth"),
    ("forename[:2]", "surname[:2]", "birth[:4]"),
    ("postcode", "initial"),
    ("postcode", "surname[:3]"),
    ("postcode[:4]", "forename"),
    ("postcode[:4]", "surname"),
    ("postcode[:4]", "birth"),
    ("postcode", "birth[:6]"),
    ("place", "surname"),
    ("place", "birth"),
    ("street[:6]", "house", "initial"),
    ("street[:6]", "house", "surname[:3]"),
    ("street[:6]", "birth"),
    ("postcode", "house", "street[:4]"),
    ("birth_place", "birth"),
    ("birth_place", "surname_sound"),
    ("company_core",),
    ("company[:5]", "postcode"),
    ("company[:8]",),
    ("company_number",),
    ("alias",),
)
"""Columns that must agree; `[:n]` is a text's beginning. A pass whose columns are not there is not made."""
SWAPPED = ("forename", "surname")


@dataclass
class Candidates:
    """Pairs of record numbers, the lower first (of two files the left one first), and what the ceilings left out.

    Attributes:
        left_out: by pass the blocks and pairs over a ceiling: `{"surname and birth": (blocks, pairs)}`.
    """

    left: Rows
    right: Rows
    left_out: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.left)


def candidates(records: Records, fresh: Mask | None = None) -> Candidates:
    """All pairs that share a block of some pass; where `fresh` is given, only pairs with a fresh record."""
    passes = {
        _named(key): _codes(records, key)
        for key in (*PASSES, *((name,) for name in records.identifiers))
        if records.has(*(part.split("[")[0] for part in key))
    }
    if records.has(*SWAPPED):
        passes["names in either order"] = _either_order(records)
    found, left_out = [], {}
    size = len(records)
    budget = PAIRS_IN_ALL
    for name, codes in passes.items():
        if fresh is not None:
            codes = np.where(np.isin(codes, codes[fresh & (codes >= 0)]), codes, -1)
        pairs, blocks, over = _pairs(codes, records, budget)
        if blocks:
            left_out[name] = (blocks, over)
        if fresh is not None:
            pairs = pairs[fresh[pairs // size] | fresh[pairs % size]]
        budget -= len(pairs)
        found.append(pairs)
    every = pd.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
    every.sort()
    return Candidates(every // max(size, 1), every % max(size, 1), left_out)


def _named(key: Key) -> str:
    return " and ".join(part.split("[")[0].replace("_", " ") for part in key)


def _codes(records: Records, key: Key) -> Rows:
    """One whole number a distinct key, -1 where a part of it is unknown."""
    total = np.zeros(len(records), np.int64)
    known = np.ones(len(records), bool)
    for part in key:
        name, _, cut = part.partition("[:")
        codes = _cut(records.columns[name], int(cut[:-1])) if cut else records.columns[name].codes
        known &= codes >= 0
        total, _ = pd.factorize(total * (int(codes.max(initial=0)) + 2) + codes)
    return np.where(known, total, -1)


def _cut(column: Column, length: int) -> npt.NDArray[np.int64]:
    short, _ = pd.factorize(pd.Series(column.texts, dtype=object).str[:length])
    return np.append(short, -1)[column.codes]


def _either_order(records: Records) -> Rows:
    """The same for `JANE EXAMPLE` and `EXAMPLE JANE`."""
    names = [records.columns[name] for name in SWAPPED]
    texts, _ = pd.factorize(np.concatenate([column.texts for column in names]))
    first = np.append(texts[: len(names[0].texts)], -1)[names[0].codes]
    second = np.append(texts[len(names[0].texts) :], -1)[names[1].codes]
    key, _ = pd.factorize(np.minimum(first, second) * (len(texts) + 1) + np.maximum(first, second))
    return np.where((first >= 0) & (second >= 0), key, -1)


def _pairs(codes: Rows, records: Records, budget: int) -> tuple[Rows, int, int]:
    """Pairs inside the blocks as left * size + right; blocks and pairs that were over a ceiling."""
    order = np.flatnonzero(codes >= 0)
    order = order[np.lexsort((order, records.side[order], codes[order]))]
    block = codes[order]
    start = np.flatnonzero(np.append(True, block[1:] != block[:-1])) if len(block) else np.zeros(0, np.int64)
    length = np.diff(np.append(start, len(block)))
    rights = np.add.reduceat(records.side[order].astype(np.int64), start) if len(start) else length
    number = rights * (length - rights) if records.linking else length * (length - 1) // 2
    by_size = np.argsort(number, kind="stable")
    fits = np.zeros(len(number), bool)
    fits[by_size] = (number[by_size] <= PAIRS_A_BLOCK) & (np.cumsum(number[by_size]) <= budget)
    over = ~fits & (number > 0)
    keep = np.repeat(fits, length)
    within = np.arange(len(block)) - np.repeat(start, length)
    if records.linking:
        lefts = np.repeat(length - rights, length)
        partners = np.where(within < lefts, np.repeat(rights, length), 0) * keep
        begin = np.repeat(start + length - rights, length)
    else:
        partners = (np.repeat(length, length) - within - 1) * keep
        begin = np.arange(len(block)) + 1
    which = np.repeat(np.arange(len(block)), partners)
    step = np.arange(len(which)) - np.repeat(np.cumsum(partners) - partners, partners)
    left, right = order[which], order[begin[which] + step]
    return left * len(records) + right, int(over.sum()), int(number[over].sum())
