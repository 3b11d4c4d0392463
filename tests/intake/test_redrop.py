"""Quarantined rows corrected and dropped again by themselves: they take their places, all other rows stay."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
import xlsxwriter

from pipelines.core.settings import settings
from pipelines.rehearsal import rehearse
from tests.homes import move_into_home, own_home
from tests.intake.conftest import HEADER, Intake, KilledNight, register, row

EVIL = '=HYPERLINK("http://example.org";"x")'


NAME = "register 2024-05-01.csv"


def faulty(rows: int = 12, **cells: str) -> bytes:
    """A register whose rows 5 and 9 of the file cannot be used: one has no address, one ends before it starts."""
    lines = [row(n) for n in range(1, rows + 1)]
    lines[3] = row(4, **({"location": ""} | cells))
    lines[7] = row(8, end="01/01/2020")
    return "\n".join([HEADER, *lines]).encode() + b"\n"


def given_back(path: Path) -> list[dict[str, str]]:
    quarantine = path.with_name(path.name + ".quarantine.csv")
    return list(csv.DictReader(io.StringIO(quarantine.read_text(encoding="utf-8-sig"))))


def as_csv(rows: list[dict[str, str]], delimiter: str = ",") -> str:
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()


def cells(line: str) -> dict[str, str]:
    return dict(zip(HEADER.split(","), line.split(","), strict=True))


def corrected(path: Path) -> list[dict[str, str]]:
    """What an officer makes of the file: the address filled in, the end put right."""
    rows = given_back(path)
    for one in rows:
        one["Location"] = one["Location"] or "4 Example Road Oxford OX4 1AB"
        one["Licence Expires"] = "31/01/2028"
    return rows


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home after the night that took in the faulty register, and gave two rows of it back; to be copied."""
    with own_home(tmp_path_factory.mktemp("first") / "home") as folder:
        intake = Intake(Path(settings().bucket_url))
        path = intake.drop(faulty(), NAME)
        intake.night()
        found = intake.only()
        assert (found.status, found.accepted, found.quarantined) == ("accepted", 10, 2)
        assert [one["_row"] for one in given_back(path)] == ["5", "9"]
    return folder


def a_night_after(first_night: Path, intake: Intake) -> Path:
    """The faulty register in a bucket as it is a night after it was dropped.

    Copied files are new ones: the next night looks at them once more, and finds them the same.
    """
    shutil.copytree(first_night, settings().home, dirs_exist_ok=True)
    return intake.bucket / "drops" / "oxford" / "hmo_licence" / NAME


@pytest.fixture
def first(intake: Intake, first_night: Path) -> Path:
    return a_night_after(first_night, intake)


def beside(path: Path, content: bytes, ending: str) -> Path:
    made = path.with_name(path.name + ending)
    made.write_bytes(content)
    return made


def test_untouched_quarantine_file_is_no_drop(intake: Intake):
    first = intake.drop(faulty(), NAME)
    intake.night()
    assert intake.night() == []
    quarantine = first.with_name(first.name + ".quarantine.csv")
    os.utime(quarantine, (1, 1))  # a copy back and forth
    intake.night()
    assert len(intake.drops()) == 1
    assert intake.night() == []


@pytest.mark.parametrize("ending", [".quarantine.csv", ".quarantine corrected.csv", ".QUARANTINE (2).csv"])
def test_corrected_rows_complete_the_extract(intake: Intake, first: Path, ending: str):
    beside(first, as_csv(corrected(first)).encode("utf-8-sig"), ending)
    intake.night()
    original, correction = intake.drops()
    assert (original.status, correction.status) == ("superseded", "accepted")
    assert (correction.rows_in, correction.accepted, correction.quarantined) == (12, 12, 0)
    assert correction.extract_date == original.extract_date
    lake = {r["row_number"]: r for r in intake.lake()}
    assert sorted(lake) == list(range(2, 14))
    assert lake[5]["address"] == "4 Example Road Oxford"
    assert str(lake[9]["expiry_date"]) == "2028-01-31"
    assert {r["drop_id"] for r in lake.values()} == {correction.id}
    told = correction.receipt["correction"]
    assert (told["drop"], told["rows"], told["usable"], told["still_wrong"]) == (original.id, 2, 2, 0)
    assert "name of the file" in told["found_by"]
    assert intake.night() == []


