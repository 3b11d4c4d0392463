"""What boroughs really drop: each gives a receipt or one sentence, never a stack trace, and nothing is lost."""

from __future__ import annotations

import io
import json
import os
import random
import sys
import threading
import time
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from pipelines import ingest
from pipelines.core.settings import settings
from tests.intake.conftest import HEADER, Intake, register, row


def refused(intake: Intake, reason: str) -> None:
    found = intake.only()
    assert (found.status, found.reason) == ("refused", reason)
    assert found.sentence
    assert found.sentence.endswith(".")
    assert intake.lake() == []


def test_sound_register_is_accepted_whole(intake: Intake):
    intake.drop(register(5))
    assert intake.night() == ["oxford"]
    found = intake.only()
    assert (found.status, found.rows_in, found.accepted, found.quarantined) == ("accepted", 5, 5, 0)
    assert {r["licence_ref"] for r in intake.lake()} == {f"23/{n:05d}/HMOLIC" for n in range(1, 6)}
    assert intake.lake()[0]["postcode"] == "OX4 1AB"


def test_empty_file(intake: Intake):
    intake.drop(b"")
    intake.night()
    refused(intake, "empty_file")


def test_blank_lines_only(intake: Intake):
    intake.drop(b"\n \r\n\t\n")
    intake.night()
    refused(intake, "empty_file")


def test_header_without_rows(intake: Intake):
    intake.drop(HEADER.encode() + b"\n")
    intake.night()
    refused(intake, "no_rows")


def workbook(rows: int = 3) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet("Data")
    for number in range(rows):
        sheet.write_row(number, 0, [f"cell {number}", number])
    book.close()
    return target.getvalue()


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.99])
def test_truncated_workbook(intake: Intake, keep: float):
    whole = workbook(2000)
    intake.drop(whole[: int(len(whole) * keep)], "register.xlsx")
    intake.night()
    refused(intake, "unreadable_spreadsheet")


def test_zip_bomb_is_refused_by_its_ratio(intake: Intake):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    intake.drop(target.getvalue(), "register.xlsx")
    intake.night()
    refused(intake, "unpacks_too_large")


def test_workbook_that_lies_about_its_size_is_refused(intake: Intake):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", os.urandom(1000) * 100)
    content = target.getvalue().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    intake.drop(content, "register.xlsx")
    intake.night()
    refused(intake, "unreadable_spreadsheet")


def test_one_endless_line_is_refused_early(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_MAX_LINE_MIB", "1")
    settings.cache_clear()
    path = intake.drop(b"")
    with path.open("wb") as handle:
        handle.truncate(0)
        for _ in range(64):
            handle.write(b"x" * 1_048_576)
    intake.night()
    refused(intake, "line_too_long")
    # Only what had been read up to the limit was copied, and not even that is kept.
    kept = [p for p in (intake.bucket.parent / "lake").rglob("*") if p.is_file() and p.stat().st_size > 1_000_000]
    assert kept == []


def test_too_large_a_file_is_refused(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_MAX_DROP_MIB", "1")
    settings.cache_clear()
    intake.drop(register(30_000))
    intake.night()
    refused(intake, "too_large")


@pytest.mark.parametrize(
    "content",
    [workbook(), b"%PDF-1.7 nothing", bytes(range(256)) * 20, b"\x1f\x8b\x08\x00" + b"x" * 90],
    ids=["a workbook", "a PDF", "bytes", "an archive"],
)
def test_binary_file_named_csv(intake: Intake, content: bytes):
    intake.drop(content)
    intake.night()
    refused(intake, "not_text")


@pytest.mark.parametrize("name", ["register.doc", "register.xls", "register", "register.csv.gz"])
def test_kinds_that_are_not_read(intake: Intake, name: str):
    intake.drop(register(3), name)
    intake.night()
    refused(intake, "unsupported_kind")


def test_damaged_pdf(intake: Intake):
    intake.drop(register(3), "register.pdf")
    intake.night()
    refused(intake, "unreadable_pdf")


def test_damaged_parquet(intake: Intake):
    target = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2, 3]}), target)
    intake.drop(target.getvalue()[:-6], "register.parquet")
    intake.night()
    refused(intake, "unreadable_parquet")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (HEADER.replace(",Licence Expires", ""), "missing: 'Licence Expires'"),
        (HEADER.replace("Licence Expires", "Licence Ends"), "not known: 'Licence Ends'"),
        (HEADER + ",Ward", "not known: 'Ward'"),
        (HEADER.replace("Total Number Units", "Location"), "not known: 'Location (2)'"),
    ],
    ids=["missing", "renamed", "added", "doubled"],
)
def test_changed_layout_is_held_and_says_what_changed(intake: Intake, header: str, told: str):
    intake.drop(register(3, header=header))
    intake.night()
    found = intake.only()
    assert (found.status, found.reason) == ("held", "layout_changed")
    assert told in str(found.sentence)
    assert intake.lake() == []


