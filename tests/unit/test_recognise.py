"""A file that nobody has described: what it is taken for, what is said of it, and that it never breaks the reader."""

from __future__ import annotations

import io
import random
import time
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.core.errors import RefusedDrop
from pipelines.extracts.chunk import plain_text
from pipelines.extracts.recognise import Recognised, recognise
from pipelines.extracts.recognise_pages import pattern_of
from schemas.mapping import Shape
from tests.conftest import needs_real_data, real_data
from tests.unit.layouts import HEADINGS, LAYOUTS, Layout, extract_of, make, read, row, text_of, workbook_of

ROWS = [row(number) for number in range(40)]


def seen(lines: list[list[str]], **how: str) -> Recognised:
    return recognise(extract_of(text_of(lines, **how), ".csv"))


def options(found: Recognised) -> dict:
    return found.shape.model_dump(exclude_defaults=True)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layout=LAYOUTS.filter(lambda layout: layout.page or not layout.titles))
def test_reports_of_any_layout_are_read_as_what_they_are(layout: Layout):
    made = make(layout)
    extract = extract_of(made.text(layout), ".csv")
    found = recognise(extract)
    got = read(extract, found.shape)
    assert found.headings[: len(HEADINGS)] == HEADINGS
    assert got.numbers == made.numbers
    assert [cells[: len(HEADINGS)] for cells in got.rows] == made.rows
    assert (got.torn, got.others, found.rows) == ([], made.others, layout.rows)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layout=LAYOUTS.filter(lambda layout: layout.page or not layout.titles))
def test_the_same_reports_as_workbooks(layout: Layout):
    made = make(layout)
    extract = extract_of(workbook_of(made.lines), ".xlsx")
    found = recognise(extract)
    got = read(extract, found.shape)
    assert found.headings[: len(HEADINGS)] == HEADINGS
    assert (got.numbers, got.torn, got.others) == (made.numbers, [], made.others)


CELLS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12),
    st.sampled_from(["", "1", "01/02/2023", "SE1 1AA", "Page 1 of 2", "Total", "Ref", "Address", "=1+1", "x"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(st.lists(CELLS, max_size=6), max_size=20),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]),
)
def test_whatever_lines_come_none_is_read_twice(lines: list[list[str]], delimiter: str, encoding: str):
    extract = extract_of(text_of(lines, delimiter).decode().encode(encoding, "replace"), ".csv")
    try:
        found = recognise(extract)
    except RefusedDrop as error:
        assert str(error).endswith(".")  # noqa: PT017 - either outcome is allowed
        return
    got = read(extract, found.shape)
    every = [*got.numbers, *got.torn, *got.others]
    assert len(every) == len(set(every))
    assert found.rows == len(got.numbers) + len(got.torn)
    assert found.sample.column_names == found.headings


@settings(max_examples=150, deadline=None)
@given(
    content=st.binary(max_size=2000), kind=st.sampled_from([".csv", ".txt", ".xlsx", ".parquet", ".zip", ".pdf", ""])
)
def test_no_bytes_lead_to_anything_but_a_shape_or_a_sentence(content: bytes, kind: str):
    try:
        assert recognise(extract_of(content, kind)).headings
    except RefusedDrop as error:
        assert str(error).endswith(".")  # noqa: PT017 - either outcome is allowed


def parquet() -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"ref": ["a", "b"], "n": [1, 2]}), target)
    return target.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize("kind", [".csv", ".xlsx", ".parquet", ".zip"])
def test_damaged_files_lead_to_a_shape_or_a_sentence(kind: str):
    whole = {
        ".csv": make(Layout(page=5, titles=True)).text(Layout()),
        ".xlsx": workbook_of([HEADINGS, *ROWS]),
        ".parquet": parquet(),
        ".zip": zipped(("register.csv", text_of([HEADINGS, *ROWS]))),
    }[kind]
    hand = random.Random(7)
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(hand.choice([1, 3, 30])):
            content[hand.randrange(len(content))] = hand.choice([0, 10, 13, 34, 44, hand.randrange(256)])
        try:
            recognise(extract_of(bytes(content[: hand.choice([len(content), hand.randrange(len(content))])]), kind))
        except RefusedDrop as error:
            assert str(error).endswith(".")  # noqa: PT017 - either outcome is allowed


