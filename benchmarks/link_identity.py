"""Records of the linkage benchmark whose errors turned them into another property of their building.

`address-errors` says so where the words are the same. It does not see that "18a Troy St", made of Flat C, names Flat A
of 18, nor that "17 The Boadway", made of a flat, is the house: nobody could answer those as they were meant.
"""

from __future__ import annotations

import re

import pandas as pd
from rapidfuzz.distance import OSA

WORDS = r"FLAT|FLT|APARTMENT|APT|UNIT|ROOM|RM|BEDSIT|STUDIO|MAISONETTE"
FLOORS = {
    "BASEMENT": "BASEMENT", "BSMT": "BASEMENT", "GROUND": "GROUND", "GRD": "GROUND", "GND": "GROUND",
    "FIRST": "FIRST", "1ST": "FIRST",
    "SECOND": "SECOND", "2ND": "SECOND", "THIRD": "THIRD", "3RD": "THIRD", "TOP": "TOP", "UPPER": "UPPER",
    "LOWER": "LOWER",
}  # fmt: skip

LONG_WORDS = [word for word in WORDS.split("|") if len(word) >= 4]


def put_right(text: str) -> str:
    """Words for a unit before a number or a letter without their one slip of the pen: `ROIM 1` is `ROOM 1`."""

    def word(found: re.Match[str]) -> str:
        near = [known for known in LONG_WORDS if OSA.distance(found[0], known, score_cutoff=1) <= 1]
        return near[0] if near and found[0] not in WORDS.split("|") else found[0]

    return re.sub(r"\b[A-Z]{3,}(?= (?:\d+[A-Z]?|[A-H])\b)", word, text)


def units(unit: str, number: str) -> set[str]:
    """What a property's unit may be called: its number or letter, its floor; the empty word if it has none."""
    found = set(re.findall(rf"\b(?:{WORDS})S? ?(\d+[A-Z]?|[A-H])\b", unit))
    found |= {FLOORS[word] for word in re.findall(r"\w+", unit) if word in FLOORS}
    suffix = re.fullmatch(r"\d+([A-Z])", number)
    if suffix and not unit:
        found.add(suffix[1])
    return found or {unit}


def named(text: str, number: str) -> set[str] | None:
    """Units that a record names in the building of this number; none if it cannot be told."""
    text = put_right(text.upper())
    base = re.match(r"\d*", number)
    plain = re.escape(base[0]) if base and base[0] else None
    head = re.split(rf"\b{plain}(?![\d])", text, maxsplit=1)[0] if plain else text
    found = set(re.findall(rf"\b(?:{WORDS})S? ?(\d+[A-Z]?|[A-H])\b", text))
    found |= {FLOORS[word] for word in re.findall(r"\w+", head) if word in FLOORS}
    suffix = re.search(rf"\b{plain} ?/? ?([A-H])\b", text) if plain else None
    if suffix and "-" not in number:
        found.add(suffix[1])
    first = re.match(r"(\d+[A-Z]?|[A-H])\b[ ,/]", text)
    if not found and first and first[1] != (base[0] if base else ""):
        found.add(first[1])
    bare = plain is not None and re.match(rf"{re.escape(number)}\b", text) is not None
    return found or ({""} if bare else None)


def names_a_sibling(records: pd.DataFrame, source: pd.DataFrame) -> pd.Series:
    """Whether a record names another property of its building, and not its own; `source` is the gazetteer by uprn."""
    own = {uprn: units(unit, number) for uprn, unit, number in source[["unit", "building_number"]].itertuples()}
    siblings: dict[str, list[str]] = {}
    for uprn, building in source["building"].items():
        siblings.setdefault(building, []).append(str(uprn))
    flags = []
    columns = (source["building"], source["building_number"])
    of, numbers = (records["source_uprn"].map(column) for column in columns)
    for uprn, building, number, text in zip(
        records["source_uprn"], of, numbers, records["recorded_address"], strict=True
    ):
        others = siblings[building]
        said = named(text, number) if len(others) > 1 else None
        flags.append(
            said is not None and not said & own[uprn] and any(said & own[other] for other in others if other != uprn)
        )
    return pd.Series(flags, index=records.index)
