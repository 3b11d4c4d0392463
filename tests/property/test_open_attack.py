"""An attacker with every publication in hand: no small count is worked out, and how many came or went is never known.

The attacker knows the rule, all areas, and everything that was published of all quarters, in one test the key as well.
What is asserted rests on going through all true worlds, not on the argument in `pipelines.publish.open.protect`.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from pipelines.governance.access import SUPPRESSION_THRESHOLD
from pipelines.publish.open.protect import BASE, bounds, margin, offsets, rounded
from pipelines.publish.open.table import published
from schemas import registry
from tests.examples import examples
from tests.unit.open_world import lsoa_of, ward_of

CAMDEN = registry.borough("camden")
FEW = settings(max_examples=examples(20, 100), deadline=None)
SMALL = set(range(1, BASE))
OFFSETS = np.arange(BASE)


def test_the_threshold_of_what_is_open_is_above_the_one_inside() -> None:
    assert BASE > SUPPRESSION_THRESHOLD


FIGURES = rounded(np.arange(100)[None, :], OFFSETS[:, None])
"""What is published of every count (columns) under every offset (rows)."""


def feasible(history: list[int]) -> list[set[int]]:
    """True counts of one cell in each period that agree with all its figures, by trying every offset and count."""
    fits = np.stack([figure == FIGURES for figure in history])
    offset = fits.any(axis=2).all(axis=0)
    return [set(np.flatnonzero(own[offset].any(axis=0)).tolist()) for own in fits]


def changes(before: int, after: int) -> set[int]:
    """By how many a cell's count may have changed between two figures of it."""
    found: set[int] = set()
    for own in FIGURES:
        one, two = np.flatnonzero(own == before), np.flatnonzero(own == after)
        found |= set((two[None, :] - one[:, None]).ravel().tolist())
    return found


def world(counts: list[list[int]], kinds: tuple[str, ...] = ("selective",)) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Homes and counts of a borough: a list of kinds' counts for each LSOA, two LSOAs a ward."""
    areas = range(len(counts))
    homes = pd.DataFrame(
        {
            "uprn": [str(which) for which in areas],
            "ward_code": [ward_of(1, which) for which in areas],
            "ward_name": [f"Ward {which // 2}" for which in areas],
            "lsoa_code": [lsoa_of(1, which) for which in areas],
        }
    )
    rows = [
        {"lsoa_code": lsoa_of(1, which), "measure": "licence", "kind": kind, "n": n}
        for which, own in enumerate(counts)
        for kind, n in zip(kinds, own, strict=True)
    ]
    return homes, pd.DataFrame(rows)


def everything(counts: list[list[int]], secret: bytes, kinds: tuple[str, ...] = ("selective",)) -> pd.DataFrame:
    """The table of a publication, through the product's own code."""
    homes, rows = world(counts, kinds)
    return published(CAMDEN, homes, rows, secret)


COUNT = st.one_of(st.integers(0, 9), st.integers(0, 60))
QUARTERS = st.integers(1, 4)


@FEW
@given(st.data(), st.integers(1, 5), QUARTERS, st.binary(min_size=32, max_size=32))
def test_every_small_count_could_be_any_other(data: st.DataObject, lsoas: int, quarters: int, secret: bytes) -> None:
    counts = [[[data.draw(COUNT)] for _ in range(lsoas)] for _ in range(quarters)]
    tables = [everything(now, secret).set_index("area_code")["count"] for now in counts]
    for which in range(lsoas):
        known = feasible([int(table[lsoa_of(1, which)]) for table in tables])
        for quarter in range(quarters):
            true = counts[quarter][which][0]
            assert true in known[quarter], "the attacker's own reasoning holds"
            if true in SMALL:
                assert known[quarter] >= SMALL
            assert len(known[quarter]) >= BASE
            low, high = bounds(np.array([tables[quarter][lsoa_of(1, which)]]))
            assert known[quarter] == set(range(int(low[0]), int(high[0]) + 1)), "and the bounds that we publish are it"


@FEW
@given(st.data(), st.integers(1, 6), st.binary(min_size=32, max_size=32))
def test_wards_and_boroughs_tell_nothing_that_lsoas_do_not(data: st.DataObject, lsoas: int, secret: bytes) -> None:
    """Borough minus wards, ward minus LSOAs: all zero, whatever the truth, so that the difference says nothing."""
    table = everything([[data.draw(COUNT)] for _ in range(lsoas)], secret)
    by_level = {str(level): part for level, part in table.groupby("area_level")}
    leaves = by_level["lsoa"].groupby("parent_code")["count"].sum()
    assert by_level["ward"].set_index("area_code")["count"].to_dict() == leaves.to_dict()
    assert by_level["borough"]["count"].tolist() == [leaves.sum()]


@FEW
@given(st.lists(st.lists(COUNT, min_size=2, max_size=2), min_size=1, max_size=4), st.binary(min_size=32, max_size=32))
def test_two_tables_of_the_same_areas_share_no_chance(counts: list[list[int]], secret: bytes) -> None:
    """What is learnt of one kind's offset is of no use for another: each has its own."""
    both = everything(counts, secret, ("selective", "additional"))
    alone = everything([[own[0]] for own in counts], secret)
    of_both = both[both["kind"] == "selective"].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_both, alone)


@pytest.mark.parametrize("versions", [2, 5])
def test_one_count_in_several_tables_stays_open(versions: int) -> None:
    """The same small count under other codes (areas drawn anew, a measure renamed): offsets differ, the range stays."""
    for true in SMALL:
        for drawn in product(OFFSETS[::3], repeat=versions):
            figures = rounded(np.full(versions, true), np.array(drawn))
            known = set.intersection(*[feasible([int(figure)])[0] for figure in figures])
            assert known >= SMALL


