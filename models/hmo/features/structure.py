"""The building and the tenure it is certified for.

Form and size come from energy certificates and the gazetteer's numbers, never from the
gazetteer's class: a class RH* is somebody's answer to the question that is asked here.
Height, age and a shop below are what inspectors named first (Nesta, "London Office of Data
Analytics pilot: now for the hard part").
"""

from __future__ import annotations

import numpy as np

from models.hmo import cohort
from models.hmo.days import Floats
from models.hmo.evidence import View
from models.hmo.features.declaration import YEAR, Feature

NO_CERTIFICATE = "no energy certificate known, or the borough shares none: left unknown"

NONE_SHARED = "the borough shares none, or none is found in a history too short to tell: left unknown"

HOUSE = {"house": 1.0, "bungalow": 1.0, "flat": 0.0, "maisonette": 0.0}
TERRACED = {"mid_terrace": 1.0, "end_terrace": 1.0, "enclosed": 1.0, "detached": 0.0, "semi_detached": 0.0}
BUILT = {
    "before_1900": 1890.0,
    "1900_1929": 1915.0,
    "1930_1949": 1940.0,
    "1950_1966": 1958.0,
    "1967_1982": 1975.0,
    "1983_2002": 1993.0,
    "2003_on": 2010.0,
}
BUILT_WORDS = {
    1890.0: "before 1900",
    1915.0: "1900 to 1929",
    1940.0: "1930 to 1949",
    1958.0: "1950 to 1966",
    1975.0: "1967 to 1982",
    1993.0: "1983 to 2002",
    2010.0: "2003 or later",
}
RATINGS = {letter: float(number) for number, letter in enumerate("ABCDEFG", start=1)}
BANDS = {letter: float(number) for number, letter in enumerate("ABCDEFGH", start=1)}
COMMERCIAL = ("C", "CR", "X")


def _storeys(view: View) -> Floats:
    return view.evidence.storeys.copy()


def _units_in_building(view: View) -> Floats:
    members = cohort.members(view)
    units = np.bincount(view.evidence.building[members], minlength=len(view))
    return units[view.evidence.building].astype(float)


def _part_of_building(view: View) -> Floats:
    return (view.evidence.parent >= 0).astype(float)


def _above_shop(view: View) -> Floats:
    own = view.evidence
    shop = view.standing & view.has_class(*COMMERCIAL)
    shops = np.bincount(own.building[shop], minlength=len(view))
    beside = shops[own.building] > 0
    has_parent = own.parent >= 0
    below = view.tally(own.parent[has_parent & shop]) > 0
    beside[has_parent] |= below[own.parent[has_parent]] | shop[own.parent[has_parent]]
    return beside.astype(float)


def private_rent(view: View) -> Floats:
    """1 where the newest certificate says privately rented, 0 where it says otherwise, NaN where there is none."""
    tenure = view.newest_code("epc", "tenure", {"rental_private": 1.0, "owner_occupied": 0.0, "rental_social": 0.0})
    reason = view.newest_code("epc", "transaction_type", {"rental_private": 1.0})
    return np.where(np.isnan(reason), tenure, reason)


def _owner_occupied(view: View) -> Floats:
    return view.newest_code("epc", "tenure", {"owner_occupied": 1.0, "rental_private": 0.0, "rental_social": 0.0})


def _unit_certificates(view: View) -> Floats:
    if not view.shares("epc"):
        return view.unknown()
    records = view.records("epc")
    return view.found("epc", 10 * YEAR, records.row[records.unit & (records.event > view.day - 10 * YEAR)])


STRUCTURE = (
    Feature(
        "storeys", "structure", "{value} {storey|storeys}", "gazetteer", None, "storeys",
        "the gazetteer gives no height: left unknown", _storeys,
    ),
    Feature(
        "units_in_building", "structure", "the building holds {value} {home|homes}", "gazetteer", None, "homes",
        "never missing", _units_in_building,
    ),
    Feature(
        "part_of_building", "structure", "a part of a larger building", "gazetteer", None, "1 yes, 0 no",
        "never missing", _part_of_building, words_if_zero="a whole building, not a flat",
    ),
    Feature(
        "above_shop", "structure", "above or beside a shop in the same building", "gazetteer", None, "1 yes, 0 no",
        "never missing", _above_shop,
    ),
    Feature(
        "is_house", "structure", "a house", "epc", None, "1 house, 0 flat", NO_CERTIFICATE,
        lambda view: view.newest_code("epc", "property_type", HOUSE), words_if_zero="a flat or maisonette",
    ),
    Feature(
        "terraced", "structure", "terraced", "epc", None, "1 yes, 0 no", NO_CERTIFICATE,
        lambda view: view.newest_code("epc", "built_form", TERRACED), words_if_zero="not terraced",
    ),
    Feature(
        "floor_area", "structure", "{value} square metres", "epc", None, "square metres", NO_CERTIFICATE,
        lambda view: view.newest("epc", "floor_area"),
    ),
    Feature(
        "habitable_rooms", "structure", "{value} habitable {room|rooms}", "epc", None, "rooms", NO_CERTIFICATE,
        lambda view: view.newest("epc", "habitable_rooms"),
    ),
    Feature(
        "built", "structure", "built {value}", "epc", None, "year in the middle of the age band", NO_CERTIFICATE,
        lambda view: view.newest_code("epc", "age_band", BUILT), value_words=BUILT_WORDS,
    ),
    Feature(
        "energy_rating", "structure", "energy rating {value}", "epc", None, "1 (A) to 7 (G)", NO_CERTIFICATE,
        lambda view: view.newest_code("epc", "energy_rating", RATINGS),
        value_words={number: letter for letter, number in RATINGS.items()},
    ),
    Feature(
        "band", "structure", "council tax band {value}", "council_tax", None, "1 (A) to 8 (H)",
        "no account linked, or the borough shares none: left unknown",
        lambda view: view.newest_code("council_tax", "band", BANDS),
        value_words={number: letter for letter, number in BANDS.items()},
    ),
)  # fmt: skip

TENURE = (
    Feature(
        "private_rent", "tenure", "privately rented on its newest certificate", "epc", None, "1 yes, 0 no",
        NO_CERTIFICATE, private_rent, direction=1,
    ),
    Feature(
        "owner_occupied", "tenure", "owner-occupied on its newest certificate", "epc", None, "1 yes, 0 no",
        NO_CERTIFICATE, _owner_occupied, words_if_zero="not owner-occupied on its newest certificate",
    ),
    Feature(
        "certificates_10_years", "tenure", "{value} energy {certificate|certificates} in 10 years", "epc", 10 * YEAR,
        "certificates", NONE_SHARED,
        lambda view: view.count("epc", 10 * YEAR),
    ),
    Feature(
        "unit_certificates_10_years", "tenure",
        "{value} energy {certificate|certificates} of flats or rooms that the gazetteer does not have, in 10 years",
        "epc", 10 * YEAR, "certificates", NONE_SHARED, _unit_certificates,
        also=("gazetteer",), direction=1,
    ),
)  # fmt: skip
