"""`loda model fit-table` on tables made here: leaks, groups, answers, errors, what is written."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from models.learning import bag
from models.table import fit, fit_table
from models.table import report as telling
from models.table.series import together
from models.table.years import years_in
from pipelines.cli import app
from pipelines.core.errors import LodaError

HONEST = ["complaints_2014", "complaints_2015", "storeys", "kind", "built", "first_seen", "above_shop"]


@pytest.fixture(autouse=True)
def _small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few and short models: what is tested is what goes in and out. Pictures only where a test asks for them."""
    monkeypatch.setattr(bag, "SETTINGS", {**bag.SETTINGS, "max_iter": 12})
    monkeypatch.setattr(fit, "MODELS", 1)
    monkeypatch.setattr(fit, "CALIBRATION_FOLDS", 2)
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(telling, "draw", lambda *_: [])


@pytest.fixture
def pictures() -> None:
    """Draw them, which takes as long as all else that a small table needs."""


def world(rows: int = 900, groups: int = 3, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    complaints = rng.poisson(1.0, rows)
    score = 0.9 * complaints + rng.normal(size=rows) - 1.8
    made = pd.DataFrame(
        {
            "uprn": 100_000_000 + 13 * np.arange(rows),
            "borough": [f"Bezirk {n}" for n in rng.integers(0, groups, rows)],
            "complaints_2014": rng.poisson(0.5 + 0.2 * complaints),
            "complaints_2015": complaints,
            "storeys": np.where(rng.random(rows) < 0.1, np.nan, rng.integers(1, 6, rows)),
            "kind": rng.choice(["Reihenhaus", "étage", "flat"], rows),
            "built": rng.integers(1850, 2012, rows),
            "first_seen": pd.Timestamp("2012-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "above_shop": rng.random(rows) < 0.2,
            "found_2016": (rng.random(rows) < 1 / (1 + np.exp(-2 * score))).astype(int),
        }
    )
    made["first_seen"] = made["first_seen"].dt.date
    return made


def fitted(frame: pd.DataFrame, folder: Path, label: str = "found_2016", **more: Any) -> dict[str, Any]:
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    return fit_table(path, label, "borough", folder / "out", **more)


@lru_cache(maxsize=1)
def plain_scores() -> pd.DataFrame:
    """Of a small table whose answers are 0 and 1, from CSV."""
    with TemporaryDirectory() as folder:
        fitted(world(400), Path(folder))
        return scores(Path(folder))


def refused(report: dict[str, Any]) -> dict[str, str]:
    return {r["column"]: r["rule"] for r in report["refused"]}


def scores(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "out" / "scores.parquet")


@pytest.mark.usefixtures("pictures")
def test_what_is_written_and_that_reasons_add_up(tmp_path: Path):
    frame = world()
    report = fitted(frame, tmp_path)
    made = scores(tmp_path)
    assert made["row"].tolist() == list(range(900))
    assert made["row"].dtype == made["rank"].dtype == "int64"
    assert made["group"].tolist() == frame["borough"].tolist()
    assert made["score"].between(0, 1).all()
    for _, own in made.groupby("group"):
        assert sorted(own["rank"]) == list(range(1, len(own) + 1))
        in_order = own.sort_values(["score", "row"], ascending=[False, True])
        assert in_order["rank"].is_monotonic_increasing
    reasons = pd.read_parquet(tmp_path / "out" / "reasons.parquet")
    first = reasons.groupby("row").first()
    total = first["base"] + first["others"] + reasons.groupby("row")["contribution"].sum()
    np.testing.assert_allclose(total, first["log_odds"], atol=1e-9)
    np.testing.assert_allclose(1 / (1 + np.exp(-total)), made.set_index("row").loc[total.index, "score"], atol=1e-12)
    expected = sum(int(np.ceil(0.05 * size)) for size in frame["borough"].value_counts())
    assert len(total) == expected
    assert (reasons.groupby("row")["contribution"].apply(lambda c: c.abs().is_monotonic_decreasing)).all()
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8")) == report
    assert report["rows"] == 900
    assert report["features"] == HONEST
    assert report["refused"] == []
    assert {c["column"] for c in report["left_out"]} == {"uprn"}
    for own in report["groups"].values():
        assert own["auc"] > 0.7
        assert own["intervals"]["auc"][0] < own["auc"] < own["intervals"]["auc"][1]
        assert set(own["precision_at"]) == set(own["lift_at"]) == {"1%", "5%", "10%"}
    assert {own["column"] for own in report["one_feature"].values()} == {"complaints_2015"}
    for picture in ("gains.png", "calibration.png", "precision_by_group.png"):
        assert (tmp_path / "out" / picture).read_bytes().startswith(b"\x89PNG")
    words = (tmp_path / "out" / "report.md").read_text("utf-8")
    assert "| Bezirk 0 |" in words
    assert "`uprn` is an identifier" in words


def test_a_groups_own_answers_never_reach_its_scores(tmp_path: Path):
    frame = world()
    fitted(frame, tmp_path)
    before = scores(tmp_path)
    own = frame["borough"] == "Bezirk 1"
    frame.loc[own, "found_2016"] = np.random.default_rng(3).integers(0, 2, int(own.sum()))
    fitted(frame, tmp_path)
    after = scores(tmp_path)
    np.testing.assert_array_equal(before["score"][own], after["score"][own])
    assert (before["score"][~own] != after["score"][~own]).any()


@pytest.mark.usefixtures("pictures")
def test_the_same_table_gives_the_same_bytes(tmp_path: Path):
    fitted(world(400), tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    fitted(world(400), tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert len(before) == 7


@pytest.mark.usefixtures("pictures")
def test_rows_without_an_answer_are_scored_and_neither_learnt_from_nor_judged(tmp_path: Path):
    frame = world()
    half = np.arange(900) % 2 == 0
    frame["found_2016"] = frame["found_2016"].astype(object)
    frame.loc[half, "found_2016"] = None
    frame.loc[frame["borough"] == "Bezirk 2", "found_2016"] = None
    frame.loc[[3, 5], "borough"] = None
    report = fitted(frame, tmp_path)
    made = scores(tmp_path)
    assert made["score"].notna().all()
    assert made["group"].isna().sum() == report["rows_without_group"] == 2
    assert report["groups"]["Bezirk 2"]["auc"] is None
    assert report["groups"]["Bezirk 2"]["labelled"] == 0
    assert report["labelled"] == frame["found_2016"].notna().sum()
    assert report["groups"]["Bezirk 0"]["labelled"] < report["groups"]["Bezirk 0"]["rows"]


@pytest.mark.parametrize("write", [str, {0: "no", 1: "Yes"}.get, {0: "false", 1: "TRUE"}.get, {0: 0.0, 1: 7.25}.get])
def test_an_answer_may_be_written_in_several_ways(tmp_path: Path, write: Any):
    frame, plain = world(400), plain_scores()
    frame["found_2016"] = [write(value) for value in frame["found_2016"]]
    fitted(frame, tmp_path)
    pd.testing.assert_frame_equal(scores(tmp_path), plain)


def test_parquet_and_packed_csv_are_read_as_csv_is(tmp_path: Path):
    frame, plain = world(400), plain_scores()
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv.gz", "t.parquet"):
        fit_table(tmp_path / name, "found_2016", "borough", tmp_path / "out")
        pd.testing.assert_frame_equal(scores(tmp_path), plain)


def test_leaks_are_refused_whatever_they_are_called(tmp_path: Path):
    rng = np.random.default_rng(5)
    frame = world()
    answer = frame["found_2016"] == 1
    frame["visits_2016"] = rng.integers(0, 3, 900)
    frame["imd2019"] = rng.integers(0, 3, 900)
    frame["budget_2015_16"] = rng.integers(0, 9, 900)
    frame["x"] = np.where(answer, -5.0, 3.0) + rng.normal(size=900)
    frame["outcome"] = np.where(answer, rng.choice(["served", "closed"], 900), rng.choice(["none found", "other"], 900))
    frame["officer"] = np.where(answer & (rng.random(900) < 0.4), "B Example", None)
    frame["fine"] = np.where(answer & (rng.random(900) < 0.3), 250.0, 0.0)
    frame["score_given"] = np.where(answer ^ (rng.random(900) < 0.04), rng.random(900), None)
    frame["closed_on"] = [f"2016-0{1 + n % 9}-11" if n % 50 == 0 else "2014-05-01" for n in range(900)]
    frame["year_seen"] = np.where(np.arange(900) % 100 == 0, 2017, 2011)
    report = fitted(frame, tmp_path)
    assert refused(report) == {
        "visits_2016": "period",
        "imd2019": "period",
        "budget_2015_16": "period",
        "x": "copy",
        "outcome": "copy",
        "officer": "missing",
        "fine": "copy",
        "score_given": "missing",
        "closed_on": "date",
        "year_seen": "date",
    }
    assert report["features"] == HONEST


def test_a_renamed_label_is_known_by_its_dated_copy_even_if_that_is_left_out_by_hand(tmp_path: Path):
    frame = world()
    frame["visits_2016"] = np.random.default_rng(5).integers(0, 3, 900)
    frame["answer"] = np.where(frame["found_2016"] == 1, "yes", "no")
    report = fitted(frame, tmp_path, "answer")
    assert refused(report) == {"found_2016": "period", "visits_2016": "period"}
    report = fitted(frame, tmp_path, "answer", exclude=["found_2016"])
    assert refused(report) == {"visits_2016": "period"}
    undated = frame.drop(columns="found_2016")
    report = fitted(undated, tmp_path, "answer")
    assert refused(report) == {}
    assert any("--known-by 2015" in doubt for doubt in report["doubts"])
    report = fitted(undated, tmp_path, "answer", known_by="2015")
    assert refused(report) == {"visits_2016": "period"}


def test_a_copy_in_one_borough_only_is_refused(tmp_path: Path):
    frame = world(1500)
    own = frame["borough"] == "Bezirk 0"
    frame["z"] = np.where(own, frame["found_2016"], np.random.default_rng(0).integers(0, 2, 1500))
    assert refused(fitted(frame, tmp_path)) == {"z": "copy"}


def test_each_rows_own_day_decides_over_dates_and_the_check_goes_forward(tmp_path: Path):
    frame = world(1200).rename(columns={"found_2016": "found"})
    frame["seen"] = np.where(np.arange(1200) % 3 == 0, "2015-06-30", "2014-06-30")
    frame["last_visit"] = np.where(np.arange(1200) % 3 == 0, "2015-05-01", "2014-05-01")
    report = fitted(frame, tmp_path, "found", known_by="seen")
    assert refused(report) == {}
    assert report["forward"]["judged_from"] == "2015-06-30"
    assert report["forward"]["rows"] == 400
    assert report["forward"]["learnt_from_rows"] == 800
    assert report["forward"]["auc"] > 0.7
    frame.loc[1, "last_visit"] = "2015-05-01"
    frame["seen_2016"] = 1 + np.arange(1200) % 2
    report = fitted(frame, tmp_path, "found", known_by="seen")
    assert refused(report) == {"last_visit": "date", "seen_2016": "period"}
    assert "seen" not in report["features"]
    frame["seen"] = frame["seen"].str[:4].astype(int)
    assert fitted(frame, tmp_path, "found", known_by="seen")["forward"]["judged_from"] == "2015-12-31"


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        ({}, {"label": "found_2061"}, "Near it are: 'found_2016'"),
        ({}, {"known_by": "someday"}, "no column 'someday'"),
        ({}, {"known_by": "storeys"}, "must hold a date"),
        ({}, {"exclude": ["storey"]}, "Near it are: 'storeys'"),
        ({"found_2016": 1}, {}, "are positive"),
        ({"found_2016": None}, {}, "is empty in every row"),
        ({"found_2016": "perhaps"}, {}, "in 300 rows, first in row 0"),
        ({"borough": "one"}, {}, "one group only"),
        ({}, {"label": "borough"}, "other than yes and no"),
        ({}, {"exclude": HONEST}, "is left to learn from"),
    ],
)
def test_mistakes_end_in_a_sentence(tmp_path: Path, change: dict, options: dict, sentence: str):
    with pytest.raises(LodaError, match=sentence):
        fitted(world(300).assign(**change), tmp_path, **options)


def test_a_table_of_leaks_alone_is_an_error_that_names_them(tmp_path: Path):
    frame = world(300)[["borough", "found_2016"]]
    frame["n_2016"] = np.arange(300) % 7
    with pytest.raises(LodaError, match=r"All columns were refused.*'n_2016'"):
        fitted(frame, tmp_path)


def test_too_few_positives_in_the_other_groups_is_said_by_group(tmp_path: Path):
    frame = world(600, groups=2)
    frame.loc[frame["borough"] == "Bezirk 1", "found_2016"] = 0
    with pytest.raises(LodaError, match=r"Without group 'Bezirk 0' only 0 positive rows"):
        fitted(frame, tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"a,b,c\n", "no rows below it"),
        (b"a,b,b\n1,2,3\n", "more than one column named 'b'"),
        (b"a,b\n1,2\n", "at least three"),
        (bytes(range(256)), "cannot be read as a table"),
        (b"\x1f\x8bnothing", "cannot be read as a table"),
    ],
)
def test_a_file_that_is_no_table_is_said(tmp_path: Path, content: bytes, sentence: str):
    (tmp_path / "f.csv.gz").write_bytes(content)
    with pytest.raises(LodaError, match=sentence):
        fit_table(tmp_path / "f.csv.gz", "a", "b", tmp_path / "out")


