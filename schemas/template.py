"""Templates that a borough fills in, and the layouts by which the night knows them again.

All of it follows from the contracts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from datetime import datetime
from typing import Any

from schemas.contract import Contract, Field
from schemas.guidance import SHORT_TREATMENT, example_of, form_of
from schemas.mapping import Mapping

NAME = "template"
LAYOUTS: dict[str, dict[str, Any]] = {
    NAME: {"format": "csv", "encoding": "utf-8"},
    f"{NAME}-xlsx": {"format": "xlsx"},
    f"{NAME}-parquet": {"format": "parquet"},
}
"""Layouts of one template by name: as text, as a workbook (its first sheet), as Parquet."""
DATES = ("%Y-%m-%d", "%d/%m/%Y")
"""A template asks for 2026-03-02. A British spreadsheet program saves that as 02/03/2026, which can be taken for no
other date in the form asked for, so it is read as well. Any third form is a fault."""
TEXT = 49
"""The number format "text" that every spreadsheet program knows."""
READY_ROWS = 5_000
"""Rows of the workbook in which codes are offered."""
LEGEND = ("Column", "Must it be filled?", "What it means", "What to write", "What happens to it", "Example")
LEGEND_WIDTHS = (22, 18, 60, 46, 40, 32)
MADE = datetime(2026, 1, 1)
"""The date inside every workbook, so that the same contract gives the same bytes."""


def csv_template(contract: Contract) -> str:
    """One line of headings, the contract's field names in order; `known_since` only boroughs that record it fill in."""
    return csv_rows(contract, [])


def csv_rows(contract: Contract, rows: Iterable[MappingType[str, str]]) -> str:
    """The template with rows filled in; a field that a row does not name is blank."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in contract.fields], restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def xlsx_template(contract: Contract) -> bytes:
    """A workbook to fill in: every cell is text, so that no UPRN is rounded and no date turned round.

    Each heading has a note with its meaning, each coded column a list to choose from. What every column means stands
    once more on the second sheet; the night reads the first.
    """
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": f"{contract.title} {contract.version}", "created": MADE})
    text = book.add_format({"num_format": TEXT})
    must = book.add_format({"num_format": TEXT, "bold": True, "bg_color": "#0B5C6B", "font_color": "#FFFFFF"})
    may = book.add_format({"num_format": TEXT, "bold": True, "bg_color": "#D9E6E9"})
    sheet = book.add_worksheet(contract.dataset)
    sheet.freeze_panes(1, 0)
    for column, field in enumerate(contract.fields):
        sheet.set_column(column, column, max(14, len(field.name) + 3), text)
        sheet.write_string(0, column, field.name, must if field.required else may)
        sheet.write_comment(0, column, _note(field), {"x_scale": 2.4, "y_scale": 1.9})
    codes = _legend(book, contract, must)
    for column, field in enumerate(contract.fields):
        choices = codes.get(field.name, ["yes", "no"] if field.type == "boolean" else None)
        if choices is not None:
            offered = {"validate": "list", "source": choices, "error_type": "warning"}
            sheet.data_validation(1, column, READY_ROWS, column, offered)
    book.close()
    return out.getvalue()


def _note(field: Field) -> str:
    must = "Must be filled." if field.required else "May be blank."
    codes = f" Codes: {', '.join(field.codes)}." if field.codes else ""
    return f"{field.title}. {field.description} {must} Write: {form_of(field)}.{codes} Example: {example_of(field)}"


def _legend(book: Any, contract: Contract, heading: Any) -> dict[str, str]:
    """The sheets 'columns' and 'codes'; returns where each coded field's codes stand, as a spreadsheet says it."""
    wrap = book.add_format({"text_wrap": True, "valign": "top", "num_format": TEXT})
    sheet = book.add_worksheet("columns")
    sheet.freeze_panes(1, 0)
    for column, (name, width) in enumerate(zip(LEGEND, LEGEND_WIDTHS, strict=True)):
        sheet.set_column(column, column, width, wrap)
        sheet.write_string(0, column, name, heading)
    for row, field in enumerate(contract.fields, start=1):
        told = (field.description, form_of(field), SHORT_TREATMENT[field.privacy], example_of(field))
        for column, cell in enumerate((field.name, "yes" if field.required else "no", *told)):
            sheet.write_string(row, column, cell, wrap)
    coded = [field for field in contract.fields if field.codes]
    if not coded:
        return {}
    listing = book.add_worksheet("codes")
    listing.freeze_panes(1, 0)
    listing.set_column(0, 2, 22, wrap)
    listing.set_column(2, 2, 60, wrap)
    for column, name in enumerate(("Column", "Code", "What it means")):
        listing.write_string(0, column, name, heading)
    places, row = {}, 1
    for field in coded:
        first = row
        for code, meaning in (field.codes or {}).items():
            for column, cell in enumerate((field.name, code, meaning)):
                listing.write_string(row, column, cell, wrap)
            row += 1
        places[field.name] = f"=codes!$B${first + 1}:$B${row}"
    return places


def template_layouts(contract: Contract, blanks: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The mappings of a filled-in template, by name: each field under its own name, only required ones needed.

    `blanks` are the words that mean "nothing here" for every borough. Those are left out that are codes of the
    contract: "none" is a council tax discount.
    """
    codes = {code.casefold() for field in contract.fields for code in field.codes or ()}
    names = [field.name for field in contract.fields]
    content = {
        "fields": {name: {"column": name} for name in names},
        "optional": [name for name in names if name not in contract.required],
        "dates": DATES,
        "blanks": [word for word in blanks if word.casefold() not in codes],
        # Only under the very name that the dataset's page asks for, lest it date the files of another layout.
        "extract_date": {"pattern": rf"^{contract.dataset}_(\d{{4}}-\d{{2}}-\d{{2}})\.", "format": "%Y-%m-%d"},
    }
    return {name: {**content, "shape": shape} for name, shape in LAYOUTS.items()}


def is_template(mapping: Mapping) -> bool:
    """Whether a layout is a template's, not one of the borough's own."""
    return mapping.name in LAYOUTS