@FEW
@given(st.lists(COUNT, min_size=1, max_size=5), st.data(), st.binary(min_size=32, max_size=32))
def test_one_household_more_is_never_certain(counts: list[int], data: st.DataObject, secret: bytes) -> None:
    """Two publications between which one household came: what is seen agrees with none that came, or with several."""
    which = data.draw(st.integers(0, len(counts) - 1))
    after = [n + (place == which) for place, n in enumerate(counts)]
    first, second = (everything([[n] for n in now], secret).set_index("area_code")["count"] for now in (counts, after))
    before, now = int(first[lsoa_of(1, which)]), int(second[lsoa_of(1, which)])
    found = changes(before, now)
    assert 1 in found
    if now == before:
        assert {0, -1, 2} <= found, "unseen: also none, one less, two more"
    else:
        assert set(range(1, BASE + 1)) <= found, "seen: also two to ten"
    others = [code for code in first.index if code.startswith("E01") and code != lsoa_of(1, which)]
    assert (first[others] == second[others]).all(), "no other LSOA moves"


def ambiguous(codes: np.ndarray, worlds: np.ndarray) -> bool:
    """Whether in every group of worlds that look alike each count that may be small may be any of 1 to BASE - 1.

    `codes`: what is published of each world, as one number; `worlds`: a row of true counts each.
    """
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0])
    for count in worlds[order].T:
        seen = np.stack([np.maximum.reduceat((count == n).astype(np.int8), starts) for n in sorted(SMALL)])
        some = seen.any(axis=0)
        if not seen[:, some].all():
            return False
    return True


def all_worlds(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Every history of two LSOAs of a ward over two quarters, with every pair of offsets: counts, figures."""
    every = np.arange(most)
    grid = np.meshgrid(every, every, every, every, OFFSETS, OFFSETS, indexing="ij")
    a1, b1, a2, b2, u, v = (axis.ravel() for axis in grid)
    figures = np.stack([rounded(a1, u), rounded(b1, v), rounded(a2, u), rounded(b2, v)])
    return np.stack([a1, b1, a2, b2], axis=1), figures


def test_all_worlds_that_look_alike_leave_every_small_count_open() -> None:
    """Without hypothesis: all 2,073,600 worlds of two LSOAs and two quarters, all sums published as they are."""
    worlds, figures = all_worlds(12)
    sums = np.stack([figures[0] + figures[1], figures[2] + figures[3]])
    codes = np.zeros(len(worlds), dtype=np.int64)
    for figure in (*figures, *sums):
        codes = codes * 64 + figure
    assert ambiguous(codes, worlds)


def test_totals_with_a_chance_of_their_own_would_give_counts_away() -> None:
    """That the test can fail: the usual way, each total rounded by itself, pins small counts, as in Canada in 2021."""
    worlds, figures = all_worlds(12)
    totals = rounded(worlds[:, 0] + worlds[:, 1], np.int64(BASE - 1))
    codes = totals.astype(np.int64)
    for figure in figures:
        codes = codes * 64 + figure
    assert not ambiguous(codes, worlds)


def test_plain_rounding_gives_away_who_knows_what_came() -> None:
    """Why the offset is secret: with a known one, a figure that moves as one household comes tells the count."""
    counts = np.arange(1, 30)
    known = {int(n) for n in counts if rounded(n, np.int64(5)) != rounded(n + 1, np.int64(5))}
    assert known == {4, 14, 24}
    with_secret = {int(n) for n in counts for u in OFFSETS if rounded(n, u) == 0 and rounded(n + 1, u) == BASE}
    assert with_secret == set(range(1, BASE))


def test_who_has_the_key_still_finds_no_small_count_but_one() -> None:
    """With the offset in hand a count lies among ten neighbours, cut off at nought; docs/open-data.md says so."""
    for true, offset in product(SMALL, OFFSETS):
        figure = rounded(np.array([true]), offset)[0]
        left = [n for n in range(60) if rounded(np.array([n]), offset)[0] == figure]
        assert len(left) >= min(BASE, BASE - offset)
        assert len(left) > 1, "none of 1 to 9 is certain"


def test_figures_are_unbiased_and_the_margin_holds() -> None:
    """Over many real offsets the mean error is nought, and sums stay within the margin in 19 of 20 cases."""
    drawn = offsets(b"k" * 32, [f"cell {n}" for n in range(60_000)])
    for true in (1, 3, 5, 9, 14, 27):
        error = rounded(np.full(len(drawn), true), drawn) - true
        assert abs(error.mean()) < 0.1
    for cells in (1, 2, 3, 8, 40, 150):
        trials = drawn[: len(drawn) // cells * cells].reshape(-1, cells)
        error = (rounded(np.full(trials.shape, 5), trials) - 5).sum(axis=1)
        assert (np.abs(error) <= margin(np.array([cells]))[0]).mean() > 0.95


def test_the_margin_holds_exactly_whatever_the_counts_end_in() -> None:
    """Sums of up to 300 cells whose counts all end in the same digit: rounded up so many times, by the binomial law."""
    cells = np.arange(1, 301)
    most = margin(cells)
    for digit in range(1, BASE):
        up = binom(cells, digit / BASE)
        least_ups, most_ups = np.ceil((digit * cells - most) / BASE), np.floor((digit * cells + most) / BASE)
        assert (up.cdf(most_ups) - up.cdf(least_ups - 1)).min() > 0.95
