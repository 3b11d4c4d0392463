"""The columns of a file of outcomes, read into what the ledger holds: words to codes, days of one way of writing.

Every function works on whole columns; what cannot be read is null, and the caller says so of the row.
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd
import pyarrow as pa

from pipelines.casework.words import FOUND_WORDS, METHOD_WORDS, Found, Method
from pipelines.core.errors import LodaError
from pipelines.extracts.guarded import unguarded
from schemas import registry

NEEDED = ("uprn", "outcome", "visited_on")
OPTIONAL = ("method", "officer", "note", "list_id")
COLUMNS = (*NEEDED, *OPTIONAL)

ISO_DAY = r"\d{4}-\d{2}-\d{2}"
SLASHED_DAY = r"\d{1,2}/\d{1,2}/\d{4}"
MIDNIGHT = r"[ T]00:00(?::00(?:\.0+)?)?$"
ROUNDED = r"\d(?:[.,]\d+)?[eE]\+?\d+"
UPRN = r"[1-9]\d{0,11}"
Text = pd.Series


class NotTaken(LodaError):
    """A file of outcomes of which nothing can be taken; the sentence says why."""


def as_columns(table: pa.Table, name: str) -> pd.DataFrame:
    """The known columns as text, each cell as it was before a spreadsheet guarded it; rows without any cell are none.

    The index counts rows as a spreadsheet does, the headings being row 1.

    Raises:
        NotTaken: a needed column is missing, or there are two of one name.
    """
    headings = ["_".join(heading.casefold().split()) for heading in table.column_names]
    lacking = [wanted for wanted in NEEDED if wanted not in headings]
    if lacking:
        raise NotTaken(
            f"{name} lacks the columns {', '.join(lacking)}. 'loda outcomes template' gives a file with all headings."
        )
    twice = sorted({wanted for wanted in COLUMNS if headings.count(wanted) > 1})
    if twice:
        raise NotTaken(f"{name} has two columns {', '.join(twice)}; keep one of them.")
    found = {
        wanted: unguarded(table.column(headings.index(wanted))).to_pandas().astype("string").str.strip()
        if wanted in headings
        else pd.Series(pd.NA, index=range(table.num_rows), dtype="string")
        for wanted in COLUMNS
    }
    frame = pd.DataFrame(found).replace("", pd.NA)
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return frame[frame.notna().any(axis=1)]


def uprns(text: Text[str]) -> Text[str]:
    """UPRNs without the zeros before them that some systems write, or the ".0" of a spreadsheet; else null."""
    plain = text.str.replace(r"\.0+$", "", regex=True).str.replace(r"^0+(?=\d)", "", regex=True)
    return plain.where(plain.str.fullmatch(UPRN).eq(True))


def is_rounded(text: Text[str]) -> pd.Series[bool]:
    """UPRNs of which a spreadsheet has left only the first digits (1.00023E+11)."""
    return text.str.fullmatch(ROUNDED).eq(True)


def codes(text: Text[str], words: dict[str, str]) -> Text[str]:
    """Codes of words, in any spelling of letters and blanks; null where nobody knows the word."""
    plain = text.str.casefold().str.replace(r"[\s_]+", " ", regex=True).str.strip()
    return plain.map(words).astype("string")


@lru_cache(maxsize=1)
def finding_words() -> dict[str, str]:
    """Words for what was found, by code, as officers read them, and as the boroughs' own systems write them.

    A word that two systems mean differently is none.
    """
    known = {_plain(code): str(code) for code in Found} | {_plain(word): str(c) for c, word in FOUND_WORDS.items()}
    seen: dict[str, set[str]] = {}
    for system in registry.systems().values():
        if "inspection" not in system.datasets:
            continue
        field = registry.preset(system.id, "inspection").fields.get("finding")
        for word, code in (field.values if field is not None else {}).items():
            seen.setdefault(_plain(word), set()).add(code)
    theirs = {word: next(iter(meant)) for word, meant in seen.items() if len(meant) == 1}
    return theirs | known


@lru_cache(maxsize=1)
def method_words() -> dict[str, str]:
    """Words for how it was found out: codes, and words as officers read them."""
    return {_plain(code): str(code) for code in Method} | {_plain(word): str(c) for c, word in METHOD_WORDS.items()}


def _plain(word: str) -> str:
    return " ".join(word.casefold().replace("_", " ").split())


def days(text: Text[str], name: str) -> pd.Series[pd.Timestamp]:
    """Days, all written one way: 2026-11-03 or 03/11/2026, day first; null where a cell is no such day.

    Raises:
        NotTaken: the column is written in two ways, or month first, so that nobody knows which days are meant. A
            spreadsheet that turned some cells into dates swapped day and month in just those.
    """
    plain = text.str.replace(MIDNIGHT, "", regex=True)
    iso, slashed = plain.str.fullmatch(ISO_DAY).eq(True), plain.str.fullmatch(SLASHED_DAY).eq(True)
    if iso.any() and slashed.any():
        raise NotTaken(
            f"{name} writes visited_on in two ways: {iso.sum():,} rows as 2026-11-03 and {slashed.sum():,} as "
            "03/11/2026. A spreadsheet may have swapped day and month in some of them: write all of them one way."
        )
    months = pd.to_numeric(plain.where(slashed).str.split("/").str[1])
    first = pd.to_numeric(plain.where(slashed).str.split("/").str[0])
    swapped = months.gt(12) & first.le(12)
    if swapped.any():
        raise NotTaken(
            f"{name} seems to write the month first in visited_on, as in row {int(swapped.idxmax())}: write every day "
            "as 2026-11-03 or, day first, as 03/11/2026."
        )
    form = "%Y-%m-%d" if iso.any() else "%d/%m/%Y"
    return pd.to_datetime(plain.where(iso | slashed), format=form, errors="coerce")
