"""The parts of a workbook beside its sheets' cells: names of sheets, shared texts, which formats are dates."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import PurePosixPath
from typing import IO
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB
from pipelines.extracts.archive import CONTENT_TYPES, DAMAGE

BLOCK_BYTES = 4 * MIB
LONGEST_PIECE = 64 * MIB
"""A row or a text that does not end within so much is none."""

SMALL_PART = 32 * MIB
DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Number formats of dates and times that every workbook knows (ECMA-376, 18.8.30)."""

UNREADABLE = "The workbook cannot be read; it may be damaged or locked."


@contextmanager
def readable() -> Iterator[None]:
    """Turn what a damaged workbook makes of its readers into a refusal."""
    try:
        yield
    except (*DAMAGE, LookupError, AttributeError, ElementTree.ParseError, pa.ArrowInvalid) as error:
        raise RefusedDrop("unreadable_spreadsheet", UNREADABLE) from error


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, the part that holds its cells, and whether the officer sees it."""

    name: str
    part: str
    visible: bool


def pieces(stream: IO[bytes], end: bytes, rest: bytes = b"") -> Iterator[bytes]:
    """A stream in blocks, each cut behind the last `end` in it; what follows the very last one comes at the end."""
    while block := stream.read(BLOCK_BYTES):
        rest += block
        cut = rest.rfind(end)
        if cut >= 0:
            cut += len(end)
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > LONGEST_PIECE:
            raise RefusedDrop("unreadable_spreadsheet", UNREADABLE)
    if rest:
        yield rest


class Book:
    """An open workbook."""

    def __init__(self, handle: IO[bytes]) -> None:
        with readable():
            self._archive = zipfile.ZipFile(handle)
            self._archive.getinfo(CONTENT_TYPES)

    def open(self, part: str) -> IO[bytes]:
        """Read a part."""
        return self._archive.open(part)

    def _tree(self, part: str) -> ElementTree.Element:
        if self._archive.getinfo(part).file_size > SMALL_PART:
            raise RefusedDrop("unreadable_spreadsheet", UNREADABLE)
        content = self._archive.read(part)
        # A null byte: text of two bytes a letter, in which a declaration would not be seen.
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
            raise RefusedDrop("unreadable_spreadsheet", UNREADABLE)
        return ElementTree.fromstring(content)  # noqa: S314  # nosec B314 # no entities, and small

    @cached_property
    def _root(self) -> str:
        for relation in self._tree("_rels/.rels"):
            if relation.get("Type", "").endswith("/officeDocument"):
                return relation.get("Target", "").lstrip("/")
        return "xl/workbook.xml"

    @cached_property
    def _relations(self) -> dict[str, tuple[str, str]]:
        """Kind and part by relation id."""
        folder = PurePosixPath(self._root).parent
        found = {}
        for relation in self._tree(f"{folder}/_rels/{PurePosixPath(self._root).name}.rels"):
            target = relation.get("Target", "")
            part = target.lstrip("/") if target.startswith("/") else _plain_path(folder / target)
            found[relation.get("Id", "")] = (relation.get("Type", "").rsplit("/", 1)[-1], part)
        return found

    @cached_property
    def _workbook(self) -> ElementTree.Element:
        return self._tree(self._root)

    @cached_property
    def sheets(self) -> list[Sheet]:
        """The sheets that hold cells, in the workbook's order."""
        with readable():
            found = []
            for element in self._workbook.iter():
                if element.tag.rsplit("}", 1)[-1] == "sheet":
                    key = next((v for k, v in element.attrib.items() if k.rsplit("}", 1)[-1] == "id" and "}" in k), "")
                    kind, part = self._relations.get(key, ("", ""))
                    if kind == "worksheet":
                        found.append(Sheet(element.get("name", ""), part, element.get("state", "visible") == "visible"))
            return found

    @cached_property
    def from_1904(self) -> bool:
        """Whether days are counted from 1904, as on old Macintoshes."""
        with readable():
            found = (e for e in self._workbook.iter() if e.tag.rsplit("}", 1)[-1] == "workbookPr")
            return any(element.get("date1904") in {"1", "true"} for element in found)

    @cached_property
    def date_styles(self) -> npt.NDArray[np.bool_]:
        """For each style of a cell whether it shows a number as a date or time."""
        with readable():
            part = next((part for kind, part in self._relations.values() if kind == "styles"), None)
            if part is None:
                return np.zeros(1, bool)
            tree = self._tree(part)
            own = {
                int(element.get("numFmtId", "0")): _shows_date(element.get("formatCode", ""))
                for element in tree.iter()
                if element.tag.rsplit("}", 1)[-1] == "numFmt"
            }
            styles = (element for e in tree if e.tag.rsplit("}", 1)[-1] == "cellXfs" for element in e)
            numbers = [int(element.get("numFmtId", "0")) for element in styles]
            return np.array([own.get(n, n in DATE_FORMATS) for n in numbers] or [False], bool)

    def range_rows(self, sheet: Sheet) -> int:
        """How many rows the sheet says that it has, with those that are only formatted; 0 where it does not say."""
        with readable(), self.open(sheet.part) as stream:
            found = re.search(rb'<(?:[\w.-]+:)?dimension ref="[A-Z]+\d+:[A-Z]+(\d{1,7})"', stream.read(4096))
            return int(found.group(1)) if found else 0

    def shared_texts(self, wanted: int | None = None) -> pa.Array:
        """The texts that cells refer to by number; only those up to `wanted` where that is given."""
        part = next((part for kind, part in self._relations.values() if kind == "sharedStrings"), None)
        found: list[pa.Array] = [pa.array([], pa.string())]
        if part is None:
            return found[0]
        count = 0
        with readable(), self.open(part) as stream:
            mark = _prefix(head := stream.read(4096), b"sst") or b""
            for block in pieces(stream, b"</" + mark + b"si>", head):
                found.append(_texts(block, mark))
                count += len(found[-1])
                if wanted is not None and count > wanted:
                    break
        return pa.concat_arrays(found)


