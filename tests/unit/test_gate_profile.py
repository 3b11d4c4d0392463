"""A drop in figures: right, the same in any batches, and without a word about a person."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
import yaml

from pipelines.gate.fault_rows import FaultRows
from pipelines.gate.limits import FILE, RUNS_UNTIL, WHOLE_STOCK, Limits, limits
from pipelines.gate.profile import NEWEST, Profile, Profiler
from pipelines.gate.quality import OVERALL, UPRN_IN_GAZETTEER, filled, measures
from schemas import registry
from tests.unit.gate_rows import EXTRACT, table

LICENCES = registry.contract("hmo_licence")


def profile(rows: pa.Table, batches: int = 1, **known: np.ndarray) -> Profile:
    profiler = Profiler(LICENCES, EXTRACT, **known)
    size = -(-rows.num_rows // batches)
    for start in range(0, rows.num_rows, size):
        profiler.add(rows.slice(start, size))
    return profiler.done(rows.num_rows)


def register() -> pa.Table:
    return table(
        "hmo_licence",
        [
            {
                "licence_ref": f"L{n}",
                "licence_type": "mandatory" if n % 4 else "additional",
                "uprn": None if n % 5 == 0 else str(1000 + n),
                "postcode": None if n % 10 == 9 else f"{'NW1' if n < 75 else 'SW1A'} {n % 9 + 1}AB",
                "holder_name": f"Person {n}",
                "expiry_date": EXTRACT + timedelta(days=n - 20),
                "commencement_date": EXTRACT - timedelta(days=99 - n),
            }
            for n in range(100)
        ],
    )


def test_figures():
    found = profile(register(), gazetteer=np.arange(1000, 1041), last=np.array([], np.int64))
    assert found.rows == 100
    assert (found.blanks["uprn"], found.blanks["address"], found.blanks["storeys"]) == (0.2, 0.0, 1.0)
    assert found.codes["licence_type"] == {"mandatory": 0.75, "additional": 0.25}
    assert "licence_status" not in found.codes, "a field that is blank throughout has no mix"
    expiry = found.dates["expiry_date"]
    assert (expiry.at(0.0), expiry.at(1.0)) == (EXTRACT - timedelta(days=20), EXTRACT + timedelta(days=79))
    assert expiry.at(0.5) == EXTRACT + timedelta(days=29)
    assert expiry.future == 0.79, "the day of the extract itself is not the future"
    assert found.dates["commencement_date"].at(NEWEST) == EXTRACT
    assert found.ended == 0.2, "a licence that ends today has not ended"
    assert (found.uprn_rows, found.uprns_in_gazetteer, found.uprns_in_last) == (80, 0.4, 0.0)
    assert found.postcode_rows == 90
    assert found.districts == pytest.approx({"NW1": 68 / 90, "SW1A": 22 / 90}, abs=1e-4)


def test_rows_with_a_strange_uprn_are_named():
    profiler = Profiler(LICENCES, EXTRACT, np.array([1001, 1002]))
    strange = profiler.add(register().slice(0, 5))
    assert strange.tolist() == [False, False, False, True, True], "a blank UPRN is not a strange one"


@pytest.mark.parametrize("batches", [2, 7, 100])
def test_the_same_in_any_batches(batches: int):
    known = {"gazetteer": np.arange(1000, 1041), "last": np.arange(1030, 1050)}
    assert profile(register(), batches, **known) == profile(register(), 1, **known)


def test_survives_the_ledger():
    found = profile(register())
    assert Profile.model_validate(found.model_dump(mode="json")) == found
    assert Profile.model_validate({"rows": 3, "extract_date": "2026-01-01", "of_a_later_version": 1}).rows == 3


def test_no_value_that_is_no_code_date_or_district_is_written_down():
    rows = table(
        "hmo_licence",
        [{"licence_type": "Ms Canary", "postcode": "CANARY", "holder_name": "Ms Canary", "address": "Canary Row"}] * 3,
    )
    found = profile(rows)
    assert "canary" not in found.model_dump_json().lower()
    assert (found.postcode_rows, found.districts, found.codes) == (0, {}, {})


def test_days_before_1900_and_no_rows_at_all():
    found = profile(table("hmo_licence", [{"expiry_date": date(1066, 10, 14)}]))
    assert found.dates["expiry_date"].at(0.0) == date(1900, 1, 1)
    empty = Profiler(LICENCES, EXTRACT, np.array([1]), np.array([1])).done(0)
    assert (empty.rows, empty.uprns_in_gazetteer, empty.ended) == (0, None, 0.0)


# --- limits ---


def test_every_limit_has_its_reason_and_is_in_use():
    content = yaml.safe_load(FILE.read_text())
    assert set(content) == set(Limits.model_fields)
    assert all(item["why"].endswith(".") for item in content.values())
    code = "".join(path.read_text() for path in FILE.parent.glob("*.py") if path.name != "limits.py")
    assert [name for name in content if name not in code] == []
    assert limits().code_mix_note < limits().code_mix_hold


def test_datasets_and_fields_of_the_limits_exist():
    assert set(registry.contracts()) >= WHOLE_STOCK
    for dataset, field in RUNS_UNTIL.items():
        assert registry.contract(dataset).by_name[field].type == "date"


# --- faults by row, and the scorecard ---


def issues(*found: tuple[int, str, str]) -> pa.Table:
    columns = list(zip(*found, strict=True))
    return pa.table(
        {
            "row_number": pa.array(columns[0], pa.int64()),
            "field": columns[1],
            "column": [name.title() for name in columns[1]],
            "issue_type": columns[2],
            "quarantines": [kind in {"missing_required", "duplicate_row"} for kind in columns[2]],
        }
    )


def test_a_row_counts_once_however_many_faults_it_has():
    faults = FaultRows()
    faults.add(issues((2, "expiry_date", "invalid_date"), (2, "commencement_date", "invalid_date")))
    faults.add(issues((9000, "uprn", "invalid_uprn"), (2, "uprn", "invalid_uprn"), (3, "", "duplicate_row")))
    assert faults.rows_with(["invalid_date"]) == 1
    assert faults.rows_with(["invalid_date", "invalid_uprn"]) == 2
    assert faults.rows_with(["invalid_date", "invalid_uprn", "duplicate_row", "never_met"]) == 3
    assert faults.rows_with([]) == 0
    assert faults.unreadable("uprn").tolist() == [2, 9000]
    assert faults.columns["expiry_date"] == "Expiry_Date"
    assert (faults.first, faults.last) == (3, 3), "of the issues only quarantined rows are surely rows of the file"
    faults.saw(np.array([2, 9000]))
    assert (faults.first, faults.last) == (2, 9000)


def test_a_cell_that_is_only_missing_is_not_of_a_wrong_kind():
    faults = FaultRows()
    faults.add(issues((2, "address", "missing_required"), (2, "uprn", "invalid_uprn"), (3, "uprn", "missing_required")))
    assert faults.is_missing_only("address")
    assert not faults.is_missing_only("uprn")


def test_scorecard():
    faults = FaultRows()
    faults.saw(np.arange(2, 102))
    faults.add(
        issues(
            (2, "expiry_date", "invalid_date"),
            (2, "uprn", "invalid_uprn"),
            (3, "expiry_date", "invalid_date"),
            (102, "", "duplicate_row"),
            (103, "address", "missing_required"),
            (5, "uprn", "uprn_repaired"),
        )
    )
    found = profile(register(), gazetteer=np.arange(1000, 1041))
    before, received = EXTRACT - timedelta(days=28), EXTRACT + timedelta(days=2)
    made = measures(LICENCES, 102, faults, found, judged=100, before=before, received=received)
    card = {(m.dimension, m.measure): (m.good, m.of) for m in made}
    assert len(card) == len(made), "a measure has one figure"
    assert card["validity", "invalid_date"] == (100, 102)
    assert card["validity", "invalid_uprn"] == (101, 102)
    assert card["validity", OVERALL] == (100, 102), "two faults of one row are one bad row"
    assert card["uniqueness", OVERALL] == card["uniqueness", "duplicate_row"] == (101, 102)
    assert card["completeness", "missing_required"] == (101, 102)
    assert card["completeness", filled("uprn")] == (80, 100)
    assert ("completeness", filled("storeys")) not in card, "a field that is not sent is not missing"
    good, of = card["completeness", OVERALL]
    assert 0 < good < of
    assert card["consistency", UPRN_IN_GAZETTEER] == (32, 80)
    assert card["consistency", "end_before_start"] == (102, 102), "a rule that holds is listed too"
    assert card["timeliness", "fresh_on_arrival"] == (7, 7)
    assert card["timeliness", "arrived_when_due"] == (8, 28), "weekly, and four weeks went by"
    assert card["timeliness", OVERALL] == (15, 35)
    assert all(0 <= m.good <= m.of for m in made)
    known = {kind.dimension for kind in registry.issue_types().values()}
    assert {m.dimension for m in made} == known
    assert not any(m.measure == "uprn_repaired" for m in made), "what was mended is no fault"
