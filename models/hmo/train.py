"""The train stage: one model for all boroughs, tried on boroughs left out whole and forwards in time."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from models.hmo import (
    artefacts,
    baselines,
    estimator,
    evaluate,
    examples,
    fairness,
    features,
    inputs,
    learners,
    level,
    model_file,
    prior,
    registry,
    splits,
)
from models.hmo.capacities import capacity_of
from models.hmo.days import Floats, Ints, day_number
from models.hmo.estimator import Detector
from models.hmo.examples import Examples, Gathered, Trial
from models.hmo.inputs import LONDON
from pipelines.core import clock
from pipelines.core.hashing import code_version, hash_of
from pipelines.core.ledger.models import ModelVersion
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import stages

log = logging.getLogger(__name__)

STAGE = "train"
FEWEST_HMOS = 10
"""Known HMOs below which no model is made; with so few its card shows how little it can tell."""


@dataclass(frozen=True)
class Trained:
    """A detector with what was found out about it."""

    detector: Detector
    metrics: dict[str, Any]


def train(as_of: date) -> StageResult:
    """Train a model on everything known by the end of `as_of`; the same inputs give the same model.

    The model is a challenger until a person promotes it; the first one ever is champion.
    """
    with exclusive("models"):
        boroughs = inputs.boroughs_with_data()
        made_from = stages.input_hash(
            STAGE,
            as_of,
            inputs.borough_inputs(boroughs),
            inputs.pooled_inputs(),
            {borough: capacity_of(borough) for borough in boroughs},
        )
        model_id = f"hmo-{as_of}-{made_from[:8]}"
        if registry.version(model_id) and model_file.kept().exists(model_file.name_of(model_id)):
            return StageResult(STAGE, LONDON, "unchanged", f"{model_id} was trained from the same inputs before.")
        gathered = gather(boroughs, as_of)
        known = sum(int(part.standing.hmo.sum()) for part in gathered)
        if known < FEWEST_HMOS:
            sentence = (
                f"Only {known} known HMOs are linked to homes; {FEWEST_HMOS} are needed to train: "
                "send the licence register and inspections, or look at what was not linked."
            )
            return StageResult(STAGE, LONDON, "skipped", sentence, {"hmos": float(known)})
        trained = fit(gathered, as_of)
        artefacts.write_profiles(gathered, trained.detector, model_id)
        return _keep(model_id, as_of, made_from, trained)


def gather(boroughs: list[str], as_of: date) -> list[Gathered]:
    """Examples and trials of every borough that has properties, a batch of boroughs in memory at a time."""
    dates = splits.history(as_of)
    evidence = inputs.read_evidence(boroughs)
    return [examples.gather(own, as_of, dates, len(boroughs)) for own in evidence]


def learnt_from(gathered: list[Gathered]) -> Examples:
    """What the model learns from on the day of training."""
    parts = [part.before.take(~part.before.doubtful) for part in gathered] + [part.standing for part in gathered]
    return examples.joined(parts)


def fit(gathered: list[Gathered], as_of: date) -> Trained:
    """Fit, calibrate on rows left out, and judge."""
    rows = learnt_from(gathered)
    several = len(set(rows.borough)) > 1
    groups = rows.borough if several else rows.group
    fold = splits.folds(groups, rows.hmo)
    final, then, *by_fold = _fit_all(
        [rows, learnt_then(gathered, as_of), *(rows.take(fold != number) for number in _numbers(fold))]
    )
    left_out = np.zeros(len(rows))
    for number, model in zip(_numbers(fold), by_fold, strict=True):
        if model is not None:
            left_out[fold == number] = estimator.mean_scores(model, rows.values[fold == number])
    before = rows.date_index < splits.STEPS
    curve = level.fitted(rows, left_out, rows.date_index == splits.STEPS)
    told, slope, intercept = curve.rows, curve.slope, curve.intercept
    tried = evaluate.calibration(estimator.logistic(slope * left_out[told] + intercept), rows.hmo[told])
    # A borough's list is ranked by a model that never saw the borough; one borough alone has no such model.
    unseen = {str(b): by_fold[int(number)] for b, number in zip(groups, fold, strict=True)} if several else {}
    forward = _ranked((part.borough, part.forward, then) for part in gathered)
    left = _ranked((part.borough, part.known, unseen.get(part.borough)) for part in gathered)
    metrics = {
        "labels": _label_counts(rows, gathered),
        "left_out": {
            "by": "borough" if several else "street",
            "visited_before": evaluate.ranking_quality(left_out[before & rows.visit], rows.hmo[before & rows.visit]),
            "all_before": evaluate.ranking_quality(left_out[before], rows.hmo[before]),
            "all": evaluate.ranking_quality(left_out, rows.hmo),
        },
        "calibration": {
            **{"on": curve.on, "slope": round(slope, 4), "intercept": round(intercept, 4)},
            **tried,
        },
        "lists_forward": _lists(forward),
        "lists_left_out": _lists(left),
        "prior": priors(gathered),
        "fairness": _audit(forward),
        "settings": estimator.SETTINGS,
    }
    return Trained(Detector(final, features.NAMES, slope, intercept), metrics)


def priors(gathered: list[Gathered]) -> list[dict[str, Any]]:
    """How many HMOs each borough is estimated to have; empty while no visit has found any."""
    counts = [part.counts for part in gathered]
    if not prior.possible(counts):
        return []
    return [
        {
            "borough": made.borough,
            "homes": made.homes,
            "hmos": round(made.hmos),
            "low": round(made.low * made.homes),
            "high": round(made.high * made.homes),
            "register_covers": round(made.coverage, 3),
        }
        for made in prior.estimate(counts)
    ]


def _numbers(fold: Ints) -> list[int]:
    return list(range(int(fold.max(initial=-1)) + 1))


def _fit_all(parts: list[Examples]) -> list[Any]:
    """Fit a model to each of several sets of rows, two at a time; None where there are too few HMOs to learn from."""
    with ThreadPoolExecutor(min(settings().workers, 2)) as pool:
        return list(pool.map(learners.fit, parts))


def learnt_then(gathered: list[Gathered], as_of: date) -> Examples:
    """What a model could have learnt from on the newest day of the history."""
    newest = splits.STEPS - 1
    day = day_number(splits.history(as_of)[newest])
    parts = [p.before.take((p.before.date_index < newest) & (p.before.known <= day)) for p in gathered]
    return examples.joined(parts + [part.standing_then for part in gathered])


@dataclass(frozen=True)
class Ranked:
    """A borough's homes of one trial with the scores of a model that may be tried on them: shape (homes,)."""

    borough: str
    trial: Trial
    scores: Floats


