"""Extracts in the layouts that councils' reports have, with what should be read out of them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

import xlsxwriter
from hypothesis import strategies as st

from pipelines.core.bucket import Folder
from pipelines.extracts import Extract, RaggedRows, headings
from schemas.mapping import Shape

HEADINGS = ["Licence Ref", "Property Address", "Postcode", "Holder", "Max Persons", "Start Date", "Expiry"]
STREETS = ["Example Road", "Café Street", "St Mary's Lane", "Long Acre", "O'Brien Close", "Marsh & Sons Yard"]
HOLDERS = ["A Person", "Example Lettings Ltd", "Siân Example", "B. Person, C. Person", ""]


def row(number: int) -> list[str]:
    """One sound row, all of it made up."""
    return [
        f"HMO/{2000 + number % 25}/{number:05d}",
        f"{number % 180 + 1} {STREETS[number % len(STREETS)]}, London",
        f"SE{number % 20 + 1} {number % 9 + 1}QL",
        HOLDERS[number % len(HOLDERS)],
        str(3 + number % 8),
        f"{number % 28 + 1:02d}/{number % 12 + 1:02d}/2023",
        f"{number % 28 + 1:02d}/{number % 12 + 1:02d}/2028",
    ]


@dataclass(frozen=True)
class Layout:
    """How a report is laid out."""

    rows: int = 40
    preamble: int = 0
    page: int = 0
    titles: bool = False
    page_lines: bool = False
    footer: tuple[str, ...] = ()
    group: int = 0
    blank_columns: int = 0
    delimiter: str = ","
    line_end: str = "\r\n"
    encoding: str = "utf-8"
    headings: list[str] = field(default_factory=lambda: list(HEADINGS))


def extract_of(content: bytes, kind: str) -> Extract:
    """Bytes as an extract that lies somewhere."""
    folder = Folder("memory://layouts")
    folder.write_bytes(f"extract{kind}", content)
    return Extract(folder, f"extract{kind}", kind)


def text_of(lines: list[list[str]], delimiter: str = ",", line_end: str = "\r\n") -> bytes:
    """Lines as separated text in UTF-8."""
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator=line_end).writerows(lines)
    return target.getvalue().encode()


def workbook_of(lines: list[list[str]], sheet: str = "Sheet1") -> bytes:
    """Lines as the text cells of a workbook."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        page = book.add_worksheet(sheet)
        for number, cells in enumerate(lines):
            for place, cell in enumerate(cells):
                if cell:
                    page.write_string(number, place, cell)
    return target.getvalue()


@dataclass
class Read:
    """What decoding gave: numbers and cells of rows, numbers of torn rows, and of other lines by issue type."""

    headings: list[str]
    numbers: list[int]
    rows: list[list[str]]
    torn: list[int]
    skipped: dict[str, list[int]]

    @property
    def others(self) -> list[int]:
        """Numbers of all lines that are no rows."""
        return sorted(number for numbers in self.skipped.values() for number in numbers)


def read(extract: Extract, shape: Shape) -> Read:
    """Decode an extract that has this shape."""
    with extract.open() as handle:
        names = headings(handle, shape)
    ragged = RaggedRows()
    found = Read(names, [], [], [], {})
    for chunk in extract.rows(shape, names, ragged):
        found.numbers += chunk.row_numbers.tolist()
        found.rows += [list(cells.values()) for cells in chunk.table.to_pylist()]
        assert chunk.table.column_names == names
    found.torn, found.skipped = ragged.numbers, ragged.skipped
    return found


@dataclass
class Made:
    """A report's lines, and of each data row its number and cells; numbers of the written lines that are no rows."""

    lines: list[list[str]]
    numbers: list[int]
    rows: list[list[str]]
    others: list[int]
    heading_row: int

    def text(self, layout: Layout) -> bytes:
        """As a file of separated text."""
        target = io.StringIO(newline="")
        csv.writer(target, delimiter=layout.delimiter, lineterminator=layout.line_end).writerows(self.lines)
        return target.getvalue().encode(layout.encoding)


def make(layout: Layout) -> Made:
    """The report that a layout describes."""
    made = Made([], [], [], [], 0)
    blank = [""] * layout.blank_columns

    def write(cells: list[str], *, data: bool = False) -> None:
        made.lines.append(cells)
        if data:
            made.numbers.append(len(made.lines))
            made.rows.append(cells[: len(layout.headings)])
        elif any(cells) and made.heading_row:
            made.others.append(len(made.lines))

    possible = [["Register of licences"], ["Borough", "Example"], [], ["Run on", "30 September 2026"], ["Official"]]
    for cells in possible[: layout.preamble]:
        write(cells)
    if layout.titles:
        write(["Ward: North"])
    write([*layout.headings, *blank])
    made.heading_row = len(made.lines)
    for number in range(layout.rows):
        if layout.page and number and number % layout.page == 0:
            if layout.page_lines:
                write([f"Page {number // layout.page} of {layout.rows // layout.page + 1}"])
            if layout.titles:
                write([])
                write([f"Ward: {['South', 'East', 'West'][number // layout.page % 3]}"])
            write([*layout.headings, *blank])
        if layout.group and number % layout.group == 0:
            write([f"Ward {chr(65 + number // layout.group % 26)}"])
        write([*row(number), *blank], data=True)
    for text in layout.footer:
        write([text] if text else [])
    return made


LAYOUTS = st.builds(
    Layout,
    rows=st.integers(12, 120),
    preamble=st.integers(0, 5),
    page=st.sampled_from([0, 0, 5, 17]),
    titles=st.booleans(),
    page_lines=st.booleans(),
    footer=st.sampled_from(
        [(), ("End of report",), ("", "Total: 120"), ("Total number of licences 96", "Page 9 of 9")]
    ),
    blank_columns=st.integers(0, 4),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
)
