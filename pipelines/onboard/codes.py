"""A source's codes to the contract's: by the word itself, by what other boroughs mapped, by what it says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipelines.onboard.headings import Knowledge
from pipelines.onboard.profiles import Profile
from pipelines.onboard.words import content, read
from schemas.contract import Field

SHORT_CODE = 2
"""A code so short means one thing in one system and another in the next, so no other borough's reading is taken."""


@dataclass(frozen=True)
class CodeList:
    """How a column's codes read as a field's: what each distinct code becomes, which nobody knows.

    `share` is the share of filled cells whose code is known; `distinct` the number of
    contract codes that were met.
    """

    values: dict[str, str]
    unknown: tuple[str, ...]
    share: float
    distinct: int
    unlike: bool = False


NO_CODES = CodeList({}, (), 0.0, 0)


def read_codes(profile: Profile, target: Field, known: Knowledge) -> CodeList:
    """Read a column of few distinct values as the codes of a field; nothing for a column of many."""
    if target.codes is None or not profile.codes:
        return NO_CODES
    values: dict[str, str] = {}
    unknown: list[str] = []
    cells = 0
    for text, number in profile.codes:
        code = one_code(text, target, known)
        if code is None:
            unknown.append(text)
        else:
            values[text] = code
            cells += number
    total = sum(number for _, number in profile.codes)
    return CodeList(values, tuple(unknown), cells / total if total else 0.0, len(set(values.values())))


def one_code(text: str, target: Field, known: Knowledge) -> str | None:
    """The contract's code for a source's, or None where it is not clear."""
    plain = " ".join(text.split())
    low = plain.casefold()
    codes = {code.casefold(): code for code in target.codes or {}}
    if low in codes:
        return codes[low]
    meanings = {meaning.casefold(): code for code, meaning in (target.codes or {}).items()}
    if low in meanings:
        return meanings[low]
    worded = _by_words(plain, target)
    if worded is not None:
        return worded
    if len(low) > SHORT_CODE and not low.isdecimal():
        counted: Counter[str] = known.codes.get(target.name, {}).get(low, Counter())
        sound = [code for code in counted if code in (target.codes or {})]
        if len(sound) == 1:
            return sound[0]
    return None


def _by_words(plain: str, target: Field) -> str | None:
    """By the longest way of saying one of the codes that the text holds whole; None where two are as long."""
    if target.name in {"band", "energy_rating", "exemption_class"}:
        found = re.fullmatch(r"(?i)(?:class|band|rating|ex(?:empt(?:ion)?)?)?[\s:-]*([A-W])(?:[\s:-].*)?", plain)
        letter = found.group(1).upper() if found else ""
        return letter if letter in (target.codes or {}) else None
    words = _words(plain)
    if not words:
        return None
    ways = _ways(target.name, tuple(target.codes or ()))
    best = [(len(way), code) for way, code in ways if way <= words]
    if not best:
        return None
    longest = max(length for length, _ in best)
    meant = {code for length, code in best if length == longest}
    return meant.pop() if len(meant) == 1 else None


def _words(text: str) -> frozenset[str]:
    """Words of a code: as a heading is read, and as they stand."""
    plain = frozenset(re.findall(r"[a-z]+|\d+", text.lower()))
    return plain | frozenset(read(text).words)


@lru_cache(maxsize=256)
def _ways(name: str, codes: tuple[str, ...]) -> tuple[tuple[frozenset[str], str], ...]:
    raw: Any = content()["codes"]
    given: dict[str, list[str]] = raw.get(name, {})
    found: list[tuple[frozenset[str], str]] = []
    for code in codes:
        for text in (code.replace("_", " "), *given.get(code, ())):
            words = frozenset(re.findall(r"[a-z]+|\d+", str(text).lower()))
            settled = frozenset(read(str(text)).words)
            found.extend(
                (way, code)
                for way in {words, settled}
                if way and (len(way) > 1 or not next(iter(way)).isdecimal() or len(str(text)) <= 2)
            )
    return tuple(found)
