"""Judging lists: ties, lift, baselines, calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.hmo import baselines, estimator, evaluate, features
from models.hmo.evaluate import TrialList, at_capacity


def test_ties_at_the_cut_are_told_at_worst_and_at_best():
    scores = np.array([9.0, 5, 5, 5, 5, 1])
    found = np.array([1.0, 1, 0, np.nan, 1, 1])
    cut = at_capacity(scores, found, 3)
    assert (cut.worst, cut.best) == (1, 3)
    assert cut.expected == 1 + 2 * 2 / 4
    assert cut.answered == 1 + 3 * 2 / 4
    assert at_capacity(scores, found, 100).expected == 4
    assert at_capacity(np.empty(0), np.empty(0), 5).expected == 0


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1.0, 0.0, np.nan])), min_size=1, max_size=40),
    st.integers(1, 45),
)
def test_what_is_found_lies_between_worst_and_best(rows, capacity):
    scores = np.array([float(score) for score, _ in rows])
    found = np.array([value for _, value in rows])
    cut = at_capacity(scores, found, capacity)
    assert 0 <= cut.worst <= cut.expected + 1e-9
    assert cut.expected <= cut.best + 1e-9
    assert cut.best <= min(capacity, int((found == 1).sum()))
    order = np.argsort(-(scores + np.random.default_rng(0).random(len(scores)) * 0.5))[:capacity]
    assert cut.worst <= (found[order] == 1).sum() <= cut.best


def test_lift_is_against_chance_in_the_same_boroughs():
    found = np.where(np.arange(100) < 10, 1.0, np.nan)
    perfect, flat = -np.arange(100.0), np.zeros(100)
    report = evaluate.lists([TrialList("camden", 10, found, {"model": perfect, "random": flat})])
    assert report["rankers"]["model"]["lift"] == 10
    assert report["rankers"]["random"]["lift"] == 1
    assert report["rankers"]["random"]["found_best"] == 10
    assert report["model_by_borough"] == {"camden": {"found": 10.0, "lift": 10.0}}
    assert evaluate.lists([TrialList("camden", 10, np.full(5, np.nan), {"model": np.zeros(5)})]) == {}


def test_rule_of_thumb_counts_signs_and_complaints_count_complaints():
    values = np.full((3, len(features.NAMES)), np.nan)
    for name, column in {
        "storeys": (4, 2, np.nan),
        "built": (1890, 1993, np.nan),
        "above_shop": (1, 0, 0),
        "street_complaints": (0.1, 0.1, 0.1),
        "complaints_36_months": (2, 0, np.nan),
    }.items():
        values[:, features.NAMES.index(name)] = column
    assert baselines.rule_of_thumb(values).tolist() == [4, 0, 0]
    assert baselines.complaints_only(values).tolist() == [2, 0, 0]
    assert len(set(baselines.random(values))) == 1


def test_calibration_sets_the_level_and_keeps_the_order():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=4000)
    hmo = rng.random(4000) < estimator.logistic(1.5 * raw - 2)
    slope, intercept = estimator.calibrate(raw, hmo, np.ones(4000))
    assert slope == pytest.approx(1.5, abs=0.2)
    assert intercept == pytest.approx(-2, abs=0.2)
    upside_down, level = estimator.calibrate(-raw, hmo, np.ones(4000))
    assert upside_down == 1.0
    assert estimator.logistic(-raw + level).mean() == pytest.approx(hmo.mean(), abs=0.01)
    tried = evaluate.calibration(estimator.logistic(slope * raw + intercept), hmo)
    assert sum(part["rows"] for part in tried["bins"]) == 4000
    assert evaluate.calibration(np.empty(0), np.empty(0, dtype=bool)) == {}
