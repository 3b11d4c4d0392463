"""`loda model fit-table`: near-copies of the label, columns that are so good that somebody must look, short years."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.table.design import Task, read_task
from models.table.years import years_in, years_of
from tests.unit.test_fit_table import world

ROWS = 3000


def task(folder: Path, frame: pd.DataFrame, label: str = "found_2016") -> Task:
    frame.to_parquet(folder / "t.parquet")
    return read_task(folder / "t.parquet", label, "borough", None, ())


def changed(answer: np.ndarray, share: float) -> np.ndarray:
    return np.where(np.random.default_rng(2).random(len(answer)) < share, 1 - answer, answer)


@pytest.mark.parametrize("share", [0.01, 0.03, 0.05])
@pytest.mark.parametrize("other_way", [False, True])
def test_a_copy_with_some_answers_changed_is_refused(tmp_path: Path, share: float, other_way: bool):
    frame = world(ROWS)
    copy = changed(frame["found_2016"].to_numpy(), share)
    made = task(tmp_path, frame.assign(z=1 - copy if other_way else copy))
    assert [(r.column, r.rule) for r in made.refused] == [("z", "copy")]
    made = task(tmp_path, frame.assign(z=np.where(copy == 1, "served", "closed")))
    assert [(r.column, r.rule) for r in made.refused] == [("z", "copy")]


def test_a_copy_with_noise_is_refused_and_a_column_that_is_very_good_is_used_and_named(tmp_path: Path):
    frame = world(ROWS)
    noise = np.random.default_rng(4).normal(size=ROWS)
    made = task(tmp_path, frame.assign(z=frame["found_2016"] + 0.3 * noise, good=frame["found_2016"] + 0.4 * noise))
    assert [r.column for r in made.refused] == ["z"]
    assert "good" in [column.name for column in made.columns]
    assert [doubt for doubt in made.doubts if "'good' alone ranks" in doubt and "--exclude" in doubt]
    assert not [doubt for doubt in made.doubts if "complaints" in doubt]


def test_a_very_good_column_of_an_earlier_year_does_not_make_the_label_of_that_year(tmp_path: Path):
    frame = world(ROWS).rename(columns={"found_2016": "found"})
    near = changed(frame["found"].to_numpy(), 0.05)
    made = task(tmp_path, frame.assign(near_2014=near), "found")
    assert [r.column for r in made.refused] == ["near_2014"]
    assert made.period is None


@pytest.mark.parametrize(
    ("label", "own", "earlier"),
    [
        ("viol_16", ["comp_16", "comp_17"], ["comp_14", "comp_15", "aged_65", "floors_3", "code_99"]),
        ("viol_16", ["comp_16"], ["comp_14", "comp_15"]),
        ("v16", ["c16"], ["c14", "c15"]),
        ("viol_fy16", ["comp_fy16", "FY16/17 tax"], ["comp_fy15", "FY14/15 tax"]),
        ("viol_2016", ["comp_16", "Jan-16", "jan 2016"], ["comp_15", "comp_14", "Dec-15", "aged_16_24", "dec10x"]),
    ],
)
def test_years_of_two_digits_are_years_where_headings_run_by_them(
    tmp_path: Path, label: str, own: list[str], earlier: list[str]
):
    frame = world(ROWS)[["borough", "storeys", "found_2016"]].rename(columns={"found_2016": label})
    rng = np.random.default_rng(1)
    made = task(tmp_path, frame.assign(**{name: rng.integers(0, 5, ROWS) for name in [*own, *earlier]}), label)
    assert {r.column: r.rule for r in made.refused} == dict.fromkeys(own, "period")


def test_two_digits_are_no_years_where_nothing_says_so():
    assert years_of(["q_01", "q_02", "q_16", "age_18", "age_65", "found_2016"])["q_16"] == []
    assert years_of(["zone_r6", "size_16", "found_2016"])["size_16"] == []
    assert years_in("decile_10") == years_in("mark 15") == []
    assert years_in("fy2016") == years_in("Sept_16") == [2016]
