"""Addresses as people type them: the official parts of an address, then mistakes at published rates.

Each mistake is one entry of `faults.yaml` and works on whole columns of parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.demo.export.draws import Keys, Mask, Rows, Texts, pick, uniform, whole
from pipelines.demo.export.faults import Hand
from pipelines.demo.export.text import (
    blank,
    filled,
    joined,
    matching,
    mistyped,
    plain,
    replaced,
    take_words,
    upper_first,
)

PARTS = ("unit", "building_name", "building_number", "street", "locality", "town", "postcode")
NAMES = ("The Bungalow", "The Cottage", "The Lodge", "Coach House", "The Coach House", "The Annexe", "The Vicarage")
FLOORS = ("Basement", "Ground Floor", "First Floor", "1st Floor", "Second Floor", "2nd Floor", "Top Floor")
FLOOR_FLATS = ("Ground Floor Flat", "First Floor Flat", "Second Floor Flat", "GFF", "FFF", "Top Floor Flat")
ABBREVIATIONS = {
    "Road": "Rd", "Street": "St", "Avenue": "Ave", "Lane": "Ln", "Close": "Cl", "Gardens": "Gdns", "Grove": "Gr",
    "Crescent": "Cres", "Terrace": "Terr", "Place": "Pl", "Square": "Sq", "Court": "Ct", "Drive": "Dr", "Park": "Pk",
}  # fmt: skip
LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


@dataclass
class Addresses:
    """Addresses in parts: one text array for each of `PARTS`, blank where there is no such part."""

    parts: dict[str, Texts]
    streets: Texts

    def __getitem__(self, part: str) -> Texts:
        return self.parts[part]

    def has(self, part: str) -> Mask:
        """Rows in which the part is there."""
        return filled(self.parts[part])

    def put(self, part: str, rows: Mask, texts: Texts | str) -> None:
        """Replace a part in some rows."""
        self.parts[part] = replaced(self.parts[part], rows, texts)


class Places:
    """A borough's true gazetteer, made ready once for all of its datasets."""

    def __init__(self, gazetteer: pd.DataFrame) -> None:
        rows = gazetteer.drop_duplicates("uprn").reset_index(drop=True)
        self.uprns = pd.Index(plain(rows["uprn"]))
        self.sorted_uprns = np.sort(self.uprns.to_numpy(dtype=object))
        self.parts = {part: plain(rows[part]) for part in PARTS}
        self.streets = np.unique(self.parts["street"]) if len(rows) else np.array([""], dtype=object)
        self.beside = {name: rows[name] for name in ("easting", "northing", "ward_name")}

    def find(self, uprns: Texts) -> Rows:
        """Position of each UPRN, -1 for one that is not there."""
        return np.asarray(self.uprns.get_indexer(pd.Index(uprns)), dtype=np.int64)


def official(frame: pd.DataFrame, places: Places) -> Addresses:
    """The gazetteer's parts of each record's true property; the one-line address where it has none.

    `frame` needs `true_uprn`, `address` and `postcode`.
    """
    place = places.find(plain(frame["true_uprn"]))
    known = place >= 0
    parts = {part: cells[place] if known.all() else blank(len(frame)) for part, cells in places.parts.items()}
    if not known.all():
        for part, cells in places.parts.items():
            parts[part] = replaced(parts[part], known, cells[place[known]])
        for part, source in (("street", "address"), ("postcode", "postcode")):
            parts[part] = replaced(parts[part], ~known, plain(frame[source])[~known])
    return Addresses(parts, places.streets)


def mistype(addresses: Addresses, hand: Hand, intensity: float) -> None:
    """Put mistakes into the parts, in place."""
    if intensity == 0:
        return
    for fault, (concerned, change) in MISTAKES.items():
        hit = hand.falls_on(fault, concerned(addresses), "address", intensity)
        if hit.any():
            change(addresses, hit, hand.keys)


def _flats(a: Addresses) -> Mask:
    return a.has("unit")


def _houses(a: Addresses) -> Mask:
    return ~a.has("unit") & a.has("building_number")


def _numbered_units(a: Addresses) -> Mask:
    return matching(a["unit"], r"(?:Flat|Unit|Room|Apartment) \S+")


