"""The cells of a sheet out of its XML, block by block: only what is written, so a padded range costs nothing.

The common form is taken apart in whole columns of tags. A sheet in a rarer form of XML (no references, other quotation
marks) goes through an XML parser, which is slower and gives the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any
from xml.parsers import expat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import RefusedDrop
from pipelines.extracts.chunk import Numbers
from pipelines.extracts.parquet import as_text, without_midnight
from pipelines.extracts.workbook_parts import (
    BLOCK_BYTES,
    LONGEST_PIECE,
    UNREADABLE,
    Book,
    Sheet,
    pieces,
    prefix_of,
    unescaped,
)

CELLS_AT_ONCE = 400_000
NOT_WORKED_OUT = "\ufdd0="
"""Stands before a formula that is its cell's only content; the first of the two is no character of any text."""

SECONDS = 86_400
EPOCH, EPOCH_1904 = np.datetime64("1899-12-30", "s"), np.datetime64("1904-01-01", "s")
LAST_DAY = 2_958_466
"""Days after which no date of a workbook lies (31 December 9999)."""

_LETTERS = ["", *ascii_uppercase]
_NAMES = [a + b + c for a in _LETTERS for b in _LETTERS for c in ascii_uppercase if b or not a]
COLUMNS = {name: place for place, name in enumerate(_NAMES)}
"""Place of a column, from 0, by its letters."""


@dataclass(frozen=True)
class Cells:
    """Written cells of some rows, in the order of the sheet: column (from 0), row (from 1), text."""

    columns: Numbers
    rows: Numbers
    texts: pa.Array


@dataclass(frozen=True)
class _Raw:
    """Cells as the XML has them: reference such as `B7`, other attributes, value still escaped."""

    references: pa.Array
    attributes: pa.Array
    values: pa.Array


class _Unusual(Exception):
    """The sheet is written in a form that the quick expression does not know."""


def sheet_cells(book: Book, sheet: Sheet, texts: pa.Array | None = None) -> Iterator[Cells]:
    """The written cells of a sheet; whole rows at a time.

    `texts` are the shared texts; without them as many are read as the first cells need, for a look at the top.
    """
    shared = _Shared(book, texts)
    done = 0
    try:
        for raw in _quick(book, sheet):
            cells = _cells(raw, book, shared)
            done = int(cells.rows[-1]) if len(cells.rows) else done
            yield cells
    except _Unusual:
        for raw in _thorough(book, sheet):
            cells = _cells(raw, book, shared)
            late = cells.rows > done
            yield Cells(cells.columns[late], cells.rows[late], cells.texts.filter(pa.array(late)))


class _Shared:
    """Shared texts, all of them or as far as they were asked for."""

    def __init__(self, book: Book, texts: pa.Array | None) -> None:
        self._book, self._all, self._texts = book, texts is not None, texts

    def take(self, places: Numbers) -> pa.Array:
        most = int(places.max(initial=-1))
        if self._texts is None or (not self._all and most >= len(self._texts)):
            self._texts = self._book.shared_texts(wanted=2 * most + 1000)
        known = (places >= 0) & (places < len(self._texts))
        return self._texts.take(pa.array(np.where(known, places, 0), mask=~known))


def _quick(book: Book, sheet: Sheet) -> Iterator[_Raw]:
    """Tags are parted at `<`, which stands nowhere else in XML; all else is done on whole columns of them."""
    with book.open(sheet.part) as stream:
        head = stream.read(4096)
        mark = prefix_of(head)
        if mark is None:
            raise _Unusual
        for block in pieces(stream, b"</" + mark + b"row>", head):
            if b"</" + mark + b"c>" not in block:
                continue  # formats only, as in a range padded to the last row
            if b"<!" in block:
                raise _Unusual
            tags = pc.split_pattern(pa.array([block.decode("utf-8", "replace")]), "<").flatten()
            yield _tagged(tags, mark.decode())


