"""Properties of one borough with their addresses: dwellings, the buildings that hold them, shops below flats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.world.buildings import (
    APARTMENT,
    BLOCK,
    CONVERSION,
    ESTATE_BLOCK,
    FLAT_LETTER,
    FLAT_NUMBER,
    FLOOR,
    SHOP,
    SUFFIX,
    TERRACE,
    Buildings,
    make_buildings,
)
from pipelines.demo.world.places import Places, make_places
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.spec import Floats, Ints, generator
from pipelines.demo.world.text import Text, joined, numbers

DWELLING, SHELL, COMMERCIAL = range(3)
KINDS = ("dwelling", "shell", "commercial", "room", "historical")

_FLOORS: dict[int, tuple[str, ...]] = {
    1: ("First Floor Flat",),
    2: ("Ground Floor Flat", "First Floor Flat"),
    3: ("Ground Floor Flat", "First Floor Flat", "Second Floor Flat"),
    4: ("Basement Flat", "Ground Floor Flat", "First Floor Flat", "Top Floor Flat"),
    5: ("Basement Flat", "Ground Floor Flat", "First Floor Flat", "Second Floor Flat", "Top Floor Flat"),
    6: ("Basement Flat", "Ground Floor Flat Front", "Ground Floor Flat Rear", "First Floor Flat", "Second Floor Flat",
        "Top Floor Flat"),
}  # fmt: skip
_LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), dtype=object)
_ROOMS = np.array([6.2, 5.2, 4.9, 2.7, 2.6, 3.1, 3.2])
"""Mean habitable rooms by form of building: our own assumption, of the size EPCs give in London."""
_ROOM_SPREAD = np.array([1.4, 1.0, 1.1, 0.9, 0.8, 0.8, 1.0])


@dataclass(frozen=True)
class Stock:
    """Every property as a record (arrays of R), dwellings first (arrays of N).

    `shell` is the record of the building that a dwelling is in, or the dwelling itself where it is a whole house.
    `first_free_uprn` is the first number not given to anybody: rooms and historical records take it from there.
    """

    places: Places
    buildings: Buildings
    uprn: Text
    parent: Text
    address: Text
    postcode: Text
    unit: Text
    number: Text
    name: Text
    kind: Ints
    building: Ints
    shell: Ints
    first_free_uprn: int
    rooms: Ints
    floor_area: Floats
    shock: Floats

    @property
    def dwellings(self) -> int:
        """How many of the records are dwellings."""
        return len(self.shell)

    @property
    def home(self) -> Ints:
        """Building of each dwelling."""
        return self.building[: self.dwellings]

    @property
    def form(self) -> Ints:
        """Form of each dwelling's building."""
        return self.buildings.form[self.home]

    @property
    def area(self) -> Ints:
        """Small area of each dwelling."""
        return self.places.area[self.buildings.street[self.home]]

    @property
    def ward(self) -> Ints:
        """Ward of each dwelling, from 0."""
        return self.places.ward[self.buildings.street[self.home]]

    @property
    def hardship(self) -> Floats:
        """How deprived each dwelling's area is (standard normal)."""
        return self.places.hardship[self.area]


