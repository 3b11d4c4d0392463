"""Workbooks read as a stream: every kind of cell as text, in the common form of XML and in rarer ones."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, time

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.core.errors import RefusedDrop
from pipelines.extracts import workbook_cells
from pipelines.extracts.workbook import sheet_names, workbook_rows
from schemas.mapping import Shape
from tests.unit.layouts import HEADINGS, extract_of, read, row, workbook_of

TYPES = """<?xml version="1.0" encoding="UTF-8"?><Types
 xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml"
 ContentType="application/xml"/></Types>"""
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def book_of(sheet: str, shared: str = "", prefix: str = "") -> bytes:
    """A workbook around the XML of its only sheet's data."""
    name = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="x"><Relationship Id="a" Type="{RELATIONS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets><sheet name="Data" sheetId="1" r:id="r1"/>'
            "</sheets></workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="x"><Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="/xl/ws/s.xml"/>'
            f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="shared.xml"/></Relationships>',
        )
        archive.writestr("xl/shared.xml", f'<sst xmlns="{MAIN}">{shared}</sst>')
        archive.writestr(
            "xl/ws/s.xml",
            f'<{prefix}worksheet {name}="{MAIN}"><{prefix}sheetData>{sheet}</{prefix}sheetData></{prefix}worksheet>',
        )
    return target.getvalue()


def rows_of(content: bytes, sheet: str | None = None) -> list[list[str]]:
    return list(workbook_rows(io.BytesIO(content), Shape(format="xlsx", sheet=sheet)))


