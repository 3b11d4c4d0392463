"""A borough's codes to the contract's: as the mapping says, else in another spelling, else as the field is known to be.

A code that nobody knows stays as it is and is found out; what is ambiguous is never decided.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as MappingType
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.harmonise.column import Column
from schemas.contract import Field

OBSOLETE_CLASSES = {"A": "obsolete_class", "C": "ambiguous_class_c"}
"""Exempt dwellings of classes A and C were abolished on 1 April 2013 (SI 2012/2965). A system that still holds one may
mean a local discount; C may as well be the class of dwellings whose owner is liable (SI 1992/551)."""


@dataclass(frozen=True)
class Reading:
    """What a word that no table has turns out to be: a code or None for blank, and the issue that says so."""

    code: str | None
    issue: str


def read_codes(text: pa.Array, values: MappingType[str, str], target: Field) -> Column:
    """Words to codes. The words are distinct and few, so they are looked at one by one."""
    exact = {code: code for code in target.codes or {}} | {_plain(key): value for key, value in values.items()}
    loose = {word.casefold(): value for word, value in exact.items()}
    known_as = KNOWN_AS.get(target.name)
    found: list[Reading | None] = []
    for word in text.to_pylist():
        if word is None:
            found.append(None)
        elif word in exact:
            found.append(Reading(exact[word], ""))
        elif word.casefold() in loose:
            found.append(Reading(loose[word.casefold()], "code_tidied"))
        else:
            reading = known_as(word, target) if known_as is not None else None
            found.append(reading or Reading(word, "unknown_code" if target.codes is not None else ""))
    column = Column(pa.array([reading.code or None if reading else None for reading in found], pa.string()))
    for issue in sorted({reading.issue for reading in found if reading is not None} - {""}):
        column.fault(issue, np.array([reading is not None and reading.issue == issue for reading in found], bool))
    return column


def words_known(values: MappingType[str, str], target: Field) -> set[str]:
    """Words (small letters) that mean something for this field, so that none of them says 'nothing here'."""
    return {_plain(word).casefold() for word in (*(target.codes or ()), *values)}


def _plain(word: str) -> str:
    return " ".join(word.split())


def _band(word: str, target: Field) -> Reading | None:
    """Band D, BAND-D, Council Tax Band D."""
    found = re.fullmatch(r"(?:council tax )?band[\s:-]*([a-z])", word, re.I)
    return _tidied(found.group(1).upper(), target) if found else None


def _exemption_class(word: str, target: Field) -> Reading | None:
    """Class N, EXN, Exempt N, Exemption Class N; of the classes A and C only that they are no exemption."""
    found = re.fullmatch(r"(?:ex(?:empt(?:ion)?)?)?[\s:-]*(?:class)?[\s:-]*([a-z])", word, re.I)
    if found is None:
        return None
    letter = found.group(1).upper()
    return Reading(None, OBSOLETE_CLASSES[letter]) if letter in OBSOLETE_CLASSES else _tidied(letter, target)


def _property_class(word: str, target: Field) -> Reading | None:
    """The class above one that is finer than the contract's: CR08 is CR, RG02 is R."""
    code = word.upper()
    if not re.fullmatch(r"[A-Z]{1,2}(?:\d{2}(?:[A-Z]{2})?)?", code):
        return None
    above = next((code[:size] for size in range(len(code) - 1, 0, -1) if code[:size] in (target.codes or ())), None)
    return Reading(above, "class_shortened") if above is not None else None


def _tidied(code: str, target: Field) -> Reading | None:
    return Reading(code, "code_tidied") if code in (target.codes or ()) else None


KNOWN_AS: dict[str, Callable[[str, Field], Reading | None]] = {
    "band": _band,
    "exemption_class": _exemption_class,
    "blpu_class": _property_class,
}
"""Fields whose codes are written in more ways than any mapping lists."""
