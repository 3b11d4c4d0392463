"""The ways of being the same unit of a building, in order of strength, and the keys that must be equal under each."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipelines.link.places import FLAT_LIKE, UNIT, first_floor
from pipelines.link.vocabulary import Decision, Level, LinkReason

OTHERWISE = 0.97
"""Share of certainty left where a unit is written in another way but is the only one that fits."""
OF_A_UNIT = [*UNIT, "name_written", "building", "from_suffix"]
"""What the keys of `RULES` are made of."""


@dataclass(frozen=True)
class Rule:
    """One way of being the same unit: equal keys within one building, and no part that both give differs."""

    key: str
    reason: LinkReason
    certainty: float = OTHERWISE
    decision: Decision = Decision.LINKED
    level: Level = Level.UNIT


RULES = (
    Rule("whole", LinkReason.SAME_BUILDING_AND_UNIT, 1.0),
    Rule("likeness", LinkReason.UNIT_WRITTEN_OTHERWISE),
    Rule("number", LinkReason.UNIT_WRITTEN_OTHERWISE),
    Rule("lodging", LinkReason.UNIT_WRITTEN_OTHERWISE),
    Rule("storey", LinkReason.UNIT_WRITTEN_OTHERWISE),
    Rule("lowest", LinkReason.UNIT_WRITTEN_OTHERWISE),
    Rule("bedsit", LinkReason.UNIT_WRITTEN_OTHERWISE),
    Rule("holder", LinkReason.UNIT_NOT_IN_GAZETTEER, decision=Decision.PARENT, level=Level.BUILDING),
)
"""In order of strength; the first under which a unit of the building fits decides.

whole: kind, number, storey and room are equal. likeness: flat, apartment, maisonette, studio and 12A are one
kind. number: one side does not say the storey. lodging: the same of a room without a flat. storey: one side
does not say the number. lowest: basement
and lower ground, where the building has one of them. bedsit: Studio 3 for Room 3. holder: the flat that a
room lies in, where the gazetteer has no rooms.
"""


def key_of(frame: pd.DataFrame, key: str) -> pd.Series[str]:
    """What a key of `RULES` says of each row, empty where a row has none."""
    number, room = frame["identifier"], frame["room"]
    if key == "whole":
        return frame["kind"] + "|" + number + "|" + frame["floor"] + "|" + room
    if key == "lodging":
        return room.where((room != "") & (number == ""), "")
    if key in ("likeness", "number", "holder"):
        kind = frame["kind"].where(~frame["kind"].isin(FLAT_LIKE), "F")
        if key == "likeness":
            return (kind + "|" + number + "|" + frame["floor"] + "|" + room).where(number != "", "")
        if key == "number":
            return (kind + "|" + number + "|" + room).where(number != "", "")
        return (kind + "|" + number + "|").where((number != "") & (room != ""), "")
    storey = first_floor(frame["floor"])
    if key == "storey":
        return (storey + "|" + room).where(storey != "", "")
    if key == "lowest":
        lowest = storey.isin(["B", "LG"]) & (number == "") & (room == "")
        return pd.Series("lowest", index=frame.index).where(lowest, "")
    studio = (frame["kind"] == "STUDIO") & (number != "") & (room == "")
    bare = room.where((number == "") & (storey == ""), "")
    return number.where(studio, bare)
