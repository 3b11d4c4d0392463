"""The backtest: what the lists of past days would have found, in boroughs that the model had seen and in others.

On each past day a model learns from what was known then, ranks the homes of which nothing was known, and is judged by
what became known in the half year after. Twice: by a model of all boroughs, and by one that never saw the borough.
Every ranker has the same homes, the same capacity and the same answers. Homes that nobody visited count as nothing
found, so that all figures are lower bounds, and those of rankers whose homes officers never visit are the lowest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from models.hmo import baselines, estimator, features, inputs, learners, level, splits
from models.hmo.capacities import capacity_of
from models.hmo.days import Floats, Mask
from models.hmo.evaluate import TrialList
from models.hmo.examples import Examples, Gathered
from models.hmo.learners import LEARNERS, Scorer
from models.hmo.train import gather, learnt_then
from models.hmo.train import priors as estimated_priors
from models.learning.judge import at_capacity, calibration_bins, expected_calibration_error
from pipelines.core.errors import LodaError

RESAMPLES, LEVEL, SEED = 2_000, 0.95, 20261001
ONE_FEATURE = "feature: "
BEST_FEATURES = 5
"""So many one-feature rankers are told, the best ones: told after the fact, so that they flatter themselves."""

SPLITS = ("forward", "left_out")
LEFT_OUT = ("ours", "naive")
"""Learners that are tried on boroughs left out: each is fitted anew for every fold."""


@dataclass(frozen=True)
class Tried:
    """Lists of one past day and split, a borough each, and the probabilities of our model that visits tried."""

    day: date
    split: str
    trials: list[TrialList]
    probability: Floats
    hmo: Mask


def backtest(as_of: date, steps: int) -> tuple[dict[str, Any], list[Tried]]:
    """Try every learner and ranker on the last `steps` half years before `as_of`.

    Returns:
        The report: `days`, for each split `rankers` (found, precision, lift with an interval over boroughs, worst and
        best over ties), `boroughs` (our model), `calibration`; `prior` by borough. And the lists behind it.

    Raises:
        LodaError: no past day has both something to learn from and something that became known after it.
    """
    boroughs = inputs.boroughs_with_data()
    tried: list[Tried] = []
    priors: list[dict[str, Any]] = []
    for step in range(steps):
        day = as_of - timedelta(days=splits.STEP_DAYS * step)
        gathered = gather(boroughs, day)
        if gathered:
            priors = priors or estimated_priors(gathered)
            tried += _day(gathered, day)
    if not tried:
        raise LodaError(
            f"Nothing can be tried before {as_of}: a past half year needs {learners.FEWEST_HMOS} known HMOs before it "
            "and some that became known in it. Send inspections and licences with their dates, or wait for visits."
        )
    report: dict[str, Any] = {
        "as_of": as_of.isoformat(),
        "days": sorted({found.day.isoformat() for found in tried}),
        **{split: _table([found for found in tried if found.split == split]) for split in SPLITS},
        "prior": priors,
        "settings": {"learners": list(LEARNERS), "models": learners.MODELS, **estimator.SETTINGS},
    }
    return report, tried


def _day(gathered: list[Gathered], as_of: date) -> list[Tried]:
    """Both splits of the newest day of the history before `as_of`; nothing where too little was known then."""
    rows = learnt_then(gathered, as_of)
    judged = [part for part in gathered if (part.forward.found == 1).any()]
    if int(rows.hmo.sum()) < learners.FEWEST_HMOS or not judged:
        return []
    newest = splits.history(as_of)[-1]
    signs = _signs(rows)
    fold = splits.folds(rows.borough, rows.hmo)
    unseen = _by_fold(rows, fold)
    raw = np.zeros(len(rows))
    for number, scorers in unseen.items():
        raw[fold == number] = scorers["ours"](rows.values[fold == number])
    # A fold that had too little to learn from has no scores to calibrate on.
    scored = np.isin(fold, list(unseen))
    curve = (1.0, 0.0)
    if rows.hmo[scored].any():
        told = rows.take(scored)
        found = level.fitted(told, raw[scored], told.date_index == splits.STEPS - 1)
        curve = (found.slope, found.intercept)
    everywhere = {name: learn(rows) for name, learn in LEARNERS.items()}
    tried = [_tried(newest, "forward", judged, {part.borough: everywhere for part in judged}, signs, curve)]
    of = dict(zip(rows.borough.tolist(), fold.tolist(), strict=True))
    others = {part.borough: unseen[of[part.borough]] for part in judged if unseen.get(of.get(part.borough, -1))}
    if len(unseen) > 1 and others:
        left = [part for part in judged if part.borough in others]
        tried.append(_tried(newest, "left_out", left, others, signs, curve))
    return tried


def _by_fold(rows: Examples, fold: Any) -> dict[int, dict[str, Scorer]]:
    """The learners of `LEFT_OUT` without each fold of boroughs; a fold without which too little is left has none."""
    made: dict[int, dict[str, Scorer]] = {}
    for number in np.unique(fold).tolist():
        rest = rows.take(fold != number)
        if int(rest.hmo.sum()) >= learners.FEWEST_HMOS:
            made[int(number)] = {name: LEARNERS[name](rest) for name in LEFT_OUT}
    return made


def _tried(
    day: date,
    split: str,
    parts: Sequence[Gathered],
    scorers: dict[str, dict[str, Scorer]],
    signs: Floats,
    curve: tuple[float, float],
) -> Tried:
    trials, probability, hmo = [], [], []
    for part in parts:
        values = part.forward.values.astype(float)
        scores = {name: scorer(values) for name, scorer in scorers[part.borough].items()}
        visited = ~np.isnan(part.forward.found)
        probability.append(estimator.logistic(curve[0] * scores["ours"][visited] + curve[1]))
        hmo.append(part.forward.found[visited] == 1)
        scores |= {name: ranker(values) for name, ranker in baselines.BASELINES.items()}
        signed = np.where(np.isnan(values), -np.inf, values * signs)
        scores |= {ONE_FEATURE + name: signed[:, at] for at, name in enumerate(features.NAMES)}
        trials.append(TrialList(part.borough, capacity_of(part.borough), part.forward.found, scores))
    return Tried(day, split, trials, np.concatenate(probability), np.concatenate(hmo))


def _signs(rows: Examples) -> Floats:
    """Whether more or less of each feature speaks for an HMO, by the rows that are learnt from: shape (features,)."""
    known = ~np.isnan(rows.values)
    sums = [np.where(known & mask[:, None], rows.values, 0.0).sum(axis=0) for mask in (rows.hmo, ~rows.hmo)]
    counts = [np.maximum((known & mask[:, None]).sum(axis=0), 1) for mask in (rows.hmo, ~rows.hmo)]
    return np.where(sums[0] / counts[0] >= sums[1] / counts[1], 1.0, -1.0)


def _table(tried: Sequence[Tried]) -> dict[str, Any]:
    """Every ranker over all days and boroughs; empty where the split was not possible."""
    trials = [trial for found in tried for trial in found.trials]
    if not trials:
        return {}
    names = sorted({trial.borough for trial in trials})
    of = np.array([names.index(trial.borough) for trial in trials])
    places = np.array([min(trial.capacity, len(trial.found)) for trial in trials], dtype=float)
    share = np.array([float((trial.found == 1).mean()) for trial in trials])
    chance = _by_borough(share * places, of, len(names))
    rankers: dict[str, dict[str, Any]] = {}
    boroughs: dict[str, dict[str, float]] = {}
    for name in trials[0].scores:
        cuts = [at_capacity(trial.scores[name], trial.found, trial.capacity) for trial in trials]
        found = _by_borough(np.array([cut.expected for cut in cuts]), of, len(names))
        answered = sum(cut.answered for cut in cuts)
        rankers[name] = {
            "found": round(float(found.sum()), 2),
            "found_worst": sum(cut.worst for cut in cuts),
            "found_best": sum(cut.best for cut in cuts),
            "hits_per_100": round(100 * float(found.sum() / places.sum()), 2),
            "hits_per_100_answered": round(100 * float(found.sum()) / answered, 2) if answered else None,
            "recall": round(float(found.sum()) / sum(int((trial.found == 1).sum()) for trial in trials), 4),
            "lift": round(float(found.sum() / chance.sum()), 2),
            "lift_interval": _interval(found, chance),
        }
        if name == "ours":
            of_borough = zip(names, found.tolist(), chance.tolist(), strict=True)
            boroughs = {b: {"found": round(f, 2), "lift": round(f / c, 2) if c else 0.0} for b, f, c in of_borough}
    probability, hmo = (np.concatenate([getattr(found, what) for found in tried]) for what in ("probability", "hmo"))
    return {
        "visits": int(places.sum()),
        "hmos_to_find": sum(int((trial.found == 1).sum()) for trial in trials),
        "rankers": _told(rankers),
        "boroughs": boroughs,
        "calibration": {
            "homes": len(hmo),
            "ece": round(expected_calibration_error(probability, hmo), 4),
            "bins": calibration_bins(probability, hmo),
        },
    }


def _by_borough(values: Floats, of: Any, boroughs: int) -> Floats:
    return np.bincount(of, weights=values, minlength=boroughs).astype(float)


def _interval(found: Floats, chance: Floats) -> list[float] | None:
    """The lift's interval over boroughs drawn again with replacement; None for a single borough."""
    if len(found) < 2:
        return None
    drawn = np.random.default_rng(SEED).multinomial(len(found), np.full(len(found), 1 / len(found)), RESAMPLES)
    lifts = (drawn @ found) / np.maximum(drawn @ chance, 1e-12)
    return [round(float(end), 2) for end in np.quantile(lifts, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])]


def _told(rankers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """All rankers but the one-feature ones that are not among the best."""
    alone = sorted((n for n in rankers if n.startswith(ONE_FEATURE)), key=lambda n: (-rankers[n]["found"], n))
    dropped = set(alone[BEST_FEATURES:])
    return {name: figures for name, figures in rankers.items() if name not in dropped}


__all__ = ["Tried", "backtest"]
