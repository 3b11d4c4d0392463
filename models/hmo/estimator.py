"""The detector of houses in multiple occupation: the shared boosted trees, with the features' declared directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.hmo.days import Floats, Mask
from models.hmo.features import BY_NAME
from models.learning import boosting
from models.learning.boosting import SEED, SETTINGS, Detector, calibrate, logistic, mean_scores, one_thread, raw_scores

__all__ = ["SEED", "SETTINGS", "Detector", "calibrate", "fit", "logistic", "mean_scores", "one_thread", "raw_scores"]


def fit(values: Floats, hmo: Mask, weights: Floats, names: Sequence[str], seed: int = 0) -> Any:
    """Fit the trees. Features whose direction is declared can only raise the score as they grow."""
    directions = [BY_NAME[name].direction for name in names]
    return boosting.fit(values, hmo, weights, directions, {"random_state": SEED + seed})