def _ranked(parts: Iterable[tuple[str, Trial, Any]]) -> list[Ranked]:
    """Scores of the boroughs that have homes and a model."""
    return [
        Ranked(borough, trial, estimator.mean_scores(model, trial.values))
        for borough, trial, model in parts
        if model is not None and len(trial.found)
    ]


def _lists(ranked: list[Ranked]) -> dict[str, Any]:
    """Every ranker's list of each borough, judged by what is known of its homes."""
    trials = []
    for own in ranked:
        scores = {"model": own.scores}
        scores |= {name: ranker(own.trial.values) for name, ranker in baselines.BASELINES.items()}
        trials.append(evaluate.TrialList(own.borough, capacity_of(own.borough), own.trial.found, scores))
    return evaluate.lists(trials)


def _audit(ranked: list[Ranked]) -> dict[str, Any]:
    """Whom the lists fall on; empty where no model could be tried."""
    homes = (
        fairness.homes(own.borough, own.trial.uprns, own.scores, own.trial.found, capacity_of(own.borough))
        for own in ranked
    )
    return fairness.audit(list(homes))


def _label_counts(rows: Examples, gathered: list[Gathered]) -> dict[str, Any]:
    """Counts of rows; a home that is known both before and after its answer is two."""
    standing = rows.date_index == splits.STEPS
    return {
        "boroughs": len(gathered),
        "homes": sum(len(part.known.found) for part in gathered),
        "hmos": int((rows.hmo & standing).sum()),
        "hmos_by_visit": int((rows.hmo & rows.visit & standing).sum()),
        "visits_that_found_none": int((rows.labelled & ~rows.hmo & standing).sum()),
        "hmos_before": int((rows.hmo & ~standing).sum()),
        "visits_that_found_none_before": int((rows.labelled & ~rows.hmo & ~standing).sum()),
        "unlabelled_sampled": int((~rows.labelled).sum()),
        "hmos_by_borough": {part.borough: int(part.standing.hmo.sum()) for part in gathered},
    }


def _keep(model_id: str, as_of: date, made_from: str, trained: Trained) -> StageResult:
    path, sha256 = model_file.save(trained.detector, model_id)
    made = ModelVersion(
        id=model_id,
        as_of=as_of,
        trained_at=clock.now(),
        path=path,
        sha256=sha256,
        hashes={"inputs": made_from, "code": code_version(), "features": hash_of(features.NAMES)},
        metrics=trained.metrics,
    )
    status = registry.record(made)
    artefacts.write_documents(made, model_file.kept())
    counts = trained.metrics["labels"]
    figures = {"hmos": counts["hmos"], "boroughs": counts["boroughs"], "unlabelled": counts["unlabelled_sampled"]}
    lift = trained.metrics["lists_forward"].get("rankers", {}).get("model", {}).get("lift")
    if lift is not None:
        figures["lift_forward"] = lift
    stages.mark_done(STAGE, LONDON, made_from, {**figures, "model_id": model_id})
    log.info("trained %s as %s: %s", model_id, status, figures)
    sentence = f"{model_id} was trained on {counts['hmos']} known HMOs of {counts['boroughs']} boroughs, as {status}."
    return StageResult(STAGE, LONDON, "made", sentence, figures)
