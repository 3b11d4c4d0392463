"""How the hard cases of the linkage benchmark see the borough, and how they put an address into words."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd


class Row(NamedTuple):
    """A property of the borough."""

    uprn: str
    parent_uprn: str
    building: str
    unit: str
    building_name: str
    building_number: str
    street: str
    locality: str
    postcode: str
    kind: str
    shell: bool
    gone: bool

    @property
    def shell_like(self) -> bool:
        """The building itself, not a dwelling of it."""
        alone = ("house", "named_house", "infill", "suffix", "range_whole", "shop")
        return self.shell or (not self.unit and self.kind not in alone)

    def text(
        self, *, unit: str | None = None, name: str | None = None, number: str | None = None, street: str | None = None
    ) -> str:
        """The address with some of its parts replaced; an empty part is left out."""
        unit = self.unit if unit is None else unit
        name = self.building_name if name is None else name
        number = self.building_number if number is None else number
        street = self.street if street is None else street
        return ", ".join(part for part in (unit, name, f"{number} {street}".strip()) if part)


@dataclass(frozen=True)
class Place:
    """What a rewriter has to know of the whole borough, so that its record has one right answer."""

    streets: frozenset[str]
    keys: Counter
    numbers: frozenset[tuple[str, str]]
    units: dict[str, list[str]]
    names: Counter
    on_number: dict[tuple[str, str], set[str]]
    postcodes: list[str]

    @classmethod
    def of(cls, gazetteer: pd.DataFrame, gone: np.ndarray) -> Place:
        """What there is; the removed properties count as there, since they are in the real world."""
        units: dict[str, list[str]] = defaultdict(list)
        on_number: dict[tuple[str, str], set[str]] = defaultdict(set)
        keys: Counter = Counter()
        names: Counter = Counter()
        numbers = set()
        columns = ["building", "unit", "building_name", "building_number", "street"]
        for building, unit, name, number, street in gazetteer[columns].itertuples(index=False):
            keys[cls.key(unit, name, number, street)] += 1
            if unit:
                units[building].append(unit)
            for part in {number, *number.split("-")}:
                on_number[(part, street)].add(building)
                numbers.add((part, street))
            names[(name, building)] += 1
        return cls(
            frozenset(gazetteer["street"]), keys, frozenset(numbers), units, Counter(name for name, _ in names),
            on_number, sorted(set(gazetteer["postcode"])),
        )  # fmt: skip

    @staticmethod
    def key(unit: str, name: str, number: str, street: str) -> str:
        """What an address says without its postcode and locality."""
        return f"{unit}|{name}|{number}|{street}"

    def alone(self, row: Row) -> bool:
        """Whether the borough has the address once, postcodes apart."""
        return self.keys[self.key(row.unit, row.building_name, row.building_number, row.street)] == 1

    def has_number(self, row: Row, number: str) -> bool:
        """Whether a street of that name has a property of that number."""
        return (number, row.street) in self.numbers

    def one_name(self, row: Row) -> bool:
        """Whether one building of the borough has the name."""
        return self.names[row.building_name] == 1

    def one_building(self, row: Row) -> bool:
        """Whether the number is that of one building, in all streets of the name."""
        return len(self.on_number[(row.building_number, row.street)]) == 1

    def undivided(self, row: Row) -> bool:
        """Whether nothing of the number has a unit or a letter."""
        return not self.units.get(row.building) and not any(
            self.has_number(row, f"{row.building_number}{letter}") for letter in "ABC"
        )


@dataclass(frozen=True)
class Case:
    """A category: which properties it is about, how it writes them (none: not this one), what is right."""

    name: str
    which: Callable[[Row, Place], bool]
    write: Callable[[Row, random.Random, Place], str | tuple[str, str] | None]
    expect: str = "linked"
    of_removed: bool = False
    plain: bool = False


def said(draw: random.Random, address: str, locality: str, plain: bool) -> str:
    """The address as somebody typed it: with or without town and locality, commas, capitals."""
    if not plain:
        if locality and draw.random() < 0.6:
            address += f", {locality}"
        if draw.random() < 0.5:
            address += ", LONDON"
        way = draw.random()
        if way < 0.15:
            address = address.replace(", ", " ")
        elif way < 0.25:
            address = address.replace(", ", ",")
    way = draw.random()
    return address.title().replace("'S", "'s") if way < 0.55 else address.lower() if way < 0.62 else address