def test_still_wrong_rows_come_back_and_can_be_corrected_again(intake: Intake, first: Path):
    rows = corrected(first)
    rows[1]["Licence Expires"] = "01/01/2021"
    second = beside(first, as_csv(rows).encode(), ".quarantine.csv")
    intake.night()
    found = intake.drops()[-1]
    assert (found.status, found.rows_in, found.accepted, found.quarantined) == ("accepted", 12, 11, 1)
    assert [one["_row"] for one in given_back(second)] == ["9"]
    assert [one["Licence Expires"] for one in given_back(second)] == ["01/01/2021"]
    assert not first.with_name(first.name + ".quarantine.csv.receipt.csv").exists()
    third = beside(second, as_csv(corrected(second)).encode(), ".quarantine-2.csv")
    intake.night()
    assert [d.status for d in intake.drops()] == ["superseded", "superseded", "accepted"]
    assert len(intake.lake()) == 12
    assert third.with_name(third.name + ".receipt.json").exists()


def test_a_part_of_the_rows_is_enough_and_the_same_file_may_be_worked_on(intake: Intake, first: Path):
    rows = corrected(first)
    beside(first, as_csv(rows[:1]).encode(), ".quarantine-a.csv")
    intake.night()
    found = intake.drops()[-1]
    assert (found.accepted, found.quarantined) == (11, 1)
    assert found.receipt["correction"]["still_waiting"] == 1
    beside(first, as_csv(rows).encode(), ".quarantine-b.csv")
    intake.night()
    assert intake.drops()[-1].accepted == 12
    assert len(intake.lake()) == 12


def test_the_same_correction_twice_changes_nothing(intake: Intake, first: Path):
    content = as_csv(corrected(first)).encode()
    beside(first, content, ".quarantine-a.csv")
    intake.night()
    version = intake.drops()[-1].lake_version
    beside(first, content, ".quarantine-b.csv")
    intake.night()
    assert [d.status for d in intake.drops()] == ["superseded", "accepted", "duplicate"]
    assert intake.drops()[1].lake_version == version
    assert len(intake.lake()) == 12


def test_rows_without_the_usual_name_are_known_by_what_they_hold(intake: Intake, first: Path):
    first.with_name("corrections from Jo.csv").write_text(as_csv(corrected(first)))
    intake.night()
    found = intake.drops()[-1]
    assert (found.status, found.accepted) == ("accepted", 12)
    assert found.receipt["correction"]["found_by"] == "its rows"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_whatever_a_spreadsheet_saves_as_text_is_read(intake: Intake, first: Path, encoding: str, delimiter: str):
    rows = corrected(first)
    rows[0]["Location"] = "4 Café Road Oxford OX4 1AB"
    beside(first, as_csv(rows, delimiter).encode(encoding), ".quarantine.txt")
    intake.night()
    assert intake.drops()[-1].accepted == 12
    assert "4 Café Road Oxford" in {r["address"] for r in intake.lake()}


def test_a_workbook_is_read(intake: Intake, first: Path):
    rows = corrected(first)
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet("register 2024-05-01.csv.quaran")
    sheet.write_row(0, 0, list(rows[0]))
    for number, one in enumerate(rows, start=1):
        for place, (name, value) in enumerate(one.items()):
            sheet.write(number, place, int(value) if name in ("_row", "Total Number Units") else value)
    book.close()
    beside(first, target.getvalue(), ".quarantine.xlsx")
    intake.night()
    assert intake.drops()[-1].accepted == 12


