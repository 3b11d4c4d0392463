"""PDF registers to rows: ruled and unruled tables, cells of several lines, headings on one page or on each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB, settings
from pipelines.extracts.chunk import Chunk, RaggedRows
from pipelines.extracts.heading import Heading, find_heading
from pipelines.extracts.lines import Sorter, lines_of_rows
from pipelines.extracts.pdf_layout import Page, Row, Table, Word, rows_of_pages
from schemas.mapping import Shape

PROGRAM = Path(__file__).with_name("pdf_pages.py")
ASK = "Ask for the spreadsheet that it was made from"
NO_TABLE = f"No table was found in the PDF document. {ASK}."
FAULTS = {
    "locked": f"The PDF document is locked with a password. {ASK}.",
    "damaged": f"The PDF document is damaged and cannot be read. {ASK}, or export it again.",
    "memory": f"The PDF document needs more memory than any register does. {ASK}.",
    "pages": f"The PDF document has more pages than the limit. {ASK}.",
    "time": f"The PDF document takes too long to read. {ASK}.",
}
_content: dict[str, bytes] = {}


def pdf_table_rows(handle: IO[bytes]) -> Iterator[list[str]]:
    """The rows of the tables of a document as cells, without the lines around them.

    Raises:
        RefusedDrop: it is locked, damaged, a scan, or too large.
    """
    return (list(row.cells) for row in _rows(handle) if not row.outside)


def pdf_chunks(handle: IO[bytes], shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
    """The rows below the headings. A PDF shows no row numbers: a row's number is its running number among data rows.

    A line that is no row (a page number, headings again) is told under the number of the data row above it.

    Raises:
        RefusedDrop: it is locked, damaged, a scan, or too large.
    """
    rows = _rows(handle)
    inner = [place for place, row in enumerate(rows) if not row.outside]
    heading, below = find_heading(iter([rows[place].cells for place in inner]), shape)
    if heading is None:
        return
    left = sum(1 for _ in below)
    first = inner[len(inner) - left] if left else len(rows)
    heading = replace(heading, title=_title(rows, first, heading))
    body = rows[first:]
    width = len(names) - (shape.title_column is not None)
    outside = np.array([row.outside for row in body], bool)
    lines = lines_of_rows([list(row.cells) for row in body], 1, width, outside)
    # Rows of a document are as wide as their page's table; what one lacks is blank.
    lines = replace(lines, short=np.zeros(len(lines), bool))
    yield from Sorter(heading, shape, names, ragged).chunks(iter([lines]))


def _title(rows: tuple[Row, ...], first: int, heading: Heading) -> str:
    above = first - 1
    while above >= 0 and not rows[above].outside and len(heading.cells):
        above -= 1
    return rows[above].cells[0] if above >= 0 and rows[above].outside else ""


def _rows(handle: IO[bytes]) -> tuple[Row, ...]:
    limit = settings().max_pdf_mib
    content = handle.read(limit * MIB + 1)
    if len(content) > limit * MIB:
        raise RefusedDrop("too_large", f"The PDF document is larger than {limit} MiB. {ASK}.")
    digest = sha256(content).hexdigest()
    _content.clear()
    _content[digest] = content
    try:
        return _read(digest)
    finally:
        _content.clear()


@lru_cache(maxsize=2)
def _read(digest: str) -> tuple[Row, ...]:
    """Rows of the document with these bytes; kept, since a night looks at the same document more than once."""
    pages = _pages(_content[digest])
    if sum(len(page.words) for page in pages) < 2 * max(len(pages), 1):
        raise RefusedDrop(
            "unreadable_pdf",
            f"The pages of the PDF document are pictures without text, as a scanner makes them. {ASK}.",
        )
    rows = tuple(rows_of_pages(pages))
    if all(row.outside for row in rows):
        raise RefusedDrop("unreadable_pdf", NO_TABLE)
    return rows


def _pages(content: bytes) -> list[Page]:
    limits = settings()
    if b"%PDF" not in content[:1024]:
        raise RefusedDrop("unreadable_pdf", "The file does not begin as a PDF document does.")
    command = [sys.executable, "-I", str(PROGRAM), str(limits.max_pdf_pages), str(limits.max_pdf_seconds)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=content, capture_output=True, timeout=limits.max_pdf_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise RefusedDrop("unreadable_pdf", FAULTS["time"]) from None
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    last: dict[str, Any] = json.loads(lines[-1]) if lines and lines[-1].endswith("}") else {}
    if not last.get("end"):
        raise RefusedDrop("unreadable_pdf", FAULTS[last.get("fault", "time" if done.returncode < 0 else "damaged")])
    return [_page(json.loads(line)) for line in lines[:-1]]


def _page(read: dict[str, Any]) -> Page:
    return Page(
        read["height"],
        [Word(*word) for word in read["words"]],
        [Table(tuple(table["box"]), table["rows"], table["tops"]) for table in read["tables"]],
        read["rules"],
    )
