"""The detector of houses in multiple occupation: the shared boosted trees, with the features' declared directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.hmo.days import Floats, Mask
from models.hmo.features import BY_NAME
from models.learning import boosting
from models.learning.boosting import SEED, SETTINGS, Detector, calibrate, logistic, one_thread, raw_scores

__all__ = ["SEED", "SETTINGS", "Detector", "calibrate", "fit", "logistic", "one_thread", "raw_scores"]


def fit(values: Floats, hmo: Mask, weights: Floats, names: Sequence[str]) -> Any:
    """Fit the trees. Features whose direction is declared can only raise the score as they grow."""
    return boosting.fit(values, hmo, weights, [BY_NAME[name].direction for name in names])