def test_what_a_spreadsheet_rewrote_by_itself_is_put_back(intake: Intake, first: Path):
    rows = given_back(first)
    rows[0]["Location"] = "4 Example Road Oxford OX4 1AB"
    rows[0]["Licence Commenced"], rows[0]["Licence Expires"] = "1-Feb-23", "31-Jan-28"  # untouched, shown another way
    rows[0]["Total Number Units"] = "5.00"
    beside(first, as_csv(rows).encode(), ".quarantine.csv")
    intake.night()
    found = intake.drops()[-1]
    assert (found.accepted, found.quarantined) == (11, 1)
    lake = {r["row_number"]: r for r in intake.lake()}
    assert (str(lake[5]["commencement_date"]), str(lake[5]["expiry_date"])) == ("2023-02-01", "2028-01-31")
    assert found.receipt["correction"]["cells_put_back"] == 3
    told = {f["column"] for f in found.receipt["findings"] if f["issue"] == "spreadsheet_rewrite_undone"}
    assert told == {"Licence Commenced", "Licence Expires", "Total Number Units"}


STRANGE = [
    EVIL,
    "+44 20 7946 0000",
    "-1+1",
    "@SUM(A1)",
    "\tx",
    "'already quoted",
    "''twice",
    "'=1",
    "bell \x07 end",
    "␛ sign",
    "\u202eright to left",
    "line\nbreak",
    'quote " inside',
    "e\u0301",
]