def _lettered_units(a: Addresses) -> Mask:
    return matching(a["unit"], r"Flat [A-Z]") & matching(a["building_number"], r"\d+")


def _with(part: str) -> Callable[[Addresses], Mask]:
    return lambda a: a.has(part)


def _drop(part: str) -> Callable[[Addresses, Mask, Keys], None]:
    return lambda a, rows, _: a.put(part, rows, "")


def _unit_word_dropped(a: Addresses, rows: Mask, _: Keys) -> None:
    a.put("unit", rows, take_words(a["unit"][rows], 1))


def _unit_word_swapped(a: Addresses, rows: Mask, keys: Keys) -> None:
    words = pick(keys[rows], "unit word", ("Apartment", "Apt", "Unit", "Flt"))
    a.put("unit", rows, joined(" ", words, take_words(a["unit"][rows], 1)))


def _floor_added(a: Addresses, rows: Mask, keys: Keys) -> None:
    a.put("unit", rows, joined(" ", pick(keys[rows], "floor", FLOORS), a["unit"][rows]))


def _flat_at(a: Addresses, rows: Mask, _: Keys) -> None:
    a.put("unit", rows, a["unit"][rows] + " At")


def _unit_as_floor(a: Addresses, rows: Mask, keys: Keys) -> None:
    a.put("unit", rows, pick(keys[rows], "floor flat", FLOOR_FLATS))


def _unit_letter_added(a: Addresses, rows: Mask, keys: Keys) -> None:
    a.put("unit", rows, joined(" ", "Flat", pick(keys[rows], "letter", "ABC") + take_words(a["unit"][rows], 1)))


def _unit_position_added(a: Addresses, rows: Mask, keys: Keys) -> None:
    a.put("unit", rows, joined(" ", a["unit"][rows], pick(keys[rows], "position", ("Rear", "Front"))))


def _unit_as_suffix(a: Addresses, rows: Mask, _: Keys) -> None:
    a.put("building_number", rows, a["building_number"][rows] + take_words(a["unit"][rows], 1))
    a.put("unit", rows, "")


def _unit_last(a: Addresses, rows: Mask, _: Keys) -> None:
    a.put("locality", rows, joined(", ", a["unit"][rows], a["locality"][rows]))
    a.put("unit", rows, "")


def _name_added(a: Addresses, rows: Mask, keys: Keys) -> None:
    a.put("building_name", rows, pick(keys[rows], "name", NAMES))


def _house_unit_added(a: Addresses, rows: Mask, keys: Keys) -> None:
    a.put("unit", rows, pick(keys[rows], "house unit", ("Flat A", "Flat 1", "First Floor Flat", "Ground Floor Flat")))


def _number_replaced(a: Addresses, rows: Mask, keys: Keys) -> None:
    numbers = whole(keys[rows], "number", 150) + 1
    a.put("building_number", rows, numbers.astype(str).astype(object))


def _range_extended(a: Addresses, rows: Mask, _: Keys) -> None:
    first = a["building_number"][rows].astype(np.int64)
    a.put("building_number", rows, joined("-", a["building_number"][rows], (first + 2).astype(str).astype(object)))


def _street_replaced(a: Addresses, rows: Mask, keys: Keys) -> None:
    a.put("street", rows, a.streets[whole(keys[rows], "street", len(a.streets))])


def _street_word_dropped(a: Addresses, rows: Mask, _: Keys) -> None:
    a.put("street", rows, take_words(a["street"][rows], 0, -1))


def _street_joined(a: Addresses, rows: Mask, _: Keys) -> None:
    a.put("street", rows, upper_first(pd.Series(a["street"][rows]).str.replace(" ", "", regex=False).to_numpy(object)))


def _street_abbreviated(a: Addresses, rows: Mask, _: Keys) -> None:
    a.put("street", rows, abbreviated(a["street"][rows]))


def _street_mistyped(a: Addresses, rows: Mask, keys: Keys) -> None:
    a.put("street", rows, mistyped(a["street"][rows], keys[rows]))


def _postcode_other_unit(a: Addresses, rows: Mask, keys: Keys) -> None:
    kept = pd.Series(a["postcode"][rows]).str.slice(0, -1).to_numpy(object)
    a.put("postcode", rows, kept + pick(keys[rows], "postcode unit", tuple(LETTERS)))


