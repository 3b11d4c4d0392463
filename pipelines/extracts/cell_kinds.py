"""What a cell looks like, by its form alone: enough to tell headings from rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
FORMS = {
    "number": r"[£$€(+-]?\s?\d[\d, ]*(?:\.\d+)?(?:e[+-]?\d+)?\)?%?",
    "date": rf"(?:\d{{1,2}}[/.\- ]\d{{1,2}}[/.\- ]\d{{2,4}}|\d{{4}}[/.\-]\d{{1,2}}[/.\-]\d{{1,2}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ \-]{MONTHS}[ \-,]*\d{{2,4}}|{MONTHS} \d{{1,2}}, ?\d{{4}})"
    r"(?:[ t]\d{1,2}:\d{2}.*)?",
    "postcode": r"[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}",
    "outward": r"[a-z]{1,2}\d[a-z\d]?",
    "email": r"\S+@\S+\.\S+",
    "yes_no": r"y|n|yes|no|true|false",
}
_FORMS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in FORMS.items()}
VALUES = frozenset({"number", "date", "postcode", "email", "code", "yes_no"})
LONGEST_LABEL = 90
LONGEST_LOOKED_AT = 400


def kind_of_cell(text: str) -> str:
    """`blank`, a form of `FORMS`, `code` (three digits or more), `label` (short words) or `text`."""
    cell = text[:LONGEST_LOOKED_AT].strip()
    if not cell:
        return "blank"
    for kind, form in _FORMS.items():
        if form.fullmatch(cell):
            return kind
    digits = sum(char.isdigit() for char in cell)
    if digits >= 3 and len(cell) <= 40 and " " not in cell:
        return "code"
    letters = sum(char.isalpha() for char in cell)
    # A heading may be numbered (Contact 100 name); an address with as many digits begins with one of them.
    numbered = digits <= 4 and cell[0].isalpha() and letters >= 2 * digits
    return "label" if letters and len(cell) <= LONGEST_LABEL and (digits <= 2 or numbered) else "text"


def value_share(cells: Sequence[str]) -> float:
    """Share of a row's written cells that are values by their form."""
    kinds = [kind for kind in map(kind_of_cell, cells) if kind != "blank"]
    return sum(kind in VALUES for kind in kinds) / len(kinds) if kinds else 0.0


def label_share(cells: Sequence[str]) -> float:
    """Share of a row's written cells that could be headings."""
    kinds = [kind for kind in map(kind_of_cell, cells) if kind != "blank"]
    return sum(kind in {"label", "outward"} for kind in kinds) / len(kinds) if kinds else 0.0


def common_kind(cells: Iterable[str]) -> tuple[str, float]:
    """The most frequent kind among written cells, and its share of them."""
    found = Counter(kind for kind in map(kind_of_cell, cells) if kind != "blank")
    if not found:
        return "blank", 0.0
    kind, times = found.most_common(1)[0]
    return kind, times / found.total()


def written(cells: Sequence[str]) -> int:
    """How many cells of a row hold something."""
    return sum(1 for cell in cells if cell.strip())
