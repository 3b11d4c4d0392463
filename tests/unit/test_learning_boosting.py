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