@pytest.mark.usefixtures("pictures")
def test_many_groups_are_left_out_in_whole_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    learnt: list[frozenset[str]] = []
    learn = fit.learn

    def seen(task: Any, design: Any, train: Any) -> Any:
        learnt.append(frozenset(task.groups[train]))
        return learn(task, design, train)

    monkeypatch.setattr(fit, "learn", seen)
    report = fitted(world(2500, groups=25), tmp_path)
    assert len(learnt) == fit.FOLDS
    assert len(report["groups"]) == 25
    assert all(sum(group not in own for own in learnt) == 1 for group in report["groups"])


@pytest.mark.usefixtures("pictures")
def test_rare_positives_constants_and_other_orders(tmp_path: Path):
    frame = world(3000, groups=6)
    frame["found_2016"] &= np.random.default_rng(0).random(3000) < 0.06
    frame["nothing"], frame["same"], frame["some"] = None, 4, np.where(np.arange(3000) % 2, 4, None)
    report = fitted(frame, tmp_path)
    assert report["positives"] < 60
    assert {c["column"] for c in report["left_out"]} == {"uprn", "nothing", "same"}
    fitted(frame[frame.columns[::-1]].rename(columns={"storeys": "höhe, m"}), tmp_path)
    assert np.isfinite(scores(tmp_path)["score"]).all()


