"""Text as what it means: numbers as people write them (£1,200, 12 %, 3,5), yes and no, dates of many forms."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.learning.arrays import Floats, Mask
from models.table.calendar import DATES, MONTHS_ALONE, days_of

MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "unknown", "not known", "nat", "<na>")
"""Texts that say that there is no value, in small letters."""

TRUE = ("yes", "y", "true", "t")
FALSE = ("no", "n", "false", "f")

CODE = r"^0\d+$"
"""Digits that begin with a nought are a code, not a number."""

LONG = r"^[+-]?\d{19,}$"
"""More digits than a number of the machine holds: a code too."""

ENGLISH = re.compile(r"[+-]?((\d+|\d{1,3}(,\d{3})+)\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
CONTINENTAL = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?")

STRAY_NUMBERS = 0.02
"""Share of a column's values that may be words where the others are numbers; they count as missing."""

STRAY_DATES = 0.5
"""The same beside dates: whatever is a date in half of its values must pass the rules for dates."""


@dataclass(frozen=True)
class Read:
    """A column of text as what it is, and how many values are not of that kind and were emptied."""

    values: pa.ChunkedArray
    kind: str = "text"
    emptied: int = 0


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without spaces around it, `MISSING` as null."""
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.is_in(pc.utf8_lower(text), pa.array(MISSING)), None, text)


def read_text(column: pa.ChunkedArray, strict: bool = False) -> Read:
    """Text as what its values are: numbers, yes and no, dates; else text.

    A few words among numbers, and words beside dates, are emptied. Where `strict` nothing is.
    """
    text = plain(column)
    if text.null_count == len(text):
        return Read(text)
    encoded = text.combine_chunks().dictionary_encode()
    levels, codes = encoded.dictionary, encoded.indices
    counts = np.bincount(np.asarray(codes.drop_null()), minlength=len(levels))

    def made(kind: str, values: pa.Array, wrong: Mask) -> Read:
        return Read(pa.chunked_array([values.take(codes)]), kind, int(counts[wrong].sum()))

    lower = pc.utf8_lower(levels)
    answers = np.asarray(pc.is_in(lower, pa.array([*TRUE, *FALSE])))
    if answers.all():
        return made("yes and no", pc.is_in(lower, pa.array(TRUE)), ~answers)
    few = 0.0 if strict else STRAY_NUMBERS * counts.sum()
    numbers = _numbers(levels)
    if numbers is not None and counts[_missing(numbers)].sum() <= few:
        return made("numbers", numbers, _missing(numbers))
    some = 0.0 if strict else STRAY_DATES * counts.sum()
    days = max((days_of(levels, form) for form in DATES), key=lambda own: counts[~np.isnan(own)].sum())
    if counts[np.isnan(days)].sum() <= some:
        return made("dates", stamps(days), np.isnan(days))
    months = days_of(levels, MONTHS_ALONE)
    if not np.isnan(months).any():
        return made("dates", stamps(months), np.isnan(months))
    return Read(text)


def _missing(values: pa.Array) -> Mask:
    return np.asarray(values.is_null())


def _numbers(levels: pa.Array) -> pa.Array | None:
    """Each text as a number, null where it is none; None where they are codes."""
    if _any(levels, CODE) or _any(levels, LONG):
        return None
    for kind in (pa.int64(), pa.float64()):
        with suppress(pa.ArrowInvalid):
            return levels.cast(kind)  # far quicker than what follows
    bare = pc.replace_substring_regex(levels, r"^([+-]?)\s*[£$€¥]\s*|\s*[%£$€]$", r"\1")
    texts = [text.strip().replace("\u00a0", "") for text in bare.to_pylist()]
    english = [bool(ENGLISH.fullmatch(text)) for text in texts]
    continental = [bool(CONTINENTAL.fullmatch(text)) for text in texts]
    if sum(english) >= sum(continental):
        made = [float(text.replace(",", "")) if good else None for text, good in zip(texts, english, strict=True)]
    else:
        swapped = [text.replace(".", "").replace(",", ".") for text in texts]
        made = [float(text) if good else None for text, good in zip(swapped, continental, strict=True)]
    percent = np.asarray(pc.match_substring(levels, "%"))
    # Noughts are often written bare; any other number without the sign is not of the same measure.
    other = ~percent & np.array([value != 0 for value in made]) if percent.any() else None
    return pa.array(made, pa.float64(), mask=other)


def _any(text: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())


def stamps(days: Floats) -> pa.Array:
    """Days as dates, or as times where some have a part of a day."""
    known = ~np.isnan(days)
    whole = bool((days[known] == np.floor(days[known])).all())
    numbers: Any = np.where(known, days, 0.0)
    if whole:
        return pa.array(numbers.astype(np.int32), pa.int32(), mask=~known).cast(pa.date32())
    micro = np.round(numbers * 86_400_000_000.0).astype(np.int64)
    return pa.array(micro, pa.int64(), mask=~known).cast(pa.timestamp("us"))
