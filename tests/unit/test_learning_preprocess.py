"""What a column is, how categories become numbers without their own answers, and what carries over."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from models.learning import carry
from models.learning.preprocess import Column, Encoder, LeftOut, group_ranks, read_column


def column(name: str, values: list, kind: pa.DataType | None = None) -> Column | LeftOut:
    return read_column(name, pa.chunked_array([pa.array(values, kind)]))


def test_columns_become_numbers_and_missing_stays_missing():
    told = column("n", [1, None, 2.5, float("inf")])
    assert isinstance(told, Column)
    assert np.array_equal(told.values, [1, np.nan, 2.5, np.nan], equal_nan=True)
    day = column("d", [1, None, 19_000], pa.date32())
    assert isinstance(day, Column)
    assert day.kind == "date"
    assert np.array_equal(day.values, [1, np.nan, 19_000], equal_nan=True)
    text = column("t", ["b", None, "a", "b"])
    assert isinstance(text, Column)
    assert text.levels == ("a", "b")
    assert np.array_equal(text.values, [1, np.nan, 0, 1], equal_nan=True)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("uprn", [10_000_000 + 7 * n for n in range(80)], "identifier"),
        ("anything", list(range(500, 600)), "identifier"),
        ("note", [f"a word and {n}" for n in range(80)], "free text"),
        ("same", [3.0] * 60, "same value"),
        ("none", [None] * 60, "no values"),
        ("nested", [[1]] * 60, "neither"),
    ],
)
def test_what_no_model_can_learn_from_is_left_out(name: str, values: list, reason: str):
    told = column(name, values)
    assert isinstance(told, LeftOut)
    assert reason in told.reason


@pytest.mark.parametrize("name", ["rent", "floor area"])
def test_measures_are_no_identifiers_though_they_differ(name: str):
    values = np.random.default_rng(0).choice(2_000_000, size=300, replace=False).tolist()
    assert isinstance(column(name, values), Column)


def test_categories_are_learnt_from_training_rows_and_never_from_their_own_answer():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 400, size=2000).astype(float)
    many = Column("ward", "category", codes, tuple(f"w{n:03d}" for n in range(400)))
    noise = rng.random(2000) < 0.3  # answers that wards say nothing of
    fitted = Encoder()
    own = fitted.fit_transform([many], noise)[:, 0]
    # With their own answer among them, rare levels would tell: about 0.4 here.
    assert abs(np.corrcoef(own, noise)[0, 1]) < 0.1
    unseen = Column("ward", "category", np.array([np.nan]), many.levels)
    assert fitted.transform([unseen])[0, 0] == pytest.approx(noise.mean(), abs=0.02)


def test_a_place_within_the_group_knows_no_other_group():
    values = np.array([[1.0], [2.0], [np.nan], [30.0], [10.0], [10.0]])
    groups = np.array(["a", "a", "a", "b", "b", "b"], dtype=object)
    told = group_ranks(values, groups)[:, 0]
    assert np.array_equal(told, [0.25, 0.75, np.nan, 2.5 / 3, 1 / 3, 1 / 3], equal_nan=True)


def test_what_tells_groups_apart_is_found_without_answers():
    groups = np.repeat(["a", "b", "c"], 100).astype(object)
    rng = np.random.default_rng(0)
    district = np.repeat([100.0, 200.0, 300.0], 100) + rng.integers(1, 9, 300)
    names = np.repeat([0.0, 10.0, 20.0], 100) + rng.integers(0, 10, 300)
    shared = rng.integers(0, 30, 300).astype(float)
    levels = tuple(f"w{n:02d}" for n in range(30))
    assert carry.tells_groups_apart(Column("district", "number", district), groups)
    assert carry.tells_groups_apart(Column("ward", "category", names, levels), groups)
    assert not carry.tells_groups_apart(Column("kind", "category", shared, levels), groups)
    assert not carry.tells_groups_apart(Column("storeys", "number", shared), groups)
    rent = np.repeat([1.0, 2.0, 3.0], 100) * rng.gamma(9, 50, 300)
    assert carry.differs_by_group(np.column_stack([rent, shared]), groups).tolist() == [True, False]
