"""PDF registers as rows: ruled or not, cells of two lines, headings on one page or on each; hostile ones refused."""

from __future__ import annotations

import io
import zlib

import pytest
from fpdf import FPDF
from fpdf.enums import AccessPermission

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import settings
from pipelines.extracts.pdf import _read
from pipelines.extracts.recognise import recognise
from pipelines.ingest.sniffing import Copied, check_content, check_kind, copy_and_measure
from schemas.mapping import Shape
from tests.unit.layouts import extract_of, read

HEADINGS = ["Licence number", "Address of property", "Licence holder", "Max persons", "Start", "Expiry"]
WIDTHS = [30, 75, 40, 15, 22, 22]
LINE = 4


def row(number: int) -> list[str]:
    note = " (formerly known as The Old Dairy Cottage)" if number % 4 == 0 else ""
    return [
        f"HMO/{2020 + number % 5}/{number:04d}",
        f"{number + 1} Example Road, Peckham, London, SE15 {number % 10}QL{note}",
        "Jane Mary Example of Somewhere" if number % 3 == 0 else "A Person",
        str(3 + number % 7),
        f"{1 + number % 28:02d}/0{1 + number % 9}/2023",
        f"{1 + number % 28:02d}/0{1 + number % 9}/2028",
    ]


ROWS = [row(number) for number in range(70)]


class Register(FPDF):
    """A register with a title, a date of printing and page numbers on each page."""

    ruled = each_page = False
    gap = 0.0
    underlined = False
    right_aligned: tuple[int, ...] = ()

    def header(self) -> None:
        self.set_font("helvetica", "B", 12)
        self.cell(0, 8, "London Borough of Example - HMO register", new_x="LMARGIN", new_y="NEXT")
        self.set_font("helvetica", "", 8)
        self.cell(0, 6, "Printed on 03/05/2024 10:32", new_x="LMARGIN", new_y="NEXT")
        self.ln(2)
        if self.each_page:
            self.headings()

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("helvetica", "I", 8)
        self.cell(0, 10, f"Page {self.page_no()} of {{nb}}", align="C")

    def headings(self) -> None:
        self.set_font("helvetica", "B", 8)
        self.row(HEADINGS)
        self.set_font("helvetica", "", 8)

    def row(self, cells: list[str]) -> None:
        lines = [self.multi_cell(w, LINE, c, dry_run=True, output="LINES") for w, c in zip(WIDTHS, cells, strict=True)]
        height = max(map(len, lines)) * LINE + self.gap
        if self.get_y() + height > self.page_break_trigger:
            self.add_page()
        left, top = self.get_x(), self.get_y()
        for place, (width, texts) in enumerate(zip(WIDTHS, lines, strict=True)):
            if self.ruled:
                self.rect(left, top, width, height)
            for number, text in enumerate(texts):
                self.set_xy(left, top + LINE * number)
                self.cell(width, LINE, text, align="R" if place in self.right_aligned else "L")
            left += width
        self.set_xy(self.l_margin, top + height)
        if self.underlined:
            self.line(self.l_margin, top + height, self.l_margin + sum(WIDTHS), top + height)


def register(rows: list[list[str]] = ROWS, **how: object) -> bytes:
    document = Register()
    for name, value in how.items():
        setattr(document, name, value)
    document.set_font("helvetica", "", 8)
    document.add_page()
    if not document.each_page:
        document.headings()
    for cells in rows:
        document.row(cells)
    return bytes(document.output())


@pytest.mark.parametrize(
    "how",
    [
        {"ruled": True, "each_page": True},
        {"ruled": True},
        {"each_page": True},
        {},
        {"gap": 1.5, "each_page": True},
        {"underlined": True},
        {"right_aligned": (3, 4, 5)},
    ],
    ids=["ruled, each page", "ruled", "each page", "plain", "gaps", "underlined", "right"],
)
def test_registers_of_every_look_give_the_same_table(how: dict):
    content = register(**how)
    pages = content.count(b"/Type /Page\n")
    extract = extract_of(content, ".pdf")
    found = recognise(extract)
    assert (found.headings, found.rows, found.tables) == (HEADINGS, 70, 1)
    got = read(extract, found.shape)
    assert got.rows == ROWS
    assert got.numbers == list(range(1, 71)), "a row's number is its running number"
    assert got.torn == []
    assert len(got.skipped.get("page_heading_skipped", [])) == (pages - 1 if "each_page" in how else 0)
    assert len(got.skipped["page_line_skipped"]) == 3 * pages - 2, "page numbers, and below the first title and date"
    assert "PDF" in found.notes[0]


def test_blank_cells_stay_blank():
    rows = [[cells[0], cells[1], "", *cells[3:]] if n % 2 else cells for n, cells in enumerate(ROWS[:20])]
    for how in ({"ruled": True}, {}):
        extract = extract_of(register(rows, **how), ".pdf")
        assert read(extract, recognise(extract).shape).rows == rows


