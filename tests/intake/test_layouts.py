"""Reports, archives and PDF registers through a whole night: rows in, lines that are no rows told in the receipt."""

from __future__ import annotations

import io
import zipfile

import pytest

from pipelines.core.settings import settings
from schemas import registry
from tests.intake.conftest import HEADER, Intake, register, row


def declare(shape: str, name: str = "hmo_licence.report") -> None:
    """Add a layout of Oxford's register that has this shape."""
    folder = settings().mappings_dir / "oxford"
    folder.mkdir(parents=True, exist_ok=True)
    text = (registry.FOLDER / "mappings/oxford/hmo_licence.yaml").read_text()
    (folder / f"{name}.yaml").write_text(text.replace("shape: {encoding: utf-8}", f"shape: {shape}"))
    registry.clear()


def report(pages: int, rows: int) -> bytes:
    """A register as a conversion from PDF leaves it: title, headings and page number on each page."""
    lines: list[str] = []
    for page in range(pages):
        lines += ["Register of licences,,,,,", HEADER, *[row(page * rows + n) for n in range(1, rows + 1)]]
        lines += [f"Page {page + 1} of {pages},,,,,"]
    return "\n".join([*lines, "", "End of report"]).encode()


def test_report_of_pages_is_one_table_and_its_other_lines_are_told(intake: Intake):
    declare("{header_row: 2, repeated_headings: true, title_lines: 1, skip: ['Page \\d+ of \\d+', 'End of report']}")
    intake.drop(report(4, 10))
    intake.night()
    found = intake.only()
    assert (found.status, found.rows_in, found.accepted, found.quarantined) == ("accepted", 40, 40, 0)
    told = {finding["issue"]: finding["rows"] for finding in found.receipt["findings"]}
    assert told["page_heading_skipped"] == 6, "three titles and three headings"
    assert told["page_line_skipped"] == 5, "four page numbers and the end"
    numbers = sorted(r["row_number"] for r in intake.lake())
    assert numbers[:11] == [*range(3, 13), 16], "as the officer's program numbers them"


def test_torn_row_of_a_report_is_quarantined_under_its_number(intake: Intake):
    declare("{header_row: 2, repeated_headings: true, title_lines: 1, skip: ['Page \\d+ of \\d+', 'End of report']}")
    path = intake.drop(report(2, 5).replace(b",6,5,", b",6,5,9,", 1))
    intake.night()
    found = intake.only()
    assert (found.rows_in, found.accepted, found.quarantined) == (10, 9, 1)
    quarantined = path.with_name(path.name + ".quarantine.csv").read_text("utf-8-sig")
    assert "1 Example Road Oxford OX4 1AB" in quarantined
    assert '"3"' in quarantined


def test_archive_of_one_register_is_that_register(intake: Intake):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/register.csv", register(5))
        archive.writestr("export/readme.rtf", "nothing")
    intake.drop(target.getvalue(), "register.zip")
    intake.night()
    assert intake.only().accepted == 5


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "unreadable_archive"),
        ({"a.csv": register(2), "b.csv": register(3)}, "unreadable_archive"),
        ({"a.csv": b"0" * 40_000_000}, "unpacks_too_large"),
        ({"a.csv": b""}, "empty_file"),
        ({"a.xlsx": b"no workbook"}, "unreadable_spreadsheet"),
    ],
    ids=["none", "two", "bomb", "empty", "damaged"],
)
def test_archives_that_are_refused(intake: Intake, members: dict[str, bytes], reason: str):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    intake.drop(target.getvalue(), "register.zip")
    intake.night()
    found = intake.only()
    assert (found.status, found.reason) == ("refused", reason)


def test_register_as_pdf(intake: Intake):
    from fpdf import FPDF

    document = FPDF(orientation="landscape")
    document.set_font("helvetica", "", 8)
    document.add_page()
    document.cell(0, 8, "Register of licences", new_x="LMARGIN", new_y="NEXT")
    with document.table(col_widths=(30, 90, 30, 30, 30, 30), line_height=5) as table:
        for line in [HEADER, *[row(n) for n in range(1, 61)]]:
            table.row(line.split(","))
    declare("{format: pdf, repeated_headings: true}", "hmo_licence.pdf")
    intake.drop(bytes(document.output()), "register.pdf")
    intake.night()
    found = intake.only()
    assert (found.status, found.rows_in, found.accepted) == ("accepted", 60, 60)
    assert sorted(r["row_number"] for r in intake.lake()) == list(range(1, 61))
    assert {r["postcode"] for r in intake.lake()} == {"OX4 1AB"}


def test_pdf_without_a_mapping_is_held_and_no_pdf_is_refused(intake: Intake):
    intake.drop(b"%PDF-1.4\nnothing", "a.pdf")
    intake.drop(register(2), "b.pdf")
    intake.night()
    assert {d.reason for d in intake.drops()} == {"no_mapping", "unreadable_pdf"}