@needs_real_data
@pytest.mark.parametrize(
    ("name", "rows", "headings", "notes"),
    [
        ("registers/oxford_hmo_register_2018-03-09.csv", 3211, "Case Number", "bare carriage return"),
        ("registers/oxford_temporary_exemptions_2018.csv", 16, "Case Number", ""),
        ("registers/sheffield_hmo_licences_2024-09-09.csv", 1745, "Address 1", ""),
        ("registers/sheffield_hmo_licences_2025-01-28.csv", 1459, "Full Address", "Columns 2, 3 have no heading"),
        ("registers/sheffield_hmo_licences_2025-03-03.csv", 1315, "(column 1)", "Columns 1, 3 have no heading"),
        ("registers/sheffield_hmo_licences_2025-06-16.csv", 1016, "(column 1)", "Columns 1, 3 have no heading"),
        ("registers/swindon_hmo_addresses.csv", 384, "HMO Address", ""),
        ("gazetteers/merthyr_tydfil_uprn.csv", 27374, "Polling District", ""),
        ("gazetteers/addressbase_premium_sx9090_first3600.zip", 33, "UPRN", "AddressBase"),
    ],
)
def test_real_registers(name: str, rows: int, headings: str, notes: str):
    path = real_data() / name
    found = recognise(extract_of(path.read_bytes(), path.suffix))
    assert (found.rows, found.headings[0], found.tables) == (rows, headings, 1)
    assert notes in " ".join(found.notes)
    assert found.sample.num_rows == min(rows, 5000)


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("mac_roman", "mac_roman"),
        ("cp850", "cp850"),
    ],
)
def test_encodings(encoding: str, told: str):
    lines = [HEADINGS, *ROWS, *[["HMO/1", "£5 Café Señor Zoë", "SE1 1AA", "Siân", "5", "01/01/2023", "01/01/2028"]] * 9]
    found = recognise(extract_of(text_of(lines).decode().encode(encoding), ".csv"))
    assert found.shape.encoding == told
    assert "£5 Café Señor Zoë" in found.sample["Property Address"].to_pylist()


def test_windows_quotation_marks_and_dashes_are_not_latin_1():
    lines = [HEADINGS, *ROWS, ["HMO/1", "“The Old Dairy” – O’Brien’s", "SE1 1AA", "", "5", "01/01/2023", "01/01/2028"]]
    found = recognise(extract_of(text_of(lines).decode().encode("cp1252"), ".csv"))
    assert found.shape.encoding == "cp1252"
    assert found.sample["Property Address"].to_pylist()[-1] == "“The Old Dairy” – O’Brien’s"


def test_one_stray_byte_in_utf8_does_not_change_the_encoding():
    content = text_of([HEADINGS, *ROWS]).replace(b"HMO/2003", b"HMO\x962003", 1)
    found = recognise(extract_of(content, ".csv"))
    assert found.shape.encoding == "utf-8"
    assert "cannot be read" in " ".join(found.notes)


def test_commas_in_addresses_do_not_divide_a_file_of_two_columns():
    lines = [["Ref", "Address"], *[[cells[0], f"{cells[1]}, Greater London, {cells[2]}"] for cells in ROWS]]
    for delimiter in (";", "\t", "|"):
        content = "\n".join(delimiter.join(cells) for cells in lines).encode()
        found = recognise(extract_of(content, ".csv"))
        assert (found.shape.delimiter, found.headings) == (delimiter, ["Ref", "Address"])


def test_list_of_addresses_is_one_column():
    content = "\n".join(["Address", *[f"{cells[1]}, {cells[2]}" for cells in ROWS]]).encode()
    found = recognise(extract_of(content, ".txt"))
    assert (found.headings, found.rows) == (["Address"], 40)


def test_headings_over_two_rows_are_joined():
    lines = [
        ["Register of licences"],
        ["Licence", "", "Property", "", "Holder", "Period", ""],
        ["Ref", "Type", "Address", "Postcode", "", "From", "To"],
        *[[c[0], "Mandatory", c[1], c[2], c[3], c[5], c[6]] for c in ROWS],
    ]
    found = seen(lines)
    assert options(found) == {"header_row": 2, "header_rows": 2}
    assert found.headings[:4] == ["Licence Ref", "Licence Type", "Property Address", "Property Postcode"]


def test_value_where_a_heading_should_be_is_known_by_position():
    lines = [["Ref", "Name", "Address", "SE5", "Address"], *[[c[0], c[3], c[1], c[2].split()[0], c[1]] for c in ROWS]]
    found = seen(lines)
    assert found.headings == ["Ref", "Name", "Address", "(column 4)", "Address (2)"]
    assert "The heading of column 4 is a value" in " ".join(found.notes)
    assert "SE5" not in str(found.notes) + str(options(found))


def test_years_are_headings():
    lines = [["Borough", "2019", "2020"], *[[f"Borough {c}", str(n * 7), str(n * 9)] for n, c in enumerate("ABCDEFG")]]
    assert seen(lines).headings == ["Borough", "2019", "2020"]


