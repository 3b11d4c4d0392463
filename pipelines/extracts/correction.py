"""Quarantined rows that an officer has corrected and dropped again by themselves.

The corrected extract is the extract they came from with each row that `_row` names replaced by the corrected one:
one whole extract again, so that everything after reads, counts and judges it as it does any other.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB
from pipelines.extracts.chunk import Numbers
from pipelines.extracts.decode import Chunk, RaggedRows, headings
from pipelines.extracts.guarded import unguarded, unguarded_text
from pipelines.extracts.intake import Extract
from pipelines.extracts.resaved import untouched
from schemas.mapping import Shape

ROW = "_row"
OURS = (ROW, "_reason", "_how_to_fix")
"""Headings that the night adds to the quarantined rows it gives back."""

WORKBOOKS = frozenset({".xlsx", ".xlsm"})
TEXTS = frozenset({".csv", ".txt", ".tsv"})
NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Correction:
    """Corrected rows: text columns under the officer's headings, and each row's number in the extract it belongs to."""

    table: pa.Table
    numbers: npt.NDArray[np.int64]

    @property
    def names(self) -> list[str]:
        """The officer's own headings, in the order of the corrected file."""
        return list(self.table.column_names)


def read_correction(extract: Extract) -> Correction | None:
    """The corrected rows of a file whose headings hold `_row`; None for any other file.

    Whatever a spreadsheet program saves is read: UTF-8 or Windows text, commas, semicolons or tabs, or a workbook.

    Raises:
        RefusedDrop: it is such a file, but its rows cannot be told apart or say no row number, or say one twice.
    """
    shape = _shape(extract)
    if shape is None:
        return None
    with extract.open() as handle:
        found = [unguarded_text(name) for name in headings(handle, shape)]
    if ROW not in found:
        return None
    ragged = RaggedRows()
    pieces = list(extract.rows(shape, found, ragged))
    if ragged.numbers:
        raise RefusedDrop(
            "correction_unreadable",
            f"{_lines(ragged.numbers)} of the corrected file has more or fewer cells than there are headings.",
        )
    if not any(len(piece.row_numbers) for piece in pieces):
        raise RefusedDrop("no_rows", "The file has headings but no rows.")
    table = pa.concat_tables([piece.table for piece in pieces]).combine_chunks()
    lines = np.concatenate([piece.row_numbers for piece in pieces])
    numbers = _row_numbers(table.column(ROW), lines)
    own = [name for name in found if name not in OURS]
    return Correction(pa.table([unguarded(table.column(name)) for name in own], names=own), numbers)


def _shape(extract: Extract) -> Shape | None:
    """How a corrected file is laid out, told by what a spreadsheet program can have made of ours."""
    if extract.kind in WORKBOOKS:
        return Shape(format="xlsx")
    if extract.kind not in TEXTS:
        return None
    with extract.open() as handle:
        head = handle.read(MIB)
    encoding = _encoding(extract, head)
    first = next((line for line in io.StringIO(head.decode(encoding, "replace"), newline=None) if line.strip()), "")
    for delimiter in (",", ";", "\t", "|"):
        if ROW in [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]:
            return Shape(encoding=encoding, delimiter=delimiter)
    return None


