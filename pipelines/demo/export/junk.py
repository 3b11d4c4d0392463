"""Columns that a source system exports and no field wants: free text, fees, telephone numbers. All invented."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipelines.demo.export.draws import Keys, Texts, pick, uniform, whole
from pipelines.demo.export.text import blank

NOTES = (
    "", "", "", "", "", "Rang back, no answer", "See file", "Caller asked to stay anonymous", "Passed to area team",
    "Letter sent, no reply", "Key with agent", "Access by rear gate; dog", '"Urgent" per member', "Awaiting documents",
    "Owes £40 – see file", "Spoke to tenant on site, will send photos", "Reviewed, no change", "Duplicate?",
)  # fmt: skip
OFFICERS = ("AB", "CD", "EF", "GH", "JK", "LM", "NP", "RS", "TW")
DESCRIPTIONS = ("3 storey terraced house", "2 storey house", "Converted house", "Flat above shop", "Purpose-built flat")
CONDITIONS = ("Yes", "No", "Yes - see schedule", "Standard")


def _numbers(low: int, high: int) -> Callable[[Keys, str], Texts]:
    return lambda keys, name: (whole(keys, name, high - low + 1) + low).astype(object)


def _notes(keys: Keys, name: str) -> Texts:
    return pick(keys, name, NOTES)


def _phones(keys: Keys, name: str) -> Texts:
    # 020 7946 0000 to 0999 are kept by Ofcom for drama and ring nowhere.
    last = np.char.zfill(whole(keys, name, 1000).astype(str), 4).astype(object)
    return np.where(uniform(keys, name + "?") < 0.6, "020 7946 " + last, "").astype(object)


def _fees(keys: Keys, name: str) -> Texts:
    return pick(keys, name, ("£1,100.00", "£1,550.00", "£950.00", "£1,862.50", "£2,300.00"))


def _blank(keys: Keys, name: str) -> Texts:
    return blank(len(keys))


KINDS: dict[str, Callable[[Keys, str], Texts]] = {
    "note": _notes,
    "phone": _phones,
    "fee": _fees,
    "blank": _blank,
    "officer": lambda keys, name: pick(keys, name, OFFICERS),
    "description": lambda keys, name: pick(keys, name, DESCRIPTIONS),
    "conditions": lambda keys, name: pick(keys, name, CONDITIONS),
    "yes_no": lambda keys, name: pick(keys, name, ("Yes", "No", "No")),
    "small_number": _numbers(0, 4),
    "rooms": _numbers(3, 11),
    "percentage": lambda keys, name: pick(keys, name, ("0", "25", "50", "100")),
    "reference": _numbers(1_000_000, 9_999_999),
    "street_reference": _numbers(20_400_000, 20_499_999),
    "rating": lambda keys, name: pick(keys, name, ("Good", "Average", "Poor", "Very Good", "N/A")),
}


def junk(kind: str, keys: Keys, name: str) -> Texts:
    """Content of one kind for each key; `name` keeps two columns of a kind apart."""
    return KINDS[kind](keys, f"junk {name}")
