"""Which columns of a file that nobody has described hold the address, by their headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pipelines.core.errors import LodaError

POSTCODE = ("postcode", "post code", "pcode", "postal code", "pc", "zip", "zipcode")
UPRN = ("uprn", "unique property reference number", "blpu uprn")
PARENT = ("parent uprn", "parentuprn", "parent")
ADDRESS = ("address", "full address", "address full", "address concat", "property address", "addr", "property", "line")
ADDRESS_LINE = re.compile(r"^(?:property |premises |site )?(?:address|addr|add)(?: line)? ?[0-9]$|^line ?[0-9]$")
PARTS: dict[str, tuple[str, ...]] = {
    "unit": ("unit", "sub building", "sub building name", "flat", "sao", "sao text", "secondary", "sub premises"),
    "building_name": ("building name", "house name", "name", "pao text", "organisation"),
    "building_number": ("building number", "house number", "number", "street number", "pao", "pao number", "no"),
    "street": ("street", "street name", "street description", "thoroughfare", "road", "thoroughfare name"),
    "locality": ("locality", "dependent locality", "area", "locality name", "district", "suburb"),
    "town": ("town", "town name", "post town", "posttown", "city"),
}
"""Headings of address parts, in the order in which an address is written."""


def plain(heading: str) -> str:
    """A heading without case, underscores and signs."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", heading.lower()).split())


def find(names: Sequence[str], known: Sequence[str]) -> str | None:
    """The first column whose heading is one of the known ones, in their order."""
    by_plain = {plain(name): name for name in reversed(names)}
    return next((by_plain[word] for word in known if word in by_plain), None)


def parts(names: Sequence[str]) -> dict[str, str]:
    """Part of an address to the column that holds it."""
    found = {part: find(names, words) for part, words in PARTS.items()}
    return {part: column for part, column in found.items() if column is not None}


def address_columns(names: Sequence[str], path: Path) -> list[str]:
    """The columns that make up a record's address, in their order.

    Raises:
        LodaError: no heading says so.
    """
    one = find(names, ADDRESS)
    lines = [name for name in names if ADDRESS_LINE.match(plain(name))]
    if one is not None:
        return [one, *(line for line in lines if line != one)]
    if lines:
        return lines
    split = parts(names)
    if "street" in split:
        return list(split.values())
    rest = [name for name in names if name not in (find(names, POSTCODE), find(names, UPRN))]
    if len(rest) == 1:
        return rest
    raise LodaError(
        f"No column of '{path}' is called an address. Say which it is, --address COL or --address COL,COL; "
        f"there are: {', '.join(names)}."
    )


def asked(column: str, names: Sequence[str], path: Path, option: str) -> str:
    """The column that a person named, whatever the case of its letters.

    Raises:
        LodaError: the file has none of that name.
    """
    if column in names:
        return column
    near = [name for name in names if plain(name) == plain(column)]
    if len(near) == 1:
        return near[0]
    raise LodaError(f"'{path}' has no column '{column}' ({option}). There are: {', '.join(names)}.")
