"""The level of probabilities in a world whose truth is known and where tenants of bad landlords complain."""

from __future__ import annotations

import numpy as np
import pytest

from models.hmo import estimator, level
from models.hmo.examples import Examples

HOMES = 40_000


def world(seed: int = 1, planned: float = 0.06) -> tuple[Examples, np.ndarray, np.ndarray]:
    """Homes with a score, HMOs of which half are let badly, and visits: rows, scores, HMO or not (NaN: licensed)."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-3.0, 1.5, HOMES)
    hmo = rng.random(HOMES) < estimator.logistic(raw)
    licensed = hmo & (rng.random(HOMES) < 0.3)
    badly_let = hmo & (rng.random(HOMES) < 0.5)
    # No dataset tells who lets badly, and their tenants complain.
    followed = rng.random(HOMES) < np.where(badly_let, 0.5, 0.1)
    by_plan = rng.random(HOMES) < planned
    visit = followed | by_plan
    none = np.zeros(HOMES, dtype=bool)
    text = np.full(HOMES, "camden", dtype=object)
    rows = Examples(
        values=raw[:, None], hmo=hmo & (visit | licensed), visit=visit, planned=by_plan,
        unlicensed=visit & hmo & ~licensed, held=visit & licensed, labelled=visit | licensed, doubtful=none,
        known=np.zeros(HOMES, dtype=np.int64), date_index=np.zeros(HOMES, dtype=np.int64), borough=text, group=text,
        stands_for=np.ones(HOMES),
    )  # fmt: skip
    return rows, raw, np.where(licensed, np.nan, hmo)


def promised(rows: Examples, raw: np.ndarray, truth: np.ndarray) -> tuple[float, level.Level]:
    """HMOs that the probabilities of homes without a licence add up to, over those that there are."""
    found = level.fitted(rows, raw, np.ones(len(rows), dtype=bool))
    free = ~np.isnan(truth)
    return float(estimator.logistic(found.slope * raw + found.intercept)[free].sum() / truth[free].sum()), found


def test_planned_visits_set_the_level_and_visits_after_complaints_do_not():
    for seed in range(3):
        ratio, found = promised(*world(seed))
        assert found.on == level.PLANNED
        assert ratio == pytest.approx(1.0, abs=0.12)


def test_without_planned_visits_all_of_them_do_and_promise_too_much():
    rows, raw, truth = world(planned=0.0)
    ratio, found = promised(rows, raw, truth)
    assert found.on == level.VISITS
    assert ratio > 1.5
    assert not found.rows[rows.held].any()


def test_a_few_planned_visits_are_not_enough():
    rows, raw, truth = world(planned=0.003)
    assert int((rows.planned & rows.hmo & ~rows.held).sum()) < level.FEWEST
    assert promised(rows, raw, truth)[1].on == level.VISITS


def test_rows_with_features_of_another_day_set_nothing():
    rows, raw, _ = world()
    usable = np.arange(HOMES) < HOMES // 2
    assert not level.fitted(rows, raw, usable).rows[~usable].any()


def test_without_visits_the_register_does():
    rows, raw, _ = world()
    found = level.fitted(rows, raw, np.zeros(HOMES, dtype=bool))
    assert found.on == level.REGISTER
    assert estimator.logistic(found.slope * raw + found.intercept).mean() == pytest.approx(rows.hmo.mean(), rel=0.05)


def test_no_order_is_turned_upside_down_and_the_level_is_that_of_planned_visits():
    rows, raw, _ = world()
    found = level.fitted(rows, -raw, np.ones(HOMES, dtype=bool))
    told = rows.planned & ~rows.held
    assert found.slope == 1.0
    assert estimator.logistic(-raw + found.intercept)[told].mean() == pytest.approx(rows.hmo[told].mean(), abs=0.005)
