"""`loda model fit-table` on what people get wrong: folders, files that break off, groups of one row, options."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from models.learning import bag
from models.table import fit, fit_table
from models.table import report as telling
from pipelines.cli import app
from pipelines.core.errors import LodaError
from tests.unit.test_fit_table import fitted, scores, world


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag, "SETTINGS", {**bag.SETTINGS, "max_iter": 5})
    monkeypatch.setattr(fit, "MODELS", 1)
    monkeypatch.setattr(fit, "CALIBRATION_FOLDS", 2)
    monkeypatch.setattr(telling, "draw", lambda *_: [])


@pytest.mark.parametrize("out", ["/proc/loda", "table.csv", "table.csv/below", "n" * 300, "taken"])
def test_a_folder_that_takes_no_results_is_said_before_anything_is_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
):
    monkeypatch.setattr(fit, "fit_groups", lambda _: pytest.fail("it went on"))
    world(300).to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "taken" / "scores.parquet").mkdir(parents=True)
    with pytest.raises(LodaError, match=r"Nothing can be written to .*give --out another folder"):
        fit_table(tmp_path / "table.csv", "found_2016", "borough", tmp_path / out)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_said(tmp_path: Path):
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(LodaError, match="Nothing can be written to"):
        fitted(world(300), tmp_path)


def test_a_file_that_is_not_learnt_from_leaves_no_folder(tmp_path: Path):
    with pytest.raises(LodaError):
        fitted(world(300), tmp_path, "nothing")
    assert not (tmp_path / "out").exists()


def test_groups_of_a_row_each_are_scored_and_it_is_said_that_none_can_be_judged(tmp_path: Path):
    frame = world(400).assign(borough=[f"place {n}" for n in range(400)])
    report = fitted(frame, tmp_path)
    assert scores(tmp_path)["score"].between(0, 1).all()
    assert scores(tmp_path)["rank"].eq(1).all()
    assert any("No group of 'borough' can be judged" in doubt for doubt in report["doubts"])


def test_rows_without_a_group_are_told(tmp_path: Path):
    frame = world(400)
    frame.loc[:6, "borough"] = None
    report = fitted(frame, tmp_path)
    assert any("7 rows have no 'borough'" in doubt for doubt in report["doubts"])


def test_too_few_answers_in_all_are_said_without_naming_groups(tmp_path: Path):
    frame = world(300)
    frame["found_2016"] = np.where(np.arange(300) < 4, 1.0, np.where(np.arange(300) < 200, 0.0, np.nan))
    frame.loc[290:, "borough"] = "Bezirk 9"
    with pytest.raises(LodaError, match=r"^Only 4 positive rows of 'found_2016'"):
        fitted(frame, tmp_path)


@pytest.mark.parametrize("end", ['1,"Bezirk 1', "1,Bezirk 1"])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, end: str):
    (tmp_path / "t.csv").write_text(world(300).to_csv(index=False) + end, "utf-8")
    with pytest.raises(LodaError, match="breaks off within a row"):
        fit_table(tmp_path / "t.csv", "found_2016", "borough", tmp_path / "out")


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(LodaError, match="is a folder"):
        fit_table(tmp_path, "found_2016", "borough", tmp_path / "out")


def test_columns_with_commas_in_their_names_can_be_excluded(tmp_path: Path):
    frame = world(300).rename(columns={"storeys": "storeys, above ground", "kind": 'so-called "kind"'})
    frame.to_csv(tmp_path / "t.csv", index=False)
    call = ["model", "fit-table", str(tmp_path / "t.csv"), "--label", "found_2016", "--group", "borough"]
    call += ["--out", str(tmp_path / "out"), "--exclude"]
    told = CliRunner().invoke(app, [*call, 'built, "storeys, above ground",so-called "kind"'])
    assert told.exit_code == 0, told.stderr
    left = pd.read_json(tmp_path / "out" / "report.json", typ="series")["left_out"]
    assert {c["column"] for c in left} >= {"built", "storeys, above ground", 'so-called "kind"'}


def test_the_answer_and_the_group_are_not_told_as_left_out(tmp_path: Path):
    report = fitted(world(300), tmp_path, exclude=["found_2016", "borough", "kind"])
    assert [c["column"] for c in report["left_out"] if "--exclude" in c["reason"]] == ["kind"]
