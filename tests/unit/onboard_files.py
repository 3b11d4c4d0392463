"""Invented council files for the tests of onboarding: columns as (heading, kind of value, field they feed)."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from schemas.mapping import Shape

STREETS = ("Alder", "Birch", "Cedar", "Dawlish", "Elmfield", "Farrier", "Granary", "Hollow", "Ivory", "Juniper")
HERE, FAR = (
    ("N4", "N8", "N15", "N17", "N22"),
    ("LS1", "B5", "CR0", "HA2", "E8", "SW9", "M4", "RG1", "NW2", "EN3", "IG1", "TW3", "KT1", "BR2"),
)
MARK = "Zyxwvut"
"""Stands in every personal value, so that a test can look for it where none may be."""

Columns = Sequence[tuple[str, str, str | None]]


class Cells:
    """One invented cell after the other; the same seed draws the same."""

    def __init__(self, seed: str) -> None:
        self.draw = random.Random(seed)
        self.number = 1000

    def cell(self, kind: str) -> str:
        made: str = getattr(self, f"_{kind}")()
        return made

    def _street(self) -> str:
        return f"{self.draw.choice(STREETS)} {self.draw.choice(('Road', 'Street', 'Avenue', 'Close'))}"

    def _address(self) -> str:
        return f"{self.draw.randint(1, 180)} {self._street()}"

    def _code_of(self, areas: Sequence[str]) -> str:
        two = "".join(self.draw.choice("ABDEFGH") for _ in range(2))
        return f"{self.draw.choice(areas)} {self.draw.randint(1, 9)}{two}"

    def _postcode(self) -> str:
        return self._code_of(HERE)

    def _far_postcode(self) -> str:
        return self._code_of(FAR)

    def _full_address(self) -> str:
        return f"{self._address()}, London, {self._postcode()}"

    def _far_address(self) -> str:
        return f"{self._address()}, {MARK}ton, {self._far_postcode()}"

    def _person(self) -> str:
        return f"{self.draw.choice(('Mr ', 'Ms ', ''))}{self.draw.choice(('Anna', 'Bilal', 'Carol'))} {MARK}"

    def _company(self) -> str:
        return f"{MARK} Lettings Ltd"

    def _ref(self) -> str:
        self.number += 1
        return f"HMO/{self.number}"

    def _uprn(self) -> str:
        self.number += self.draw.randint(1, 9)
        return str(100022000000 + self.number)

    def _persons(self) -> str:
        return str(self.draw.randint(4, 9))

    def _households(self) -> str:
        return str(self.draw.randint(1, 3))

    def _house_number(self) -> str:
        return str(self.draw.randint(1, 150))

    def _start(self) -> str:
        return f"{date(2019, 1, 1) + timedelta(days=self.draw.randint(0, 1200)):%d/%m/%Y}"

    def _end(self) -> str:
        return f"{date(2025, 1, 1) + timedelta(days=self.draw.randint(0, 900)):%d/%m/%Y}"

    def _american(self) -> str:
        return f"{date(2019, 1, 1) + timedelta(days=self.draw.randint(0, 1200)):%m/%d/%Y}"

    def _unclear_day(self) -> str:
        return f"{self.draw.randint(1, 12):02d}/{self.draw.randint(1, 12):02d}/2021"

    def _licence_type(self) -> str:
        return self.draw.choice(("Mandatory HMO", "Additional HMO", "Selective"))

    def _waste_kind(self) -> str:
        return self.draw.choice(("Missed collection", "Extra container", "Bulky waste", "Fly tip"))

    def _waste_kind_and_more(self) -> str:
        return self.draw.choice(("Missed collection", "Bulky waste", "Fly tip", "Bin store survey"))

    def _one_waste_kind(self) -> str:
        return "Fly tip"

    def _house_type(self) -> str:
        return self.draw.choice(("Terraced house", "Flat above shop", "Semi-detached house"))

    def _ward(self) -> str:
        return self.draw.choice(("Abbey", "Canonbury", "West Green", "Hillside", "Noel Park"))

    def _phone(self) -> str:
        return f"020 7946 0{self.draw.randint(0, 999):03d}"

    def _years(self) -> str:
        return self.draw.choice(("1 year", "5 years"))

    def _easting(self) -> str:
        return str(self.draw.randint(529000, 536000))

    def _northing(self) -> str:
        return str(self.draw.randint(187000, 193000))

    def _small(self) -> str:
        return str(self.draw.randint(0, 9))

    def _text(self) -> str:
        return f"Spoke to {MARK} about the smell in the shared kitchen and the broken door"

    def _title(self) -> str:
        return self.draw.choice(("Mr", "Mrs", "Dr"))

    def _initial(self) -> str:
        return self.draw.choice("ABCDE")

    def _surname(self) -> str:
        return f"{MARK}{self.draw.choice('abcdefg')}"

    def _blank(self) -> str:
        return ""


def rows_of(columns: Columns, rows: int = 120, seed: str = "1") -> list[list[str]]:
    """Invented rows below the headings."""
    cells = Cells(seed)
    return [[cells.cell(kind) for _, kind, _ in columns] for _ in range(rows)]


def recognised(columns: Columns, rows: int = 120, seed: str = "1") -> Any:
    """What the recognition of such a file would say."""
    names = [heading for heading, _, _ in columns]
    made = rows_of(columns, rows, seed)
    table = pa.table([[row[place] for row in made] for place in range(len(names))], names=names)
    return SimpleNamespace(shape=Shape(), headings=names, tables=1, notes=[], sample=table, rows=rows)


def csv_bytes(columns: Columns, rows: int = 120, seed: str = "1") -> bytes:
    """Such a file as bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([heading for heading, _, _ in columns])
    writer.writerows(rows_of(columns, rows, seed))
    return text.getvalue().encode()
