"""The trained pair model: scikit-learn boosting over `FEATURES`, and how far its word can be relied upon."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.link import fellegi_sunter
from pipelines.link.features import FEATURES
from pipelines.link.pairs import Scorer
from pipelines.link.trees import Trees

Floats = npt.NDArray[np.float64]
log = logging.getLogger(__name__)
HERE = Path(__file__).parent
MODEL = HERE / "pair_model.npz"
CARD = HERE / "pair_model.json"


@dataclass(frozen=True)
class PairModel:
    """A model with its calibration.

    Attributes:
        trees: scikit-learn's, over `FEATURES`.
        knots, shares: of those best candidates whose share of the odds is `knots`, `shares` are right.
        link_from, gap_from, review_from, missing: see `pairs.Scorer`.
    """

    trees: Trees
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
        return self.trees.probability(features[list(FEATURES)].to_numpy(np.float32))

    def calibrated(self, probability: Floats) -> Floats:
        """Share of such best candidates that are right."""
        return np.interp(probability, self.knots, self.shares)


def current() -> Scorer:
    """The trained model; where its files are not there, Fellegi and Sunter's weights from the shared beliefs."""
    if MODEL.exists() and CARD.exists():
        return shipped()
    log.warning("the pair model's files are not in %s, so fixed weights are used", MODEL.parent.name)
    return fellegi_sunter.fixed()


@lru_cache
def shipped() -> PairModel:
    """The model that comes with the code."""
    card = json.loads(CARD.read_text(encoding="utf-8"))
    return PairModel(
        Trees.read(MODEL),
        np.array(card["calibration"]["share"]),
        np.array(card["calibration"]["right"]),
        **card["thresholds"],
        missing=card["missing"],
    )