def _tagged(tags: pa.Array, mark: str) -> _Raw:
    cell = np.asarray(pc.starts_with(tags, f'{mark}c r="'))
    others = pc.or_(pc.starts_with(tags, f"{mark}c "), pc.starts_with(tags, f"{mark}c>"))
    if int(cell.sum()) != pc.sum(others, min_count=0).as_py():
        raise _Unusual
    parts = pc.split_pattern(tags.filter(pa.array(cell)), '"', max_splits=2)
    if pc.any(pc.less(pc.list_value_length(parts), 3), min_count=0).as_py():
        raise _Unusual
    of = np.cumsum(cell) - 1
    values = _values(tags, of, int(cell.sum()), mark)
    return _Raw(pc.list_element(parts, 1), pc.list_element(parts, 2), values)


def _values(tags: pa.Array, of: Numbers, size: int, mark: str) -> pa.Array:
    """The value of each cell: what it says, else its own text, else its formula, which was then never worked out."""
    found = _content(tags, of, size, f"{mark}v")
    if pc.any(pc.starts_with(tags, f"{mark}is"), min_count=0).as_py():
        found = pc.coalesce(found, _content(tags, of, size, f"{mark}t", phonetic=f"{mark}rPh"))
    if pc.any(pc.starts_with(tags, f"{mark}f"), min_count=0).as_py():
        formula = _content(tags, of, size, f"{mark}f")
        found = pc.coalesce(found, pc.binary_join_element_wise(NOT_WORKED_OUT, formula, ""))
    return pc.fill_null(found, "")


def _content(tags: pa.Array, of: Numbers, size: int, name: str, phonetic: str | None = None) -> pa.Array:
    """The text in elements of a name by cell, several joined; null where there is none or it is empty."""
    opens = np.asarray(pc.or_(pc.starts_with(tags, f"{name}>"), pc.starts_with(tags, f"{name} "))) & (of >= 0)
    if phonetic is not None:
        inside = np.asarray(pc.starts_with(tags, phonetic)).astype(int)
        opens &= np.cumsum(inside - np.asarray(pc.starts_with(tags, f"/{phonetic}"))) == 0
    parts = pc.split_pattern(tags.filter(pa.array(opens)), ">", max_splits=1)
    cells = of[opens]
    if not len(cells):
        return pa.nulls(size, pa.string())
    texts = pc.list_element(parts, 1)
    filled = np.asarray(pc.not_equal(texts, ""))
    texts, cells = texts.filter(pa.array(filled)), cells[filled]
    if len(cells) and (np.diff(cells) == 0).any():
        starts = np.flatnonzero(np.diff(cells, prepend=-1))
        offsets = pa.array([*starts, len(cells)], pa.int32())
        texts, cells = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), ""), cells[starts]
    place = np.full(size, -1, np.int64)
    place[cells] = np.arange(len(cells))
    return texts.take(pa.array(place, mask=place < 0))