def test_heading_row_that_is_data_is_not_repeated_in_the_sentence(intake: Intake):
    intake.drop(b"\n".join(register(3).split(b"\n")[1:]))
    intake.night()
    found = intake.only()
    assert found.reason == "layout_changed"
    assert "Example Road" not in str(found.sentence)


def test_moved_columns_are_the_same_layout(intake: Intake):
    lines = [line.split(",") for line in register(3).decode().splitlines()]
    intake.drop("\n".join(",".join(reversed(line)) for line in lines).encode())
    intake.night()
    assert intake.only().accepted == 3


def test_mixed_encodings_blank_the_cell_and_keep_the_row(intake: Intake):
    content = register(2) + row(3, location="3 Café Road Oxford OX4 1AB").encode("cp1252") + b"\n"
    intake.drop(content + row(4, location="4 Café Road Oxford OX4 1AB").encode() + b"\n")
    intake.night()
    found = intake.only()
    # The address is required, so the row with the undecodable one is quarantined; the sound one lives.
    assert (found.rows_in, found.accepted, found.quarantined) == (4, 3, 1)
    assert "4 Café Road Oxford" in {r["address"] for r in intake.lake()}
    assert "undecodable_text" in {finding["issue"] for finding in found.receipt["findings"]}


def test_drop_still_being_written_is_left_until_it_is_stable(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_STABLE_SECONDS", "1")
    settings.cache_clear()
    path = intake.drop(register(2))
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            with path.open("ab") as handle:
                handle.write(row(99).encode() + b"\n")
            time.sleep(0.05)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        assert ingest.discover() == []
        assert intake.drops() == []
    finally:
        stop.set()
        writer.join()
    path.write_bytes(register(2))
    assert intake.night() == ["oxford"], "the next night waits until it is stable and takes it"
    assert intake.only().accepted == 2


def test_upload_under_way_by_its_name_is_no_drop(intake: Intake):
    intake.drop(register(2), "register.csv.part")
    intake.drop(register(2), ".register.csv")
    assert intake.night() == []


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("atlantis/hmo_licence", "unknown_borough"),
        ("oxford/dragons", "unknown_dataset"),
        ("oxford", "wrong_place"),
        ("oxford/hmo_licence/2024", "wrong_place"),
        ("", "wrong_place"),
        ("oxford/council_tax", "no_agreement"),
    ],
)
def test_files_in_no_known_place(intake: Intake, place: str, reason: str):
    path = intake.drop(register(2), place=place)
    intake.night()
    found = intake.only()
    assert (found.status, found.reason) == ("refused", reason)
    assert path.with_name(path.name + ".receipt.txt").exists()


def test_same_bytes_twice_change_nothing(intake: Intake):
    path = intake.drop(register(4))
    intake.night()
    version = intake.only().lake_version
    path.write_bytes(register(4))
    os.utime(path, (1, 1))
    intake.night()
    assert intake.only().lake_version == version
    assert intake.night() == [], "nothing is new"


