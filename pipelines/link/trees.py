"""The trees of a fitted scikit-learn boosting as plain arrays: opened in milliseconds, and no code is in the file.

skops reads the same estimator, and on import walks through all of scikit-learn, which takes longer than to link a
small file. scikit-learn's own compiled trees answer here too, so that the answers are the estimator's to the last bit.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
NEEDED = ("value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf")
"""What a tree of numbers is read by; the other fields of scikit-learn's nodes tell how it was grown."""

ROWS_AT_ONCE = 4_096
"""So many rows stay in the processor's own memory while all trees look at them."""


@dataclass(frozen=True)
class Trees:
    """The trees of a boosting of two classes.

    Attributes:
        nodes: scikit-learn's nodes, those of all trees one after the other.
        starts: where each tree begins, and the end.
        baseline: log odds before any tree.
        features: how many columns it was fitted on.
    """

    nodes: npt.NDArray[np.void]
    starts: npt.NDArray[np.int64]
    baseline: float
    features: int

    @classmethod
    def of(cls, estimator: Any) -> Trees:
        """The trees of a fitted `HistGradientBoostingClassifier` of two classes and numbers alone.

        Raises:
            ValueError: it has more classes, or features that are categories.
        """
        grown = [one.nodes for trees in estimator._predictors for one in trees]
        if len(estimator.classes_) != 2 or any(nodes["is_categorical"].any() for nodes in grown):
            raise ValueError("Only a boosting of two classes, of numbers alone, is kept as plain trees.")
        starts = np.cumsum([0, *(len(nodes) for nodes in grown)], dtype=np.int64)
        return cls(np.concatenate(grown), starts, float(estimator._baseline_prediction[0, 0]), estimator.n_features_in_)

    def probability(self, values: npt.NDArray[np.float32]) -> Floats:
        """Probability of the second class of each row, NaN where a value is missing; in this thread alone.

        The work is small, and threads that wait for each other on a busy core take ten times longer.
        """
        from scipy.special import expit
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        none, unmapped = np.zeros((0, 8), np.uint32), np.zeros(self.features, np.uint32)
        grown = [TreePredictor(self.nodes[a:b], none, none) for a, b in pairwise(self.starts)]
        total = np.full(len(values), self.baseline)
        for at in range(0, len(values), ROWS_AT_ONCE):
            rows = np.ascontiguousarray(values[at : at + ROWS_AT_ONCE], dtype=np.float64)
            for tree in grown:
                total[at : at + ROWS_AT_ONCE] += tree.predict(rows, none, unmapped, 1)
        return np.asarray(expit(total))

    def written(self) -> bytes:
        """A file of numpy's, the same bytes for the same trees."""
        out = io.BytesIO()
        parts: dict[str, Any] = {name: np.ascontiguousarray(self.nodes[name]) for name in NEEDED}
        parts |= {"starts": self.starts, "baseline": np.array(self.baseline), "features": np.array(self.features)}
        np.savez_compressed(out, **parts)
        return out.getvalue()

    @classmethod
    def read(cls, path: Path) -> Trees:
        """Trees from a file that `written` made."""
        from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

        with np.load(path, allow_pickle=False) as file:
            nodes = np.zeros(len(file["value"]), PREDICTOR_RECORD_DTYPE)
            for name in NEEDED:
                nodes[name] = file[name]
            return cls(nodes, file["starts"], float(file["baseline"]), int(file["features"]))
