"""Samples and templates are what the night itself takes: no cell changed, no row lost, no rule broken."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import fastexcel
import pytest
import xlsxwriter

from pipelines import gate
from pipelines.core.bucket import Folder
from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.models import Drop
from pipelines.extracts import Extract, IntakeFiles, choose_layout
from pipelines.harmonise.stage import harmonise_extract
from schemas import registry, sample
from schemas.contract import Contract
from schemas.guidance import form_of
from schemas.sample import csv_sample, sample_rows
from schemas.template import csv_template, is_template, xlsx_template

DATASETS = sorted(registry.contracts())
TODAY = date(2026, 3, 2)


def taken_in(home: Path, contract: Contract, content: bytes, kind: str) -> tuple[IntakeFiles, int, gate.Verdict]:
    """A file through harmonise and gate, as the night would take it from a borough without a mapping of its own."""
    folder = Folder(str(home / "tried"))
    folder.write_bytes(f"file{kind}", content)
    extract = Extract(folder, f"file{kind}", kind)
    mapping, headings = choose_layout("merthyr_tydfil", contract.dataset, extract)
    assert is_template(mapping)
    drop = Drop(
        id="tried",
        borough="merthyr_tydfil",
        dataset=contract.dataset,
        source="main",
        path=f"drops/merthyr_tydfil/{contract.dataset}/file{kind}",
        received_at=datetime(2026, 3, 2, 20, tzinfo=UTC),
        extract_date=TODAY,
        hashes={},
    )
    files = IntakeFiles("tried", Folder(str(home / "tried" / "files")))
    counted = harmonise_extract(extract, drop, mapping, contract, headings, files)
    drop.rows_in = counted.rows_in
    return files, counted.rows_in, gate.judge(drop, contract, files, 0)


@pytest.mark.parametrize("dataset", DATASETS)
def test_sample_is_accepted_whole_and_unchanged(home: Path, dataset: str) -> None:
    contract = registry.contract(dataset)
    rows = sample_rows(contract)
    files, rows_in, verdict = taken_in(home, contract, csv_sample(contract).encode(), ".csv")
    assert verdict.held is None
    assert rows_in == verdict.kept == len(rows)
    assert files.read("issues").num_rows == 0
    assert files.read("findings").num_rows == 0
    for given, made in zip(rows, files.read("rows").to_pylist(), strict=True):
        for field in contract.fields:
            cell = given.get(field.name)
            if cell is None:
                assert made[field.name] is None or field.name == contract.known_since, field.name
            elif field.privacy == "direct":
                assert made[field.name] != cell, field.name
                assert len(made[field.name]) == 32
            elif field.type == "string":
                assert made[field.name] == cell, field.name
            else:
                assert made[field.name] is not None, field.name


@pytest.mark.parametrize("dataset", DATASETS)
def test_sample_shows_what_may_be_blank_and_every_field_once(dataset: str) -> None:
    contract = registry.contract(dataset)
    rows = sample_rows(contract)
    assert 3 <= len(rows) <= 6
    shown = {name for row in rows for name in row}
    assert shown >= set(contract.required)
    assert not set(contract.by_name) - shown - {contract.known_since, "locality", "parent_uprn"}
    assert all(row.keys() >= set(contract.required) for row in rows)


def test_sample_with_an_unknown_field_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_samples", lambda: {"waste": [{"colour": "red"}]})
    with pytest.raises(ConfigurationError, match="colour"):
        sample_rows(registry.contract("waste"))


@pytest.mark.parametrize("dataset", DATASETS)
def test_workbook_has_text_columns_notes_and_codes(tmp_path: Path, dataset: str) -> None:
    contract = registry.contract(dataset)
    content = xlsx_template(contract)
    assert content == xlsx_template(contract), "the same contract gives the same bytes"
    book = fastexcel.read_excel(content)
    assert book.sheet_names[:2] == [dataset, "columns"]
    assert book.load_sheet(0).available_columns()[0].name == contract.fields[0].name
    parts = _parts(content)
    sheet = parts["xl/worksheets/sheet1.xml"]
    spans = re.findall(r'<col min="(\d+)" max="(\d+)" width="[\d.]+" style="[1-9]', sheet)
    assert sum(int(last) - int(first) + 1 for first, last in spans) == len(contract.fields), "every column is text"
    assert 'numFmtId="49"' in parts["xl/styles.xml"], "number format 49 is text"
    assert parts["xl/comments1.xml"].count("<comment ") == len(contract.fields)
    choices = sum(1 for field in contract.fields if field.codes or field.type == "boolean")
    assert sheet.count("<dataValidation ") == choices


def _parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")}


def test_filled_in_workbook_keeps_uprns_and_dates(home: Path) -> None:
    contract = registry.contract("hmo_licence")
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("hmo_licence")
    names = [field.name for field in contract.fields]
    sheet.write_row(0, 0, names)
    for number, row in enumerate(sample_rows(contract), start=1):
        for name, cell in row.items():
            column = names.index(name)
            if name == "expiry_date":  # an officer's program may turn it into a date of its own
                sheet.write_datetime(
                    number, column, datetime.fromisoformat(cell), book.add_format({"num_format": "dd/mm/yyyy"})
                )
            else:
                sheet.write_string(number, column, cell)
    book.close()
    files, rows_in, verdict = taken_in(home, contract, out.getvalue(), ".xlsx")
    assert verdict.held is None
    assert verdict.kept == rows_in == len(sample_rows(contract))
    made = files.read("rows").to_pylist()
    assert made[0]["uprn"] == "999900000101"
    assert made[0]["expiry_date"] == date(2028, 11, 16)
    assert files.read("issues").num_rows == 0


def test_dates_as_a_british_spreadsheet_saves_them_are_read_and_a_third_form_is_a_fault(home: Path) -> None:
    contract = registry.contract("waste")
    rows = [
        {"waste_ref": "1", "waste_kind": "bulky", "address": "1 Example Road", "event_date": "03/02/2026"},
        {"waste_ref": "2", "waste_kind": "bulky", "address": "1 Example Road", "event_date": "Feb 3, 2026"},
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in contract.fields])
    writer.writeheader()
    writer.writerows(rows)
    files, rows_in, verdict = taken_in(home, contract, text.getvalue().encode(), ".csv")
    assert (rows_in, verdict.kept) == (2, 1)
    assert files.read("rows").to_pylist()[0]["event_date"] == date(2026, 2, 3)
    assert "invalid_date" in files.read("issues")["issue_type"].to_pylist()


def test_none_is_a_code_where_the_contract_says_so(home: Path) -> None:
    contract = registry.contract("council_tax")
    files, _, _ = taken_in(home, contract, csv_sample(contract).encode(), ".csv")
    assert files.read("rows")["discount"].to_pylist()[0] == "none"


def test_template_has_no_rows_and_every_field_has_words() -> None:
    for contract in registry.contracts().values():
        assert csv_template(contract).count("\n") == 1
        assert all(len(form_of(field)) > 3 and "^" not in form_of(field) for field in contract.fields)
