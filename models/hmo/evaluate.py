"""How good the list is: what would have been found at each borough's capacity, ties told, against baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.hmo.days import Floats, Mask
from models.learning.judge import at_capacity

__all__ = ["TrialList", "at_capacity", "calibration", "lists", "ranking_quality"]


@dataclass(frozen=True)
class TrialList:
    """One borough's candidates on a past day: what became known of them later, and each ranker's scores.

    `found` is 1 where a candidate became known as an HMO later, 0 where a visit found none,
    NaN where nobody looked.
    """

    borough: str
    capacity: int
    found: Floats
    scores: Mapping[str, Floats]


def lists(trials: list[TrialList]) -> dict[str, Any]:
    """Precision and lift at capacity of every ranker over all boroughs' lists, and of the model by borough.

    `precision` counts unlabelled properties as nothing found; `precision_answered` divides by
    those whose answer is known. Lift is against drawing the candidates at random.
    """
    trials = [trial for trial in trials if (trial.found == 1).any()]
    if not trials:
        return {}
    chance = {t.borough: float((t.found == 1).sum()) / len(t.found) * min(t.capacity, len(t.found)) for t in trials}
    places = sum(min(trial.capacity, len(trial.found)) for trial in trials)
    report: dict[str, Any] = {"places": places, "hmos_to_find": int(sum((t.found == 1).sum() for t in trials))}
    rankers: dict[str, dict[str, float]] = {}
    boroughs: dict[str, dict[str, float]] = {}
    for name in trials[0].scores:
        cuts = {t.borough: at_capacity(t.scores[name], t.found, t.capacity) for t in trials}
        total = {
            key: sum(getattr(cut, key) for cut in cuts.values()) for key in ("worst", "expected", "best", "answered")
        }
        by_chance = sum(chance.values())
        rankers[name] = {
            "found_worst": total["worst"],
            "found": round(total["expected"], 2),
            "found_best": total["best"],
            "precision": round(total["expected"] / places, 4),
            "precision_answered": round(total["expected"] / total["answered"], 4) if total["answered"] else 0.0,
            "lift": round(total["expected"] / by_chance, 2),
        }
        if name == "model":
            boroughs = {
                b: {"found": round(c.expected, 2), "lift": round(c.expected / chance[b], 2)} for b, c in cuts.items()
            }
    return {**report, "rankers": rankers, "model_by_borough": boroughs}


def ranking_quality(scores: Floats, hmo: Mask) -> dict[str, float]:
    """Area under the ROC curve and average precision; empty if there is only one answer."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if hmo.all() or not hmo.any():
        return {}
    return {
        "auc": round(float(roc_auc_score(hmo, scores)), 4),
        "average_precision": round(float(average_precision_score(hmo, scores)), 4),
        "share_hmo": round(float(hmo.mean()), 4),
        "rows": len(hmo),
    }


def calibration(probability: Floats, hmo: Mask, bins: int = 5) -> dict[str, Any]:
    """Brier score, and predicted against found share in bins of equal size; empty if there are no rows."""
    if not len(probability):
        return {}
    order = np.array_split(np.argsort(probability, kind="stable"), min(bins, len(probability)))
    return {
        "brier": round(float(np.mean((probability - hmo) ** 2)), 4),
        "bins": [
            {
                "rows": len(part),
                "predicted": round(float(probability[part].mean()), 3),
                "found": round(float(hmo[part].mean()), 3),
            }
            for part in order
        ],
    }
