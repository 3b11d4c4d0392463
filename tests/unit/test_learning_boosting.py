"""Boosted trees on tables that are full of holes."""

from __future__ import annotations

import numpy as np

from models.learning import boosting


def test_a_feature_that_only_rows_without_weight_know_is_no_reason_to_fail() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(400, 3))
    weights = np.where(np.arange(400) < 200, 1.0, 0.0)
    values[weights > 0, 1] = np.nan
    positive = values[:, 0] > 0
    model = boosting.fit(values, positive, weights)
    scores = boosting.raw_scores(model, values)
    assert scores[positive].mean() > scores[~positive].mean() + 2
    np.testing.assert_array_equal(boosting.raw_scores(model, np.where(np.arange(3) == 1, 5.0, values)), scores)


def test_bins_of_as_many_rows_each_are_those_of_rows_without_weights_and_trees_still_weigh() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(600, 2))
    positive = values[:, 0] + rng.normal(size=600) > 0.5
    weights = np.where(positive, 1.0, 8.0)
    model = boosting.fit(values, positive, weights, weighted_bins=False)
    alike = boosting.fit(values, positive, np.ones(600), weighted_bins=False)
    np.testing.assert_array_equal(model._bin_mapper.bin_thresholds_, alike._bin_mapper.bin_thresholds_)
    assert boosting.raw_scores(model, values).mean() < boosting.raw_scores(alike, values).mean() - 1
    np.testing.assert_array_equal(boosting.raw_scores(model, values), model.decision_function(values))