def test_dangerous_cells_are_safe_to_open_and_come_back_unchanged(intake: Intake):
    """The odd cells stand in a column that nobody corrects; they must reach the lake as if they had never left."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(HEADER.split(","))
    sound = 8 * len(STRANGE)
    for n in range(1, sound + 1):
        writer.writerow(row(n).split(","))
    for cell in STRANGE:
        writer.writerow([cell, "9 Unsound Road Oxford OX4 1AB", "6", "5", "01/02/2023", "01/01/2020"])
    path = intake.drop(target.getvalue().encode(), "register.csv")
    intake.night()
    rows = given_back(path)
    assert len(rows) == len(STRANGE)
    for one in rows:
        for value in one.values():
            assert not value.lstrip(" \u202e").startswith(("=", "+", "-", "@", "\t", "\r", "\n")), value
            assert "\x07" not in value
        one["Licence Expires"] = "31/01/2028"
    beside(path, as_csv(rows).encode("utf-8-sig"), ".quarantine.csv")
    with pytest.MonkeyPatch.context() as patch:
        seen = []
        module = sys.modules["pipelines.harmonise.stage"]
        real = module.harmonise_chunk
        patch.setattr(
            module,
            "harmonise_chunk",
            lambda chunk, *a, **k: (seen.extend(chunk.table.to_pylist()), real(chunk, *a, **k))[1],
        )
        intake.night()
    assert intake.drops()[-1].accepted == sound + len(STRANGE)
    assert [r["Case Number"] for r in seen if r["Location"].startswith("9 Unsound ")] == STRANGE


def test_torn_rows_can_be_mended(intake: Intake):
    lines = register(10).decode().splitlines()
    lines[4] += ",one cell too many"
    path = intake.drop("\n".join(lines).encode(), "register.csv")
    intake.night()
    (torn,) = given_back(path)
    beside(path, as_csv([torn | {"_reason": "seen"}]).encode(), ".quarantine-a.csv")
    intake.night()
    assert (intake.drops()[-1].accepted, intake.drops()[-1].quarantined) == (9, 1), "as it was: still torn"
    mended = cells(row(4)) | {"_row": torn["_row"]}
    beside(path, as_csv([mended]).encode(), ".quarantine-b.csv")
    intake.night()
    assert intake.drops()[-1].accepted == 10
    assert sorted(r["row_number"] for r in intake.lake()) == list(range(2, 12))


def test_a_held_extract_is_freed_by_its_corrections(intake: Intake):
    lines = [row(n) if n % 2 else row(n, location="") for n in range(1, 21)]
    path = intake.drop("\n".join([HEADER, *lines]).encode(), "register.csv")
    intake.night()
    assert intake.only().reason == "too_many_quarantined"
    rows = given_back(path)
    for number, one in enumerate(rows):
        one["Location"] = f"{number} Mended Road Oxford OX4 1AB"
    beside(path, as_csv(rows).encode(), ".quarantine.csv")
    intake.night()
    held, correction = intake.drops()
    assert (held.status, correction.status, correction.accepted) == ("superseded", "accepted", 20)
    assert len(intake.lake()) == 20


def refused(intake: Intake, reason: str) -> str:
    found = intake.drops()[-1]
    assert (found.status, found.reason) == ("refused", reason), found.sentence
    assert found.receipt["what_to_do"]
    return str(found.sentence)


def test_corrections_of_an_extract_that_was_replaced_are_refused(intake: Intake, first: Path):
    rows = corrected(first)
    intake.drop(register(14), "register 2024-06-01.csv")
    intake.night()
    beside(first, as_csv(rows).encode(), ".quarantine-a.csv")
    intake.night()
    told = refused(intake, "correction_overtaken")
    assert "01 June 2024" in told
    assert len(intake.lake()) == 14


def test_corrections_of_last_months_file_of_the_same_name_do_not_hit_this_months(intake: Intake):
    path = intake.drop(faulty(), "register.csv")
    intake.night()
    rows = corrected(path)
    other = [row(n + 50) for n in range(1, 13)]
    other[3], other[7] = row(54, location=""), row(58, end="01/01/2020")
    path.write_bytes("\n".join([HEADER, *other]).encode())
    intake.night()
    beside(path, as_csv(rows).encode(), ".quarantine-old.csv")
    intake.night()
    refused(intake, "correction_overtaken")
    assert {r["licence_ref"] for r in intake.lake()}.isdisjoint({"23/00004/HMOLIC", "23/00008/HMOLIC"})


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        (lambda rows: [rows[0] | {"_row": ""}], "correction_unreadable", "Row 2"),
        (lambda rows: [rows[0], rows[0]], "correction_unreadable", "5 more than once"),
        (lambda rows: [rows[0] | {"_row": "6"}], "correction_without_original", "row 6 of it was not given back"),
        (lambda rows: [{k: v for k, v in one.items() if k != "Total Number Units"} for one in rows],
         "correction_without_original", "without 'Total Number Units'"),
        (lambda rows: [cells(row(90, occupants="9", units="8", start="02/03/2022")) | {"_row": one["_row"]}
                       for one in rows], "correction_without_original", "hold something else"),
    ],
    ids=["no number", "a number twice", "a row that was accepted", "a column gone", "other rows"],
)  # fmt: skip
def test_corrections_that_cannot_be_placed_are_refused_in_words(intake: Intake, first: Path, change, reason, told):
    beside(first, as_csv(change(corrected(first))).encode(), ".quarantine.csv")
    intake.night()
    assert told in refused(intake, reason)
    assert len(intake.lake()) == 10


def test_unchanged_rows_under_another_name_are_refused(intake: Intake, first: Path):
    content = first.with_name(first.name + ".quarantine.csv").read_bytes()
    beside(first, content, ".quarantine (1).csv")
    intake.night()
    refused(intake, "nothing_corrected")


def test_corrections_that_nothing_belongs_to(intake: Intake):
    rows = [cells(row(1)) | {"_row": "2"}]
    intake.drop(as_csv(rows).encode(), "register.csv.quarantine.csv")
    intake.night()
    refused(intake, "correction_without_original")


def test_a_new_file_of_the_name_takes_its_old_quarantine_file_away(intake: Intake, first: Path):
    quarantine = first.with_name(first.name + ".quarantine.csv")
    assert quarantine.exists()
    first.write_bytes(register(20))
    intake.night()
    assert not quarantine.exists()


def test_what_an_officer_is_correcting_is_never_written_over(intake: Intake, first: Path):
    rows = corrected(first)
    first.write_bytes(faulty(13))
    from pipelines import ingest
    from pipelines.gate import gate
    from pipelines.harmonise import harmonise
    from pipelines.publish import publish_drops

    ingest.discover()
    ingest.admit("oxford")
    mine = beside(first, as_csv(rows).encode(), ".quarantine.csv")  # saved while the night is at work
    for stage in (harmonise, gate, publish_drops):
        stage("oxford")
    assert mine.read_bytes() == as_csv(rows).encode()
    drop = intake.drops()[-1]
    assert drop.receipt["quarantine_file"].endswith(f".{drop.sha256[:8]}.quarantine.csv")
    assert (intake.bucket / drop.receipt["quarantine_file"]).exists()
    intake.night()
    assert len(intake.drops()) == 3, "and is taken in by the next one"
    assert intake.drops()[-1].accepted == 13, "the same rows stand in the newer extract, so they are corrected there"


@pytest.mark.parametrize("nights", [1, 2], ids=["in one night", "one after the other"])
def test_a_mended_mapping_reads_a_corrected_extract_again(intake: Intake, first: Path, tmp_path, monkeypatch, nights):
    beside(first, as_csv(corrected(first)).encode(), ".quarantine.csv")
    if nights > 1:
        intake.night()
    folder = tmp_path / "mappings" / "oxford"
    folder.mkdir(parents=True)
    from schemas import registry

    text = (registry.FOLDER / "mappings/oxford/hmo_licence.yaml").read_text()
    (folder / "hmo_licence.yaml").write_text(text.replace("HMOLIC: mandatory", "HMOLIC: additional"))
    monkeypatch.setenv("LODA_MAPPINGS_DIR", str(tmp_path / "mappings"))
    settings.cache_clear()
    registry.clear()
    assert intake.night() == ["oxford"]
    assert [d.status for d in intake.drops()] == ["superseded", "accepted"], intake.drops()[-1].sentence
    assert {r["licence_type"] for r in intake.lake()} == {"additional"}
    assert len(intake.lake()) == 12


def test_a_check_of_corrected_rows_stores_nothing_and_says_what_the_night_says(intake: Intake, first: Path, tmp_path):
    from pipelines.core.bucket import Folder
    from pipelines.extracts import Extract

    name = first.name + ".quarantine-a.csv"
    (tmp_path / name).write_text(as_csv(corrected(first)))
    extract = Extract(Folder(str(tmp_path)), name, ".csv")
    made = rehearse(extract, borough="oxford", dataset="hmo_licence", file_name=name)
    assert (made.receipt["status"], made.receipt["accepted"]) == ("accepted", 12)
    assert len(intake.drops()) == 1
    assert len(intake.lake()) == 10


def state(intake: Intake) -> dict:
    drops = {d.path: (d.status, d.rows_in, d.accepted, d.quarantined, d.receipt_delivered) for d in intake.drops()}
    files = sorted(str(p.relative_to(intake.bucket)) for p in intake.bucket.rglob("*") if p.is_file())
    rows = sorted((r["licence_ref"], r["row_number"], r["address"]) for r in intake.lake())
    return {"drops": drops, "files": files, "rows": rows}


def test_killed_anywhere_a_correction_ends_as_if_nothing_had_happened(
    intake: Intake, first: Path, first_night: Path, night_killed_at: KilledNight, tmp_path, monkeypatch
):
    rows = corrected(first)
    rows[1]["Licence Expires"] = "01/01/2021"
    beside(first, as_csv(rows).encode(), ".quarantine.csv")
    ended, steps = night_killed_at(10**9)
    assert ended == 0
    expected = state(intake)
    assert len(expected["rows"]) == 11, [(d.path, d.status, d.reason, d.sentence) for d in intake.drops()]
    for point in sorted({2, steps // 5, 2 * steps // 5, 3 * steps // 5, 4 * steps // 5, steps - 1}):
        monkeypatch.setenv("LODA_HOME", str(tmp_path / f"killed-{point}"))
        move_into_home()
        again = Intake(Path(settings().bucket_url))
        beside(a_night_after(first_night, again), as_csv(rows).encode(), ".quarantine.csv")
        assert night_killed_at(point)[0] == -signal.SIGKILL, point
        again.night()
        ended = state(again)
        assert set(ended["files"]) ^ set(expected["files"]) == set(), f"killed at step {point} of {steps}"
        assert ended == expected, f"killed at step {point} of {steps}"
        assert again.night() == []


def test_receipt_json_is_the_last_to_appear(intake: Intake, first: Path):
    name = first.name + ".receipt."
    stamps = {
        p.name.removeprefix(name): p.stat().st_mtime_ns for p in first.parent.iterdir() if p.name.startswith(name)
    }
    assert set(stamps) == {"json", "txt", "html"}
    assert stamps["json"] == max(stamps.values())
    assert json.loads(first.with_name(name + "json").read_text())["quarantine_file"].endswith(".quarantine.csv")
