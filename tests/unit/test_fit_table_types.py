"""`loda model fit-table`: what columns of odd types and texts are read as, and which of them are refused."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.table.answers import read_groups, read_known_by, read_label
from models.table.design import Task, read_task
from models.table.reading import read_table
from models.table.texts import read_text
from pipelines.core.errors import LodaError

ROWS = 400
LEFT = np.random.default_rng(3)
COUNTS = LEFT.poisson(1.0, ROWS)
FOUND = (COUNTS + LEFT.normal(size=ROWS) > 1.5).astype(int)
GROUPS = ["east" if n % 2 else "west" for n in range(ROWS)]


def task(folder: Path, **columns: Any) -> Task:
    """Of a Parquet file with a count, an answer of 2016, a group, and the columns given."""
    base = {"count": pa.array(COUNTS), "found_2016": pa.array(FOUND), "area": pa.array(GROUPS)}
    pq.write_table(pa.table({**base, **columns}), folder / "t.parquet")
    return read_task(folder / "t.parquet", "found_2016", "area", None, ())


def kinds(made: Task) -> dict[str, str]:
    return {column.name: column.kind for column in made.columns if column.name != "count"}


def read(*values: str | None, strict: bool = False) -> list[Any] | None:
    made = read_text(pa.chunked_array([pa.array(values, pa.string())]), strict)
    return None if made.kind == "text" else made.values.to_pylist()


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["£1,200", "£5", "950", "$ 1.50", "-£3", "7 €"], [1200, 5, 950, 1.5, -3, 7]),
        (["5%", "7.5 %", "0"], [5, 7.5, 0]),
        (["1,5", "2,25", "1.234,5"], [1.5, 2.25, 1234.5]),
        (["1,234", "5,678", "9"], [1234, 5678, 9]),
        (["inf", "-Infinity", "1e3", ".5", "5."], [np.inf, -np.inf, 1000, 0.5, 5]),
        (["1", "unknown", None, "-2"], [1, None, None, -2]),
    ],
)
def test_numbers_as_people_write_them_are_numbers(values: list[str | None], numbers: list[float | None]):
    assert read(*values) == numbers


@pytest.mark.parametrize(
    "values",
    [["01", "2"], ["1" * 25, "2" * 25], ["5%", "0.05"], ["1,2,3", "1"], [".", "1"], ["1/2", "3/4"], ["²", "3"]],
)
def test_what_only_looks_like_numbers_stays_text(values: list[str]):
    assert read(*values) is None


@pytest.mark.parametrize(
    "values",
    [
        ["2016-05-23", "2016-1-2"],
        ["2016/05/23", "2016/01/02"],
        ["23/05/2016", "2/1/2016"],
        ["05/23/2016", "01/02/2016"],
        ["05/23/2016 12:00:00 AM", "01/02/2016 12:00:00 AM"],
        ["23.05.2016", "02.01.2016"],
        ["23/05/16", "02/01/16"],
        ["23-May-2016", "2 January 2016"],
        ["23-May-16", "02-Jan-16"],
        ["May 23, 2016", "January 2 2016"],
        ["2016-05-23T00:00:00.000Z", "2016-01-02 00:00:00+01:00"],
    ],
)
def test_dates_of_many_forms_are_dates(values: list[str]):
    made = read(*values)
    assert made is not None
    assert [day.strftime("%F") for day in made] == ["2016-05-23", "2016-01-02"]


def test_months_are_dates_and_business_years_are_not():
    assert read("2016-05", "2015-12") == [date(2016, 5, 1), date(2015, 12, 1)]
    assert read("Jan-16", "Feb-17") == [date(2016, 1, 1), date(2017, 2, 1)]
    assert read("2010-11", "2012-13") is None
    assert read("31/02/2015", "30/02/2015") is None
    assert read("23/05/2016 1:30 PM") == [datetime(2016, 5, 23, 13, 30)]


def test_a_few_words_among_numbers_and_any_beside_dates_are_emptied_and_said(tmp_path: Path):
    lines = ["area,found,paid,seen"]
    lines += [f"{GROUPS[n]},{FOUND[n]},{n % 90 or 'tbc'},{'open' if n % 3 else '2014-02-03'}" for n in range(ROWS)]
    lines += [f"east,0,3,2015-0{n % 9 + 1}-01" for n in range(ROWS)]
    (tmp_path / "t.csv").write_text("\n".join(lines), "utf-8")
    made = read_table(tmp_path / "t.csv")
    assert made.told == (
        "'paid' holds numbers, and in 5 rows something else, which was emptied",
        "'seen' holds dates, and in 266 rows something else, which was emptied",
    )
    assert read("1", "2", "tbc") is None
    assert read(*["1"] * 99, "tbc") is not None
    assert read(*["1"] * 99, "tbc", strict=True) is None


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p", "%d-%b-%y", "%Y/%m/%d", "%Y%m%d"])
def test_days_of_the_answers_own_year_are_refused_however_they_are_written(tmp_path: Path, form: str):
    late = [date(2016, 1 + n % 12, 13 + n % 15).strftime(form) if n % 3 else "" for n in range(ROWS)]
    early = [date(2014, 1 + n % 12, 13 + n % 15).strftime(form) if n % 3 else "" for n in range(ROWS)]
    made = task(tmp_path, late=pa.array(late), early=pa.array(early))
    assert [(r.column, r.rule) for r in made.refused] == [("late", "date")]
    assert kinds(made) == {"early": "date"}


def test_days_and_months_as_whole_numbers_are_dates(tmp_path: Path):
    late = pa.array([20160101 + 100 * (n % 12) + n % 28 for n in range(ROWS)])
    months = pa.array([201501 + n % 12 for n in range(ROWS)])
    price = pa.array([200000 + 7 * (n % 99) for n in range(ROWS)])
    made = task(tmp_path, late=late, months=months, price=price)
    assert [(r.column, r.rule) for r in made.refused] == [("late", "date")]
    assert kinds(made) == {"months": "date", "price": "number"}


def test_every_type_of_parquet_is_read_or_left_out_with_a_reason(tmp_path: Path):
    some = [int(n) for n in np.random.default_rng(1).integers(0, 9, ROWS)]
    made = task(
        tmp_path,
        nano=pa.array([n * 1_000_000_001 for n in some], pa.timestamp("ns")),
        zoned=pa.array([n * 10**12 for n in some], pa.timestamp("us", "America/New_York")),
        far=pa.array([date(9999, 12, 31) if n else date(2010, 1, 1 + i % 9) for i, n in enumerate(some)]),
        money=pa.array([Decimal(n) for n in some], pa.decimal128(12, 2)),
        view=pa.array([f"kind {n}" for n in some], pa.string_view()),
        raw=pa.array([f"kind {n}".encode() for n in some]),
        large=pa.array([2**60 + n for n in some]),
        largest=pa.array([2**63 + n for n in some], pa.uint64()),
        infinite=pa.array([np.inf if n == 3 else float(n) for n in some]),
        perhaps=pa.array([[True, False, None][n % 3] for n in some]),
        listed=pa.array([[n] for n in some]),
        parts=pa.array([{"a": n} for n in some]),
        bytes=pa.array([b"\xff%d" % n for n in some]),
        nothing=pa.nulls(ROWS),
    )
    assert kinds(made) == {
        "nano": "date",
        "zoned": "date",
        "far": "date",
        "money": "number",
        "view": "category",
        "raw": "category",
        "infinite": "number",
        "perhaps": "boolean",
    }
    reasons = {out.column: out.reason for out in made.left_out}
    assert reasons["large"] == reasons["largest"] == "is an identifier: whole numbers of sixteen digits and more"
    assert reasons["listed"].startswith("holds list")
    assert set(reasons) == {"large", "largest", "listed", "parts", "bytes", "nothing"}


def names(values: pa.Array) -> list[str]:
    table = pa.table({"found": FOUND[: len(values)], "area": values})
    return read_groups(table, "area", read_label(table, "found")).tolist()


def test_names_of_groups_stay_as_they_are_written(tmp_path: Path):
    for written in (["Y", "N"], ["01/02/2016", "05/02/2016"], ["1e3", "2e3"], ["007", "7"], ["1,200", "3"]):
        lines = ["count;found;area"] + [f"{COUNTS[n]};{FOUND[n]};{written[n % 2]}" for n in range(40)]
        (tmp_path / "t.csv").write_text("\n".join(lines), "utf-8")
        table = read_table(tmp_path / "t.csv", "area").columns
        assert read_groups(table, "area", read_label(table, "found")).tolist() == written * 20
    assert names(pa.array(["1.0", "2.0", None, "2.0"] * 9))[:4] == ["1", "2", "", "2"]
    assert names(pa.array([1.0, 2.0, np.nan, 2.5] * 9))[:4] == ["1", "2", "", "2.5"]
    assert names(pa.array([1.0, np.nan] * 9 + [2.0]))[:2] == ["1", ""]
    assert names(pa.array([np.inf, 1e300] * 9))[0] == "inf"


@pytest.mark.parametrize(
    "values", [pa.array([[1], [2]] * 9), pa.array([{"a": 1}] * 18), pa.array([b"\xff", b"\xfe"] * 9)]
)
def test_groups_that_are_no_names_are_said(values: list[Any]):
    with pytest.raises(LodaError, match=r"The group 'area' holds .* give a column of text"):
        names(pa.array(values))


def test_the_day_of_knowledge_may_be_whole_numbers():
    known = read_known_by(pa.table({"seen": [20150102, 20141231]}), "seen")
    assert known is not None
    assert known.latest == date(2015, 1, 2)


def test_an_answer_of_any_size_is_positive_above_nought():
    assert read_label(pa.table({"n": [0, 2**60 + 1]}), "n").positive.tolist() == [False, True]
