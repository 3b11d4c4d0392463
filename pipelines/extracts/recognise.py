"""The whole shape of a file that nobody has described, so that its table can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB
from pipelines.extracts.archive import unpacked
from pipelines.extracts.cell_kinds import written
from pipelines.extracts.chunk import Chunk, RaggedRows
from pipelines.extracts.csv_text import text_rows
from pipelines.extracts.decode import headings
from pipelines.extracts.intake import Extract
from pipelines.extracts.layout import FORMATS
from pipelines.extracts.pdf import NO_TABLE, pdf_table_rows
from pipelines.extracts.recognise_pages import Found
from pipelines.extracts.recognise_table import Grid, recognise_table
from pipelines.extracts.recognise_text import Dialect, recognise_text, rows_of
from pipelines.extracts.workbook import SheetLines, sheet_lines, sheet_names
from schemas.mapping import Shape

SAMPLE = 5_000
HEAD_ROWS = 20_000
HEAD_CELLS = 600_000
TAIL_BYTES = MIB // 4
SHEETS_LOOKED_AT = 30
PADDING, PADDED_CELLS = re.compile(r"\S {2,}(?=\S)"), 3
PRINT_REPORT = (
    "The file is a print report: nothing but spaces keeps its columns apart. Export the same list as CSV or XLSX."
)


@dataclass(frozen=True)
class Recognised:
    """What a file turned out to be.

    `shape` is complete, as it will stand in a mapping; `headings` as mappings know them; `tables` counts the tables
    met; `notes` say in plain sentences what was met, without values; `sample` holds up to 5,000 data rows as text,
    spread over the file; `rows` counts all data rows, those with too many or too few cells among them.
    """

    shape: Shape
    headings: list[str]
    tables: int
    notes: list[str]
    sample: pa.Table
    rows: int


def recognise(extract: Extract) -> Recognised:
    """The shape, headings and a sample of an extract in any layout. Memory is for a head of the file and one chunk.

    Raises:
        RefusedDrop: it cannot be read at all, whatever its shape; the sentence says what to do.
    """
    forms = FORMATS.get(extract.content_kind())
    if forms is None:
        raise RefusedDrop("unsupported_kind", "The file is of no kind that is read; export it as CSV or XLSX.")
    form = forms[0]
    if form == "xlsx":
        options, found = _of_workbook(extract)
    elif form == "parquet":
        options, found = {}, Found()
    elif form == "pdf":
        options, found = {}, _of_pdf(extract)
    else:
        options, found = _of_text(extract)
    shape = Shape(**{"format": form, **options, **found.options})
    with extract.open() as handle:
        names = headings(handle, shape)
    if not names:
        raise RefusedDrop("no_rows", "No table was found in the file; check that the export holds rows.")
    survey = _survey(extract, shape, names)
    if survey.headings_again and not shape.repeated_headings:
        shape = Shape(**{**shape.model_dump(exclude_unset=True), "repeated_headings": True})
        found.notes.append("The headings come again among the rows.")
        survey = _survey(extract, shape, names)
    if survey.ragged:
        found.notes.append(
            f"{survey.ragged:,} of {survey.rows:,} rows have more or fewer cells than there are headings."
        )
    if not survey.rows and form == "pdf":
        raise RefusedDrop("unreadable_pdf", NO_TABLE)
    if not survey.rows:
        raise RefusedDrop("no_rows", "The file has headings but no rows.")
    return Recognised(shape, names, found.tables, found.notes, survey.sample(names), survey.rows)


def _of_text(extract: Extract) -> tuple[dict[str, Any], Found]:
    with extract.open() as raw, unpacked(raw) as handle:
        _check_magic(handle.read(8))
    with extract.open() as raw, unpacked(raw) as handle:
        dialect = recognise_text(handle)
    options: dict[str, Any] = {"encoding": dialect.encoding}
    if dialect.addressbase:
        note = "The file is AddressBase Premium: records of many types, read as one row a property."
        return options | {"format": "addressbase"}, Found(notes=[note])
    if dialect.delimiter != ",":
        options["delimiter"] = dialect.delimiter
    if dialect.quote != '"':
        options["quote"] = dialect.quote
    with extract.open() as raw, unpacked(raw) as handle:
        rows, whole = _head(text_rows(handle, Shape(**options)))
    end = None if whole else _end(extract, dialect)
    if _is_print_report(rows):
        raise RefusedDrop("print_report", PRINT_REPORT)
    found = recognise_table(Grid(rows, end))
    found.notes[:0] = dialect.notes
    return options, found


def _is_print_report(rows: Sequence[Sequence[str]]) -> bool:
    """Whether most lines are cells padded with spaces, whatever character may split some of them besides."""
    lines = [" ".join(cells) for cells in rows if any(cells)]
    padded = sum(len(PADDING.findall(line)) >= PADDED_CELLS for line in lines)
    alone = sum(sum(map(bool, cells)) <= PADDED_CELLS for cells in rows if any(cells))
    return min(padded, alone) > 0.7 * len(lines)


def _check_magic(head: bytes) -> None:
    marks = {b"PK\x03\x04": "a workbook or archive", b"PAR1": "a Parquet file", b"%PDF": "a PDF document"}
    for mark, name in marks.items():
        if head.startswith(mark):
            raise RefusedDrop("not_text", f"The file is named as text but is {name}.")


def _head(rows: Iterator[list[str]]) -> tuple[list[list[str]], bool]:
    """The first rows, and whether they are all."""
    taken: list[list[str]] = []
    cells = 0
    while len(taken) < HEAD_ROWS and cells < HEAD_CELLS:
        step = list(islice(rows, 200))
        taken += step
        cells += sum(map(len, step))
        if len(step) < 200:
            return taken, True
    return taken, False


def _end(extract: Extract, dialect: Dialect) -> list[list[str]]:
    """The last rows of a text, the first of them left out since it may be cut."""
    with extract.open() as raw, unpacked(raw) as handle:
        size = handle.seek(0, 2)
        start = max(size - TAIL_BYTES, 0) // 4 * 4
        handle.seek(start)
        content = handle.read(TAIL_BYTES + 8)
    plain = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(dialect.encoding, dialect.encoding)
    text = content.decode(plain, "replace")
    return list(rows_of(text, dialect.delimiter, dialect.quote))[1:]


def _of_pdf(extract: Extract) -> Found:
    with extract.open() as raw, unpacked(raw) as handle:
        rows = list(islice(pdf_table_rows(handle), HEAD_ROWS))
    found = recognise_table(Grid(rows, may_be_short=False))
    found.notes.insert(0, "The table was read out of a PDF document; a spreadsheet leaves less room for error.")
    return found


def _of_workbook(extract: Extract) -> tuple[dict[str, Any], Found]:
    with extract.open() as raw, unpacked(raw) as handle:
        names = sheet_names(handle)
    best: tuple[int, str, SheetLines] | None = None
    for name in names[:SHEETS_LOOKED_AT]:
        with extract.open() as raw, unpacked(raw) as handle:
            lines = sheet_lines(handle, name, HEAD_ROWS, HEAD_CELLS)
        weight = lines.written * max((written(cells) for cells in lines.head[:200]), default=0)
        if lines.head and (best is None or weight > best[0]):
            best = (weight, name, lines)
    if best is None:
        raise RefusedDrop("no_rows", "No sheet of the workbook holds anything.")
    _, _, lines = best
    found = recognise_table(Grid(lines.head, lines.end, may_be_short=False))
    if lines.range_rows > max(1000, 2 * lines.written):
        found.notes.append(
            f"The sheet is formatted down to row {lines.range_rows:,}, but only {lines.written:,} rows are written."
        )
    if len(names) == 1:
        return {}, found
    found.notes.insert(0, f"Of {len(names)} sheets the one with the most rows is read: '{best[1]}'.")
    return {"sheet": best[1]}, found


@dataclass
class _Survey:
    """What reading all rows showed. The sample takes every so many rows, fewer as more come."""

    rows: int = 0
    ragged: int = 0
    headings_again: bool = False
    step: int = 1
    taken: list[pa.Table] = field(default_factory=list)

    def take(self, table: pa.Table) -> None:
        """Count rows, and take some."""
        first = -self.rows % self.step
        self.rows += table.num_rows
        self.taken.append(table.take(pa.array(np.arange(first, table.num_rows, self.step))))
        while sum(map(len, self.taken)) > 2 * SAMPLE:
            whole = pa.concat_tables(self.taken)
            self.taken = [whole.take(pa.array(np.arange(0, whole.num_rows, 2)))]
            self.step *= 2

    def sample(self, names: list[str]) -> pa.Table:
        """At most `SAMPLE` rows spread over all that were read."""
        if not self.taken:
            return pa.table([pa.array([], pa.string())] * len(names), names=names)
        whole = pa.concat_tables(self.taken)
        if whole.num_rows > SAMPLE:
            whole = whole.take(pa.array(np.linspace(0, whole.num_rows - 1, SAMPLE).astype(np.int64)))
        return whole.combine_chunks()


def _survey(extract: Extract, shape: Shape, names: list[str]) -> _Survey:
    survey = _Survey()
    ragged = RaggedRows()
    chunks: Iterable[Chunk] = extract.rows(shape, names, ragged)
    for chunk in chunks:
        if shape.plain and shape.header_row and shape.format in {"csv", "xlsx"} and len(names) > 1:
            survey.headings_again |= _holds_headings(chunk, names)
        survey.take(chunk.table)
    survey.ragged = len(ragged.numbers)
    survey.rows += survey.ragged
    return survey


def _holds_headings(chunk: Chunk, names: list[str]) -> bool:
    like = np.arange(chunk.table.num_rows)
    named = [name for name in names if not name.startswith("(column ")]
    for name in named:
        column = pc.utf8_trim_whitespace(chunk.table.column(name).take(pa.array(like)))
        like = like[np.asarray(pc.equal(column, name.rsplit(" (", 1)[0] if name.endswith(")") else name).to_numpy())]
        if not len(like):
            return False
    return bool(named and len(like))