def test_years_of_headings_and_series():
    assert years_in("viol_bbl_ser_2016") == [2016]
    assert years_in("claims_2015_16") == [2015, 2016]
    assert years_in("seen20160131") == years_in("y201605") == [2016]
    assert years_in("postcode 12016") == []
    from models.learning.preprocess import Column

    older = Column("n_2014", "number", np.array([4.0, np.nan, np.nan]))
    newer = Column("n_2015", "number", np.array([1.0, 2.0, np.nan]))
    total, recent = together([newer, older, Column("m_2015", "number", np.zeros(3))])
    assert total.name == "n_2014-2015, together"
    assert np.array_equal(total.values, [5, 2, np.nan], equal_nan=True)
    assert np.array_equal(recent.values, [3, 2, np.nan], equal_nan=True)


@pytest.mark.usefixtures("pictures")
def test_the_command_names_refusals_on_stderr_and_prints_the_report(tmp_path: Path):
    frame = world(400)
    frame["visits_2016"] = 1 + np.arange(400) % 3
    frame.to_csv(tmp_path / "t.csv", index=False)
    call = ["model", "fit-table", str(tmp_path / "t.csv"), "--label", "found_2016", "--group", "borough"]
    call += ["--out", str(tmp_path / "out"), "--exclude", "kind, built"]
    told = CliRunner().invoke(app, [*call, "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout) == json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert "'visits_2016' was refused: its heading carries 2016" in told.stderr
    assert {"kind", "built"}.isdisjoint(json.loads(told.stdout)["features"])
    table = CliRunner().invoke(app, call)
    assert table.exit_code == 0
    assert "Bezirk 0" in table.stdout
    assert "1 refused" in table.stdout
    assert "no answer" not in table.stdout
    frame["found_2016"] = frame["found_2016"].where(np.arange(400) > 9)
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert "10 rows have no answer: they are scored" in CliRunner().invoke(app, call).stdout
    wrong = CliRunner().invoke(app, [*call, "--label", "nothing"])
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith("loda: There is no column 'nothing'")
    gone = CliRunner().invoke(app, [*call[:2], "nowhere.csv", *call[3:]])
    assert gone.exit_code == 66