def test_titles_above_ruled_tables_are_carried_down():
    document = Register()
    document.ruled = True
    document.set_font("helvetica", "", 8)
    document.add_page()
    for ward, part in (("North Ward", ROWS[:5]), ("South Ward", ROWS[5:12])):
        document.cell(0, 8, ward, new_x="LMARGIN", new_y="NEXT")
        document.headings()
        for cells in part:
            document.row(cells)
        document.ln(5)
    extract = extract_of(bytes(document.output()), ".pdf")
    shape = Shape(format="pdf", repeated_headings=True, title_lines=1, title_column="Ward")
    assert [cells[-1] for cells in read(extract, shape).rows] == ["North Ward"] * 5 + ["South Ward"] * 7


def test_declared_layout_holds_on_the_next_register():
    shape = recognise(extract_of(register(ROWS[:30]), ".pdf")).shape
    got = read(extract_of(register(ROWS), ".pdf"), shape)
    assert (got.headings, len(got.rows)) == (HEADINGS, 70)


def refused(content: bytes) -> RefusedDrop:
    with pytest.raises(RefusedDrop) as error:
        recognise(extract_of(content, ".pdf"))
    return error.value


def test_locked_document_asks_for_a_spreadsheet():
    document = Register()
    document.set_encryption(owner_password="one", user_password="two", permissions=AccessPermission.none())
    document.set_font("helvetica", "", 8)
    document.add_page()
    document.headings()
    told = str(refused(bytes(document.output())))
    assert "password" in told
    assert "spreadsheet" in told


def test_scan_asks_for_a_spreadsheet():
    document = FPDF()
    document.add_page()
    pixel = b"P5 2 2 255\n\x00\xff\xff\x00"
    try:
        document.image(io.BytesIO(pixel), w=100)
    except Exception:  # noqa: BLE001 - the picture library may not know the format
        document.rect(10, 10, 50, 50)
    assert "scanner" in str(refused(bytes(document.output())))


def test_page_of_words_without_a_table():
    document = FPDF()
    document.set_font("helvetica", "", 10)
    document.add_page()
    document.multi_cell(0, 6, "The council keeps a register of licences. It may be seen by anybody on request. " * 8)
    assert "spreadsheet" in str(refused(bytes(document.output())))


@pytest.mark.parametrize("content", [b"%PDF-1.4\n%%EOF", b"%PDF-", b"no document", register(ROWS[:5])[:900]])
def test_damaged_documents(content: bytes):
    assert refused(content).issue_type == "unreadable_pdf"


def test_document_with_too_many_pages(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_MAX_PDF_PAGES", "1")
    settings.cache_clear()
    _read.cache_clear()
    try:
        assert "more pages" in str(refused(register(ROWS)))
    finally:
        settings.cache_clear()


def bomb() -> bytes:
    """A page whose content unpacks from two megabytes to three gigabytes."""
    squeezed = zlib.compressobj(9)
    start = squeezed.compress(b" ") + squeezed.flush(zlib.Z_FULL_FLUSH)
    # What follows a full flush can be repeated as often as one likes.
    block = squeezed.compress(b" " * 2**24) + squeezed.flush(zlib.Z_FULL_FLUSH)
    content = start + block * 200
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 500 500] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    target = io.BytesIO(b"%PDF-1.4\n")
    target.seek(0, 2)
    places = []
    for number, part in enumerate(parts, start=1):
        places.append(target.tell())
        target.write(b"%d 0 obj\n%s\nendobj\n" % (number, part))
    start = target.tell()
    target.write(b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places))
    target.write(b"trailer << /Root 1 0 R /Size 5 >>\nstartxref\n%d\n%%%%EOF" % start)
    return target.getvalue()


def test_document_that_unpacks_to_gigabytes_takes_nothing_down_with_it():
    assert refused(bomb()).issue_type == "unreadable_pdf"


def admitted(content: bytes, kind: str) -> None:
    extract = extract_of(content, kind)
    check_kind(kind)
    with extract.open() as source:
        copied: Copied = copy_and_measure(source, io.BytesIO(), kind)
    check_content(extract.folder, extract.path, kind, copied)


def test_pdf_and_archives_are_admitted_at_the_door(monkeypatch: pytest.MonkeyPatch):
    from tests.unit.test_recognise import zipped

    document = register(ROWS[:3])
    admitted(document, ".pdf")
    admitted(zipped(("register.pdf", document)), ".zip")
    admitted(zipped(("register.csv", b"a,b\r\n1,2\r\n")), ".zip")
    with pytest.raises(RefusedDrop, match="does not begin as a PDF"):
        admitted(b"a,b\r\n", ".pdf")
    with pytest.raises(RefusedDrop, match="holds 0 files"):
        admitted(zipped(("register.exe", b"x")), ".zip")
    with pytest.raises(RefusedDrop, match="no text has"):
        admitted(zipped(("register.csv", b"a,\0")), ".zip")
    monkeypatch.setenv("LODA_MAX_PDF_MIB", "1")
    settings.cache_clear()
    try:
        with pytest.raises(RefusedDrop, match="larger than 1 MiB"):
            admitted(document + b" " * 2**20, ".pdf")
    finally:
        settings.cache_clear()
