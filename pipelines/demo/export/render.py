"""True values and faults become the cells of an extract, column by column, as the layout says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from pipelines.demo.export.addresses import abbreviated
from pipelines.demo.export.assignments import Extract
from pipelines.demo.export.attributes import Days, Records, attribute, days
from pipelines.demo.export.cells import Overrides, damage_uprns
from pipelines.demo.export.draws import Mask, Rows, Texts, whole
from pipelines.demo.export.faults import Hand
from pipelines.demo.export.junk import junk
from pipelines.demo.export.layout import Heading, Layout
from pipelines.demo.export.text import filled, in_case, joined, replaced

Kind = Literal["text", "date", "number"]
TYPED_TEXT = frozenset(
    {"address", "address_with_postcode", "address_line_1", "address_line_2", "number_and_street", "holder_name",
     "liable_name", "applicant_name", "holder_address", "postcode"}
)  # fmt: skip
FAR_YEAR = 3017
UNKNOWN_CODES = {"exemption_class": "C"}
# Class C was abolished on 1 April 2013, and some councils kept the letter for a local discount.


@dataclass(frozen=True)
class ColumnOfCells:
    """One column of an extract: its heading and its cells (text, or dates and numbers in a workbook)."""

    heading: str
    cells: Texts
    kind: Kind
    about: str


def render(records: Records, extract: Extract, layout: Layout, overrides: Overrides, hand: Hand) -> list[ColumnOfCells]:
    """All columns of an extract in the layout's order."""
    if layout.abbreviated_streets:
        street = abbreviated(records.addresses["street"])
        records.addresses.parts["street"] = street
    columns = layout.headings(uprn=extract.uprn != "none" or extract.dataset == "gazetteer")
    page = _Page(records, extract, layout, overrides, hand)
    return [_column(page, heading) for heading in columns]


@dataclass(frozen=True)
class _Page:
    """What every column of one extract is written from."""

    records: Records
    extract: Extract
    layout: Layout
    overrides: Overrides
    hand: Hand


def _column(page: _Page, heading: Heading) -> ColumnOfCells:
    name = heading.value or ""
    if heading.constant is not None:
        return ColumnOfCells(heading.heading, np.full(len(page.records), heading.constant, dtype=object), "text", "")
    if heading.junk is not None:
        cells = _as_text(junk(heading.junk, page.hand.keys, heading.heading))
        return ColumnOfCells(heading.heading, cells, "text", heading.junk)
    field = page.records.contract.by_name.get(name)
    if field is not None and field.type == "date":
        style = heading.date or page.layout.date or page.extract.date
        dates = _dates(days(page.records.frame, name), name, style, page.overrides)
        return ColumnOfCells(heading.heading, dates, "date", name)
    values = attribute(page.records, name)
    if heading.codes or (field is not None and field.codes):
        return ColumnOfCells(heading.heading, _codes(values, heading, name, page), "text", name)
    in_workbook = page.extract.format in {"xlsx", "parquet"}
    if in_workbook and heading.text is None and field is not None and field.type in {"integer", "number"}:
        return ColumnOfCells(heading.heading, _numbers(values), "number", name)
    return ColumnOfCells(heading.heading, _typed(values, heading, name, page), "text", name)


def _typed(values: Texts, heading: Heading, name: str, page: _Page) -> Texts:
    """Plain text as the system's users typed it: its case, its wording, its stray spaces."""
    if name in {"uprn", "parent_uprn"} and page.extract.format != "parquet" and page.extract.dataset != "gazetteer":
        values = damage_uprns(values, page.hand)
    cells = in_case(values, page.layout.case if heading.case == "as_is" else heading.case)
    if heading.text is not None:
        before, after = heading.text.split("{}")
        cells = replaced(cells, filled(cells), joined("", before, cells[filled(cells)], after))
    if name in TYPED_TEXT:
        padded = page.hand.falls_on("padded_cell", filled(cells), name)
        cells = replaced(cells, padded, joined("", cells[padded], "  "))
    return cells


