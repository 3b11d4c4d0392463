"""Parsed addresses as places to compare: one reading of `12A` and `Flat A, 12`, of `4 X Court` and `Flat 4, X Court`.

Both sides of every comparison are folded in the same way, so neither convention is better than the other.
What is folded stays marked: a letter behind a number may be a house of its own, so it never rolls up to the number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address.text import map_words
from pipelines.link.address.words import ASIDE, BUILDINGS, LONG, NAMED, STREETS

UNIT = ["kind", "identifier", "floor", "room"]
BUILDING = ["low", "high", "suffix", "name", "street", "postcode"]
FOLDED = [*UNIT, *BUILDING, "from_suffix", "has_unit", "name_written"]
ASIDE_KINDS = tuple(ASIDE.split("|"))
FLAT_LIKE = ("FLAT", "MAISONETTE", "STUDIO", "UNIT", "PENTHOUSE")
SIDES = (("NORTH", "SOUTH", "EAST", "WEST"), ("UPPER", "LOWER"), ("GT", "LITTLE", "FAWR", "FACH"), ("OLD", "NEW"))
"""Words of which a street has one where its neighbour has another."""
Mask = npt.NDArray[np.bool_]


def fold(parsed: pd.DataFrame, streets: Collection[str] = ()) -> pd.DataFrame:
    """Parsed addresses with one reading of letters and courts.

    Args:
        parsed: as `parse` gives them.
        streets: what is known to be a street though it is called a court.

    Returns:
        The columns `FOLDED`, in the same order and index.
    """
    out = parsed[[*UNIT, *BUILDING]].copy()
    out["from_suffix"] = False
    one_number = (out["low"] >= 0) & (out["low"] == out["high"])
    no_unit = parsed["unit"] == ""
    # "The Flat, 12A" and "First Floor Flat, 12A" are 12A as well: the letter is all that the unit has of a name.
    nameless = (out["identifier"] == "") & (out["room"] == "")
    one_letter = by_distinct(out["suffix"], lambda suffix: suffix.str.len() == 1)
    lettered = one_letter & nameless & one_number & ~out["kind"].isin(ASIDE_KINDS)
    if lettered.any():
        out.loc[lettered, "kind"] = "FLAT"
        out.loc[lettered, "identifier"] = out.loc[lettered, "suffix"]
        out.loc[lettered, "from_suffix"] = True
        out.loc[lettered, "suffix"] = ""

    court = (out["low"] >= 0) & no_unit & (out["name"] == "")
    court &= by_distinct(out["street"], lambda street: street.str.contains(rf"(?:^| )(?:{BUILDINGS})$"))
    court &= ~out["street"].isin(streets)
    if court.any():
        single = court & one_number
        out.loc[single, "kind"] = "FLAT"
        out.loc[single, "identifier"] = out.loc[single, "low"].astype(str) + out.loc[single, "identifier"]
        out.loc[court, "from_suffix"] = False
        out.loc[court, "name"] = out.loc[court, "street"]
        out.loc[court, ["street", "suffix"]] = ""
        out.loc[court, ["low", "high"]] = -1
    out["has_unit"] = (out[UNIT] != "").any(axis=1)
    out["name_written"] = written_out(out["name"])
    return out


def stem_and_type(street: pd.Series[str]) -> tuple[pd.Series[str], pd.Series[str]]:
    """A street's name without spaces, and the type it ends in (empty where none).

    `GRN HL RD` is `GREENHILL` and `RD`.
    """
    distinct = pd.Series(street.unique())
    kind = distinct.str.extract(rf" ({STREETS})$", expand=False).fillna("")
    stem = written_out(distinct.str.replace(rf" (?:{STREETS})$", "", regex=True))
    by_street = pd.DataFrame({"stem": stem.to_numpy(), "kind": kind.to_numpy()}, index=distinct.to_numpy())
    found = by_street.reindex(pd.Index(street)).set_axis(street.index)
    return found["stem"], found["kind"]


def without_kind(names: pd.Series[str]) -> pd.Series[str]:
    """Names of buildings, written out, without the word for the kind of building (`BETHWIN HSE`: `BETHWIN`)."""
    plain = by_distinct(names, lambda n: n.str.replace(rf" (?:{NAMED})$", "", regex=True))
    return written_out(pd.Series(plain, index=names.index))


def written_out(text: pd.Series[str]) -> pd.Series[str]:
    """Whole words instead of short forms, without spaces: what slips of the pen are counted on."""
    values = pa.array(text, pa.string())
    return pd.Series(pc.replace_substring(map_words(values, LONG), " ", "").to_pandas().to_numpy(), index=text.index)


def numbers_agree(left: pd.DataFrame, right: pd.DataFrame) -> npt.NDArray[np.int8]:
    """Row by row: 2 the same number, 1 one lies in the other's range, 0 different, -1 not on both sides.

    A range holds every other number from its lower end, as house numbers do on one side of a street;
    the range of two neighbours (3-4) holds both. A range on the left (1-5) that is wider than the range on the
    right (1-3) is another property.
    """
    a_low, a_high = left["low"].to_numpy(), left["high"].to_numpy()
    b_low, b_high = right["low"].to_numpy(), right["high"].to_numpy()
    same_suffix = left["suffix"].to_numpy() == right["suffix"].to_numpy()
    same = (a_low == b_low) & (a_high == b_high) & same_suffix
    a_in_b = _within(a_low, a_high, b_low, b_high)
    b_in_a = _within(b_low, b_high, a_low, a_high) & (b_low == b_high)
    level = np.where(same, 2, np.where((a_in_b | b_in_a) & same_suffix, 1, 0))
    return np.where((a_low < 0) | (b_low < 0), -1, level).astype(np.int8)


def _within(
    low: npt.NDArray[np.int32],
    high: npt.NDArray[np.int32],
    outer_low: npt.NDArray[np.int32],
    outer_high: npt.NDArray[np.int32],
) -> Mask:
    inside = (low >= outer_low) & (high <= outer_high)
    one_side = (outer_high - outer_low) % 2 == 0
    on_it = ((low - outer_low) % 2 == 0) & ((high - outer_low) % 2 == 0)
    return np.asarray(inside & (~one_side | on_it))


def units_agree(left: pd.DataFrame, right: pd.DataFrame) -> Mask:
    """Row by row: whether two units that are both present can be one and the same.

    Whatever both sides give must be equal, and at least one thing must be given by both.
    """
    shared = np.zeros(len(left), dtype=bool)
    clash = np.zeros(len(left), dtype=bool)
    for part in ("identifier", "room"):
        a, b = left[part].to_numpy(), right[part].to_numpy()
        both = (a != "") & (b != "")
        shared |= both
        clash |= both & (a != b)
    a, b = first_floor(left["floor"]).to_numpy(), first_floor(right["floor"]).to_numpy()
    both = (a != "") & (b != "")
    shared |= both
    clash |= both & (a != b)
    bare = (left["kind"] == right["kind"]).to_numpy() & (left["kind"] != "").to_numpy()
    for part in ("identifier", "floor", "room"):
        bare &= (left[part] == "").to_numpy() & (right[part] == "").to_numpy()
    # A room and the flat or house it lies in are not the same unit.
    clash |= (left["room"] == "").to_numpy() != (right["room"] == "").to_numpy()
    return np.asarray((shared | bare) & ~clash)


def first_floor(floor: pd.Series[str]) -> pd.Series[str]:
    """The first storey of a flat on several (`1AND2` is `1`)."""
    first = by_distinct(floor, lambda f: f.str.replace(r"AND.*$", "", regex=True))
    return pd.Series(first, index=floor.index)


def sides(left: pd.Series[str], right: pd.Series[str]) -> npt.NDArray[np.int8]:
    """Row by row: 2 if two streets are the North and the South of one name (or great and little, old and new).

    1 if only one of them says which it is, 0 if both say the same or neither says any.
    """
    level = np.zeros(len(left), np.int8)
    codes, values = pd.factorize(np.concatenate([left.to_numpy(), right.to_numpy()]), use_na_sentinel=False)
    distinct = pd.Series(values, dtype=object)
    for axis in SIDES:
        said = distinct.str.extract(rf"\b({'|'.join(axis)})\b", expand=False)
        word = pd.Index(axis).get_indexer(pd.Index(said.fillna("")))
        a, b = word[codes[: len(left)]], word[codes[len(left) :]]
        level = np.maximum(level, np.where(a == b, 0, np.where((a >= 0) & (b >= 0), 2, 1)))
    return level.astype(np.int8)


def without_sides(street: pd.Series[str]) -> pd.Series[str]:
    """Streets without the words of `SIDES`."""
    every = "|".join(word for axis in SIDES for word in axis)
    plain = by_distinct(
        street,
        lambda s: s.str.replace(rf"\b(?:{every})\b", "", regex=True).str.replace(r" +", " ", regex=True).str.strip(),
    )
    return pd.Series(plain, index=street.index)


def by_distinct(texts: pd.Series[str], change: Callable[[pd.Series[str]], pd.Series[Any]]) -> npt.NDArray[Any]:
    """What becomes of texts, each distinct one changed once."""
    codes, values = pd.factorize(texts.to_numpy(), use_na_sentinel=False)
    changed: npt.NDArray[Any] = change(pd.Series(values, dtype=object)).to_numpy()
    return changed[codes]


def unit_key(frame: pd.DataFrame, key: str) -> pd.Series[str]:
    """A unit's number and room, or its storey and room, in one text; empty where it has none."""
    if key == "number":
        return (frame["identifier"] + "|" + frame["room"]).where(
            (frame["identifier"] != "") | (frame["room"] != ""), ""
        )
    storey = first_floor(frame["floor"])
    return (storey + "|" + frame["room"]).where((storey != "") & (frame["identifier"] == ""), "")
