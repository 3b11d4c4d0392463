"""A table as a workbook that is safe to open."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from datetime import datetime

import pandas as pd

USUAL_WIDTH = 18


def workbook(
    rows: pd.DataFrame, title: str, created: datetime, widths: Mapping[str, int], numbers: Collection[str] = ()
) -> bytes:
    """An XLSX file whose text cells are strings, never formulas or links, also after they are edited.

    Args:
        rows: texts, made safe by `safe_cells` before, and the columns named in `numbers`.
        title: in the file's properties.
        created: the moment in the file's properties, so that the same table gives the same bytes.
        widths: of columns, in letters; others are 18 wide.
        numbers: columns that are written as numbers.
    """
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"title": title, "created": created.replace(tzinfo=None)})
    text, heading = book.add_format({"num_format": "@"}), book.add_format({"bold": True})
    sheet = book.add_worksheet("list")
    sheet.freeze_panes(1, 1)
    for column, name in enumerate(rows.columns):
        sheet.write_string(0, column, name, heading)
        sheet.set_column(column, column, widths.get(name, USUAL_WIDTH))
        if name in numbers:
            sheet.write_column(1, column, rows[name].tolist())
            continue
        for row, value in enumerate(rows[name], start=1):
            sheet.write_string(row, column, value, text)
    sheet.autofilter(0, 0, max(len(rows), 1), len(rows.columns) - 1)
    book.close()
    return out.getvalue()
