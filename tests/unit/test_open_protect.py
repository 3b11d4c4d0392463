"""No hidden count of the open data can be worked out: from one night by linear programming, or from two nights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from pipelines.governance.access import ROUNDING_MULTIPLE, SUPPRESSION_THRESHOLD
from pipelines.publish.open.protect import Decision, Tree, bounds, decide, exposed

COUNT = st.one_of(st.integers(0, 9), st.integers(0, 60))


@st.composite
def boroughs(draw):
    wards = draw(st.lists(st.lists(COUNT, min_size=1, max_size=4), min_size=1, max_size=4))
    parent = [0] + [0] * len(wards)
    counts = [0] * len(parent)
    for ward, homes in enumerate(wards, start=1):
        parent += [ward] * len(homes)
        counts += homes
    return Tree(np.array(parent)), np.array(counts)


def attack(tree: Tree, published: np.ndarray, node: int) -> tuple[float, float]:
    """What an attacker who knows the rule finds of one count, by linear programming over the areas of homes."""
    leaves = np.flatnonzero(tree.leaves)
    matrix = np.stack([tree.totals(np.eye(len(tree.parent), dtype=int)[leaf]) for leaf in leaves], axis=1)
    shown = published >= 0
    half = ROUNDING_MULTIPLE // 2
    low = np.where(published > 0, np.maximum(SUPPRESSION_THRESHOLD + 1, published - half), 0)
    high = np.where(published > 0, published + half, 0)
    rows = np.vstack([matrix[shown], -matrix[shown]])
    limits = np.concatenate([high[shown], -low[shown]])
    ends = []
    for sign in (1, -1):
        found = linprog(
            sign * matrix[node],
            A_ub=rows if len(rows) else None,
            b_ub=limits if len(limits) else None,
            bounds=(0, 10**6),
            method="highs",
        )
        assert found.success, found.message
        ends.append(sign * found.fun)
    return ends[0], ends[1]


@given(boroughs())
def test_linear_programming_pins_no_hidden_count(case):
    tree, counts = case
    made = decide(tree, counts)
    for node in np.flatnonzero(~made.shown):
        low, high = attack(tree, made.published, int(node))
        assert high - low >= SUPPRESSION_THRESHOLD - 1 - 1e-6
        if made.basis[node] <= SUPPRESSION_THRESHOLD:
            assert low <= 1 + 1e-6
            assert high >= SUPPRESSION_THRESHOLD - 1e-6


@given(boroughs())
def test_the_audit_is_as_sharp_as_linear_programming(case):
    tree, counts = case
    basis = tree.totals(counts)
    only_primary = Decision(basis, (basis == 0) | (basis > SUPPRESSION_THRESHOLD))
    low, high = bounds(tree, only_primary)
    for node in np.flatnonzero(~only_primary.shown):
        least, most = attack(tree, only_primary.published, int(node))
        assert low[node] == pytest.approx(least, abs=1e-6)
        assert min(high[node], 10**5) == pytest.approx(min(most, 10**5), abs=1e-6)


def test_primary_hiding_alone_would_give_a_count_away():
    tree, counts = Tree(np.array([0, 0, 1, 1])), np.array([0, 0, 10, 1])
    basis = tree.totals(counts)
    naive = Decision(basis, (basis == 0) | (basis > SUPPRESSION_THRESHOLD))
    assert exposed(tree, naive).any()
    assert not exposed(tree, decide(tree, counts)).any()


@given(boroughs(), st.data())
def test_two_nights_differ_by_nobody(case, data):
    """Homes that change by no more than the threshold change no published cell at all."""
    tree, counts = case
    first = decide(tree, counts)
    step = data.draw(
        st.lists(
            st.integers(-SUPPRESSION_THRESHOLD, SUPPRESSION_THRESHOLD),
            min_size=len(counts),
            max_size=len(counts),
        )
    )
    second = decide(tree, np.where(tree.leaves, np.maximum(counts + step, 0), 0), first)
    assert (second.published == first.published).all()


@given(boroughs(), st.data())
def test_what_was_hidden_is_hidden_still_and_what_was_shown_hides_nothing(case, data):
    tree, counts = case
    first = decide(tree, counts)
    later = data.draw(st.lists(COUNT, min_size=len(counts), max_size=len(counts)))
    second = decide(tree, np.where(tree.leaves, later, 0), first)
    same = second.basis == first.basis
    assert not (second.shown & ~first.shown & same).any()
    assert not (~second.shown & first.shown & same).any()
    assert not exposed(tree, second).any()
