"""Fellegi and Sunter's weights over the same features: the explainable baseline, and what is used without a model.

The weights are learned from the area's own pairs, without truth, held to a table of beliefs shared by all areas
(`weights.py`). Rare words weigh more than common ones (term frequencies), since shares of words are weighed so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.link import weights
from pipelines.link.weights import Belief, Weights

Floats = npt.NDArray[np.float64]
BELIEFS = {
    "number": Belief(m=(0.02, 0.10, 0.88), u=(0.60, 0.05, 0.35)),
    "street": Belief(m=(0.03, 0.04, 0.05, 0.13, 0.75), u=(0.60, 0.06, 0.06, 0.08, 0.20)),
    "name": Belief(m=(0.10, 0.15, 0.75), u=(0.93, 0.04, 0.03)),
    "postcode": Belief(m=(0.03, 0.05, 0.07, 0.15, 0.70), u=(0.35, 0.15, 0.08, 0.02, 0.40)),
    "words": Belief(m=(0.03, 0.07, 0.25, 0.65), u=(0.45, 0.27, 0.18, 0.10)),
}
"""Shares of each level among true and other pairs of all blocks, from 0 upwards; our own, from synthetic boroughs."""
PRIOR = 0.15
"""Share of true pairs among those compared."""


def levels(features: pd.DataFrame) -> pd.DataFrame:
    """The levels of each belief, one row a pair; -1 where a side is missing."""
    street, stem = features["street"].fillna(0).to_numpy(), features["street_stem"].fillna(0).to_numpy()
    kind, within = features["street_kind"].to_numpy(), features["street_within"].fillna(0).to_numpy()
    name = features[["name", "name_stem", "name_within"]].max(axis=1)
    out = {
        "number": features["number"].fillna(-1).to_numpy(),
        "street": np.select([(street == 1) & (kind == 2), street >= 0.8, stem == 1, within >= 0.95], [4, 3, 2, 1], 0),
        "name": np.select([name >= 0.95, name >= 0.75], [2, 1], 0),
        "postcode": features["postcode"].fillna(-1).to_numpy(),
        "words": np.select([features["words_explained"] >= at for at in (0.99, 0.7, 0.4)], [3, 2, 1], 0),
    }
    out["street"] = np.where(features["street"].isna(), -1, out["street"])
    out["name"] = np.where(name.isna(), -1, out["name"])
    return pd.DataFrame(out).astype(np.int8)


@dataclass(frozen=True)
class FellegiSunter:
    """A scorer by weights. `learned` of its weights says whether the area's own pairs were enough to learn from."""

    weights: Weights
    link_from: float = 0.95
    gap_from: float = 0.5
    review_from: float = 0.3
    missing: float = 0.1

    def probability(self, features: pd.DataFrame) -> Floats:
        """Probability that each pair is one building, by itself."""
        odds = np.exp2(np.clip(self.weights.of(levels(features)), -40, 40)) * PRIOR / (1 - PRIOR)
        return np.asarray(odds / (1 + odds))

    def calibrated(self, probability: Floats) -> Floats:
        """The probability itself: it was not held against any truth."""
        return np.minimum(probability, 0.999)


def learned(features: pd.DataFrame) -> FellegiSunter:
    """Weights learned from the pairs of an area, however many: from the counts of their patterns."""
    shown = levels(features)
    counts = shown.value_counts().reset_index(name="pairs")
    return FellegiSunter(weights.fit(counts[list(BELIEFS)], counts["pairs"].to_numpy(float), BELIEFS))


def fixed() -> FellegiSunter:
    """The shared beliefs as they are."""
    return FellegiSunter(weights.fixed(BELIEFS))
