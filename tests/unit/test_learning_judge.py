"""Figures of a ranking: against scikit-learn, with ties, with intervals; what cannot be told is None."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from models.learning import judge, plots
from models.learning.folds import folds


def ranking(rows: int = 900) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    scores = np.round(rng.normal(size=rows), 1)  # many ties
    probability = 1 / (1 + np.exp(-(2 * scores - 2)))
    return scores, probability, rng.random(rows) < probability


def test_figures_are_those_of_the_library_and_tell_ties():
    scores, probability, positive = ranking()
    told = judge.figures(scores, probability, positive, number=50)
    assert told["auc"] == pytest.approx(roc_auc_score(positive, scores))
    assert told["average_precision"] == pytest.approx(average_precision_score(positive, scores))
    assert list(told["precision_at"]) == list(told["lift_at"]) == ["1%", "5%", "10%"]
    assert told["lift_at"]["5%"] == pytest.approx(told["precision_at"]["5%"] / positive.mean())
    ends = told["ties_at"]["5%"]
    assert ends["worst"] <= told["precision_at"]["5%"] <= ends["best"]
    assert ends["worst"] < ends["best"]
    assert told["at_number"]["number"] == 50
    assert told["brier"] == pytest.approx(np.mean((probability - positive) ** 2))
    assert told["ece"] < 0.06
    assert judge.expected_calibration_error(np.full(100, 0.9), np.zeros(100, dtype=bool)) == pytest.approx(0.9)


def test_a_flat_ranking_is_chance_whatever_the_order_of_rows():
    positive = np.arange(1000) < 100
    told = judge.figures(np.zeros(1000), np.full(1000, 0.1), positive)
    assert told["auc"] == 0.5
    assert told["lift_at"] == {"1%": 1.0, "5%": 1.0, "10%": 1.0}
    assert told["ties_at"]["1%"] == {"worst": 0.0, "best": 1.0}


def test_intervals_are_those_of_resampling_by_the_library():
    scores, _, positive = ranking(400)
    told = judge.intervals(scores, positive, resamples=400)
    assert told is not None
    rng = np.random.default_rng(9)
    drawn = [rng.integers(0, 400, 400) for _ in range(400)]
    for key, figure in (("auc", roc_auc_score), ("average_precision", average_precision_score)):
        low, high = np.quantile([figure(positive[at], scores[at]) for at in drawn], [0.025, 0.975])
        assert told[key] == pytest.approx([low, high], abs=0.02)
    assert told == judge.intervals(scores, positive, resamples=400)
    low, high = told["lift_at"]["10%"]
    assert low < judge.figures(scores, scores, positive)["lift_at"]["10%"] < high


def test_what_rows_do_not_define_is_none():
    one = judge.figures(np.arange(5.0), np.full(5, 0.1), np.zeros(5, dtype=bool))
    assert one["auc"] is None
    assert one["lift_at"]["1%"] is None
    assert one["precision_at"]["1%"] == 0
    none = judge.figures(np.empty(0), np.empty(0), np.empty(0, dtype=bool))
    assert none["base_rate"] is None
    assert none["rows"] == 0
    assert judge.intervals(np.arange(5.0), np.zeros(5, dtype=bool)) is None


def test_folds_keep_groups_whole_and_each_alone_where_there_are_few():
    groups = np.repeat([f"g{n:02d}" for n in range(25)], 8).astype(object)
    positive = np.arange(200) % 3 == 0
    by_row = folds(groups, positive, most=10)
    assert len(set(by_row)) == 10
    assert all(len(set(by_row[groups == group])) == 1 for group in set(groups))
    assert len(set(folds(groups, positive, most=25))) == 25


def test_gains_of_a_perfect_and_of_a_flat_list():
    positive = np.arange(100) < 20
    shares = np.array([0.0, 0.1, 0.2, 1.0])
    assert plots.gains_of([(-np.arange(100.0), positive)], shares).tolist() == [0, 0.5, 1, 1]
    assert plots.gains_of([(np.zeros(100), positive)], shares) == pytest.approx(shares)