def _thorough(book: Book, sheet: Sheet) -> Iterator[_Raw]:
    reader = _Reader()
    with book.open(sheet.part) as stream:
        while block := stream.read(BLOCK_BYTES // 4):
            reader.feed(block)
            if len(reader.cells) >= CELLS_AT_ONCE:
                yield reader.take_rows()
        reader.feed(b"", final=True)
    yield reader.take_rows(every=True)


class _Reader:
    """Cells by an XML parser; entities are refused."""

    def __init__(self) -> None:
        self.cells: list[tuple[str, str, str]] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._refuse
        self._parser.buffer_text = True
        self._row = self._column = self._size = 0
        self._whole_rows = 0
        self._open = ""
        self._parts: dict[str, list[str]] = {}
        self._cell: dict[str, str] | None = None
        self._phonetic = False

    def feed(self, block: bytes, *, final: bool = False) -> None:
        try:
            self._parser.Parse(block, final)
        except expat.ExpatError as error:
            raise RefusedDrop("unreadable_spreadsheet", UNREADABLE) from error

    def take_rows(self, *, every: bool = False) -> _Raw:
        """The cells of rows that have ended."""
        stop = len(self.cells) if every else self._whole_rows
        taken, self.cells, self._whole_rows = self.cells[:stop], self.cells[stop:], 0
        return _Raw(*(pa.array(part, pa.string()) for part in (zip(*taken, strict=True) if taken else ([], [], []))))

    def _refuse(self, *_: Any) -> None:
        raise RefusedDrop("unreadable_spreadsheet", UNREADABLE)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rsplit(" ", 1)[-1]
        if tag == "row":
            self._row = _whole(attributes.get("r"), self._row + 1)
            self._column = 0
        elif tag == "c":
            reference = re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", attributes.get("r", ""))
            self._column = COLUMNS.get(reference.group(1), self._column) if reference else self._column
            self._row = int(reference.group(2)) if reference else self._row
            self._cell, self._parts, self._size = attributes, {}, 0
        elif tag == "rPh":
            self._phonetic = True
        self._open = tag

    def _text(self, text: str) -> None:
        if self._cell is not None and not self._phonetic and self._open in {"v", "t", "f"}:
            self._size += len(text)
            if self._size > LONGEST_PIECE:
                raise RefusedDrop("unreadable_spreadsheet", UNREADABLE)
            self._parts.setdefault(self._open, []).append(text)

    def _end(self, name: str) -> None:
        tag = name.rsplit(" ", 1)[-1]
        self._open = ""
        if tag == "rPh":
            self._phonetic = False
        elif tag == "row":
            self._whole_rows = len(self.cells)
        elif tag == "c" and self._cell is not None:
            value = "".join(self._parts.get("v", [])) or "".join(self._parts.get("t", []))
            formula = "".join(self._parts.get("f", []))
            value = value or (f"{NOT_WORKED_OUT}{formula}" if formula else "")
            if value:
                attributes = f' s="{self._cell.get("s", "0")}" t="{self._cell.get("t", "n")}" plain="1"'
                self.cells.append((f"{_letters(self._column)}{self._row}", attributes, value))
            self._cell = None
            self._column += 1


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) <= 7 else otherwise


def _letters(column: int) -> str:
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _cells(raw: _Raw, book: Book, shared: _Shared) -> Cells:
    texts = _plain_values(raw, book, shared)
    written = pc.not_equal(texts, "")
    references = raw.references.filter(written)
    names = pc.ascii_rtrim(references, "0123456789").dictionary_encode()
    digits = pc.ascii_ltrim(references, ascii_uppercase)
    known = [COLUMNS.get(name) for name in names.dictionary.to_pylist()]
    sound = pc.match_substring_regex(digits, r"^\d{1,7}$")
    if None in known or not pc.all(sound, min_count=0).as_py():
        raise RefusedDrop("unreadable_spreadsheet", UNREADABLE)
    columns = np.array(known, np.int64)[np.asarray(names.indices)] if known else np.empty(0, np.int64)
    return Cells(columns, np.asarray(digits.cast(pa.int64())), texts.filter(written))


def _plain_values(raw: _Raw, book: Book, shared: _Shared) -> pa.Array:
    """Values as text: each kind of cell, which its attributes tell, in its own way."""
    styles = raw.attributes.dictionary_encode()
    kinds = [_kind(text, book) for text in styles.dictionary.to_pylist()]
    which = np.asarray(styles.indices)
    parts: list[pa.Array] = []
    places: list[Numbers] = []
    for kind in sorted(set(kinds)):
        mine = np.flatnonzero(np.isin(which, [place for place, other in enumerate(kinds) if other == kind]))
        parts.append(_as_kind(kind, raw.values.take(pa.array(mine)), book, shared))
        places.append(mine)
    if not parts:
        return pa.array([], pa.string())
    order = np.argsort(np.concatenate(places), kind="stable")
    return pc.fill_null(pa.concat_arrays(parts), "").take(pa.array(order))


