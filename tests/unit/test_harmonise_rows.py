"""Whole extracts through a mapping: what rows become, what is told about columns, and how issues are kept."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.core.bucket import Folder
from pipelines.core.hashing import hash_rows
from pipelines.core.ledger.models import Drop
from pipelines.extracts import Extract, IntakeFiles, headings
from pipelines.extracts.issues import (
    ROWS_NAMED,
    count_issues,
    issue_rows,
    issue_writer,
    issues_of_rows,
    quarantined_rows,
)
from pipelines.harmonise import harmonise_extract
from pipelines.harmonise.records import SeenRecords, hash_columns, record_ids
from schemas import registry
from schemas.mapping import Mapping

LICENCES = {
    "borough": "camden",
    "dataset": "hmo_licence",
    "name": "hmo_licence",
    "dates": ["%d/%m/%Y"],
    "blanks": ["", "n/a"],
    "fields": {"licence_ref": "Ref", "address": "Address", "commencement_date": "From"},
}


class Harmonised:
    """One file of text through a mapping."""

    def __init__(self, folder: Path, text: str, name: str = "register.csv", **more) -> None:
        content = LICENCES | more
        mapping = Mapping.model_validate(content)
        contract = registry.contract(content["dataset"])
        assert mapping.faults(contract) == []
        (folder / name).write_text(text)
        extract = Extract(Folder(str(folder)), name, ".csv")
        with extract.open() as handle:
            names = headings(handle, mapping.shape)
        drop = Drop(id="d", borough="camden", dataset=content["dataset"], extract_date=date(2026, 9, 30), path=name)
        self.files = IntakeFiles("d", Folder(str(folder / "files")))
        self.counted = harmonise_extract(extract, drop, mapping, contract, names, self.files)
        self.rows = self.files.read("rows").to_pandas()
        self.issues = self.files.read("issues").to_pandas()

    def told(self, issue: str) -> pd.DataFrame:
        return self.issues[self.issues["issue_type"] == issue]


def register(dates: list[str]) -> str:
    return "Ref,Address,From\n" + "".join(f"{n},{n} High Street,{day}\n" for n, day in enumerate(dates, 1))


def test_every_change_of_a_cell_is_an_issue_with_row_field_and_column(tmp_path, home):
    made = Harmonised(tmp_path, "Ref,Address,From\n1, 1  High Street,01/02/2023\n2,n/a,02/02/2023\n")
    told = made.issues[["row_number", "field", "column", "issue_type", "quarantines"]].to_dict("records")
    assert told == [
        {"row_number": 2, "field": "address", "column": "Address", "issue_type": "spaces_tidied", "quarantines": False},
        {"row_number": 3, "field": "address", "column": "Address", "issue_type": "read_as_blank", "quarantines": False},
        {"row_number": 3, "field": "address", "column": "Address", "issue_type": "missing_required",
         "quarantines": True},
    ]  # fmt: skip
    assert (made.counted.rows_in, made.counted.accepted, made.counted.quarantined) == (2, 1, 1)


def test_a_column_that_feeds_two_fields_is_told_once(tmp_path, home):
    text = 'Ref,Address,From\n1,"1 High  Street, SE15 4QL",01/02/2023\n'
    both = {"column": "Address", "extract": "^(.*?), [A-Z0-9]+ [A-Z0-9]+$"}
    code = {"column": "Address", "extract": "([A-Z0-9]+ [A-Z0-9]+)$"}
    made = Harmonised(tmp_path, text, fields=LICENCES["fields"] | {"address": both, "postcode": code})
    assert made.issues["issue_type"].tolist() == ["spaces_tidied"]
    assert made.rows[["address", "postcode"]].iloc[0].tolist() == ["1 High Street", "SE15 4QL"]


def test_joined_columns_of_which_one_cannot_be_decoded_make_no_address(tmp_path, home):
    text = "Ref,Address,Town,From\n1,1 High Street,Caf\ufffd,01/02/2023\n2,2 High Street,,01/02/2023\n"
    fields = LICENCES["fields"] | {"address": {"columns": ["Address", "Town"]}}
    made = Harmonised(tmp_path, text, fields=fields)
    assert made.rows["address"].tolist() == ["2 High Street"]
    assert made.told("undecodable_text")["column"].tolist() == ["Address + Town"]


def test_a_reference_that_contradicts_the_type_is_told_and_the_types_column_counts(tmp_path, home):
    text = (
        "Ref,Type,Address,From\n1/HMOLIC,M,1 High Street,01/02/2023\n2/HMOADS,M,2 High Street,01/02/2023\n"
        "3,M,3 High Street,01/02/2023\n4/HMOADS,,4 High Street,01/02/2023\n"
    )
    types = {"column": "Type", "values": {"M": "mandatory", "A": "additional"}}
    told = {"column": "Ref", "extract": "/(HMO[A-Z]+)$", "values": {"HMOLIC": "mandatory", "HMOADS": "additional"}}
    made = Harmonised(
        tmp_path, text, fields=LICENCES["fields"] | {"licence_type": types}, implied={"licence_type": told}
    )
    found = made.told("reference_against_type")
    assert (found["row_number"].tolist(), found["column"].tolist()) == ([3], ["Ref + Type"])
    assert made.rows["licence_type"].tolist() == ["mandatory"] * 3 + [None]
    assert made.counted.quarantined == 0


def test_a_day_after_the_extract_is_told_and_brought_back_to_it(tmp_path, home):
    text = "Ref,Address,From,Entered\n1,1 High Street,01/02/2023,01/10/2026\n2,2 High Street,01/02/2023,03/02/2023\n"
    made = Harmonised(tmp_path, text, fields=LICENCES["fields"] | {"known_since": "Entered"})
    assert made.rows["known_since"].tolist() == [date(2026, 9, 30), date(2023, 2, 3)]
    assert made.told("known_after_extract")["row_number"].tolist() == [2]


def test_a_file_of_a_layout_can_be_read_its_own_way(tmp_path, home):
    american = {"*2024*": {"dates": ["%m/%d/%Y"]}}
    one = Harmonised(tmp_path, register(["02/28/2023"]), "register 2024.csv", files=american)
    other = Harmonised(tmp_path, register(["28/02/2023"]), "register 2025.csv", files=american)
    assert one.rows["commencement_date"].tolist() == other.rows["commencement_date"].tolist() == [date(2023, 2, 28)]


YEAR = [date(2023, 1, 1) + timedelta(days=number) for number in range(0, 360, 3)]


def test_dates_of_which_no_day_is_after_the_12th_are_doubted_at_the_heading(tmp_path, home):
    swapped = [f"{day:%d/%m/%Y}" for day in YEAR if day.day <= 12]
    made = Harmonised(tmp_path, register(swapped))
    found = made.told("date_order_unproven")
    assert (found["row_number"].tolist(), found["column"].tolist()) == ([1], ["From"])
    assert made.counted.quarantined == 0


@pytest.mark.parametrize(
    ("what", "days"),
    [
        ("a whole year", [f"{day:%d/%m/%Y}" for day in YEAR]),
        ("one day after the 12th", [f"{day:%d/%m/%Y}" for day in YEAR if day.day <= 12] + ["13/01/2023"]),
        ("a handful of rows", ["01/02/2023", "03/04/2023", "05/06/2023", "07/08/2023"]),
        ("always the first of a month", [f"01/{month:02d}/{year}" for month in range(1, 13) for year in (2022, 2023)]),
        ("one day of many rows", ["03/04/2023"] * 500),
        ("twelve days of one month", [f"{day:02d}/03/2023" for day in range(1, 13)] * 5),
    ],
)
def test_no_wolf_is_cried_over(what, days, tmp_path, home):
    assert Harmonised(tmp_path, register(days)).told("date_order_unproven").empty, what


def test_real_dates_that_a_spreadsheet_swapped_beside_text_that_it_left_are_doubted(tmp_path, home):
    damaged = [f"{day:%Y-%d-%m}" if day.day <= 12 else f"{day:%d/%m/%Y}" for day in YEAR]
    made = Harmonised(tmp_path, register(damaged), dates=["%Y-%m-%d", "%d/%m/%Y"])
    assert len(made.told("date_order_unproven")) == 1


def test_months_that_no_calendar_has_pass_over_chunks(tmp_path, home, monkeypatch):
    monkeypatch.setattr("pipelines.extracts.csv_text.BLOCK_BYTES", 400)
    dates = [f"{day:%d/%m/%Y}" for day in YEAR if day.day <= 12]
    made = Harmonised(tmp_path, register([*dates, *dates[:3]]) + "1,1 High Street,01/01/2023\n")
    assert len(made.told("date_order_unproven")) == 1
    assert made.told("duplicate_row")["row_number"].tolist() == [len(dates) + 5], "a copy in another chunk is found"


def test_records_seen_before_are_found_over_many_chunks():
    draw = np.random.default_rng(3)
    seen, before = SeenRecords(), set()
    for _ in range(60):
        ids = draw.integers(-500, 500, draw.integers(0, 40)).astype(np.int64)
        kept = draw.random(len(ids)) < 0.8
        expected = np.zeros(len(ids), bool)
        for place in np.flatnonzero(kept):
            expected[place] = ids[place] in before
            before.add(int(ids[place]))
        assert (seen.copies(ids, kept) == expected).all()
    assert len(seen._runs) < 12, "few sorted runs, each a good deal longer than the next"


def test_record_numbers_are_those_of_the_rows_as_text():
    frame = pd.DataFrame(
        {"a": ["x", None, "é", "x"], "b": [date(2024, 1, 2), None, date(2024, 1, 3), date(2024, 1, 2)]}
    )
    table = pa.table({"a": pa.array(frame["a"], pa.string()), "b": pa.array(frame["b"], pa.date32())})
    assert (hash_columns(table, "salt") == hash_rows(frame, salt="salt")).all()
    mapping = Mapping.model_validate(LICENCES)
    keyless = pa.table(
        {name: pa.nulls(2, field.arrow_type) for name, field in registry.contract("hmo_licence").by_name.items()}
    )
    whole = keyless.set_column(keyless.column_names.index("address"), "address", pa.array(["1 A Road", "2 A Road"]))
    ids = record_ids(whole, registry.contract("hmo_licence"), mapping)
    assert len(set(ids.tolist())) == 2, "rows without a reference are told apart by what they hold"


def test_a_million_issues_take_little_room_and_are_counted_without_being_held(tmp_path):
    files = IntakeFiles("d", Folder(str(tmp_path)))
    with issue_writer(files) as issues:
        for first in range(0, 1_000_000, 100_000):
            numbers = np.arange(first, first + 100_000)
            issues.write_table(issue_rows(numbers, "postcode", "PROP_PCODE", "postcode_tidied", quarantines=False))
        issues.write_table(issue_rows(np.array([7, 5]), "address", "A", "missing_required", quarantines=True))
    assert (tmp_path / "issues.parquet").stat().st_size < 1_000_000
    counted = count_issues(files).set_index("issue_type")
    assert counted["rows"].to_dict() == {"postcode_tidied": 1_000_000, "missing_required": 2}
    assert counted.loc["postcode_tidied", "first_rows"] == list(range(ROWS_NAMED))
    assert counted.loc["missing_required", "first_rows"] == [5, 7]
    assert quarantined_rows(files).tolist() == [5, 7]
    found = issues_of_rows(files, quarantined_rows(files)).to_pandas()
    assert sorted(found["issue_type"]) == ["missing_required"] * 2 + ["postcode_tidied"] * 2
    assert files.read("issues").schema.field("issue_type").type == pa.string(), "read as plain words"
