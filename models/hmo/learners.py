"""Ways to learn from homes of which most have no answer, each a function of the same rows; `LEARNERS` names them.

How answers come about, and what is done about it:

- A home nobody looked at is not a home that is none. `naive` takes it for one; the others let a sample of them weigh
  `UNLABELLED_RATIO` times the HMOs of their borough and day (`Examples.weights`; case-control sampling).
- Registers hold landlords who apply, and the list is for those who do not. Of the HMOs that visits find, some held a
  licence: how likely that was, by what is known of the home, is its propensity e. A licensed home counts by its odds
  of having evaded, (1 - e) / e, so that the licensed that are like evaders teach most (inverse propensity weighting of
  labels not selected at random; Bekker, Robberechts and Davis, "Beyond the selected completely at random assumption for
  learning from positive and unlabeled data", 2019).
- Which unlabelled homes were sampled is chance: several models, each with another half of them, are averaged (bagging
  of positive and unlabelled data; Mordelet and Vert 2014).

`elkan_noto` and `pu_bagging` are those of the library pulearn, which knows no third answer: a visit that found none is
left out for them. They are tried beside ours in the backtest, and never score.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from models.hmo import estimator, features
from models.hmo.days import Floats
from models.hmo.examples import Examples
from models.learning import boosting

Models = tuple[Any, ...]
Scorer = Callable[[Floats], Floats]
"""Raw scores of homes, shape (homes,), from their features, shape (homes, features)."""

MODELS, PART = 3, 0.5
FEWEST_HMOS = 10
"""HMOs below which not even a trial model is fitted."""

FEWEST_OF_EACH = 40
"""HMOs that visits found, with and without a licence, below which the register's propensity is not estimated."""

MOST_ODDS = 4.0
"""A home counts at most so many times as much, and at least as little, as one whose odds of evading are even."""

PROPENSITY = {"max_iter": 80, "max_leaf_nodes": 4, "min_samples_leaf": 40}


def fit(rows: Examples) -> Models | None:
    """The models that score, from labelled and sampled homes; None with too few HMOs to learn from."""
    if int(rows.hmo.sum()) < FEWEST_HMOS or rows.hmo.all():
        return None
    weights = rows.weights() * odds_of_evading(rows)
    return tuple(_drawn(rows, weights, seed) for seed in range(MODELS))


def _drawn(rows: Examples, weights: Floats, seed: int) -> Any:
    """One model: every answer, and a part of the homes without one that stands for all of them."""
    kept = rows.labelled | (np.random.default_rng(estimator.SEED + seed).random(len(rows)) < PART)
    some = np.where(rows.labelled, weights, weights / PART)
    return estimator.fit(rows.values[kept], rows.hmo[kept], some[kept], features.NAMES, seed)


def odds_of_evading(rows: Examples) -> Floats:
    """What each row counts beside its weight: shape (rows,); 1 but for homes that are known by a licence alone.

    Their mean is 1, so that how many homes are licensed changes nothing. All are 1 while visits have found too few.
    """
    even = np.ones(len(rows))
    # An HMO that needs no licence says nothing of who evades.
    found = rows.hmo & (rows.unlicensed | rows.held)
    licensed = rows.hmo & ~rows.visit
    if min(int(rows.unlicensed[found].sum()), int(rows.held[found].sum())) < FEWEST_OF_EACH or not licensed.any():
        return even
    model = boosting.fit(rows.values[found], rows.unlicensed[found], np.ones(int(found.sum())), changed=PROPENSITY)
    odds = np.exp(np.clip(boosting.raw_scores(model, rows.values[licensed]), -np.log(MOST_ODDS), np.log(MOST_ODDS)))
    even[licensed] = odds / odds.mean()
    return even


def _ours(rows: Examples) -> Scorer:
    models = fit(rows)
    return lambda values: boosting.mean_scores(models or (), values)


def _single(weights: Callable[[Examples], Floats]) -> Callable[[Examples], Scorer]:
    def learn(rows: Examples) -> Scorer:
        model = estimator.fit(rows.values, rows.hmo, weights(rows), features.NAMES)
        return lambda values: boosting.raw_scores(model, values)

    return learn


def _naive(rows: Examples) -> Floats:
    return np.where(rows.labelled, 1.0, rows.stands_for)


def _library(name: str) -> Callable[[Examples], Scorer]:
    """A classifier of pulearn around the same trees, on positives and unlabelled homes alone."""

    def learn(rows: Examples) -> Scorer:
        import pulearn
        from sklearn.ensemble import HistGradientBoostingClassifier

        rows = rows.take(rows.hmo | ~rows.labelled)
        trees = HistGradientBoostingClassifier(**estimator.SETTINGS)
        if name == "pu_bagging":
            share = min(1.0, 2.0 * float(rows.hmo.sum()) / max(int((~rows.hmo).sum()), 1))
            made = pulearn.BaggingPuClassifier(trees, n_estimators=5, max_samples=share, random_state=estimator.SEED)
        else:
            made = pulearn.ElkanotoPuClassifier(trees, hold_out_ratio=0.1, random_state=estimator.SEED)
        with estimator.one_thread():
            made.fit(_filled(rows.values), rows.hmo.astype(int))

        def score(values: Floats) -> Floats:
            with estimator.one_thread():
                return np.asarray(made.predict_proba(_filled(values))[:, 1])

        return score

    return learn


def _filled(values: Floats) -> Floats:
    """The library takes no missing values: a number below all others stands for them."""
    return np.where(np.isnan(values), -1.0, values)


LEARNERS: dict[str, Callable[[Examples], Scorer]] = {
    "ours": _ours,
    "naive": _single(_naive),
    "unlabelled weigh little": _single(Examples.weights),
    "pu_bagging": _library("pu_bagging"),
    "elkan_noto": _library("elkan_noto"),
}