def _encoding(extract: Extract, head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    with extract.open() as handle:
        try:
            while block := handle.read(4 * MIB):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _row_numbers(cells: pa.ChunkedArray, lines: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Numbers in the `_row` column; a spreadsheet may have added a decimal or a thousands separator.

    Raises:
        RefusedDrop: a cell holds none, or two rows have the same.
    """
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(cells), r"[,\s]|\.0+$", "")
    whole = pc.match_substring_regex(plain, r"^[1-9]\d{0,11}$").to_numpy()
    if not whole.all():
        raise RefusedDrop(
            "correction_unreadable",
            f"{_lines(lines[~whole])} of the corrected file has no row number in '{ROW}'. Leave that column as it was; "
            "a row that is new to the extract belongs in a new export.",
        )
    numbers = plain.cast(pa.int64()).to_numpy()
    _, first, times = np.unique(numbers, return_index=True, return_counts=True)
    if (times > 1).any():
        twice = numbers[np.sort(first[times > 1])]
        raise RefusedDrop(
            "correction_unreadable", f"'{ROW}' holds {_listed(twice)} more than once; each row can be corrected once."
        )
    return np.asarray(numbers, np.int64)


def _lines(numbers: npt.NDArray[np.int64] | list[int]) -> str:
    return f"{'Row' if len(numbers) == 1 else 'Each of the rows'} {_listed(numbers)}"


def _listed(numbers: npt.NDArray[np.int64] | list[int]) -> str:
    shown = ", ".join(str(int(number)) for number in numbers[:NAMED_AT_MOST])
    return shown if len(numbers) <= NAMED_AT_MOST else f"{shown} and {len(numbers) - NAMED_AT_MOST:,} more"


def merged(corrections: list[Correction], names: list[str]) -> Correction:
    """Corrections of one extract on top of each other, the last one of a row winning, under the extract's headings."""
    tables = [correction.table.select(names) for correction in corrections]
    numbers = np.concatenate([correction.numbers for correction in corrections])
    # The last of each number: the first one seen from the end.
    _, last = np.unique(numbers[::-1], return_index=True)
    keep = np.sort(len(numbers) - 1 - last)
    return Correction(pa.concat_tables(tables).combine_chunks().take(pa.array(keep)), numbers[keep])


@dataclass(frozen=True, eq=False)
class CorrectedExtract(Extract):
    """An extract some rows of which are replaced by corrected ones. `folder` and `path` are those of the extract.

    `own` are the numbers of the rows that the last corrected file holds, `of_drop` and `of_file` say which extract it
    is laid over, `found_by` how that was told, in words. `date_formats` are those that the mapping declares: with them
    a date that a spreadsheet merely shows in another form is known again and left as it was. Which cells were so put
    back is in `put_back`, by heading, once the rows have been read.
    """

    correction: Correction
    own: npt.NDArray[np.int64]
    of_drop: str
    of_file: str
    found_by: str
    date_formats: tuple[str, ...]
    put_back: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    def rows(self, shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
        """The extract's rows that were not corrected, and after them those that were, under their old numbers."""
        corrected = self.correction
        torn = RaggedRows()
        before: list[Chunk] = []
        for chunk in super().rows(shape, names, torn):
            hit = np.isin(chunk.row_numbers, corrected.numbers)
            if hit.any():
                before.append(Chunk(chunk.table.filter(pa.array(hit)), chunk.row_numbers[hit]))
                chunk = Chunk(chunk.table.filter(pa.array(~hit)), chunk.row_numbers[~hit])
            yield chunk
        for issue_type, numbers in torn.skipped.items():
            ragged.skip(issue_type, np.array(numbers, np.int64))
        still_torn = _still_torn(corrected, torn)
        told = set(corrected.numbers.tolist()) - still_torn
        for number, text in zip(torn.numbers, torn.texts, strict=True):
            if number not in told:
                ragged.numbers.append(number)
                ragged.texts.append(text)
        mended = np.isin(corrected.numbers, sorted(told))
        table = corrected.table.filter(pa.array(mended)).combine_chunks()
        yield Chunk(self._with_untouched_cells(table, corrected.numbers[mended], before), corrected.numbers[mended])

    def rows_among(
        self, wanted: Numbers, counted: int, shape: Shape, names: list[str], ragged: RaggedRows
    ) -> Iterator[Chunk]:
        """All rows: those that were corrected stand in no line of the extract."""
        return self.rows(shape, names, ragged)

    def _with_untouched_cells(self, table: pa.Table, numbers: npt.NDArray[np.int64], before: list[Chunk]) -> pa.Table:
        if not before:
            return table
        olds = pa.concat_tables([chunk.table for chunk in before]).combine_chunks()
        old_numbers = np.concatenate([chunk.row_numbers for chunk in before])
        order = np.argsort(old_numbers)
        place = np.searchsorted(old_numbers[order], numbers)
        place = np.minimum(place, len(order) - 1)
        known = old_numbers[order][place] == numbers
        take = pa.array(order[place], mask=~known)  # null where there was no such row to compare with
        columns = []
        for name in table.column_names:
            old, new = olds.column(name).combine_chunks().take(take), table.column(name).combine_chunks()
            same, rewritten = untouched(old, new, self.date_formats)
            if rewritten.any():
                self.put_back[name] = numbers[rewritten]
            columns.append(pc.if_else(pa.array(same), old, new))
        return pa.table(columns, names=table.column_names)


def _still_torn(corrected: Correction, torn: RaggedRows) -> set[int]:
    """Numbers of torn rows that came back as they were given: all of their text in the first cell."""
    first = dict(zip(corrected.numbers.tolist(), range(len(corrected.numbers)), strict=True))
    found = set()
    for number, text in zip(torn.numbers, torn.texts, strict=True):
        if number in first:
            cells = list(corrected.table.slice(first[number], 1).to_pylist()[0].values())
            if cells[0].split() == text.split() and not any(cells[1:]):
                found.add(number)
    return found
