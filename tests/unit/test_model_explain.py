"""Reasons: exact Shapley values that add up to the score."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from models.hmo import estimator, features
from models.hmo.estimator import Detector
from models.hmo.score import reasons
from models.learning import explain


def noisy(rows: int, columns: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(rows, columns)) * 2)
    values[rng.random(values.shape) < 0.25] = np.nan
    signal = np.nan_to_num(values[:, 0]) + np.nan_to_num(values[:, 1]) * np.nan_to_num(values[:, 2])
    return values, signal + rng.normal(size=rows) > 1.5


def test_contributions_add_up_to_the_raw_score():
    values, hmo = noisy(3000, len(features.NAMES))
    values[:, 7] = np.nan
    model = estimator.fit(values, hmo, np.where(hmo, 1.0, 0.3), features.NAMES)
    base, shares = explain.contributions(model, values)
    assert shares.shape == values.shape
    np.testing.assert_allclose(base + shares.sum(axis=1), model.decision_function(values), atol=1e-9)
    detector = Detector((model,), features.NAMES, 0.8, -1.2)
    base, shares = detector.reasons(values)
    np.testing.assert_allclose(estimator.logistic(base + shares.sum(axis=1)), detector.probability(values), atol=1e-12)


def expected(nodes: np.ndarray, row: np.ndarray, known: set[int], node: int = 0) -> float:
    """What a tree says of a row when only some features are known, straight from the definition."""
    here = nodes[node]
    if here["is_leaf"]:
        return float(here["value"])
    left, right = int(here["left"]), int(here["right"])
    feature = int(here["feature_idx"])
    if feature in known:
        value = row[feature]
        goes_left = bool(here["missing_go_to_left"]) if np.isnan(value) else value <= here["num_threshold"]
        return expected(nodes, row, known, left if goes_left else right)
    share = nodes[left]["count"] / here["count"]
    return share * expected(nodes, row, known, left) + (1 - share) * expected(nodes, row, known, right)


def test_contributions_are_shapley_values_by_definition():
    columns = 4
    values, hmo = noisy(800, columns)
    with estimator.one_thread():
        model = HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=explain.MAX_LEAVES, max_bins=31)
        model.fit(values, hmo)
    _, shares = explain.contributions(model, values)
    for at in (0, 5, 17):
        for feature in range(columns):
            others = [f for f in range(columns) if f != feature]
            brute = 0.0
            for size in range(columns):
                weight = factorial(size) * factorial(columns - size - 1) / factorial(columns)
                for chosen in combinations(others, size):
                    for stage in model._predictors:
                        gain = expected(stage[0].nodes, values[at], {*chosen, feature})
                        brute += weight * (gain - expected(stage[0].nodes, values[at], set(chosen)))
            assert shares[at, feature] == pytest.approx(brute, abs=1e-9)


def test_larger_trees_are_refused():
    values, hmo = noisy(2000, 4)
    with estimator.one_thread():
        model = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=20).fit(values, hmo)
    with pytest.raises(ValueError, match="cannot be explained"):
        explain.contributions(model, values)


def test_reasons_tell_each_theme_once_and_nothing_unknown():
    names = ("surnames", "electors", "complaints_12_months", "complaints_36_months", "storeys", "bulky_24_months")
    values = np.array([[5, 6, 2, 3, np.nan, 4], [1, 1, 0, 0, 2, 0]], dtype=float)
    shares = np.array([[0.9, 0.1, 0.2, 0.6, 2.0, 0.01], [-0.5, -0.1, 0.3, 0.1, -0.2, 0.4]])
    told = reasons(names, values, shares, {"electoral": "2026-09-01"}).to_pylist()
    assert told == [
        [
            "5 surnames among electors (electoral register, counted 1 Sep 2026)",
            "3 complaints in 3 years (complaints)",
            "4 bulky collections in 2 years (waste records)",
        ],
        [],
    ]


def test_a_declared_direction_is_kept():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 6, size=(3000, len(features.NAMES))).astype(float)
    at = features.NAMES.index("surnames")
    # More surnames, fewer HMOs: against what is declared, so the feature must not lower the score.
    hmo = rng.random(3000) < 0.6 - 0.1 * values[:, at]
    model = estimator.fit(values, hmo, np.ones(3000), features.NAMES)
    one = np.repeat(values[:1], 6, axis=0)
    one[:, at] = np.arange(6)
    assert (np.diff(model.decision_function(one)) >= -1e-12).all()