def _plain_path(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _shows_date(code: str) -> bool:
    plain = re.sub(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', "", code.lower())
    return plain != "general" and bool(re.search("[dmyhs]", plain.split(";")[0]))


def _prefix(head: bytes, root: bytes) -> bytes | None:
    found = re.search(rb"<([A-Za-z0-9_.-]+:)?" + root + rb"[\s>/]", head)
    return (found.group(1) or b"") if found else None


def prefix_of(head: bytes) -> bytes | None:
    """The prefix of a sheet's elements, such as `x:`, usually none; None where its start is not plain text."""
    return _prefix(head, b"worksheet")


def _texts(block: bytes, mark: bytes) -> pa.Array:
    inner = re.findall(rb"<%bsi(?:/>|(?: [^>]*)?>(.*?)</%bsi>)" % (mark, mark), block, re.DOTALL)
    opening = re.compile(rb"<%bt(?: [^>]*)?>([^<]*)</%bt>" % (mark, mark))
    phonetic = re.compile(rb"<%brPh[ >].*?</%brPh>" % (mark, mark), re.DOTALL)
    one = [opening.fullmatch(text) for text in inner]
    plain = [
        found.group(1) if found else b"".join(opening.findall(phonetic.sub(b"", text)))
        for found, text in zip(one, inner, strict=True)
    ]
    return unescaped(pa.array(plain, pa.binary()).cast(pa.string()))


def unescaped(text: pa.Array) -> pa.Array:
    """Text as a reader sees it, of text as XML and the workbook write it (`&amp;`, `_x000D_`)."""
    plain = text
    for mark, resolve in (("&", unescape), ("_x", _written_out)):
        hits = pc.match_substring(plain, mark)
        if pc.any(hits, min_count=0).as_py():
            words = plain.filter(hits).dictionary_encode()
            known = pa.array([resolve(word) for word in words.dictionary.to_pylist()], pa.string())
            plain = pc.replace_with_mask(plain, hits, known.take(words.indices))
    return plain


def _written_out(text: str) -> str:
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: _character(int(found.group(1), 16)), text)


def _character(code: int) -> str:
    return chr(code) if not 0xD800 <= code <= 0xDFFF else "\ufffd"
