"""Cells to types: what is read, what is left blank, and under which name the fault is known."""

from __future__ import annotations

import io
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from pipelines.extracts import RaggedRows, chunks, headings
from pipelines.extracts.decode import name_headings
from pipelines.harmonise.cast import cast
from pipelines.harmonise.rows import _joined
from schemas import registry
from schemas.mapping import Shape


def one(dataset: str, field: str, text: str | None, formats=("%d/%m/%Y",)):
    column = cast(pa.array([text], pa.string()), registry.contract(dataset).by_name[field], formats)
    return column.values[0].as_py(), sorted(name for name, rows in column.faults.items() if rows[0])


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("100023336956", "100023336956", []),
        ("000100023336", "100023336", ["uprn_repaired"]),
        ("100023336956.0", "100023336956", ["uprn_repaired"]),
        ("'100023336956", "100023336956", ["uprn_repaired"]),
        ("1.00023E+11", None, ["damaged_uprn"]),
        ("1.00023e11", None, ["damaged_uprn"]),
        ("AA0000001", None, ["invalid_uprn"]),
        ("1234567890123", None, ["invalid_uprn"]),
        ("-5", None, ["invalid_uprn"]),
        (None, None, []),
    ],
)
def test_uprns(text, value, faults):
    assert one("gazetteer", "uprn", text) == (value, faults)


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("se15 4ql", "SE15 4QL", []),
        ("SE154QL", "SE15 4QL", []),
        ("w1a 1aa", "W1A 1AA", []),
        ("SE15", None, ["invalid_postcode"]),
        ("not one", None, ["invalid_postcode"]),
        (None, None, []),
    ],
)
def test_postcodes(text, value, faults):
    assert one("gazetteer", "postcode", text) == (value, faults)


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("01/02/2023", date(2023, 2, 1), []),
        ("29/02/2024", date(2024, 2, 29), []),
        ("29/02/2023", None, ["invalid_date"]),
        ("31/04/2024", None, ["invalid_date"]),
        ("02/03/3017", None, ["invalid_date"]),
        ("2023-02-01", None, ["invalid_date"]),
        ("13/13/2023", None, ["invalid_date"]),
        ("01/01/1899", None, ["date_out_of_range"]),
        (None, None, []),
    ],
)
def test_dates_only_in_the_declared_format(text, value, faults):
    assert one("hmo_licence", "commencement_date", text) == (value, faults)


def test_several_declared_formats_are_tried_in_order():
    assert one("hmo_licence", "commencement_date", "01-Feb-23", ("%d/%m/%Y", "%d-%b-%y"))[0] == date(2023, 2, 1)


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("6", 6, []), ("6.0", 6, []), (" 6 ", 6, []),
        ("1,000", 1000, ["out_of_range"]), ("6.5", None, ["invalid_number"]),
        ("six", None, ["invalid_number"]), ("313", 313, ["out_of_range"]), ("0", 0, ["out_of_range"]),
        ("9" * 400, None, ["invalid_number"]), ("1e5", None, ["invalid_number"]), ("", None, ["invalid_number"]),
    ],
)  # fmt: skip
def test_counts(text, value, faults):
    assert one("hmo_licence", "max_persons", text) == (value, faults)


@pytest.mark.parametrize(
    ("text", "value"), [("Yes", True), ("n", False), ("TRUE", True), ("0", False), ("maybe", None)]
)
def test_yes_and_no(text, value):
    assert one("licensing_scheme", "covers_section_257", text)[0] is value


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("133 - 135 Road\nSwindon\n", "133 - 135 Road, Swindon", []),
        ("1  High\tStreet", "1 High Street", []),
        ("\u202e1 High Street", "1 High Street", ["control_characters_removed"]),
        ("1 High\x00 Street", "1 High Street", ["control_characters_removed"]),
        ("x" * 301, "x" * 300, ["text_too_long"]),
    ],
)
def test_text(text, value, faults):
    assert one("gazetteer", "address", text) == (value, faults)


def test_unknown_code_is_kept_and_named():
    assert one("hmo_licence", "licence_type", "sensational") == ("sensational", ["unknown_code"])


@pytest.mark.parametrize(
    ("rows", "joined"),
    [
        ([("a", "b"), (None, None), (None, "c"), ("d", None)], ["a, b", None, "c", "d"]),
        ([(None, None)], [None]),
        ([], []),
    ],
)
def test_joined_parts_lose_no_row(rows, joined):
    parts = [pa.array([row[place] for row in rows], pa.string()) for place in (0, 1)]
    assert _joined(parts, ", ").to_pylist() == joined


def test_headings_are_told_apart():
    assert name_headings(["Address", "", "Address", " Post  code ", "Address"]) == [
        "Address", "(column 2)", "Address (2)", "Post code", "Address (3)",
    ]  # fmt: skip


def read_all(content: bytes, shape: Shape):
    names = headings(io.BytesIO(content), shape)
    found = list(chunks(io.BytesIO(content), shape, names, RaggedRows()))
    return (
        names,
        [row for chunk in found for row in chunk.table.to_pylist()],
        [int(n) for c in found for n in c.row_numbers],
    )


def test_workbook_with_preamble_blank_rows_and_real_dates():
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.add_worksheet("Cover").write(0, 0, "Not this one")
    sheet = book.add_worksheet("Data")
    sheet.write(0, 0, "A report")
    sheet.write_row(2, 0, ["Ref", "UPRN", "Start"])
    sheet.write_row(3, 0, ["a", 100023336956])
    sheet.write_datetime(3, 2, date(2024, 5, 6), book.add_format({"num_format": "dd/mm/yyyy"}))
    sheet.write_row(5, 0, ["b", 7])
    sheet.write_blank(900, 0, None, book.add_format({"bold": True}))
    book.close()
    names, rows, numbers = read_all(target.getvalue(), Shape(format="xlsx", sheet="Data", header_row=3))
    assert names == ["Ref", "UPRN", "Start"]
    assert rows[0] == {"Ref": "a", "UPRN": "100023336956", "Start": "2024-05-06"}
    assert numbers == [4, 6], "numbers are those the spreadsheet shows"


def test_parquet_numbers_and_dates_become_plain_text():
    target = io.BytesIO()
    columns = {"uprn": [100023336956.0, None], "day": [date(2024, 5, 6), None], "n": [1.5, 2.0]}
    pq.write_table(pa.table(columns), target)
    _, rows, numbers = read_all(target.getvalue(), Shape(format="parquet"))
    assert rows == [{"uprn": "100023336956", "day": "2024-05-06", "n": "1.5"}, {"uprn": "", "day": "", "n": "2"}]
    assert numbers == [2, 3]
