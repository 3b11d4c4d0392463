"""A run of rows under the wrong headings is found where it begins; what only looks like one is not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.gate.fault_rows import FaultRows
from pipelines.gate.shift import Shift, find_shift
from schemas import registry
from tests.unit.gate_rows import table

LICENCES = registry.contract("hmo_licence")
NAMES = ["row_number", "address", "holder_name"]


def faults(rows: int, **bad: list[int]) -> FaultRows:
    """Rows 2 to `rows` + 1, of which some cannot be read in a field."""
    made = FaultRows()
    made.saw(np.arange(2, rows + 2))
    for field, numbers in bad.items():
        kind = "missing_required" if field == "address" else "invalid_number"
        made.add(
            pa.table(
                {
                    "row_number": pa.array(numbers, pa.int64()),
                    "field": [field] * len(numbers),
                    "column": [field] * len(numbers),
                    "issue_type": [kind] * len(numbers),
                    "quarantines": [kind == "missing_required"] * len(numbers),
                }
            )
        )
    return made


def no_texts(names: list[str]) -> list[pa.Table]:
    return [table("hmo_licence", [{}] * 3).select(names)]


def find(found: FaultRows) -> Shift | None:
    return find_shift(found, LICENCES, no_texts)


def test_two_columns_from_one_row_on():
    shift = find(faults(1000, max_persons=list(range(500, 1002)), storeys=list(range(501, 1002))))
    assert shift is not None
    assert (shift.first_row, shift.last_row, shift.to_the_end) == (500, 1001, True)
    assert shift.columns == ("max_persons", "storeys")
    assert (shift.inside, shift.outside) == (1.0, 0.0)


def test_cells_that_fit_by_chance_do_not_hide_it():
    chance = [n for n in range(500, 1002) if n % 8]
    shift = find(faults(1000, max_persons=chance, storeys=list(range(500, 1002))))
    assert shift is not None
    assert set(shift.columns) == {"max_persons", "storeys"}


def test_a_required_cell_that_is_missing_bears_witness_but_not_alone():
    both = find(faults(1000, max_persons=list(range(500, 1002)), address=list(range(500, 1002))))
    assert both is not None
    assert both.columns == ("max_persons", "address")
    assert find(faults(1000, address=list(range(500, 1002)))) is None


@pytest.mark.parametrize(
    "bad",
    [
        {"max_persons": list(range(2, 1002, 7)), "storeys": list(range(2, 1002, 5))},  # all over the file
        {"max_persons": list(range(2, 1002)), "storeys": list(range(2, 1002))},  # bad from the first row to the last
        {"max_persons": list(range(990, 1002)), "storeys": list(range(990, 1002))},  # a dozen rows
        {},
    ],
)
def test_no_run(bad: dict[str, list[int]]):
    assert find(faults(1000, **bad)) is None


def test_two_columns_that_go_bad_at_different_rows_are_not_one_shift():
    shift = find(faults(1000, max_persons=list(range(300, 1002)), storeys=list(range(700, 1002))))
    assert shift is not None
    assert shift.columns == ("max_persons",)


def test_text_of_another_kind_bears_witness():
    def texts(names: list[str]) -> list[pa.Table]:
        rows = [
            {"row_number": n, "address": f"{n} A Road" if n < 500 else "OX4 1AB", "holder_name": "A Person"}
            for n in range(2, 1002)
        ]
        return [table("hmo_licence", rows).select(names)]

    shift = find_shift(faults(1000, max_persons=list(range(500, 1002))), LICENCES, texts)
    assert shift is not None
    assert shift.columns == ("max_persons", "address")


def test_blank_text_bears_no_witness():
    def texts(names: list[str]) -> list[pa.Table]:
        rows = [{"row_number": n, "holder_name": "A Person" if n < 500 else None} for n in range(2, 1002)]
        return [table("hmo_licence", rows).select(names)]

    shift = find_shift(faults(1000, max_persons=list(range(500, 1002))), LICENCES, texts)
    assert shift is not None
    assert shift.columns == ("max_persons",)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(100, 3000),
    start=st.floats(0.1, 0.9),
    noise=st.floats(0, 0.1),
    misses=st.floats(0, 0.1),
    seed=st.integers(0, 99),
)
def test_the_row_is_named_whatever_the_noise(rows: int, start: float, noise: float, misses: float, seed: int):
    rng = np.random.default_rng(seed)
    numbers = np.arange(2, rows + 2)
    begins = 2 + int(rows * start)

    def column() -> list[int]:
        bad = np.where(numbers >= begins, rng.random(rows) >= misses, rng.random(rows) < noise)
        bad[numbers == begins] = True
        return [int(n) for n in numbers[bad]]

    shift = find(faults(rows, max_persons=column(), storeys=column()))
    if rows - (begins - 2) >= 40 and begins - 2 >= 40:
        assert shift is not None
        assert abs(shift.first_row - begins) <= 12
