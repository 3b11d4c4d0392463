"""The gazetteer: every property with its UPRN, address, class and place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.demo.world.buildings import CONVERSION, FLAT_NUMBER, TERRACE
from pipelines.demo.world.lives import Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.rows import frame, whole
from pipelines.demo.world.spec import NEVER, Ints, WorldSpec, dates, generator, lag
from pipelines.demo.world.stock import KINDS, Stock, blpu_class, one_line
from pipelines.demo.world.text import Text, joined, numbers

ROOM, HISTORICAL = KINDS.index("room"), KINDS.index("historical")
_LOADED = 11048
"""1 April 2000: most properties came into the first gazetteers in the years after."""
_CODED, _CODED_WITH_ROOMS, _CODED_WRONGLY = 0.025, 0.03, 0.0009
"""HMOs that the gazetteer classes as such, houses among them with rooms, and other homes that it classes so wrongly:
RH classes undercount badly (one council's gazetteer, by freedom of information, August 2025); shares are our own."""


@dataclass(frozen=True)
class Extra:
    """Records besides the stock's: rooms of HMOs, and properties that are no more."""

    uprn: Text
    parent: Text
    unit: Text
    building: Ints
    kind: Ints
    start: Ints
    end: Ints

    def __len__(self) -> int:
        return len(self.uprn)


def split_houses(profile: Profile, stock: Stock, lives: Lives, seed: int) -> Ints:
    """Dwellings that the gazetteer splits into an HMO parent and its rooms."""
    rng = generator(seed, profile.slug, "rooms")
    chosen = (stock.form <= TERRACE) & (lives.hmo_from < NEVER) & (rng.random(stock.dwellings) < _CODED_WITH_ROOMS)
    return np.flatnonzero(chosen)


def extra_records(profile: Profile, stock: Stock, lives: Lives, seed: int) -> Extra:
    """Rooms of the houses that are split, and flats that were merged into others years ago."""
    rng = generator(seed, profile.slug, "extra records")
    houses = split_houses(profile, stock, lives, seed)
    rooms = np.repeat(houses, lives.groups[houses])
    room = np.arange(len(rooms)) - np.repeat(
        np.cumsum(lives.groups[houses]) - lives.groups[houses], lives.groups[houses]
    )
    made = stock.buildings
    merged = np.flatnonzero(
        (made.form == CONVERSION) & (made.style == FLAT_NUMBER) & (rng.random(len(made.form)) < 0.05)
    )
    shell_of = np.full(len(made.form), -1, dtype=np.int64)
    shell_of[stock.home] = stock.shell
    count = len(rooms) + len(merged)
    ended = _LOADED + 1500 + rng.integers(0, 6500, len(merged))
    return Extra(
        uprn=numbers(stock.first_free_uprn + np.arange(count)),
        parent=np.concatenate([stock.uprn[rooms], stock.uprn[shell_of[merged]]]),
        unit=np.concatenate(
            [joined(["Room ", numbers(room + 1)], ""), joined(["Flat ", numbers(made.units[merged] + 1)], "")]
        ),
        building=np.concatenate([stock.home[rooms], merged]),
        kind=np.repeat([ROOM, HISTORICAL], [len(rooms), len(merged)]),
        start=np.concatenate([np.maximum(lives.hmo_from[rooms], _LOADED) + 60, np.full(len(merged), _LOADED)]),
        end=np.concatenate([np.full(len(rooms), NEVER), ended]),
    )


def gazetteer(profile: Profile, stock: Stock, lives: Lives, extra: Extra, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: what exists and is known by `until`, and some that is no more."""
    rng = generator(spec.seed, profile.slug, "gazetteer")
    building = np.concatenate([stock.building, extra.building])
    built = stock.buildings.built[stock.building]
    own = np.where(built > 0, built, _LOADED) + rng.integers(0, 15, len(built)) * np.where(built > 0, 1, 120)
    start, end = np.concatenate([own, extra.start]), np.concatenate([np.full(len(own), NEVER), extra.end])
    known = start + lag(rng, len(start), 15, 0.02, 60)
    number = np.concatenate([stock.number, stock.buildings.numbered[extra.building]])
    address = one_line(stock.places, stock.buildings, extra.building, extra.unit, number[len(own) :])
    kept = np.flatnonzero(known <= spec.until_day)
    at, street = building[kept], stock.buildings.street[building[kept]]
    provisional = (start > spec.until_day - 180) & (end >= NEVER)
    status = np.where(end < NEVER, "8", np.where(provisional, "6", "1")).astype(object)
    uprn = np.concatenate([stock.uprn, extra.uprn])[kept]
    columns = {
        "uprn": uprn,
        "parent_uprn": np.concatenate([stock.parent, extra.parent])[kept],
        "address": np.concatenate([stock.address, address])[kept],
        "unit": np.concatenate([stock.unit, extra.unit])[kept],
        "building_name": stock.buildings.name[at],
        "building_number": number[kept],
        "street": stock.places.street[street],
        "locality": stock.places.locality[street],
        "town": stock.places.town[street],
        "postcode": stock.buildings.postcode[at],
        "blpu_class": _classes(rng, profile, stock, lives, extra, spec)[kept],
        "logical_status": status[kept],
        "ward_code": stock.places.ward_code[stock.places.ward[street]],
        "ward_name": stock.places.ward_name[stock.places.ward[street]],
        "lsoa_code": stock.places.area_code[stock.places.area[street]],
        "easting": stock.buildings.easting[at],
        "northing": stock.buildings.northing[at],
        "storeys": whole(stock.buildings.storeys[at]),
        "start_date": dates(start[kept]),
        "end_date": dates(end[kept]),
        "known_since": dates(known[kept]),
        "true_uprn": uprn,
    }
    return frame("gazetteer", columns)


def _classes(
    rng: np.random.Generator, profile: Profile, stock: Stock, lives: Lives, extra: Extra, spec: WorldSpec
) -> Text:
    """Class of each record as the gazetteer has it: a few HMOs in RH, and others that are not or no longer HMOs."""
    found = blpu_class(stock)
    own = found[: stock.dwellings]
    vague, noticed = rng.random(stock.dwellings), rng.random(stock.dwellings)
    own[vague < 0.035] = "RD"
    own[vague < 0.006] = "R"
    known = (lives.hmo_from < NEVER) & (lives.hmo_from + rng.integers(60, 900, stock.dwellings) <= spec.until_day)
    own[known & (noticed < _CODED)] = "RH03"
    own[(lives.hmo_from >= NEVER) & (noticed < _CODED_WRONGLY)] = "RH03"
    split = split_houses(profile, stock, lives, spec.seed)
    own[split[lives.hmo_from[split] + 60 <= spec.until_day]] = "RH01"
    return np.concatenate([found, np.where(extra.kind == ROOM, "RH02", "RD06").astype(object)])