def _as_text(cells: Texts) -> Texts:
    return np.asarray(pd.Series(cells, dtype=object).astype(str).to_numpy(object), dtype=np.object_)


def _numbers(values: Texts) -> Texts:
    """Number cells, whole where all are, None for a blank."""
    numbers = pd.to_numeric(pd.Series(values, dtype=object).replace("", np.nan)).to_numpy(dtype=float)
    there = ~np.isnan(numbers)
    is_whole = bool((numbers[there] == np.round(numbers[there])).all())
    cells = np.full(len(numbers), None, dtype=object)
    cells[there] = numbers[there].astype(np.int64).tolist() if is_whole else numbers[there].tolist()
    return cells


def _codes(values: Texts, heading: Heading, name: str, page: _Page) -> Texts:
    """The source's word for each true code; one of several where it has several."""
    codes, distinct = pd.factorize(values)
    choices = [heading.codes.get(value, value) for value in distinct]
    width = max((len(c) if isinstance(c, tuple) else 1) for c in choices) if choices else 1
    table = np.array([(c * width)[:width] if isinstance(c, tuple) else (c,) * width for c in choices], dtype=object)
    if not len(table):
        return values
    cells = table.reshape(len(choices), width)[codes, whole(page.hand.keys, f"word {name}", width)]
    unknown = page.overrides.unknown_code.get(name)
    return cells if unknown is None else replaced(cells, unknown, UNKNOWN_CODES.get(name, "ZZ9"))


def _dates(values: Days, name: str, style: str, overrides: Overrides) -> Texts:
    """Dates in a format, or date cells; each distinct day is written once."""
    codes, distinct = pd.factorize(values)
    known: list[date] = np.asarray(distinct).astype("datetime64[D]").tolist()
    written = np.array([*(_written(day, style) for day in known), None], dtype=object)
    if style != "native":
        written[-1] = ""
    cells = written[codes]
    far = _among(overrides.far_future, name, values)
    cells[far] = [_written(day.astype(object).replace(year=FAR_YEAR, day=1), style) for day in values[far]]
    impossible = _among(overrides.impossible_date, name, values)
    text_style = "%d/%m/%Y" if style == "native" else style
    cells[impossible] = [_impossible(day.astype(object), text_style) for day in values[impossible]]
    return cells


def _among(marked: dict[str, Mask], name: str, values: Days) -> Mask:
    # A later fault may have blanked the cell that was to be a wrong date.
    return marked.get(name, np.zeros(len(values), dtype=bool)) & ~np.isnat(values)


def _written(day: date, style: str) -> object:
    return day if style == "native" else day.strftime(style)


def _impossible(day: date, style: str) -> str:
    """The 31st of April of the same year, as the format would write it."""
    text = day.replace(month=4, day=30).strftime(style)
    if style.startswith("%Y"):
        before, _, after = text.rpartition("30")
    else:
        before, _, after = text.partition("30")
    return f"{before}31{after}"


def undecodable(columns: list[ColumnOfCells], hand: Hand, mark: str) -> list[ColumnOfCells]:
    """Put a mark that will not decode into the first text that was typed, now and then."""
    place = next((i for i, c in enumerate(columns) if c.about in TYPED_TEXT or c.about == "note"), None)
    if place is None:
        return columns
    column = columns[place]
    hit = hand.falls_on("undecodable_byte", filled(column.cells), column.heading)
    cells = replaced(column.cells, hit, joined("", column.cells[hit], mark))
    return [*columns[:place], replace(column, cells=cells), *columns[place + 1 :]]


def repeated(hand: Hand, length: int) -> Rows:
    """Positions of the rows to write, a few of them twice."""
    twice = hand.falls_on("duplicated_row", np.ones(length, dtype=bool))
    return np.repeat(np.arange(length), 1 + twice.astype(np.int64))


def ragged(hand: Hand, length: int) -> Mask:
    """Which rows lose their last cells or gain one."""
    return hand.falls_on("ragged_row", np.ones(length, dtype=bool))