def written(**options: bool) -> bytes:
    """A workbook with a cell of every kind in column B."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet()
        day, moment, clock = (
            book.add_format({"num_format": code}) for code in ("dd/mm/yyyy", "d mmm yy hh:mm", "hh:mm")
        )
        bold = book.add_format({"bold": True, "num_format": '"Days" 0'})
        sheet.write_string(0, 1, "text & more <b> é")
        sheet.write_number(1, 1, 100023336956)
        sheet.write_number(2, 1, 0.1)
        sheet.write_number(3, 1, 1.5e-7)
        sheet.write_number(4, 1, -12.5)
        sheet.write_number(5, 1, 1e20)
        sheet.write_datetime(6, 1, datetime(2024, 2, 29), day)
        sheet.write_datetime(7, 1, datetime(2024, 2, 29, 13, 30, 5), moment)
        sheet.write_datetime(8, 1, time(7, 45), clock)
        sheet.write_boolean(9, 1, True)
        sheet.write_formula(10, 1, '=HYPERLINK("x","shown")', None, "shown")
        sheet.write_formula(11, 1, "=1+1", None, 2)
        sheet.write_formula(12, 1, "=1/0", None, "#DIV/0!")
        sheet.write_rich_string(13, 1, "plain ", bold, "bold", " plain")
        sheet.write_number(14, 1, 45000, bold)
        sheet.write_string(15, 1, "two\nlines")
        sheet.write_blank(16, 1, None, bold)
        sheet.write_number(17, 27, 7)
    return target.getvalue()


SHOWN = [
    "text & more <b> é", "100023336956", "0.1", "1.5e-7", "-12.5", "1e+20", "2024-02-29", "2024-02-29 13:30:05",
    "07:45:00", "true", "shown", "2", "#DIV/0!", "plain bold plain", "45000", "two\nlines", "",
]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"constant_memory": True}, {"date_1904": True}], ids=["shared", "own", "1904"])
@pytest.mark.parametrize("thorough", [False, True], ids=["columns", "parser"])
def test_every_kind_of_cell_is_text(options: dict, thorough: bool, monkeypatch: pytest.MonkeyPatch):
    if thorough:
        monkeypatch.setattr(workbook_cells, "_quick", lambda book, sheet: unusual())
    found = rows_of(written(**options))
    assert [cells[1] if len(cells) > 1 else "" for cells in found[:17]] == SHOWN
    assert found[17] == [""] * 27 + ["7"]


def unusual():
    raise workbook_cells._Unusual
    yield


CELLS = st.one_of(
    st.just(""),
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12),
    st.sampled_from(["a & b", "<c r=", "</row>", "_x0041_", "]]>", "12", "0012", " padded "]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(st.lists(CELLS, max_size=5), min_size=1, max_size=15))
def test_both_ways_of_reading_give_what_was_written(lines: list[list[str]]):
    content = workbook_of(lines)
    quick = rows_of(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbook_cells, "_quick", lambda book, sheet: unusual())
        assert rows_of(content) == quick
    assert [_trim(cells) for cells in quick] == [_trim(cells) for cells in lines][: len(quick)]
    assert not any(any(cells) for cells in lines[len(quick) :])


def _trim(cells: list[str]) -> list[str]:
    return cells[: max((place for place, cell in enumerate(cells, start=1) if cell), default=0)]


@pytest.mark.parametrize(
    ("sheet", "prefix"),
    [
        ('<row r="2"><c r="A2" t="inlineStr"><is><t>a</t></is></c><c r="C2"><v>5</v></c></row>', ""),
        ('<x:row r="2"><x:c r="A2" t="str"><x:v>a</x:v></x:c><x:c r="C2"><x:v>5</x:v></x:c></x:row>', "x:"),
        ("<row/><row><c t='inlineStr'><is><t>a</t></is></c><c/><c><v>5</v></c></row>", ""),
        ('<row r="2"><c t="str" r="A2"><v>a</v></c><c r="C2"><v>5</v></c></row>', ""),
        ('<row r="2"><c r="A2" t="str"><v><![CDATA[a]]></v></c><c r="C2"><!-- five --><v>5</v></c></row>', ""),
        ('<row r="2"><c r="A2" t="inlineStr"><is><r><t>a</t></r><rPh><t>no</t></rPh></is></c>'
         '<c r="C2"><v>5</v></c></row>', ""),
    ],
    ids=["plain", "prefix", "no references", "other order", "comments", "phonetic"],
)  # fmt: skip
def test_forms_that_other_programs_write(sheet: str, prefix: str):
    assert rows_of(book_of(sheet, prefix=prefix)) == [[], ["a", "", "5"]]


def test_formula_that_was_never_worked_out_is_not_lost():
    sheet = (
        '<row r="1"><c r="A1"><f>SUM(B1:B9)&amp;"x"</f></c><c r="B1"><f>1+1</f><v></v></c><c r="C1"><v>1</v></c></row>'
    )
    assert rows_of(book_of(sheet)) == [['=SUM(B1:B9)&"x"', "=1+1", "1"]]


def test_shared_texts_of_several_parts():
    shared = "<si><t>one</t></si><si><r><t>tw</t></r><r><t xml:space='preserve'>o </t></r></si><si/><si><t/></si>"
    sheet = "".join(f'<row r="{n + 1}"><c r="A{n + 1}" t="s"><v>{n}</v></c></row>' for n in (0, 1, 2, 3, 99))
    assert rows_of(book_of(sheet, shared)) == [["one"], ["two "]], "a number without a text is blank"


def test_sheets_are_told_by_name_and_hidden_ones_come_last():
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        for name in ("About", "Old", "Data & more"):
            book.add_worksheet(name).write_string(0, 0, name)
        book.worksheets()[1].hide()
    content = target.getvalue()
    assert sheet_names(io.BytesIO(content)) == ["About", "Data & more"]
    assert rows_of(content, "Old") == [["Old"]]
    assert rows_of(content, "No such sheet") == []
    assert rows_of(content) == [["About"]]


def test_blocks_of_any_size_give_the_same_rows(monkeypatch: pytest.MonkeyPatch):
    content = workbook_of([HEADINGS, *[row(n) for n in range(300)]])
    whole = read(extract_of(content, ".xlsx"), Shape(format="xlsx"))
    monkeypatch.setattr("pipelines.extracts.workbook_parts.BLOCK_BYTES", 3000)
    pieces = read(extract_of(content, ".xlsx"), Shape(format="xlsx"))
    assert (pieces.numbers, pieces.rows) == (whole.numbers, whole.rows)
    assert whole.rows == [row(n) for n in range(300)]


@pytest.mark.parametrize(
    "sheet",
    [
        '<row r="1"><c r="AAAA1"><v>1</v></c></row>',
        '<row r="1"><c r="A99999999"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v>',
        "<!DOCTYPE x [<!ENTITY a 'b'>]><row><c><v>&a;</v></c></row>",
    ],
)
def test_cells_where_none_can_be(sheet: str):
    try:
        assert len(rows_of(book_of(sheet))) <= 1
    except RefusedDrop as error:
        assert error.issue_type == "unreadable_spreadsheet"  # noqa: PT017 - either outcome is allowed


def test_entities_that_grow_are_refused():
    content = book_of('<row r="1"><c r="A1"><v>1</v></c></row>')
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            if name.endswith("s.xml"):
                bomb = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))
                text = f"<!DOCTYPE w [<!ENTITY e0 'x'>{bomb}]>" + text.replace("<v>1", "<v>&e11;")
            new.writestr(name, text)
    with pytest.raises(RefusedDrop) as refused:
        rows_of(target.getvalue())
    assert refused.value.issue_type == "unreadable_spreadsheet"