def _kind(attributes: str, book: Book) -> str:
    """`s` shared text, `b` yes or no, `n` number, `day` date or time, else `text`; `raw text`: nothing is escaped."""
    found = dict(re.findall(r"""([\w:]+)\s*=\s*["']([^"']*)""", attributes))
    kind = found.get("t", "n")
    raw = "raw " if "plain" in found else ""
    if kind == "n":
        style = _whole(found.get("s"), 0)
        return "day" if style < len(book.date_styles) and book.date_styles[style] else "n"
    return kind if kind in {"s", "b"} else raw + "text"


def _as_kind(kind: str, values: pa.Array, book: Book, shared: _Shared) -> pa.Array:
    formulas = pc.starts_with(values, NOT_WORKED_OUT)
    if pc.any(formulas, min_count=0).as_py():
        text = pc.utf8_slice_codeunits(values, 1)
        text = text if kind.startswith("raw") else unescaped(text)
        return pc.if_else(formulas, text, _as_kind(kind, pc.if_else(formulas, "", values), book, shared))
    if kind == "raw text":
        return values
    if kind == "text":
        return unescaped(values)
    words = pc.utf8_trim_whitespace(values)
    if kind == "b":
        return pc.if_else(pc.equal(words, "1"), "true", pc.if_else(pc.equal(words, "0"), "false", words))
    if kind == "s":
        whole = pc.match_substring_regex(words, r"^\d{1,9}$")
        return shared.take(np.asarray(pc.if_else(whole, words, "-1").cast(pa.int64())))
    return _numbers(words) if kind == "n" else _days(words, from_1904=book.from_1904)


def _numbers(words: pa.Array) -> pa.Array:
    """Numbers as they would be typed: 0.1 for 0.10000000000000001, and no powers of ten for whole ones."""
    rare = pc.invert(pc.match_substring_regex(words, r"^(?:-?\d{1,15})?$"))
    if not pc.any(rare, min_count=0).as_py():
        return words
    number = pc.match_substring_regex(words, r"^-?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?$")
    hit = pc.and_(rare, number)
    exact = words.filter(hit).cast(pa.float64())
    whole = np.asarray(exact) == np.round(np.asarray(exact))
    plain = np.empty(len(exact), object)
    plain[whole] = as_text(exact.filter(pa.array(whole))).to_pylist()
    plain[~whole] = exact.filter(pa.array(~whole)).cast(pa.string()).to_pylist()
    return pc.replace_with_mask(words, hit, pa.array(plain, pa.string()))


def _days(words: pa.Array, *, from_1904: bool) -> pa.Array:
    """Dates and times of numbers shown as such; what is no date is left a number."""
    number = pc.match_substring_regex(words, r"^\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?$")
    days = np.nan_to_num(np.asarray(pc.if_else(number, words, "-1").cast(pa.float64())), nan=-1.0, posinf=-1.0)
    possible = (days >= 0) & (days < LAST_DAY)
    if not from_1904:
        days = days + ((days >= 1) & (days < 60))  # the workbook's calendar has a 29 February 1900
    seconds = np.round(np.where(possible, days, 0) * SECONDS).astype(np.int64)
    moments = pa.array((EPOCH_1904 if from_1904 else EPOCH) + seconds.astype("timedelta64[s]"))
    text = without_midnight(pc.strftime(moments, format="%Y-%m-%d %H:%M:%S"))
    clock = pc.utf8_slice_codeunits(pc.strftime(moments, format="%Y-%m-%d %H:%M:%S"), 11)
    text = pc.if_else(pa.array((seconds < SECONDS) & (seconds > 0)), clock, text)
    return pc.if_else(pa.array(possible), text, _numbers(words))