def test_same_bytes_under_two_names(intake: Intake):
    intake.drop(register(4), "one.csv")
    intake.drop(register(4), "two.csv")
    intake.night()
    statuses = sorted(drop.status for drop in intake.drops())
    assert statuses == ["accepted", "duplicate"]
    assert len(intake.lake()) == 4
    assert all(drop.receipt for drop in intake.drops())


def test_same_bytes_again_after_newer_ones_do_not_roll_back(intake: Intake):
    path = intake.drop(register(4))
    intake.night()
    path.write_bytes(register(6))
    intake.night()
    path.write_bytes(register(4))
    os.utime(path, (2_000_000, 2_000_000))
    intake.night()
    assert [drop.status for drop in intake.drops()] == ["superseded", "accepted", "duplicate"]
    assert "stays in use" in str(intake.drops()[-1].sentence)
    assert len(intake.lake()) == 6


def test_older_extract_does_not_replace_a_later_one(intake: Intake):
    intake.drop(register(5), "register 2024-06-01.csv")
    intake.night()
    intake.drop(register(9), "register 2024-05-01.csv")
    intake.night()
    assert [(d.status, d.reason) for d in intake.drops()] == [("accepted", None), ("superseded", "older_extract")]
    assert len(intake.lake()) == 5


def test_two_extracts_in_one_night_are_taken_in_the_order_of_their_dates(intake: Intake):
    intake.drop(register(7), "b 2024-06-01.csv")
    intake.drop(register(5), "a 2024-07-01.csv")
    intake.night()
    assert len(intake.lake()) == 5
    assert sorted(d.status for d in intake.drops()) == ["accepted", "superseded"]


def test_extract_that_shrank_is_held_and_the_last_good_stays(intake: Intake):
    intake.drop(register(200), "register 2024-06-01.csv")
    intake.night()
    intake.drop(register(40), "register 2024-07-01.csv")
    intake.night()
    held = intake.drops()[-1]
    assert (held.status, held.reason, held.accepted, held.quarantined) == ("held", "row_count_fell", 0, 40)
    assert len(intake.lake()) == 200


def test_too_many_faulty_rows_hold_the_drop(intake: Intake):
    rows = [row(n) if n % 2 else row(n, location="") for n in range(1, 21)]
    intake.drop("\n".join([HEADER, *rows]).encode())
    intake.night()
    assert intake.only().reason == "too_many_quarantined"
    assert intake.lake() == []


def test_torn_rows_are_quarantined_with_their_text_and_row_numbers_hold(intake: Intake):
    lines = register(4).decode().splitlines()
    lines[2] += ",one cell too many"
    lines.insert(4, "")
    path = intake.drop("\n".join(lines).encode())
    intake.night()
    found = intake.only()
    assert (found.rows_in, found.accepted, found.quarantined) == (4, 3, 1)
    quarantine = path.with_name(path.name + ".quarantine.csv").read_text()
    assert "one cell too many" in quarantine
    assert sorted(r["row_number"] for r in intake.lake()) == [2, 4, 6]


def test_quotation_mark_never_closed(intake: Intake):
    intake.drop(register(3) + b'"never closed,' + b"1,2,3\n" * 10)
    intake.night()
    found = intake.only()
    assert found.rows_in == found.accepted + found.quarantined
    assert found.status in {"refused", "accepted", "held"}
    assert found.receipt


def test_new_mapping_wakes_a_held_drop(intake: Intake, tmp_path, monkeypatch: pytest.MonkeyPatch):
    intake.drop(register(3, header=HEADER.replace("Location", "Premises")))
    intake.night()
    assert intake.only().status == "held"
    folder = tmp_path / "mappings" / "oxford"
    folder.mkdir(parents=True)
    from schemas import registry

    text = (registry.FOLDER / "mappings/oxford/hmo_licence.yaml").read_text().replace("Location", "Premises")
    (folder / "hmo_licence.premises.yaml").write_text(text)
    monkeypatch.setenv("LODA_MAPPINGS_DIR", str(tmp_path / "mappings"))
    settings.cache_clear()
    registry.clear()
    assert intake.night() == ["oxford"]
    assert intake.only().status == "accepted"


