"""Files that the demo writes can be read back as declared, and the truth numbers their rows rightly."""

from __future__ import annotations

import csv
import io
import zipfile

import fastexcel
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.demo.export import Exported, export_dataset
from pipelines.demo.export.addresses import Places
from pipelines.demo.export.assignments import LINE_ENDS, all_boroughs, extracts
from pipelines.demo.export.layout import layout
from tests.unit.demo_export_records import UNTIL, records


@pytest.fixture(scope="module")
def world() -> dict[str, pd.DataFrame]:
    return records(300)


def exported(world: dict[str, pd.DataFrame], borough: str, dataset: str, seed: int = 1) -> Exported:
    return export_dataset(world[dataset], Places(world["gazetteer"]), extracts(borough)[dataset], UNTIL, seed)


def lines_of(made: Exported, borough: str) -> list[list[str]]:
    extract = extracts(borough)[made.dataset]
    text = made.content.decode(extract.encoding, errors="replace")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=extract.delimiter))


def test_same_seed_same_bytes_and_another_seed_others(world: dict[str, pd.DataFrame]) -> None:
    for borough, dataset in (("camden", "council_tax"), ("bexley", "inspection"), ("bexley", "council_tax")):
        first, again, other = (exported(world, borough, dataset, seed) for seed in (1, 1, 2))
        assert first.content == again.content
        assert first.content != other.content


@pytest.mark.parametrize("borough", all_boroughs())
def test_headings_stand_where_the_borough_writes_them(world: dict[str, pd.DataFrame], borough: str) -> None:
    small = {"licensing_scheme", "hmo_licence", "inspection", "benefits"}
    for dataset in small & set(extracts(borough)):
        extract = extracts(borough)[dataset]
        made = exported(world, borough, dataset)
        expected = [c.heading for c in layout(extract.layout, dataset).headings(uprn=extract.uprn != "none")]
        if extract.format == "csv":
            assert lines_of(made, borough)[extract.header_row - 1] == expected
        elif extract.format == "parquet":
            assert pq.read_schema(io.BytesIO(made.content)).names == expected
        else:
            rows = sheet_rows(made, extract.sheet)
            assert [cell or "" for cell in rows[extract.header_row - 1]] == expected


def sheet_rows(made: Exported, sheet: str | None) -> list[list[str | None]]:
    """Rows as a spreadsheet numbers them: the first is row 1, and a blank row is a row."""
    book = fastexcel.read_excel(made.content)
    assert len(book.sheet_names) == 3
    table = pa.table(book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_arrow())
    return [list(row.values()) for row in table.to_pylist()]


def test_encodings_line_ends_and_delimiters_are_the_declared_ones(world: dict[str, pd.DataFrame]) -> None:
    with_mark = exported(world, "camden", "service_request").content
    assert with_mark.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in with_mark
    windows = exported(world, "hounslow", "council_tax").content
    assert b"\xa340 \x96" in windows  # the pound sign and the dash of cp1252
    assert windows.split(b"\r\n")[0].count(b";") == len(layout("academy", "council_tax").columns) - 2
    mac = exported(world, "lambeth", "council_tax").content
    assert b"\n" not in mac
    assert mac.count(b"\r") > 300
    tabs = exported(world, "croydon", "waste")
    assert tabs.path.endswith(".txt")
    assert b"\t" in tabs.content.split(LINE_ENDS["unix"].encode())[0]


def test_parquet_holds_real_dates_and_numbers(world: dict[str, pd.DataFrame]) -> None:
    schema = pq.read_schema(io.BytesIO(exported(world, "bexley", "electoral").content))
    kinds = dict(zip(schema.names, schema.types, strict=True))
    assert kinds["register_date"] == pa.date32()
    assert kinds["no_electors"] == pa.int64()
    assert kinds["postcode"] == pa.string()


def test_a_workbook_is_the_same_bytes_whenever_it_is_made(world: dict[str, pd.DataFrame]) -> None:
    made = exported(world, "lambeth", "hmo_licence")
    core = zipfile.ZipFile(io.BytesIO(made.content)).read("docProps/core.xml").decode()
    assert "2026-01-01T00:00:00Z" in core


def test_row_numbers_of_a_csv_lead_to_the_true_property(world: dict[str, pd.DataFrame]) -> None:
    made = exported(world, "camden", "service_request")
    lines = lines_of(made, "camden")
    truth = world["service_request"].set_index("request_ref")["true_uprn"]
    check_rows([line[0] for line in lines], made, truth)


def test_row_numbers_of_a_workbook_with_a_preamble_lead_to_the_true_property(world: dict[str, pd.DataFrame]) -> None:
    made = exported(world, "bexley", "hmo_licence")
    truth = world["hmo_licence"].set_index("licence_ref")
    check_rows([row[0] for row in sheet_rows(made, "Register")], made, truth["true_uprn"])
    landlords = made.links.set_index("row_number")["true_landlord"]
    assert landlords.iloc[0] == truth["true_landlord"].iloc[0]


def check_rows(first_cells: list[str | None], made: Exported, truth: pd.Series[str]) -> None:
    """Every row of the truth is a row of the file, and speaks of the record that stands there."""
    numbers = made.links["row_number"]
    assert len(first_cells) == numbers.max()
    assert made.rows == len(numbers) == len(set(numbers))
    compared = 0
    for number, uprn in zip(numbers, made.links["true_uprn"], strict=True):
        cell = (first_cells[number - 1] or "").strip()
        if cell:
            assert truth[cell] == uprn
            compared += 1
    assert compared > 0.95 * made.rows


def test_the_gazetteer_is_written_as_it_is(world: dict[str, pd.DataFrame]) -> None:
    made = exported(world, "lewisham", "gazetteer")
    lines = [line for line in lines_of(made, "lewisham") if line[0].isdigit()]
    addresses = dict(zip(world["gazetteer"]["uprn"], world["gazetteer"]["address"], strict=True))
    right = sum(line[10] == addresses[line[0]] or line[10].rstrip() == addresses[line[0]] for line in lines)
    assert right >= len(lines) - 3
