"""Encoding and dialect of a text that nobody has described, by evidence."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB
from pipelines.extracts.addressbase import is_addressbase
from pipelines.extracts.cell_kinds import label_share, value_share, written

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 without a byte order mark",
    "utf-16-be": "UTF-16 without a byte order mark",
    "utf-32": "UTF-32",
    "cp1252": "Windows text (cp1252)",
    "mac_roman": "old Macintosh text",
    "cp850": "DOS text (cp850)",
}
USUAL = frozenset("£€’‘“”–—…•éèêëàâäáåçíìîïóòôöøúùûüñãõÉÈÀÁÇÓÖÜÑ°½¼¾·²³\xa0ŵŷŴŶ™©®")
"""Characters beyond ASCII that British councils' text holds."""

DELIMITERS = (",", ";", "\t", "|", "~", "^")
DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", "~": "tildes", "^": "carets"}
SAMPLE_ROWS = 1500
SAMPLE_CHARACTERS = 400_000
HEAD_BYTES = 8 * MIB
NEAR = 0.75
"""A second dialect that scores at least this much of the best one calls for another opinion."""


@dataclass(frozen=True)
class Dialect:
    """How the cells of a text are divided. `line_end` is told, not needed: every kind is read."""

    encoding: str
    delimiter: str
    quote: str
    line_end: str
    notes: tuple[str, ...]
    addressbase: bool = False


