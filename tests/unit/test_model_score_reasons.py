"""Reasons are given to the likeliest homes of a borough, probabilities to all."""

from __future__ import annotations

import importlib
from datetime import date

import numpy as np
import pytest

from models.hmo import estimator, features, matrix
from models.hmo.estimator import Detector

score = importlib.import_module("models.hmo.score")


@pytest.fixture(scope="module")
def detector() -> Detector:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 6, size=(2000, len(features.NAMES))).astype(float)
    hmo = values[:, features.NAMES.index("surnames")] + rng.normal(size=2000) > 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(estimator.SETTINGS, "max_iter", 20)
        return Detector((estimator.fit(values, hmo, np.ones(2000), features.NAMES),), features.NAMES, 1.0, 0.0)


def test_the_likeliest_are_told_why_and_everybody_has_a_probability(detector: Detector, monkeypatch):
    rng = np.random.default_rng(3)
    values = rng.integers(0, 6, size=(400, len(features.NAMES))).astype(float)
    values[rng.random(values.shape) < 0.2] = np.nan
    uprns = np.array([str(number) for number in range(400)], dtype=object)
    rows = matrix.table_of("camden", date(2026, 10, 1), uprns, values)
    whole = score.scored(detector, rows, score.values_of(detector.features, rows), {}, "m").to_pandas()
    np.testing.assert_allclose(whole["probability"], detector.probability(values))
    monkeypatch.setattr(score, "REASONED", 50)
    part = score.scored(detector, rows, score.values_of(detector.features, rows), {}, "m").to_pandas()
    np.testing.assert_array_equal(part["probability"], whole["probability"])
    least = np.sort(whole["probability"])[-50]
    likely = (whole["probability"] >= least).to_numpy()
    assert likely.sum() >= 50
    assert part.loc[likely, "reasons"].map(list).tolist() == whole.loc[likely, "reasons"].map(list).tolist()
    assert part.loc[~likely, "reasons"].map(len).eq(0).all()
    assert whole.loc[likely, "reasons"].map(len).ge(1).all()
