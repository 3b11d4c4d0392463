"""Streets, wards, small areas (LSOAs) and postcode districts of one borough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.world.profile import Profile, town_of
from pipelines.demo.world.spec import Floats, Ints, generator
from pipelines.demo.world.text import Text, joined, numbers, only
from pipelines.demo.world.vocabulary import LOCALITY_KINDS, STREET_KINDS, WARD_KINDS, place_words

WARDS = 18
DWELLINGS_A_STREET = 60
DWELLINGS_AN_AREA = 700
"""A lower layer super output area holds 400 to 1,200 households (ONS)."""

TERRACES, SUBURB, ESTATE, HIGH_STREET, MANSIONS, LANE = range(6)

_NAMED_WARDS = {"waltham_forest": ("Hatch Lane", "Endlebury")}
"""Wards that a published designation names."""


@dataclass(frozen=True)
class Places:
    """Streets (one element a street) and the areas they lie in (one element an area).

    `hardship` and `letting` are standard normal: how deprived an area is, and how much of it is let.
    """

    street: Text
    street_kind: Ints
    locality: Text
    district: Text
    town: Text
    easting: Floats
    northing: Floats
    bearing: Floats
    ward: Ints
    area: Ints
    ward_code: Text
    ward_name: Text
    area_code: Text
    hardship: Floats
    letting: Floats


def ward_names(profile: Profile, seed: int) -> Text:
    """The 18 wards' names, the same whatever the number of dwellings."""
    rng = generator(seed, profile.slug, "wards")
    words = rng.permutation(place_words())[:WARDS]
    names = joined([words, np.array(WARD_KINDS, dtype=object)[rng.integers(0, len(WARD_KINDS), WARDS)]], "")
    for position, name in enumerate(_NAMED_WARDS.get(profile.slug, ())):
        names[WARDS - 1 - position] = name
    return names


def ward_codes(profile: Profile) -> Text:
    """Codes of the form E05 9 BB WWW: shaped as GSS codes, from a range that is not given out."""
    return joined([f"E059{profile.number:02d}", numbers(np.arange(1, WARDS + 1), 3)], "")


def make_places(profile: Profile, dwellings: int, seed: int) -> Places:
    """Lay out the streets of one borough for a number of dwellings."""
    rng = generator(seed, profile.slug, "places")
    count = max(4, round(dwellings / DWELLINGS_A_STREET))
    angle, radius = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.uniform(0, 1, count)) * 0.85
    easting = profile.easting + profile.half_width * radius * np.cos(angle)
    northing = profile.northing + profile.half_height * radius * np.sin(angle)
    ward = _nearest_ward(profile, seed, easting, northing)
    area, area_count = _areas(ward, angle, max(1, round(dwellings / DWELLINGS_AN_AREA)))
    district = _districts(profile, angle, radius)
    chosen = np.array(profile.districts, dtype=object)[district]
    towns = np.array([town_of(code) for code in profile.districts], dtype=object)[district]
    hardship = rng.standard_normal(area_count)
    return Places(
        street=_street_names(rng, count),
        street_kind=_street_kinds(rng, count, profile),
        locality=_localities(rng, ward, towns),
        district=chosen,
        town=towns,
        easting=easting,
        northing=northing,
        bearing=rng.uniform(0, 2 * np.pi, count),
        ward=ward,
        area=area,
        ward_code=ward_codes(profile),
        ward_name=ward_names(profile, seed),
        area_code=joined([f"E019{profile.number:02d}", numbers(np.arange(1, area_count + 1), 3)], ""),
        hardship=hardship,
        letting=0.4 * hardship + np.sqrt(1 - 0.16) * rng.standard_normal(area_count),
    )


def _nearest_ward(profile: Profile, seed: int, easting: Floats, northing: Floats) -> Ints:
    rng = generator(seed, profile.slug, "ward centres")
    angle, radius = rng.uniform(0, 2 * np.pi, WARDS), np.sqrt(rng.uniform(0, 1, WARDS)) * 0.8
    east = profile.easting + profile.half_width * radius * np.cos(angle)
    north = profile.northing + profile.half_height * radius * np.sin(angle)
    apart = (easting[:, None] - east) ** 2 + (northing[:, None] - north) ** 2
    found: Ints = apart.argmin(axis=1).astype(np.int64)
    return found


def _areas(ward: Ints, angle: Floats, wanted: int) -> tuple[Ints, int]:
    """Area of each street: neighbouring streets of one ward together."""
    streets_an_area = max(1, round(len(ward) / min(wanted, 999)))
    order = np.lexsort((angle, ward))
    in_ward = ward[order]
    first = np.r_[True, in_ward[1:] != in_ward[:-1]]
    position = np.arange(len(ward)) - np.maximum.accumulate(np.where(first, np.arange(len(ward)), 0))
    starts = first | (position % streets_an_area == 0)
    area = np.empty(len(ward), dtype=np.int64)
    area[order] = np.cumsum(starts) - 1
    return np.minimum(area, 998), min(int(starts.sum()), 999)


def _districts(profile: Profile, angle: Floats, radius: Floats) -> Ints:
    """Postcode district of each street: sectors of the borough, the first district in its middle."""
    count = len(profile.districts)
    sector = 1 + np.floor(angle / (2 * np.pi) * (count - 1)).astype(np.int64)
    return np.where(radius < 0.28, 0, np.minimum(sector, count - 1))


def _street_names(rng: np.random.Generator, count: int) -> Text:
    words, kinds = place_words(), np.array([kind for kind, _ in STREET_KINDS], dtype=object)
    shares = np.array([share for _, share in STREET_KINDS])
    drawn = count * 2 + 50
    word = rng.integers(0, len(words), drawn)
    kind = rng.choice(len(kinds), drawn, p=shares / shares.sum())
    _, first = np.unique(word * len(kinds) + kind, return_index=True)
    kept = np.sort(first)[:count]
    return joined([words[word[kept]], kinds[kind[kept]]], " ")


def _street_kinds(rng: np.random.Generator, count: int, profile: Profile) -> Ints:
    suburban = float(np.clip((profile.houses - 0.2) * 1.1, 0.02, 0.5))
    shares = np.array([0.42 - suburban * 0.4, suburban, 0.18, 0.1, 0.2 - suburban * 0.2, 0.06])
    return rng.choice(6, count, p=shares / shares.sum())


def _localities(rng: np.random.Generator, ward: Ints, towns: Text) -> Text:
    """A locality on a quarter of London's streets and on half of those of the outer post towns; None elsewhere."""
    names = joined(
        [rng.permutation(place_words())[:WARDS], rng.choice(np.array(LOCALITY_KINDS, dtype=object), WARDS)], " "
    )
    share = np.where(towns == "London", 0.25, 0.5)
    return only(rng.random(len(ward)) < share, names[ward])