def test_faulty_mapping_holds_only_its_own_dataset(intake: Intake, tmp_path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "mappings" / "oxford"
    folder.mkdir(parents=True)
    (folder / "licence_application.yaml").write_text("fields: {no_such_field: Case Number}\n")
    monkeypatch.setenv("LODA_MAPPINGS_DIR", str(tmp_path / "mappings"))
    settings.cache_clear()
    from schemas import registry

    registry.clear()
    intake.drop(register(3))
    intake.drop(register(3), place="oxford/licence_application")
    intake.night()
    assert {d.dataset: d.status for d in intake.drops()} == {"hmo_licence": "accepted", "licence_application": "held"}


def test_mended_mapping_frees_rows_without_a_new_drop(intake: Intake, tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Rows quarantined, or a whole drop held, for a code the mapping did not know: teaching it the code is enough."""
    rows = [row(n, case=f"23/{n:05d}/HMONEW") for n in range(1, 9)]
    intake.drop("\n".join([HEADER, *rows, row(9), row(10)]).encode())
    intake.night()
    assert intake.only().reason == "too_many_quarantined"
    folder = tmp_path / "mappings" / "oxford"
    folder.mkdir(parents=True)
    from schemas import registry

    text = (registry.FOLDER / "mappings/oxford/hmo_licence.yaml").read_text()
    (folder / "hmo_licence.yaml").write_text(text.replace("HMOLIC: mandatory", "HMOLIC: mandatory, HMONEW: additional"))
    monkeypatch.setenv("LODA_MAPPINGS_DIR", str(tmp_path / "mappings"))
    settings.cache_clear()
    registry.clear()
    assert intake.night() == ["oxford"]
    found = intake.only()
    assert (found.status, found.accepted, found.quarantined) == ("accepted", 10, 0)
    assert intake.night() == []


def test_new_agreement_lets_a_refused_file_in(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    from schemas import registry

    intake.drop(register(3))
    with pytest.MonkeyPatch.context() as without:
        without.setattr(registry, "agreements", tuple)
        intake.night()
        assert intake.only().reason == "no_agreement"
        assert intake.night() == []
    assert intake.night() == ["oxford"]
    assert intake.only().status == "accepted"


def test_mistake_of_place_put_right_lets_the_same_bytes_in(intake: Intake):
    wrong = intake.drop(register(3), place="Oxford/hmo_licence")
    intake.night()
    assert intake.only().reason == "unknown_borough"
    wrong.unlink()
    intake.drop(register(3))
    intake.night()
    assert [d.status for d in intake.drops()] == ["accepted"]
    assert len(intake.lake()) == 3


def test_workbook_named_csv_is_read_once_it_has_its_right_name(intake: Intake):
    content = workbook()
    intake.drop(content).unlink()
    intake.drop(content)
    intake.night()
    intake.drop(content, "register.xlsx")
    intake.night()
    assert intake.drops()[-1].reason in {"no_mapping", "layout_changed"}, "it got as far as its layout"


def test_clock_that_runs_ahead_does_not_hide_later_extracts(intake: Intake):
    path = intake.drop(register(5), "a.csv")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    intake.night()
    intake.drop(register(6), "b.csv")
    intake.night()
    assert len(intake.lake()) == 6


@pytest.mark.parametrize(("content", "name"), [(b"PA", "a.parquet"), (b"PAR1PAR1", "b.parquet"), (b"PK", "c.xlsx")])
def test_tiny_binary_files(intake: Intake, content: bytes, name: str):
    intake.drop(content, name)
    intake.drop(register(2))
    intake.night()
    assert {d.status for d in intake.drops()} in ({"accepted", "refused"}, {"accepted", "held"})


@pytest.mark.parametrize("seed", range(8))
def test_damaged_workbooks_never_stop_the_borough(intake: Intake, seed: int):
    content = bytearray(workbook(300))
    random.Random(seed).shuffle(places := list(range(60, len(content) - 60)))
    for place in places[:20]:
        content[place] ^= 0xFF
    intake.drop(bytes(content), "register.xlsx")
    intake.drop(register(2))
    intake.night()
    assert len(intake.drops()) == 2
    assert all(d.receipt for d in intake.drops())
    assert len(intake.lake()) == 2


def test_parquet_numbers_that_no_integer_holds(intake: Intake):
    from pipelines.extracts.parquet import as_text

    assert as_text(pa.array([float("inf"), 1e20, 5.0])).to_pylist() == ["inf", "1e+20", "5"]


def test_names_that_are_too_long_or_strange_get_a_receipt_or_are_left(intake: Intake):
    intake.drop(register(2), "n" * 240 + ".csv")
    intake.drop(register(3), "régister 'of' [HMOs] *2026*.csv")
    (
        intake.bucket / "drops" / "oxford" / "hmo_licence" / b"latin\xe9.csv".decode("utf-8", "surrogateescape")
    ).write_bytes(register(4))
    intake.night()
    assert {d.reason for d in intake.drops()} == {None, "name_too_long"}
    assert all(d.receipt_delivered for d in intake.drops())
    assert len(intake.lake()) == 3
    assert intake.night() == []


def test_one_drop_that_nobody_foresaw_is_held_and_the_others_go_on(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    module = sys.modules["pipelines.harmonise.stage"]
    real = module.harmonise_chunk

    def stumbles(chunk, mapping, contract, day):
        if chunk.table.num_rows == 3:
            raise KeyError("a secret value")
        return real(chunk, mapping, contract, day)

    monkeypatch.setattr(module, "harmonise_chunk", stumbles)
    intake.drop(register(3), "one 2024-05-01.csv")
    intake.drop(register(5), "two 2024-06-01.csv")
    intake.night()
    assert sorted((d.status, d.reason) for d in intake.drops()) == [("accepted", None), ("held", "platform_fault")]
    assert "secret" not in json.dumps([d.receipt for d in intake.drops()])


def test_a_source_that_is_named_anew_does_not_double_its_rows(intake: Intake, tmp_path, monkeypatch):
    intake.drop(register(5))
    intake.night()
    folder = tmp_path / "mappings" / "oxford"
    folder.mkdir(parents=True)
    from schemas import registry

    text = (registry.FOLDER / "mappings/oxford/hmo_licence.yaml").read_text()
    (folder / "hmo_licence.yaml").write_text(text + "\nsource: register\n")
    monkeypatch.setenv("LODA_MAPPINGS_DIR", str(tmp_path / "mappings"))
    settings.cache_clear()
    registry.clear()
    intake.night()
    assert len(intake.lake()) == 5
    assert {r["source"] for r in intake.lake()} == {"register"}


def test_a_second_look_is_seen_by_the_stages_after(intake: Intake, tmp_path, monkeypatch):
    from pipelines.governance.stages import drops_behind
    from schemas import registry

    intake.drop(register(5))
    intake.night()
    before = drops_behind()
    folder = tmp_path / "mappings" / "oxford"
    folder.mkdir(parents=True)
    text = (registry.FOLDER / "mappings/oxford/hmo_licence.yaml").read_text()
    (folder / "hmo_licence.yaml").write_text(
        text.replace("  max_persons: Total Number Occupants\n", "") + ("ignore: {Total Number Occupants: not used}\n")
    )
    monkeypatch.setenv("LODA_MAPPINGS_DIR", str(tmp_path / "mappings"))
    settings.cache_clear()
    registry.clear()
    intake.night()
    assert {r["max_persons"] for r in intake.lake()} == {None}
    assert drops_behind() != before
