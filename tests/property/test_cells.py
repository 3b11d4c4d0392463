"""Whatever a cell holds: nothing raises, what is kept keeps to its contract, and what is blanked or changed is told."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.extracts import Chunk
from pipelines.harmonise.cast import cast
from pipelines.harmonise.places import POSTCODE, STRICT, _only_reading, read_postcodes, read_uprns
from pipelines.harmonise.rows import harmonise_chunk
from pipelines.harmonise.text import tidied, without_contacts
from schemas import registry
from schemas.mapping import Mapping
from tests.examples import examples

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NEAR = st.sampled_from(
    ["1.00023E+11", "31/04/2024", "01/02/03", "5+", "4 persons", "£1,234", "Class C", "EXC", "Band D", "0X4 1AB",
     "se154ql", "'100023336956", '="007"', "=1+1", "a@b.co", "07700 900123", "n/a", "None", "e\u0301", "\u202eabc",
     "\ufffd", "  ", "-0", "1e5", "9" * 400, "٣", "2024-01-01 00:00:00", "-", "a\nb", "00000"]
)  # fmt: skip
CELLS = st.lists(st.one_of(TEXTS, NEAR), min_size=1, max_size=8)
FORMATS = ("%d/%m/%Y", "%m/%d/%y", "excel", "%Y-%m-%dT%H:%M:%S%z", "%d %b %Y")
ALL = registry.contracts()


def column(cells: list[str]) -> pa.Array:
    return pa.array(cells, pa.string())


@settings(max_examples=examples(30, 300), deadline=None)
@given(cells=CELLS, dataset=st.sampled_from(sorted(ALL)))
def test_no_cell_raises_and_what_is_kept_keeps_to_the_contract(cells, dataset):
    contract = ALL[dataset]
    text = pa.array([cell or None for cell in tidied(column(cells)).values.to_pylist()], pa.string())
    for field in contract.fields:
        made = cast(text, field, FORMATS)
        assert len(made.values) == len(cells)
        assert all(len(which) == len(cells) for which in made.faults.values())
        assert set(made.faults) <= set(registry.issue_types())
        for value in made.values.drop_null().to_pylist():
            assert field.pattern is None or re.search(field.pattern, value), (field.name, value)
            assert field.max_length is None or len(value) <= field.max_length
        lost = made.values.is_null().to_numpy(zero_copy_only=False) & text.is_valid().to_numpy(zero_copy_only=False)
        told = np.logical_or.reduce([np.zeros(len(cells), bool), *made.faults.values()])
        assert not (lost & ~told).any(), f"a cell of {field.name} was blanked in silence"


@settings(max_examples=examples(40, 300), deadline=None)
@given(cells=CELLS)
@example(cells=["\x85", "a\x85", "\x85b", "a \x85\n b"])
def test_a_text_that_changes_is_told_and_tidying_twice_changes_nothing(cells):
    once = tidied(column(cells))
    told = np.logical_or.reduce([np.zeros(len(cells), bool), *once.faults.values()])
    for cell, made, was_told in zip(cells, once.values.to_pylist(), told, strict=True):
        assert made == cell or was_told or made == "", (cell, made)
    again = tidied(pa.array([value or "" for value in once.values.to_pylist()], pa.string()))
    assert not again.faults
    bare = without_contacts(once.values)
    assert len(bare.values) == len(cells)


@settings(max_examples=examples(50, 300), deadline=None)
@given(
    day=st.dates(date(1970, 1, 1), date(2068, 12, 31)),
    form=st.sampled_from(["%d/%m/%Y", "%Y%m%d", "%d-%b-%Y", "%d %B %y"]),
)
def test_a_date_comes_back_as_it_was_written(day, form):
    target = ALL["gazetteer"].by_name["known_since"]
    made = cast(pa.array([day.strftime(form)]), target, (form,))
    assert made.values[0].as_py() == day
    assert set(made.faults) <= {"two_digit_year"}


@settings(max_examples=examples(50, 300), deadline=None)
@given(
    number=st.integers(1, 10**12 - 1), damage=st.sampled_from(["{}", "000{}", "{}.0", "'{}", '="{}"', "{} ", "{:,}"])
)
def test_a_uprn_survives_what_spreadsheets_do_to_it(number, damage):
    text = pa.array([damage.format(number).strip() if damage != "{} " else str(number)], pa.string())
    assert read_uprns(text).values[0].as_py() == str(number)


POSTCODES = st.from_regex(STRICT, fullmatch=True).filter(
    lambda word: _only_reading(word) == word and re.search(POSTCODE, word)
)


@settings(max_examples=examples(50, 300), deadline=None)
@given(postcode=POSTCODES, spaced=st.booleans(), low=st.booleans())
def test_a_postcode_comes_back_however_it_is_typed(postcode, spaced, low):
    typed = postcode if spaced else postcode.replace(" ", "")
    made = read_postcodes(pa.array([typed.lower() if low else typed]))
    # Where a letter was a digit, the one reading that is a postcode may be another than a made-up one.
    assert made.values[0].as_py() == postcode


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(*[st.one_of(TEXTS, NEAR)] * 4), min_size=1, max_size=6))
def test_rows_are_conserved_and_each_row_that_is_not_kept_says_why(rows):
    mapping = Mapping.model_validate(
        {
            "borough": "camden", "dataset": "council_tax", "name": "x", "dates": FORMATS, "blanks": ["", "n/a"],
            "fields": {"account_ref": "A", "address": {"columns": ["B", "C"]}, "liability_start": "D", "band": "C",
                       "uprn": "B"},
            "patches": {"address": {"a": "b"}},
            "implied": {"band": {"column": "A"}},
        }
    )  # fmt: skip
    table = pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate("ABCD")})
    made = harmonise_chunk(Chunk(table, np.arange(2, 2 + len(rows))), mapping, ALL["council_tax"], date(2026, 9, 30))
    issues = made.issues.to_pandas()
    quarantined = set(issues.loc[issues["quarantines"], "row_number"])
    assert made.table.num_rows == len(rows)
    assert set(made.row_numbers[~made.kept].tolist()) == quarantined
    assert set(issues["issue_type"]) <= set(registry.issue_types())
