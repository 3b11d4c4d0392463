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
from pipelines.harmonise.sources import joined
from schemas import registry
from schemas.mapping import Shape


def one(dataset: str, field: str, text: str | None, formats=("%d/%m/%Y",)):
    column = cast(pa.array([text], pa.string()), registry.contract(dataset).by_name[field], formats)
    return column.values[0].as_py(), sorted(name for name, rows in column.faults.items() if rows[0])


def test_text_that_is_too_long_is_cut_and_noted():
    assert one("gazetteer", "address", "x" * 301) == ("x" * 300, ["text_too_long"])
    assert one("gazetteer", "address", "é" * 300) == ("é" * 300, []), "letters are counted, not bytes"


def test_unknown_code_is_kept_and_named():
    assert one("hmo_licence", "licence_type", "sensational") == ("sensational", ["unknown_code"])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "b"), (None, None), (None, "c"), ("d", None)], ["a, b", None, "c", "d"]),
        ([(None, None)], [None]),
        ([], []),
    ],
)
def test_joined_parts_lose_no_row(rows, expected):
    parts = [pa.array([row[place] for row in rows], pa.string()) for place in (0, 1)]
    assert joined(parts, ", ").to_pylist() == expected


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
