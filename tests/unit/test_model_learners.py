"""Learning from answers that are missing for most homes: what each way does to a world whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.hmo import estimator, features, learners
from models.hmo.examples import Examples

AGE, OWNER = features.NAMES.index("habitable_rooms"), features.NAMES.index("owner_liable")


def world(homes: int = 6_000, seed: int = 1, boroughs: int = 3) -> tuple[Examples, np.ndarray, np.ndarray]:
    """Homes whose HMOs show by two features, who is licensed by one of them alone: rows, hmo, licensed."""
    rng = np.random.default_rng(seed)
    values = np.full((homes, len(features.NAMES)), np.nan)
    values[:, AGE] = rng.integers(1, 9, homes)
    values[:, OWNER] = rng.random(homes) < 0.4
    odds = -5.0 + 0.5 * values[:, AGE] + 1.5 * values[:, OWNER]
    hmo = rng.random(homes) < estimator.logistic(odds)
    # Those with many rooms apply; owners who pay the council tax themselves hardly do.
    applied = rng.random(homes) < np.where(values[:, OWNER] > 0, 0.15, 0.8)
    licensed = hmo & applied
    visit = rng.random(homes) < 0.25
    labelled = licensed | visit
    rows = Examples(
        values=values,
        hmo=hmo & labelled,
        visit=visit,
        planned=np.zeros(homes, dtype=bool),
        unlicensed=visit & hmo & ~licensed,
        held=visit & licensed,
        labelled=labelled,
        doubtful=np.zeros(homes, dtype=bool),
        known=np.zeros(homes, dtype=np.int64),
        date_index=np.zeros(homes, dtype=np.int64),
        borough=np.array([f"b{n % boroughs}" for n in range(homes)], dtype=object),
        group=np.array([f"s{n % 50}" for n in range(homes)], dtype=object),
        stands_for=np.ones(homes),
    )
    return rows, hmo, licensed


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(estimator.SETTINGS, "max_iter", 40)


def test_licensed_homes_that_are_like_evaders_count_more_and_their_mean_is_one() -> None:
    rows, _, licensed = world()
    odds = learners.odds_of_evading(rows)
    alone = licensed & ~rows.visit
    like_evaders = rows.values[:, OWNER] > 0
    assert odds[alone & like_evaders].mean() > 3 * odds[alone & ~like_evaders].mean()
    assert odds[alone].mean() == pytest.approx(1.0)
    assert (odds[~alone] == 1).all()


def test_with_few_visits_all_licensed_homes_count_alike() -> None:
    rows, *_ = world(homes=300)
    assert (learners.odds_of_evading(rows) == 1).all()


def test_the_list_of_the_unlicensed_is_better_than_that_of_naive_training() -> None:
    """Judged by the truth on homes of which nothing is known, over several worlds."""
    ours, naive = 0, 0
    for seed in range(4):
        rows, hmo, licensed = world(seed=seed)
        free = ~rows.labelled
        for name in ("ours", "naive"):
            scores = learners.LEARNERS[name](rows)(rows.values[free])
            first = np.argsort(-scores, kind="stable")[:150]
            hits = int((hmo & ~licensed)[free][first].sum())
            ours, naive = (ours + hits, naive) if name == "ours" else (ours, naive + hits)
    assert ours > naive


@pytest.mark.parametrize("name", list(learners.LEARNERS))
def test_every_learner_ranks_homes_of_which_nothing_is_known_and_does_so_again(name: str) -> None:
    rows, hmo, _ = world(homes=3_000)
    free = ~rows.labelled
    first, again = (learners.LEARNERS[name](rows)(rows.values[free]) for _ in range(2))
    assert first.shape == (int(free.sum()),)
    np.testing.assert_array_equal(first, again)
    assert first[hmo[free]].mean() > first[~hmo[free]].mean()


def test_with_too_few_hmos_nothing_is_learnt() -> None:
    rows, *_ = world(homes=400)
    few = rows.take(~rows.hmo | (np.cumsum(rows.hmo) < learners.FEWEST_HMOS))
    assert learners.fit(few) is None
