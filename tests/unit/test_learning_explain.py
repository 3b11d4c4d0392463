"""Reasons of a bag of trees and a line: exact, also where trees split by category."""

from __future__ import annotations

import numpy as np
import pytest

from models.learning import bag, boosting, explain, linear, trees


def mixed(rows: int = 2500, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, a level in the middle, missing values: what trees see in another order than the table has."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(rows, 5)) * 2)
    values[:, 2] = rng.integers(0, 9, size=rows)
    values[rng.random(values.shape) < 0.15] = np.nan
    odd = np.isin(values[:, 2], [1, 4, 6])
    signal = np.nan_to_num(values[:, 0]) + 3 * odd * (np.nan_to_num(values[:, 4]) > 0)
    return values, signal + rng.normal(size=rows) > 1.5, np.array([False, False, True, False, False])


def test_trees_that_split_by_category_are_explained_exactly():
    values, positive, categorical = mixed()
    model = boosting.fit(values, positive, np.ones(len(values)), changed={"categorical_features": categorical})
    assert any(stage[0].nodes["is_categorical"].any() for stage in model._predictors)
    unseen = values.copy()
    unseen[:50, 2] = 17  # a level that training never saw goes the way of a missing one
    base, shares = explain.contributions(model, unseen)
    np.testing.assert_allclose(base + shares.sum(axis=1), model.decision_function(unseen), atol=1e-9)
    assert np.abs(shares[:, 2]).max() > 0.1
    assert np.abs(shares[:, 2]).max() > 5 * np.abs(shares[:, 1]).max()


def test_scores_by_patterns_are_scikit_learns_to_the_last_bit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trees, "CHUNK", 1000)
    values, positive, categorical = mixed()
    for levels in (categorical, None):
        model = boosting.fit(values, positive, np.ones(len(values)), changed={"categorical_features": levels})
        asked = values.copy()
        asked[:50, 2] = 17
        asked[50:60] = np.nan
        # A value that is a threshold goes to the left.
        asked[60, 0] = model._predictors[0][0].nodes["num_threshold"][0]
        for order in "CF":
            found = boosting.raw_scores(model, np.array(asked, order=order))
            np.testing.assert_array_equal(found, model.decision_function(asked))
    assert boosting.raw_scores(model, values[:0]).shape == (0,)


def test_a_bag_adds_up_in_calibrated_log_odds():
    values, positive, categorical = mixed()
    fitted = bag.fit(values[:2000], positive[:2000], categorical, models=2)
    fitted = fitted.calibrated(fitted.raw(values[2000:]), positive[2000:])
    base, shares = fitted.reasons(values)
    assert shares.shape == values.shape
    np.testing.assert_allclose(base + shares.sum(axis=1), fitted.log_odds(values), atol=1e-9)
    again = bag.fit(values[:2000], positive[:2000], categorical, models=2, workers=2)
    np.testing.assert_array_equal(again.raw(values), fitted.raw(values))


def test_a_line_goes_on_beyond_what_it_has_seen_and_no_further_than_its_reach():
    rng = np.random.default_rng(0)
    values = rng.poisson(2.0, size=(4000, 2)).astype(float)
    positive = rng.random(4000) < boosting.logistic(values[:, 0] - 3)
    line = linear.fit(values, positive, np.ones(4000), np.zeros(2, dtype=bool))
    ahead = line.raw(np.array([[2.0, 2.0], [12.0, 2.0], [40.0, 2.0], [4000.0, 2.0]]))
    assert ahead[1] > ahead[0]
    assert ahead[2] == ahead[3]
    base, shares = line.contributions(values)
    np.testing.assert_allclose(base + shares.sum(axis=1), line.raw(values), atol=1e-9)


def test_of_many_rows_negatives_are_drawn_and_stand_for_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bag, "MOST_ROWS", 1000)
    positive = np.arange(20_000) < 300
    rows, weights = bag._drawn(np.random.default_rng(1), positive, 1.0)
    assert positive[rows].sum() == 300
    assert len(rows) == 1000
    assert np.average(positive[rows], weights=weights) == pytest.approx(300 / 20_000)