@pytest.mark.parametrize("lines", [ROWS, [["A Street", "London", "Red"], ["B Street", "London", "Blue"]] * 9])
def test_file_without_headings(lines: list[list[str]]):
    found = seen(lines)
    assert found.shape.header_row == 0
    assert found.rows == len(lines)
    assert found.headings == [f"(column {n})" for n in range(1, len(lines[0]) + 1)]


def test_names_and_values_above_the_table_are_no_headings():
    lines = [["Borough", "Example"], ["Date", "30/09/2026"], ["Rows", "40"], [],
             ["Ref", "Postcode", "Start"], *[[c[0], c[2], c[5]] for c in ROWS]]  # fmt: skip
    found = seen(lines)
    assert (found.shape.header_row, found.headings, found.rows) == (5, ["Ref", "Postcode", "Start"], 40)


def test_list_of_codes_below_the_table_is_not_read():
    codes = [["Code", "Meaning"], ["M", "Mandatory"], ["A", "Additional"], ["S", "Selective"]]
    for below in ([[], ["Codes used"], *codes], [[], *codes]):
        found = seen([HEADINGS, *ROWS, *below])
        assert (found.tables, found.rows) == (2, 40)
        assert "2 different tables" in " ".join(found.notes)


def test_larger_table_below_a_smaller_one_is_read_wherever_it_begins():
    codes = [["Code", "Meaning"], *[[letter, f"{letter} meaning"] for letter in "ABCDEFGH"]]
    extract = extract_of(text_of([*codes, [], HEADINGS, *ROWS]), ".csv")
    found = recognise(extract)
    assert found.headings == HEADINGS
    later = extract_of(text_of([*codes, ["I", "I meaning"], [], HEADINGS, *ROWS]), ".csv")
    if found.tables == 2:
        assert read(later, found.shape).headings == HEADINGS, "the pattern finds it further down"


def test_explanation_below_the_table_is_not_read_and_a_torn_last_row_is():
    told = seen([HEADINGS, *ROWS, [], ["* The address is withheld at the request of the holder."], ["As of today."]])
    assert told.rows == 40
    assert "2 lines of words" in " ".join(told.notes)
    assert seen([HEADINGS, *ROWS, ["HMO/9999/00001", "", "", "", "", "", ""]]).rows == 41


@pytest.mark.parametrize("text", ["x" * 900, "a. (b) [c] 12/3 £5 “d” " * 30, "١٢ 34", "\\d+ .* |"])
def test_pattern_of_a_line_finds_that_line_and_no_other(text: str):
    shape = Shape(ends_at=pattern_of(plain_text(text)))
    got = read(extract_of(text_of([["a", "b"], ["1", "other"], ["2", "words"], [text, ""]]), ".csv"), shape)
    assert (got.numbers, got.skipped) == ([2, 3], {"footer_skipped": [4]})


def test_row_of_totals_is_not_read():
    found = seen([HEADINGS, *ROWS, ["Total", "", "", "", "220", "", ""]])
    assert found.rows == 40
    assert "totals" in " ".join(found.notes)


def test_groups_of_rows_with_names_of_their_own():
    found = recognise(extract_of(make(Layout(rows=30, group=6)).text(Layout()), ".csv"))
    assert (found.rows, found.headings[-1]) == (30, "(title)")
    assert set(found.sample["(title)"].to_pylist()) == {f"Ward {letter}" for letter in "ABCDE"}


def test_stacked_tables_are_counted_and_their_titles_kept():
    found = recognise(extract_of(make(Layout(rows=30, page=10, titles=True)).text(Layout()), ".csv"))
    assert (found.tables, found.rows) == (3, 30)
    assert set(found.sample["(title)"].to_pylist()) == {"Ward: North", "Ward: East", "Ward: West"}
    pages = recognise(extract_of(make(Layout(rows=30, page=10, page_lines=True)).text(Layout()), ".csv"))
    assert pages.tables == 1
    assert "The headings come again 2 times" in " ".join(pages.notes)


def test_headings_that_come_again_far_below_are_found():
    lines = [HEADINGS, *[row(n) for n in range(30_000)], HEADINGS, *ROWS]
    found = seen(lines)
    assert found.rows == 30_040
    assert found.shape.repeated_headings


def test_notes_and_shape_hold_no_values_of_rows():
    found = recognise(extract_of(make(Layout(rows=60, page=7, titles=True, page_lines=True)).text(Layout()), ".csv"))
    told = " ".join(found.notes) + str(options(found))
    assert not [value for cells in ROWS for value in cells if len(value) > 3 and value in told]