def make_stock(profile: Profile, dwellings: int, seed: int) -> Stock:
    """Build one borough."""
    places = make_places(profile, dwellings, seed)
    made = make_buildings(profile, places, dwellings, seed)
    rng = generator(seed, profile.slug, "stock")
    several = np.flatnonzero((made.form > TERRACE) | (made.units > 1))
    shops = np.flatnonzero(made.form == SHOP)
    home = np.repeat(np.arange(len(made.form)), made.units)
    flat = np.arange(len(home)) - np.repeat(np.cumsum(made.units) - made.units, made.units)
    building = np.concatenate([home, several, shops])
    kind = np.repeat([DWELLING, SHELL, COMMERCIAL], [len(home), len(several), len(shops)])
    has_shell = np.zeros(len(made.form), dtype=np.int64)
    has_shell[several] = 1
    within = np.concatenate([flat + has_shell[home], np.zeros(len(several), int), made.units[shops] + 1])
    uprn, free = _uprns(rng, profile, made, building, within)
    shell_record = np.zeros(len(made.form), dtype=np.int64)
    shell_record[several] = len(home) + np.arange(len(several))
    shell = np.where(has_shell[home] == 1, shell_record[home], np.arange(len(home)))
    unit, number = _units(made, home, flat)
    rest = np.full(len(several), None, dtype=object)
    unit = np.concatenate([unit, rest, np.full(len(shops), "Ground Floor", dtype=object)])
    number = np.concatenate([number, made.numbered[several], made.numbered[shops]])
    name = made.name[building]
    parent = np.full(len(building), None, dtype=object)
    inside = np.concatenate([shell != np.arange(len(home)), np.zeros(len(several), bool), np.ones(len(shops), bool)])
    parent[inside] = uprn[shell_record[building[inside]]]
    rooms = np.maximum(1, np.round(rng.normal(_ROOMS[made.form[home]], _ROOM_SPREAD[made.form[home]]))).astype(np.int64)
    size = rooms * np.where(made.form[home] <= TERRACE, 17.5, 18.5) * rng.lognormal(0.05, 0.16, len(home))
    return Stock(
        places=places,
        buildings=made,
        uprn=uprn,
        parent=parent,
        address=one_line(places, made, building, unit, number),
        postcode=made.postcode[building],
        unit=unit,
        number=number,
        name=name,
        kind=kind,
        building=building,
        shell=shell,
        first_free_uprn=free,
        rooms=rooms,
        floor_area=np.round(size, 1),
        shock=rng.standard_normal(len(home)),
    )


def one_line(places: Places, buildings: Buildings, building: Ints, unit: Text, number: Text) -> Text:
    """The official address on one line, without its postcode."""
    street = buildings.street[building]
    numbered = joined([number, places.street[street]], " ")
    return joined([unit, buildings.name[building], numbered, places.locality[street], places.town[street]], ", ")


def _uprns(
    rng: np.random.Generator, profile: Profile, buildings: Buildings, building: Ints, within: Ints
) -> tuple[Text, int]:
    """UPRNs of 12 digits, of 11 for the newest buildings; neighbours have near numbers, as in life."""
    slots = buildings.units + 2 + rng.integers(0, 3, len(buildings.units))
    offset = np.cumsum(slots) - slots
    old = 100_000_000_000 + profile.number * 1_000_000
    new = 10_000_000_000 + profile.number * 1_000_000
    base = np.where(buildings.age == 6, new, old)[building]
    return numbers(base + offset[building] + within), int(old + slots.sum())


def _units(buildings: Buildings, home: Ints, flat: Ints) -> tuple[Text, Text]:
    """Unit and number of each dwelling, as the building counts: Flat 1, Flat A, First Floor Flat, 12A, Apartment 1."""
    style, count = buildings.style[home], buildings.units[home]
    unit = np.full(len(home), None, dtype=object)
    number = buildings.numbered[home].copy()
    for kind, word in ((FLAT_NUMBER, "Flat "), (APARTMENT, "Apartment ")):
        chosen = style == kind
        unit[chosen] = joined([word + "", numbers(flat[chosen] + 1)], "")
    lettered = style == FLAT_LETTER
    unit[lettered] = joined(["Flat ", _LETTERS[flat[lettered] % 26]], "")
    for size, names in _FLOORS.items():
        chosen = (style == FLOOR) & (count == size)
        unit[chosen] = np.array(names, dtype=object)[flat[chosen]]
    suffixed = style == SUFFIX
    number[suffixed] = joined([number[suffixed], _LETTERS[flat[suffixed] % 26]], "")
    return unit, number


def blpu_class(stock: Stock) -> Text:
    """True class of each record: what stands there, not who lives there."""
    houses = np.array(["RD02", "RD03", "RD04"], dtype=object)
    form = stock.buildings.form[stock.building]
    found = houses[np.minimum(form, TERRACE)]
    found[np.isin(form, (CONVERSION, BLOCK, ESTATE_BLOCK, SHOP))] = "RD06"
    found[stock.kind == SHELL] = "PP"
    found[(stock.kind == SHELL) & (form == SHOP)] = "X"
    found[stock.kind == COMMERCIAL] = "CR"
    return found
