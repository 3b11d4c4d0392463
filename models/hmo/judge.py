"""Models on the same homes: what their lists would have found since they were trained, and where they differ today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from models.hmo import cohort, evaluate, fairness, features, inputs, labels, model_file, outcomes, registry
from models.hmo.capacities import capacity_of
from models.hmo.days import Floats, Mask, Texts
from models.hmo.estimator import Detector
from models.hmo.evidence import Evidence
from models.hmo.recommendation import recommend
from models.learning.judge import AtCapacity, at_capacity
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.ledger.models import ModelVersion


@dataclass(frozen=True)
class Bench:
    """One borough's candidates for all models that are judged.

    `scores` holds each model's probabilities of the candidates of the day of training, `found` what became known of
    them since (1, 0, NaN where nobody looked), `visit` where a visit said so; `today` each model's probabilities of
    today's candidates, in the order of `today_uprns`.
    """

    borough: str
    capacity: int
    uprns: Texts
    found: Floats
    visit: Mask
    scores: dict[str, Floats]
    today_uprns: Texts
    today: dict[str, Floats]


def model_of(model_id: str | None, role: str = registry.CHAMPION) -> ModelVersion:
    """The model of that name, or the champion, or the newest challenger.

    Raises:
        NotFound: there is none.
    """
    found = registry.version(model_id) if model_id else registry.newest(role)
    if found is None:
        asked = f"model '{model_id}'" if model_id else f"{role} model"
        raise NotFound(f"There is no {asked}; 'loda model list' names those there are, 'loda model train' makes one.")
    return found


def evaluate_model(model_id: str | None, as_of: date) -> dict[str, Any]:
    """A model's own figures, and what its lists found since it was trained.

    Raises:
        NotFound: there is no such model.
        ConfigurationError: it asks for features that are not made any more.
    """
    model = model_of(model_id)
    benches = _benches([model], as_of)
    names = sorted(b.borough for b in benches)
    rates = [rate.as_row() for name in names if (rate := outcomes.base_rate(name)) is not None]
    promised = [kept.as_row() for name in names if (kept := outcomes.expected_against_found(name)) is not None]
    return {
        "model": model.id,
        "status": model.status,
        "as_of": as_of.isoformat(),
        "trained_as_of": model.as_of.isoformat(),
        "since": _since(benches, model.id),
        "calibration_since": _calibration(benches, model.id),
        "expected_today": {b.borough: _expected(b, model.id) for b in benches},
        "expected_against_found": promised,
        "base_rate": rates,
        "run": {key: model.metrics.get(key) for key in ("lists_forward", "lists_left_out", "left_out", "calibration")},
    }


def compare(challenger_id: str | None, as_of: date) -> dict[str, Any]:
    """Champion and challenger on the same homes, with a recommendation in words; nobody is promoted by it.

    Both are judged by what became known since the later of their days of training, which neither has seen, with the
    features of that day; how far their lists differ is told of today's homes.

    Raises:
        NotFound: there is no champion, or no challenger.
        ConfigurationError: one asks for features that are not made any more, or both are one model.
    """
    champion, challenger = model_of(None), model_of(challenger_id, registry.CHALLENGER)
    if champion.id == challenger.id:
        raise ConfigurationError(f"{champion.id} is the champion: name another model to compare it with.")
    benches = _benches([champion, challenger], as_of)
    boroughs = [_borough(bench, champion.id, challenger.id) for bench in benches]
    found = {
        "champion": champion.id,
        "challenger": challenger.id,
        "as_of": as_of.isoformat(),
        "judged_from": _day(champion, challenger).isoformat(),
        "since": {role: _since(benches, m.id) for role, m in (("champion", champion), ("challenger", challenger))},
        "calibration_since": {
            role: _calibration(benches, m.id) for role, m in (("champion", champion), ("challenger", challenger))
        },
        "boroughs": boroughs,
        "only_champion": sum(row["only_champion"] for row in boroughs),
        "only_challenger": sum(row["only_challenger"] for row in boroughs),
        "overlap": _overlap(boroughs),
        "own_trials": {
            role: m.metrics.get("lists_forward", {}).get("rankers", {}).get("model", {})
            for role, m in (("champion", champion), ("challenger", challenger))
        },
    }
    return {**found, "recommendation": recommend(found)}


def _day(*models: ModelVersion) -> date:
    return max(model.as_of for model in models)


def _benches(models: list[ModelVersion], as_of: date) -> list[Bench]:
    detectors = {model.id: detector_of(model) for model in models}
    day = min(_day(*models), as_of)
    return [_bench(own, detectors, day, as_of) for own in inputs.read_evidence(inputs.boroughs_with_data())]


def detector_of(model: ModelVersion) -> Detector:
    """A model that can be used today.

    Raises:
        NotFound: its file is gone.
        UntrustedModel: its file is not the one that was trained.
        ConfigurationError: it asks for features that are not made any more.
    """
    detector = model_file.load(model)
    missing = sorted(set(detector.features) - set(features.NAMES))
    if missing:
        raise ConfigurationError(f"{model.id} asks for {', '.join(missing)}, which is not made any more: train again.")
    return detector


def _bench(evidence: Evidence, detectors: dict[str, Detector], day: date, as_of: date) -> Bench:
    then, then_values = _candidates(evidence, day)
    now, now_values = _candidates(evidence, as_of)
    answers = labels.training_labels(evidence, as_of, [day])
    found, visit = np.full(len(evidence), np.nan), np.zeros(len(evidence), dtype=bool)
    found[answers.row], visit[answers.row] = answers.hmo, answers.visit
    return Bench(
        borough=evidence.borough,
        capacity=capacity_of(evidence.borough),
        uprns=evidence.uprns[then],
        found=found[then],
        visit=visit[then],
        scores={name: _probability(detector, then_values) for name, detector in detectors.items()},
        today_uprns=evidence.uprns[now],
        today={name: _probability(detector, now_values) for name, detector in detectors.items()},
    )


def _candidates(evidence: Evidence, day: date) -> tuple[Mask, Floats]:
    """Homes of the cohort about which nothing was settled on a day, and their features."""
    view = evidence.at(day)
    inside = cohort.members(view) & ~labels.settled(evidence, day)
    return inside, features.values(view)[inside]


def _probability(detector: Detector, values: Floats) -> Floats:
    if not len(values):
        return np.zeros(0)
    return detector.probability(values[:, [features.NAMES.index(name) for name in detector.features]])


def _since(benches: list[Bench], model_id: str) -> dict[str, Any]:
    """The model's lists of the day of training, judged by what became known since; empty if nothing did."""
    trials = [
        evaluate.TrialList(b.borough, b.capacity, b.found, {"model": b.scores[model_id]})
        for b in benches
        if len(b.found)
    ]
    return evaluate.lists(trials)


