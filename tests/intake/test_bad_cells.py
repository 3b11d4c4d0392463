"""Hostile and foreign text in every text field of every dataset, as a borough's filled-in template would bring it."""

from __future__ import annotations

import csv
import io
import unicodedata

import pyarrow.parquet as pq
import pytest

from pipelines.extracts import IntakeFiles
from schemas import registry
from schemas.sample import sample_rows
from tests.intake.conftest import Intake

BOROUGH = "oxford"
FORMULAS = ('=HYPERLINK("http://127.0.0.1/x","pay")', "+44 20", "-1+1", "@SUM(A1:A9)", "=cmd|' /C calc'!A0", "\t=1+1")
CONTROLS = ("\x00", "\x01", "\x0b", "\x1b[31m", "\x7f", "\u200b", "\ufeff", "\u202e")
FOREIGN = (
    "שלום רחוב 5",
    "شارع ١٢",
    "Cafe\u0301 Row",
    "Ｆｌａｔ ２",
    "Straße 3",
    "東京都 1",
    "👩‍👧 House",
    "e\u0301\u0323\u0302",
)
DATASETS = ("council_tax", "hmo_licence", "licence_application", "service_request", "gazetteer", "waste", "planning")


def extract(dataset: str, changed: tuple[str, ...]) -> tuple[bytes, int]:
    """The dataset's sample once for each text field and value, that cell replaced; and how many rows that makes."""
    contract = registry.contract(dataset)
    texts = [field.name for field in contract.fields if field.type == "string"]
    names = [field.name for field in contract.fields]
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, names, restval="")
    writer.writeheader()
    rows = 0
    for name in texts:
        for number, value in enumerate(changed):
            row = dict(sample_rows(contract)[0])
            if contract.key[0] != name and contract.by_name[contract.key[0]].pattern is None:
                row[contract.key[0]] = f"{row[contract.key[0]]}/{name}/{number}"
            row[name] = value
            writer.writerow(row)
            rows += 1
    return made.getvalue().encode(), rows


@pytest.fixture(autouse=True)
def every_dataset_is_agreed(home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A borough outside of London shares only what an agreement names."""
    (home / "agreements").mkdir(parents=True, exist_ok=True)
    (home / "agreements" / "all.yaml").write_text(
        "id: everything\ntitle: all of it\nboroughs: [oxford]\ndatasets: [all]\npurposes: [hmo_detection]\n"
        "lawful_basis: a test\nvalid_from: 2015-01-01\nvalid_until: 2035-12-31\nretention_days: 2555\n"
    )
    monkeypatch.setenv("LODA_MAX_QUARANTINED_SHARE", "1")
    registry.clear()


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("changed", [FORMULAS, CONTROLS, FOREIGN], ids=["formulas", "controls", "foreign"])
def test_every_row_has_its_fate_and_nobody_stumbles(intake: Intake, dataset: str, changed: tuple[str, ...]) -> None:
    content, rows = extract(dataset, changed)
    if b"\0" in content:
        content = content.replace(b"\0", b"")  # a file with NUL bytes is refused as a whole, tested elsewhere
    intake.drop(content, f"{dataset}.csv", place=f"{BOROUGH}/{dataset}")
    intake.night()
    drop = intake.only()
    assert drop.status in {"accepted", "held"}, drop.sentence
    assert drop.reason not in {"platform_fault", "contract_broken", "layout_changed", "no_mapping"}
    assert drop.rows_in == rows
    receipt = intake.bucket / f"{drop.path}.receipt.json"
    assert receipt.exists()


@pytest.mark.parametrize("dataset", ["hmo_licence", "service_request"])
def test_a_formula_stays_text_in_the_lake_and_is_disarmed_where_a_spreadsheet_may_open_it(
    intake: Intake, dataset: str
) -> None:
    content, _ = extract(dataset, FORMULAS)
    intake.drop(content, "x.csv", place=f"{BOROUGH}/{dataset}")
    intake.night()
    drop = intake.only()
    beside = intake.bucket / f"{drop.path}.quarantine.csv"
    if beside.exists():
        for row in csv.reader(io.StringIO(beside.read_text(encoding="utf-8-sig"), newline="")):
            assert not [cell for cell in row if cell.lstrip(" ").startswith(("=", "+", "-1", "@", "\t", "\r"))]
    held = [row["address"] for row in intake.lake(dataset, BOROUGH)]
    assert any(address.startswith("=HYPERLINK") for address in held)


def test_foreign_letters_reach_the_lake_as_they_are(intake: Intake) -> None:
    content, _ = extract("service_request", FOREIGN)
    intake.drop(content, "x.csv", place=f"{BOROUGH}/service_request")
    intake.night()
    held = {row["address"] for row in intake.lake("service_request", BOROUGH)}
    for text in FOREIGN[:6]:
        assert unicodedata.normalize("NFC", text) in held
    told = {finding["issue"] for finding in intake.only().receipt["findings"]}
    assert "accents_composed" in told, "a letter and its accent became one character, which is a change"


def test_characters_that_nobody_sees_are_taken_out_and_said(intake: Intake) -> None:
    contract = registry.contract("service_request")
    row = dict(sample_rows(contract)[0]) | {"address": "1\u200b Exam\x01ple Road\u202e"}
    names = [field.name for field in contract.fields]
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, names, restval="")
    writer.writeheader()
    writer.writerow(row)
    intake.drop(made.getvalue().encode(), "x.csv", place=f"{BOROUGH}/service_request")
    intake.night()
    assert [r["address"] for r in intake.lake("service_request", BOROUGH)] == ["1 Example Road"]
    found = {finding["issue"] for finding in intake.only().receipt["findings"]}
    assert "control_characters_removed" in found


def test_a_new_code_quarantines_its_rows_and_says_which_column(intake: Intake) -> None:
    contract = registry.contract("waste")
    names = [field.name for field in contract.fields]
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, names, restval="")
    writer.writeheader()
    for number in range(40):
        kind = "drone_collection" if number < 3 else "bulky"
        writer.writerow(dict(sample_rows(contract)[0]) | {"waste_ref": f"W{number}", "waste_kind": kind})
    intake.drop(made.getvalue().encode(), "x.csv", place=f"{BOROUGH}/waste")
    intake.night()
    drop = intake.only()
    assert (drop.status, drop.accepted, drop.quarantined) == ("accepted", 37, 3)
    (finding,) = [f for f in drop.receipt["findings"] if f["issue"] == "unknown_code"]
    assert finding["column"] == "waste_kind"
    assert finding["rows"] == 3


def test_five_hundred_columns_are_held_with_a_sentence_not_a_fault(intake: Intake) -> None:
    names = [f"Column {n}" for n in range(500)]
    content = "\n".join([",".join(names), *(",".join(str(n * k) for n in range(500)) for k in range(50))]).encode()
    intake.drop(content, "wide.csv")
    intake.night()
    drop = intake.only()
    assert (drop.status, drop.reason) == ("held", "layout_changed")
    assert len(drop.sentence or "") < 600


def test_issue_files_hold_places_not_values(intake: Intake) -> None:
    content, _ = extract("council_tax", ("MARKEDVALUE \x01 x",))
    intake.drop(content, "x.csv", place=f"{BOROUGH}/council_tax")
    intake.night()
    folder = IntakeFiles(intake.only().id).folder
    for name in ("issues", "findings"):
        if folder.exists(f"{name}.parquet"):
            with folder.read(f"{name}.parquet") as handle:
                assert "MARKEDVALUE" not in str(pq.read_table(handle).to_pylist())