def _postcode_other_sector(a: Addresses, rows: Mask, keys: Keys) -> None:
    text = pd.Series(a["postcode"][rows])
    step = np.where(uniform(keys[rows], "sector") < 0.5, 1, 9)
    digit = ((text.str.slice(-3, -2).astype(np.int64) + step) % 10).astype(str)
    a.put("postcode", rows, (text.str.slice(0, -3) + digit + text.str.slice(-2)).to_numpy(object))


def _postcode_unspaced(a: Addresses, rows: Mask, _: Keys) -> None:
    a.put("postcode", rows, pd.Series(a["postcode"][rows]).str.replace(" ", "", regex=False).to_numpy(object))


def abbreviated(streets: Texts) -> Texts:
    """Street names with their last word cut short: Example Rd."""
    last = "|".join(ABBREVIATIONS)
    text = pd.Series(streets, dtype=object)
    return text.str.replace(rf" ({last})$", lambda m: " " + ABBREVIATIONS[m.group(1)], regex=True).to_numpy(object)


def _named_and_numbered(a: Addresses) -> Mask:
    return a.has("building_name") & a.has("building_number")


def _unnamed(a: Addresses) -> Mask:
    return ~a.has("building_name") & a.has("building_number")


def _plain_number(a: Addresses) -> Mask:
    return matching(a["building_number"], r"\d{1,4}")


def _whole_postcode(a: Addresses) -> Mask:
    return matching(a["postcode"], r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}")


def _flats_with_number(a: Addresses) -> Mask:
    return a.has("unit") & a.has("building_number")


Mistake = tuple[Callable[[Addresses], Mask], Callable[[Addresses, Mask, Keys], None]]

MISTAKES: dict[str, Mistake] = {
    "unit_word_dropped": (_numbered_units, _unit_word_dropped),
    "unit_word_swapped": (_numbered_units, _unit_word_swapped),
    "unit_letter_added": (_numbered_units, _unit_letter_added),
    "floor_added": (_numbered_units, _floor_added),
    "unit_position_added": (_numbered_units, _unit_position_added),
    "unit_as_suffix": (_lettered_units, _unit_as_suffix),
    "unit_as_floor": (_flats, _unit_as_floor),
    "flat_at": (_numbered_units, _flat_at),
    "unit_last": (_flats, _unit_last),
    "flat_number_dropped": (_flats_with_number, _drop("building_number")),
    "flat_street_replaced": (_flats, _street_replaced),
    "house_street_replaced": (_houses, _street_replaced),
    "unit_dropped": (_flats, _drop("unit")),
    "house_unit_added": (_houses, _house_unit_added),
    "name_dropped": (_named_and_numbered, _drop("building_name")),
    "name_added": (_unnamed, _name_added),
    "number_replaced": (_plain_number, _number_replaced),
    "range_extended": (_plain_number, _range_extended),
    "street_word_dropped": (_with("street"), _street_word_dropped),
    "street_mistyped": (_with("street"), _street_mistyped),
    "street_joined": (_with("street"), _street_joined),
    "street_abbreviated": (_with("street"), _street_abbreviated),
    "street_omitted": (_with("street"), _drop("street")),
    "town_dropped": (_with("town"), _drop("town")),
    "postcode_other_unit": (_whole_postcode, _postcode_other_unit),
    "postcode_other_sector": (_whole_postcode, _postcode_other_sector),
    "postcode_missing": (_whole_postcode, _drop("postcode")),
    "postcode_unspaced": (_whole_postcode, _postcode_unspaced),
}


def lines(addresses: Addresses) -> list[Texts]:
    """Four address lines without gaps: unit and name, number and street, locality, town."""
    stacked = np.stack(
        [
            joined(", ", addresses["unit"], addresses["building_name"]),
            joined(" ", addresses["building_number"], addresses["street"]),
            addresses["locality"],
            addresses["town"],
        ],
        axis=1,
    )
    order = np.argsort(stacked == "", axis=1, kind="stable")
    return list(np.take_along_axis(stacked, order, axis=1).T)
