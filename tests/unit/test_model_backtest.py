"""Past lists tried on what became known after them: every ranker on the same homes, nothing learnt from the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from models.hmo import backtest_report, estimator
from models.hmo.backtest import ONE_FEATURE, backtest
from models.hmo.learners import LEARNERS
from pipelines.core.errors import LodaError
from tests.homes import own_home
from tests.unit.model_world import AS_OF, make


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with own_home(tmp_path_factory.mktemp("backtest")) as _, pytest.MonkeyPatch.context() as patch:
        patch.setitem(estimator.SETTINGS, "max_iter", 20)
        make(("camden", "hackney", "islington"), dwellings=900).write_all()
        report, lists = backtest(AS_OF, 1)
        yield SimpleNamespace(report=report, lists=lists)


def test_every_learner_and_ranker_has_a_row_and_the_model_beats_chance(tried: SimpleNamespace) -> None:
    forward = tried.report["forward"]["rankers"]
    assert set(LEARNERS) | {"random", "complaints_only", "rule_of_thumb"} <= set(forward)
    assert sum(name.startswith(ONE_FEATURE) for name in forward) == 5
    assert forward["random"]["lift"] == pytest.approx(1.0, abs=0.01)
    assert forward["ours"]["lift"] > 1.5
    for row in forward.values():
        assert row["found_worst"] <= row["found"] + 1e-9 <= row["found_best"] + 1e-6
        assert row["lift_interval"][0] <= row["lift"] <= row["lift_interval"][1]


def test_boroughs_are_also_tried_by_a_model_that_never_saw_them(tried: SimpleNamespace) -> None:
    left_out = tried.report["left_out"]
    assert {"ours", "naive"} <= set(left_out["rankers"])
    assert set(left_out["boroughs"]) == {trial.borough for found in tried.lists for trial in found.trials}
    forward, without = (found for found in tried.lists)
    for seen, unseen in zip(forward.trials, without.trials, strict=True):
        assert (seen.scores["ours"] != unseen.scores["ours"]).any()


def test_the_report_is_written_with_pictures_and_the_same_again(tried: SimpleNamespace, tmp_path: Path) -> None:
    made = [backtest_report.write(tmp_path / name, tried.report, tried.lists) for name in ("one", "two")]
    assert {path.suffix for path in made[0]} == {".json", ".md", ".png"}
    for one, two in zip(*made, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert json.loads((tmp_path / "one" / "report.json").read_text())["days"] == tried.report["days"]
    words = (tmp_path / "one" / "report.md").read_text()
    assert "never saw" in words
    assert "the register covers" in words


def test_without_anything_that_became_known_a_sentence_says_what_is_missing(tmp_path: Path) -> None:
    with own_home(tmp_path), pytest.raises(LodaError, match="Nothing can be tried"):
        backtest(AS_OF, 1)
