"""Trees as plain arrays answer as the estimator that they were taken from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from pipelines.link import trees
from pipelines.link.trees import Trees


def fitted(classes: int = 2, **how: object) -> tuple[HistGradientBoostingClassifier, np.ndarray]:
    draw = np.random.default_rng(3)
    values = draw.normal(size=(3_000, 4)).astype(np.float32)
    values[draw.random(values.shape) < 0.2] = np.nan
    known = np.nan_to_num(values[:, 0]) + np.nan_to_num(values[:, 1]) * draw.random(3_000)
    label = np.digitize(known, np.linspace(-0.5, 0.5, classes - 1)) if classes > 2 else known > 0
    return HistGradientBoostingClassifier(max_iter=12, random_state=1, **how).fit(values, label), values


def test_written_and_read_they_answer_as_the_estimator_to_the_last_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "ROWS_AT_ONCE", 700)  # several blocks, the last one short
    estimator, values = fitted()
    (tmp_path / "trees.npz").write_bytes(Trees.of(estimator).written())
    read = Trees.read(tmp_path / "trees.npz")
    assert np.array_equal(read.probability(values), estimator.predict_proba(values)[:, 1])
    assert len(read.probability(values[:0])) == 0


def test_the_same_trees_are_the_same_bytes() -> None:
    assert Trees.of(fitted()[0]).written() == Trees.of(fitted()[0]).written()


@pytest.mark.parametrize("how", [{"classes": 3}, {"categorical_features": [3]}], ids=["three classes", "categories"])
def test_what_plain_trees_cannot_hold_is_refused(how: dict[str, object]) -> None:
    if "categorical_features" in how:
        values = np.repeat(np.arange(6.0), 50)[:, None]
        estimator = HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]).fit(values, values[:, 0] % 2)
    else:
        estimator, _ = fitted(3)
    with pytest.raises(ValueError, match="two classes"):
        Trees.of(estimator)
