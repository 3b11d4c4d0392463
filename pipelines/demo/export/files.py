"""Cells become the bytes of a file: CSV of any dialect, XLSX with a preamble and other sheets, Parquet."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.demo.export.assignments import LINE_ENDS, Extract
from pipelines.demo.export.draws import Mask
from pipelines.demo.export.render import ColumnOfCells
from pipelines.demo.export.text import filled, replaced

MARK = "\x1a"
"""Stands in the text where a byte that does not decode belongs."""

UNDECODABLE = {"utf-8": b"\x96", "utf-8-sig": b"\x96", "cp1252": b"\x81"}
CREATED = datetime(2026, 1, 1)


def file_bytes(columns: list[ColumnOfCells], extract: Extract, day: date, ragged: Mask) -> bytes:
    """The extract as its system would write it. `ragged` marks rows of another width (CSV only)."""
    if extract.format == "csv":
        return _csv(columns, extract, day, ragged)
    return _xlsx(columns, extract, day) if extract.format == "xlsx" else _parquet(columns)


def preamble(extract: Extract, day: date) -> list[list[str]]:
    """Lines that stand above the heading row."""
    title = extract.dataset.replace("_", " ").capitalize()
    possible = [
        [f"{title} extract"],
        ["Source", extract.layout],
        ["Run on", f"{day:%d %B %Y}"],
        ["Official - sensitive when complete"],
        ["Not intended for marketing"],
    ]
    return (possible + [[] for _ in range(10)])[: extract.preamble]


def _csv(columns: list[ColumnOfCells], extract: Extract, day: date, ragged: Mask) -> bytes:
    rows: list[tuple[object, ...]] = list(zip(*(column.cells for column in columns), strict=True))
    for place in np.flatnonzero(ragged):  # one row in ten thousand
        rows[place] = rows[place][:-2] if place % 2 else (*rows[place], "see file")
    text = io.StringIO()
    writer = csv.writer(text, delimiter=extract.delimiter, lineterminator=LINE_ENDS[extract.line_end])
    writer.writerows(preamble(extract, day))
    writer.writerow([column.heading for column in columns])
    writer.writerows(rows)
    written = text.getvalue().encode(extract.encoding, errors="replace")
    return written.replace(MARK.encode(), UNDECODABLE[extract.encoding])


def _xlsx(columns: list[ColumnOfCells], extract: Extract, day: date) -> bytes:
    # The writer takes a cell at a time, so workbooks are kept to the smaller datasets.
    import xlsxwriter

    target = io.BytesIO()
    book = xlsxwriter.Workbook(
        target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    )
    book.set_properties({"created": CREATED})
    shown = book.add_format({"num_format": "dd/mm/yyyy"})
    about = book.add_worksheet("About")
    about.write_row(0, 0, ["This workbook was exported from", extract.layout])
    sheet = book.add_worksheet(extract.sheet or "Sheet1")
    for number, line in enumerate(preamble(extract, day)):
        sheet.write_row(number, 0, line)
    sheet.write_row(extract.header_row - 1, 0, [column.heading for column in columns])
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True), start=extract.header_row):
        for place, cell in enumerate(row):
            if cell is None or cell == "":
                continue
            if isinstance(cell, str):
                sheet.write_string(number, place, cell)
            elif isinstance(cell, date):
                sheet.write_datetime(number, place, datetime(cell.year, cell.month, cell.day), shown)
            else:
                sheet.write_number(number, place, cell)
    lookups = book.add_worksheet("Lookups")
    lookups.write_row(0, 0, ["Code", "Meaning"])
    book.close()
    return target.getvalue()


def _parquet(columns: list[ColumnOfCells]) -> bytes:
    arrays = []
    for column in columns:
        kind = None if column.kind == "number" else pa.date32() if _dated(column) else pa.string()
        cells = column.cells if kind != pa.string() else replaced(column.cells, ~filled(column.cells), None)
        arrays.append(pa.array(cells, type=kind, from_pandas=True))
    names = [column.heading for column in columns]
    target = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, names=names), target, compression="zstd")
    return target.getvalue()


def _dated(column: ColumnOfCells) -> bool:
    return column.kind == "date" and not any(isinstance(cell, str) for cell in column.cells[:1])