def test_sample_is_spread_over_the_file():
    found = seen([HEADINGS, *[row(n) for n in range(12_000)]])
    assert found.sample.num_rows <= 5000
    refs = [int(ref.rsplit("/", 1)[1]) for ref in found.sample["Licence Ref"].to_pylist()]
    assert min(refs) < 10
    assert max(refs) > 11_900
    assert refs == sorted(refs)


def padded_workbook() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"constant_memory": True, "in_memory": True}) as book:
        sheet, bold = book.add_worksheet("Data"), book.add_format({"bold": True})
        for number, cells in enumerate([HEADINGS, *ROWS]):
            sheet.write_row(number, 0, cells)
        for number in range(41, 30_000):
            sheet.write_blank(number, 0, None, bold)
        sheet.write_string(1_048_575, 6, " ")
        book.add_worksheet("Lookups").write_row(0, 0, ["Code", "Meaning"])
    return target.getvalue()


def test_padded_sheet_costs_no_more_than_its_rows():
    extract = extract_of(padded_workbook(), ".xlsx")
    start = time.process_time()
    found = recognise(extract)
    assert time.process_time() - start < 10
    assert options(found) == {"format": "xlsx", "sheet": "Data"}
    assert (found.headings, found.rows) == (HEADINGS, 40)
    assert "formatted down to row" in " ".join(found.notes)
    assert "Of 2 sheets" in " ".join(found.notes)


def test_one_cell_in_the_last_corner_of_a_sheet():
    """A reader that makes room for the whole range would ask for half a terabyte."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([HEADINGS, *ROWS]):
            sheet.write_row(number, 0, cells)
        sheet.write_string(1_048_575, 16_383, "x")
    extract = extract_of(target.getvalue(), ".xlsx")
    found = recognise(extract)
    assert (found.headings, found.rows) == (HEADINGS, 41)
    assert read(extract, found.shape).torn == [1_048_576]


def test_parquet_is_what_it_says():
    found = recognise(extract_of(parquet(), ".parquet"))
    assert (found.headings, found.rows, options(found)) == (["ref", "n"], 2, {"format": "parquet"})


def test_archive_of_one_file_is_that_file():
    content = text_of([HEADINGS, *ROWS])
    inner = [("register.csv", content), ("register.xlsx", workbook_of([HEADINGS, *ROWS])), ("r.parquet", parquet())]
    for name, inside in inner:
        found = recognise(extract_of(zipped((name, inside), ("readme.doc", b"x"), ("__MACOSX/._r.csv", b"x")), ".zip"))
        assert found.rows in {40, 2}


def test_padded_cells_between_commas_are_no_print_report():
    lines = [f"{n:<12},{n} Example Road{'':<20},E13 2XL   ".encode() for n in range(100, 140)]
    found = recognise(extract_of(b"\r\n".join([b"Ref,Address,Postcode", *lines]), ".csv"))
    assert (found.headings, found.rows) == (["Ref", "Address", "Postcode"], 40)


PRINTED = b"LIABILITY LISTING\r\n\r\n" + b"\r\n".join(
    f"{68522460 + n}  {'A PERSON':<20}{f'{n}, EXAMPLE ROAD, LONDON':<40}E13 2XL  C".encode() for n in range(30)
)


@pytest.mark.parametrize(
    ("content", "kind", "reason", "told"),
    [
        (b"", ".csv", "empty_file", "blank lines"),
        (b"\r\n \r\n", ".csv", "empty_file", "blank lines"),
        (b"%PDF-1.4 and so on", ".csv", "not_text", "PDF"),
        (bytes(range(256)) * 20, ".csv", "not_text", "no text has"),
        (b"Ref,Address\r\n", ".csv", "no_rows", "no rows"),
        (b"x", ".doc", "unsupported_kind", "CSV"),
        (zipped(("a.csv", b"a,b"), ("b.csv", b"a,b")), ".zip", "unreadable_archive", "holds 2 files"),
        (zipped(("a.doc", b"a,b")), ".zip", "unreadable_archive", "holds 0 files"),
        (zipped(("a.csv", b"0" * 30_000_000)), ".zip", "unpacks_too_large", "200 times"),
        (b"PK\x03\x04 and so on", ".zip", "unreadable_archive", "damaged"),
        (b"PK\x03\x04 and so on", ".xlsx", "unreadable_archive", "damaged"),
        (b"\xd0\xcf\x11\xe0 an old one", ".xlsx", "unreadable_spreadsheet", "damaged or locked"),
        (PRINTED, ".txt", "print_report", "Export the same list"),
        (b"PAR1PAR1", ".parquet", "unreadable_parquet", "damaged"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(content: bytes, kind: str, reason: str, told: str):
    with pytest.raises(RefusedDrop, match=told) as refused:
        recognise(extract_of(content, kind))
    assert refused.value.issue_type == reason
