"""What a receipt says and shows, and what it must never show."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import GateDecision
from pipelines.core.settings import settings
from pipelines.extracts import IntakeFiles
from pipelines.extracts.guarded import RISKY, guarded, unguarded
from pipelines.extracts.issues import issue_rows, issue_writer
from pipelines.extracts.resaved import untouched
from pipelines.governance.suppression import NOT_WRITTEN_OUT
from pipelines.publish import receipt_html, receipt_text
from pipelines.publish.answer import answer
from pipelines.publish.deliver import deliver
from pipelines.publish.faults import Faults
from pipelines.publish.masking import Masks, shape
from pipelines.publish.receipts import Background
from schemas import registry
from tests.intake.conftest import HEADER, Intake, register, row

REGISTER = "register.csv"


@pytest.fixture
def intake(home: Path) -> Intake:
    return Intake(Path(settings().bucket_url))


def faulty(rows: int = 12) -> bytes:
    lines = [row(n) for n in range(1, rows + 1)]
    lines[3] = row(4, location="")
    lines[5] = row(6, occupants="2")
    lines[7] = row(8, end="31/04/2028")
    return "\n".join([HEADER, *lines]).encode()


# --- what may be shown ---


@pytest.fixture
def masks() -> Masks:
    return Masks(registry.mappings("oxford", "hmo_licence")[0], registry.contract("hmo_licence"))


@pytest.mark.parametrize(
    ("column", "cell", "shown"),
    [
        ("Licence Expires", "31/04/2028", "31/04/2028"),
        ("Licence Expires", "2028-04-31 00:00:00", "2028-04-31 00:00:00"),
        ("Licence Expires", "J Example", "x xxxxxxx"),
        ("Licence Expires", "020 7946 0018", "999 9999 9999"),
        ("Total Number Occupants", "12", "12"),
        ("Total Number Occupants", "1,200", "1,200"),
        ("Total Number Occupants", "02079460018", "99999999999"),
        ("Total Number Occupants", "six", "xxx"),
        ("Location", "34 Example Road, OX4 1AB", "99 xxxxxxx xxxx, xx9 9xx"),
        ("Location", "  ", ""),
        ("Nobody mapped this", "J Example", None),
        ("Case Number", "23/00001/HMOLIC", "99/99999/xxxxxx"),
        ("Case Number", "hmolic", "hmolic"),
    ],
)
def test_cells_are_shown_only_where_they_say_nothing_of_anybody(
    masks: Masks, column: str, cell: str, shown: str | None
):
    assert masks.shown(column, cell) == shown


def test_columns_that_name_people_are_never_shown():
    mapping = registry.mappings("camden", "council_tax")[0]
    contract = registry.contract("council_tax")
    masks = Masks(mapping, contract)
    for name, how in mapping.fields.items():
        if contract.by_name[name].privacy in {"direct", "special", "public_register"}:
            assert [masks.shown(column, "Zebedee 1") for column in how.sources] == [None] * len(how.sources)
    assert all(masks.shown(column, "Zebedee 1") is None for column in mapping.ignore)


@given(st.text(max_size=60))
def test_a_shape_holds_no_letter_and_no_digit_of_its_text(text: str):
    made = shape(text)
    assert not [c for c in made if c.isalpha() and c != "x"]
    assert not [c for c in made if c.isdigit() and c != "9"]
    assert len(made) <= 41


# --- cells that go out and come back ---

CELLS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(alphabet="=+-@'\t\r\n ␛\x00\x07\x1b\x7f＝a1", max_size=6),
)


@given(st.lists(CELLS, min_size=1, max_size=8))
def test_guarded_cells_are_safe_and_come_back_unchanged(cells: list[str]):
    made = guarded(pa.array(cells, pa.string()))
    assert unguarded(made).to_pylist() == cells
    assert not pa.compute.any(pa.compute.match_substring_regex(made, RISKY)).as_py()
    assert not [c for text in made.to_pylist() for c in text if (ord(c) < 32 and c not in "\t\r\n") or ord(c) == 127]


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("2023-02-01", "01/02/2023", True),
        ("01/02/2023", "2023-02-01", True),
        ("01/02/2023", "1-Feb-23", True),
        ("2023-02-01", "02/01/2023", False),
        ("100023336956", "1.00023E+11", True),
        ("100023336956", "1.00024E+11", False),
        ("00123", "123", True),
        ("00123", "124", False),
        ("1234", "1,234", True),
        ("12", "12.00", True),
        ("1-2", "01-Feb", True),
        ("1-2", "02-Jan", False),
        ("one\r\ntwo", "one\ntwo", True),
        ("", "x", False),
        ("x", "", False),
        ("HMO1", "HMO2", False),
    ],
)
def test_what_a_spreadsheet_rewrites_by_itself_is_known_again(old: str, new: str, same: bool):
    found, _ = untouched(pa.array([old]), pa.array([new]), ("%d/%m/%Y", "%Y-%m-%d"))
    assert found.tolist() == [same]


# --- what a receipt says ---


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def test_receipt_says_what_was_found_and_how_to_fix_it(intake: Intake):
    path = intake.drop(faulty(), REGISTER)
    intake.night()
    receipt = json.loads(beside(path, ".receipt.json").read_bytes())
    assert receipt == json.loads(json.dumps(intake.only().receipt))
    by_issue = {(one["issue"], one["column"]): one for one in receipt["findings"]}
    blank = by_issue["missing_required", "Location"]
    assert (blank["level"], blank["rows"], blank["first_rows"], blank["rows_set_aside"]) == ("must fix", 1, [5], True)
    date = by_issue["invalid_date", "Licence Expires"]
    assert (date["level"], date["example"], date["rows_set_aside"]) == ("must fix", "31/04/2028", False)
    few = by_issue["occupants_against_type", "Total Number Occupants"]
    assert (few["level"], few["example"]) == ("should check", "2")
    lines = {(line["row"], receipt["findings"][line["finding"]]["issue"]) for line in receipt["details"]["lines"]}
    assert {(5, "missing_required"), (7, "occupants_against_type"), (9, "invalid_date")} <= lines
    assert receipt["details"]["total"] == len(receipt["details"]["lines"])
    assert receipt["columns"]["Total Number Units"] == "Sleeping rooms"
    assert receipt["read_with"]["contract"].startswith("HMO licence register ")
    assert not beside(path, ".receipt.csv").exists(), "the receipt holds every line"
    page = beside(path, ".receipt.html").read_text()
    for needed in (
        "11 of 12 rows are in use",
        "Must fix",
        "Should check",
        receipt["sha256"],
        "register.csv.quarantine",
    ):
        assert needed in page
    assert "Example Road" not in page


def test_no_cell_that_says_who_or_where_is_in_any_answer(intake: Intake):
    marks = ["Zebrafinch", "ZF1 9ZF", "07700 900123"]
    rows = [row(n) for n in range(1, 30)]
    rows[2] = row(3, location="Zebrafinch House", start="Zebrafinch", end="07700 900123")
    rows[3] = row(4, occupants="Zebrafinch", units="07700900123", case="Zebrafinch")
    rows[4] = row(5, location="", case="23/Zebrafinch/HMO")
    rows[5] = row(6, location="1 Zebrafinch Road ZF1 9ZF\x07") + ",Zebrafinch"
    rows[6] = row(7, start="ZF1 9ZF", end="01/01/1066")
    path = intake.drop("\n".join([HEADER, *rows]).encode(), REGISTER)
    intake.night()
    assert intake.only().quarantined
    told = [json.dumps(intake.only().receipt)]
    told += [beside(path, ending).read_text() for ending in (".receipt.json", ".receipt.txt", ".receipt.html")]
    for text in told:
        assert [mark for mark in marks if mark.casefold() in text.casefold()] == []
        assert "07700900123" not in text
    assert "Zebrafinch" in beside(path, ".quarantine.csv").read_text(), "the officer's own rows keep their values"


def test_receipt_says_what_changed_since_the_last_drop(intake: Intake):
    intake.drop(register(120), "register 2024-05-01.csv")
    intake.night()
    first = intake.only()
    rows = [row(n) for n in range(1, 131)]
    rows[3] = row(4, location="")
    for n in range(104, 130):
        rows[n] = row(n + 1, case=f"23/{n:05d}/HMOADS", occupants="4")
    intake.drop("\n".join([HEADER, *rows]).encode(), "register 2024-06-01.csv")
    intake.night()
    since = intake.drops()[-1].receipt["since_last"]
    assert since["drop"] == first.id
    assert (since["rows_in"], since["quarantined"]) == ({"before": 120, "now": 130}, {"before": 0, "now": 1})
    assert {one["issue"] for one in since["appeared"]} == {"missing_required", "new_code_seen"}
    assert since["gone"] == []
    told = " ".join(since["sentences"])
    assert "120 then, 130 now, 10 more (8%)" in told
    assert "'Case Number' is additional in 20% of the rows, 0% then." in told


def test_receipt_says_who_released_a_held_drop(intake: Intake):
    from pipelines import gate

    rows = [row(n) if n % 2 else row(n, location="") for n in range(1, 21)]
    path = intake.drop("\n".join([HEADER, *rows]).encode(), REGISTER)
    intake.night()
    assert intake.only().status == "held"
    gate.release(intake.only().id, "B Example", "the register was checked by hand")
    intake.night()
    found = intake.only()
    assert (found.status, found.receipt["decision"]["who"]) == ("accepted", "B Example")
    assert "B Example" in beside(path, ".receipt.txt").read_text()
    assert "the register was checked by hand" in beside(path, ".receipt.html").read_text()
    with transaction() as session:
        assert session.get(GateDecision, found.id) is not None


PROPOSAL = {
    "dataset": "hmo_licence",
    "columns": [
        {"column": "Case Number", "field": "licence_ref", "confidence": 0.98, "evidence": "the usual heading."},
        {"column": "Premises", "field": "address", "confidence": 0.55, "evidence": "reads like addresses"},
        {"column": "Ward", "field": None, "confidence": 0.9, "evidence": "nothing is like it"},
    ],
    "changes": ["The heading 'Location' is now 'Premises'."],
    "yaml": "fields: {licence_ref: Case Number}\n",
    "rows": 3,
    "accepted": 3,
    "quarantined": 0,
}


def test_proposed_mapping_is_shown_and_lies_beside_the_drop_until_it_is_not_needed(intake: Intake):
    path = intake.drop(register(3, header=HEADER.replace("Location", "Premises")), REGISTER)
    intake.night()
    held = intake.only()
    IntakeFiles(held.id).folder.write_bytes("proposal.json", json.dumps(PROPOSAL).encode())
    deliver(held)
    assert beside(path, ".mapping.yaml").read_text() == PROPOSAL["yaml"]
    told = intake.only().receipt["proposal"]
    assert [(one["becomes"], one["confidence_in_words"], one["sure"]) for one in told["columns"]] == [
        ("Licence reference", "sure", True),
        ("Address", "unsure", False),
        (None, "sure", True),
    ]
    page = beside(path, ".receipt.html").read_text()
    for needed in ("Premises", "please check: unsure", "is now &#39;Premises&#39;", "register.csv.mapping.yaml"):
        assert needed in page
    assert "Premises -> Address (unsure: reads like addresses)" in beside(path, ".receipt.txt").read_text()
    path.write_bytes(register(3))
    intake.night()
    assert not beside(path, ".mapping.yaml").exists()


def test_our_files_are_never_taken_for_drops(intake: Intake):
    path = intake.drop(register(3), REGISTER)
    for ending in (".receipt.json", ".receipt.txt", ".receipt.html", ".receipt.csv", ".mapping.yaml"):
        beside(path, ending).write_bytes(b"ours")
    path.with_name("~$register.csv.quarantine.xlsx").write_bytes(b"Excel has it open")
    intake.night()
    assert [drop.path.rsplit("/", 1)[1] for drop in intake.drops()] == [REGISTER]


def test_delivered_twice_the_files_are_the_same(intake: Intake):
    path = intake.drop(faulty(), REGISTER)
    intake.night()
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    deliver(intake.only())
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before


def test_receipts_of_any_age_are_shown(intake: Intake):
    intake.drop(faulty(), REGISTER)
    intake.night()
    now = intake.only().receipt
    new = ("since_last", "details", "correction", "decision", "proposal", "read_with", "notes", "rehearsed")
    old = {key: value for key, value in now.items() if key not in new}
    old["findings"] = [
        {k: v for k, v in one.items() if k not in ("whole_file", "example", "rows_set_aside")}
        for one in old["findings"]
    ]
    assert b"Must fix" in receipt_html(old)
    assert "Must fix" in receipt_text(old)


# --- size ---


def test_a_change_in_every_row_is_one_line_and_scattered_faults_are_all_listed(intake: Intake, tmp_path: Path):
    """300,000 tidied postcodes and 5,000 scattered warnings: a small receipt, and a file that holds every one."""
    path = intake.drop(register(50), REGISTER)
    intake.night()
    drop = intake.only()
    files = IntakeFiles(drop.id, Folder(str(tmp_path / "files")))
    every = np.arange(2, 300_002)
    odd = np.arange(3, 50_003, 10)
    with issue_writer(files) as pen:
        for start in range(0, len(every), 100_000):
            some = every[start : start + 100_000]
            pen.write_table(issue_rows(some, "postcode", "Location", "postcode_tidied", quarantines=False))
        pen.write_table(issue_rows(odd, "max_persons", "Total Number Occupants", "out_of_range", quarantines=False))
    mapping = registry.mappings("oxford", "hmo_licence")[0]
    from pipelines.extracts import raw_extract

    receipt = answer(
        drop,
        raw_extract(drop),
        mapping,
        files,
        Folder(settings().bucket_url),
        quarantine=f"{drop.path}.quarantine.csv",
        before_quarantine=lambda *_: None,
        background=Background(),
    )
    assert {(one["issue"], one["rows"]) for one in receipt["findings"]} == {
        ("postcode_tidied", 300_000),
        ("out_of_range", 5_000),
    }
    assert len(json.dumps(receipt)) < 60_000
    assert (receipt["details"]["total"], receipt["details"]["shown"]) == (305_000, 150)
    content = beside(path, ".receipt.csv").read_text(encoding="utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(content)))
    told = sum(int(line["last_row"]) - int(line["first_row"]) + 1 for line in lines)
    assert told == 305_000
    assert len(lines) < 5_010
    assert len(content) < 1_000_000


def test_many_kinds_of_faults_in_a_row_are_all_in_its_reason(tmp_path: Path):
    files = IntakeFiles("none", Folder(str(tmp_path)))
    grave = [name for name, kind in registry.issue_types().items() if kind.severity == "error"]
    kinds = ["missing_required", *(name for name in grave if name not in {"missing_required", *NOT_WRITTEN_OUT})][:20]
    with issue_writer(files) as pen:
        for place in range(5):
            for kind in kinds:
                quarantines = kind == "missing_required"
                pen.write_table(issue_rows(np.array([7, 9]), "", f"Column {place}", kind, quarantines=quarantines))
    reasons = Faults(registry.mappings("oxford", "hmo_licence")[0], files).reasons()
    assert reasons.numbers.tolist() == [7, 9]
    told, fixes = (one.to_pylist() for one in reasons.told(np.array([9])))
    for place in range(5):
        assert told[0].count(f"In 'Column {place}': ") == len(kinds) - 1, "all but the one that the others explain"
    assert fixes[0]