def _calibration(benches: list[Bench], model_id: str) -> dict[str, Any]:
    """Predicted against found among homes that were visited since."""
    if not benches:
        return {}
    seen = [b.visit & ~np.isnan(b.found) for b in benches]
    predicted = np.concatenate([b.scores[model_id][mask] for b, mask in zip(benches, seen, strict=True)])
    hmo = np.concatenate([b.found[mask] for b, mask in zip(benches, seen, strict=True)]) == 1
    return evaluate.calibration(predicted, hmo)


def _expected(bench: Bench, model_id: str) -> float:
    scores = bench.today[model_id]
    return round(float(scores[fairness.listed(scores, bench.today_uprns, bench.capacity)].sum()), 2)


def _borough(bench: Bench, champion: str, challenger: str) -> dict[str, Any]:
    """One borough of a comparison: what each would have found, who alone found what, how far today's lists agree."""
    cuts = {name: at_capacity(bench.scores[name], bench.found, bench.capacity) for name in bench.scores}
    old, new = (fairness.listed(bench.scores[name], bench.uprns, bench.capacity) for name in (champion, challenger))
    hit = bench.found == 1
    now_old, now_new = (
        fairness.listed(bench.today[name], bench.today_uprns, bench.capacity) for name in (champion, challenger)
    )
    return {
        "borough": bench.borough,
        "capacity": bench.capacity,
        "candidates": len(bench.found),
        "hmos_to_find": int(hit.sum()),
        "champion": _cut(cuts[champion]),
        "challenger": _cut(cuts[challenger]),
        "only_champion": int((old & ~new & hit).sum()),
        "only_challenger": int((new & ~old & hit).sum()),
        "verdict": _verdict(cuts[champion], cuts[challenger]),
        "listed_today": int(now_old.sum()),
        "listed_by_both": int((now_old & now_new).sum()),
        "rank_correlation": _rank_correlation(bench.today[champion], bench.today[challenger]),
    }


def _cut(found: AtCapacity) -> dict[str, float]:
    return {"worst": found.worst, "found": round(found.expected, 2), "best": found.best}


def _verdict(champion: AtCapacity, challenger: AtCapacity) -> str:
    """Better or worse only where no order of ties could turn it round."""
    if challenger.worst > champion.best:
        return "better"
    return "worse" if challenger.best < champion.worst else "alike"


def _rank_correlation(champion: Floats, challenger: Floats) -> float | None:
    """Spearman's, over all of today's candidates; None where one of the models tells them not apart."""
    from scipy.stats import spearmanr

    if len(champion) < 3 or np.ptp(champion) == 0 or np.ptp(challenger) == 0:
        return None
    return round(float(spearmanr(champion, challenger).statistic), 4)


def _overlap(boroughs: list[dict[str, Any]]) -> dict[str, float | int]:
    """How many of today's visits both models would make."""
    both, all_ = (sum(row[key] for row in boroughs) for key in ("listed_by_both", "listed_today"))
    return {"both": both, "of": all_, "share": round(both / all_, 4) if all_ else 0.0}