def recognise_text(handle: IO[bytes]) -> Dialect:
    """Encoding, delimiter, quotation mark and line end of a text.

    Raises:
        RefusedDrop: the bytes are no text.
    """
    head = handle.read(HEAD_BYTES)
    encoding, notes = _encoding(head, handle)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head[: 4 * SAMPLE_CHARACTERS])[:SAMPLE_CHARACTERS]
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise RefusedDrop("empty_file", "The file holds nothing but blank lines.")
    if sum(not (char.isprintable() or char.isspace()) for char in text[:20_000]) > 0.1 * len(text[:20_000]):
        raise RefusedDrop("not_text", "The file holds bytes that no text has.")
    if is_addressbase(text[: MIB // 8]):
        return Dialect(encoding, ",", '"', _line_end(text), (), addressbase=True)
    delimiter, quote = _delimiter(text)
    if encoding not in {"utf-8", "utf-8-sig"}:
        notes.append(f"The text is {NAMES.get(encoding, encoding)}, not UTF-8.")
    if delimiter != ",":
        notes.append(f"Cells are separated by {DELIMITER_NAMES.get(delimiter, 'another character')}.")
    if quote == "'":
        notes.append("Cells are quoted with apostrophes.")
    if not quote:
        notes.append("Quotation marks are part of the text: they do not enclose cells.")
    line_end = _line_end(text)
    if line_end == "\r":
        notes.append("Lines end with a bare carriage return, as on old Macintoshes.")
    return Dialect(encoding, delimiter, quote, line_end, tuple(notes))


def _line_end(text: str) -> str:
    pairs = text.count("\r\n")
    counts = {"\r\n": pairs, "\r": text.count("\r") - pairs, "\n": text.count("\n") - pairs}
    return max(counts, key=lambda end: counts[end])


def _encoding(head: bytes, rest: IO[bytes]) -> tuple[str, list[str]]:
    for mark, name in MARKS:
        if head.startswith(mark):
            return name, []
    zeros = head[:4096]
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(zeros) >= 4 and zeros[offset::2].count(0) > 0.4 * len(zeros[offset::2]) > zeros[1 - offset :: 2].count(
            0
        ):
            return name, []
    if b"\0" in head:
        raise RefusedDrop("not_text", "The file holds bytes that no text has.")
    good, bad, strange = _beyond_ascii(head, rest)
    if not bad:
        return "utf-8", []
    if good >= bad:
        return "utf-8", ["Some characters are not of the file's encoding (UTF-8); their cells cannot be read."]
    return _eight_bit(strange), []


def _beyond_ascii(head: bytes, rest: IO[bytes]) -> tuple[int, int, bytes]:
    """Characters beyond ASCII that are sound UTF-8, bytes that are not, and text around the latter."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = bad = 0
    strange: list[bytes] = []
    block = head
    while block:
        if not block.isascii():
            text = decoder.decode(block)
            broken = text.count("\ufffd")
            bad += broken
            good += len(text) - len(text.encode("ascii", "ignore")) - broken
            if broken and len(strange) < 3000:
                found = re.finditer(rb"[^\r\n]{0,30}[\x80-\xff]+[^\r\n]{0,30}", block)
                strange += [match.group() for match in islice(found, 3000)]
        block = rest.read(4 * MIB)
    return good, bad, b"\n".join(strange)


def _eight_bit(strange: bytes) -> str:
    """The eight-bit encoding in which the bytes beyond ASCII make the most sense."""
    from charset_normalizer import from_bytes

    candidates = ["cp1252", "mac_roman", "cp850"]
    best = from_bytes(strange[:60_000]).best()
    if best is not None and best.encoding not in {*candidates, "utf_8", "ascii", "latin_1"}:
        candidates.append(best.encoding)
    scores = {name: _plausible(strange.decode(name, "replace")) for name in candidates}
    # An encoding that councils do not use must make much more sense than those that they do.
    scores = {name: score if name in NAMES else score - 0.3 for name, score in scores.items()}
    return max(candidates, key=lambda name: scores[name] + 0.05 * (name == "cp1252"))


def _plausible(text: str) -> float:
    beyond = [char for char in text if ord(char) > 127]
    usual = sum(char in USUAL for char in beyond)
    letters = sum(char.isalpha() and char not in USUAL for char in beyond)
    return (usual + 0.3 * letters) / max(len(beyond), 1)


def rows_of(text: str, delimiter: str, quote: str) -> Iterator[list[str]]:
    """Rows of cells; ends where they can no longer be told apart."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    try:
        yield from reader
    except csv.Error:
        return


def _delimiter(text: str) -> tuple[str, str]:
    quotes = ['"', ""] if text.count('"') % 2 else ['"']
    if text.count("'") > 2 * text.count('"') and re.search(r"(?m)(?:^|[,;\t|])'[^'\r\n]*'(?:[,;\t|]|$)", text):
        quotes.append("'")
    scores = {
        (delimiter, quote): _score(text, delimiter, quote)
        for quote in quotes
        for delimiter in DELIMITERS
        if delimiter in text
    }
    ranked = sorted(scores, key=lambda pair: (-scores[pair][0], DELIMITERS.index(pair[0])))
    if not ranked or scores[ranked[0]][0] < 0.3:
        # One column: whatever is no part of the text divides nothing.
        alone = "," if '"' in text or "," not in text else next((d for d in DELIMITERS if d not in text), ",")
        return alone, '"'
    best, headed = scores[ranked[0]]
    near = [pair for pair in ranked if scores[pair] >= (NEAR * best, headed) and pair[0] != ranked[0][0]]
    near = [pair for pair in near if scores[pair][1] == headed]
    if near:
        opinion = _second_opinion(text)
        return next((pair for pair in [ranked[0], *near] if pair[0] == opinion), ranked[0])
    return ranked[0]


def _score(text: str, delimiter: str, quote: str) -> tuple[float, bool]:
    """How regular the rows come out, and whether there are headings: share of rows of one width, more for more columns.

    Halved where the first row of that width cannot be headings, since then the separator is probably a part of values;
    lowered where a space follows it nearly everywhere, as in an address.
    """
    rows = [row for row in islice(rows_of(text, delimiter, quote), SAMPLE_ROWS) if written(row)]
    rows = rows[:-1] if len(rows) > 2 else rows  # the last may be cut
    wide = Counter(len(row) for row in rows if len(row) > 1)
    if not wide:
        return 0.0, False
    width, times = max(wide.items(), key=lambda item: (item[1], item[0]))
    share = times / len(rows)
    first = next(row for row in rows if len(row) == width)
    early = rows.index(first) < 30
    monsters = sum(cell.count("\n") > 30 for row in rows for cell in row)
    heading = early and label_share(first) >= 0.6 and value_share(first) <= 0.2
    following = [cell for row in rows for cell in row[1:] if cell]
    spaced = sum(cell.startswith(" ") for cell in following) >= 0.9 * max(len(following), 1)
    score = share * (1 - 0.5 ** (width - 1)) * (1.0 if heading else 0.5) * 0.5 ** min(monsters, 5)
    return score * (0.5 if spaced else 1.0), heading


def _second_opinion(text: str) -> str | None:
    import clevercsv

    lines = text.splitlines(keepends=True)[:100]
    try:
        dialect = clevercsv.Detector().detect("".join(lines)[:20_000], delimiters=list(DELIMITERS))
    except Exception:  # noqa: BLE001 - an opinion that cannot be had
        return None
    return None if dialect is None else dialect.delimiter
