"""The trained pair model: scikit-learn boosting over `FEATURES`, and how far its word can be relied upon."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from pipelines.link import fellegi_sunter
from pipelines.link.features import FEATURES
from pipelines.link.pairs import Scorer

Floats = npt.NDArray[np.float64]
log = logging.getLogger(__name__)
HERE = Path(__file__).parent
MODEL = HERE / "pair_model.skops"
CARD = HERE / "pair_model.json"


@dataclass(frozen=True)
class PairModel:
    """A model with its calibration.

    Attributes:
        estimator: scikit-learn's; `predict_proba` over `FEATURES`.
        knots, shares: of those best candidates whose share of the odds is `knots`, `shares` are right.
        link_from, gap_from, review_from, missing: see `pairs.Scorer`.
    """

    estimator: Any
    knots: Floats
    shares: Floats
    link_from: float
    gap_from: float
    review_from: float
    missing: float

    def probability(self, features: pd.DataFrame) -> Floats:
        """Probability that each pair is one building, by itself."""
        if features.empty:
            return np.zeros(0)
        values = np.ascontiguousarray(features[list(FEATURES)].to_numpy(np.float32))
        # The work is small, and threads that wait for each other on a busy core take ten times longer.
        with _threads().limit(limits=1, user_api="openmp"):
            return np.asarray(self.estimator.predict_proba(values)[:, 1])

    def calibrated(self, probability: Floats) -> Floats:
        """Share of such best candidates that are right."""
        return np.interp(probability, self.knots, self.shares)


@lru_cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def current() -> Scorer:
    """The trained model; where its files are not there, Fellegi and Sunter's weights from the shared beliefs."""
    if MODEL.exists() and CARD.exists():
        return shipped()
    log.warning("the pair model's files are not in %s, so fixed weights are used", MODEL.parent.name)
    return fellegi_sunter.fixed()


@lru_cache
def shipped() -> PairModel:
    """The model that comes with the code."""
    from skops import io

    card = json.loads(CARD.read_text(encoding="utf-8"))
    kinds = io.get_untrusted_types(file=MODEL)
    estimator = io.load(MODEL, trusted=[kind for kind in kinds if kind.startswith(("sklearn.", "numpy."))])
    return PairModel(
        estimator,
        np.array(card["calibration"]["share"]),
        np.array(card["calibration"]["right"]),
        **card["thresholds"],
        missing=card["missing"],
    )
