"""Homes in the order of a walk: street by street, by house number."""

from __future__ import annotations

import re

import pandas as pd

from pipelines.link.address import parse
from review.queries.lists import Row

ELSEWHERE = "Elsewhere"
_NUMBER = re.compile(r"^\d+[A-Za-z]?(?:\s*[-/]\s*\d+[A-Za-z]?)?\s+")


def by_street(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """The rows by street with its postcode district, streets by name, homes by number and then by rank."""
    if not rows:
        return []
    read = parse([row.address for row in rows])
    frame = pd.DataFrame(
        {
            "where": [
                f"{_as_written(row.address, street) or name.title() or ELSEWHERE} {district}".strip()
                for row, street, name, district in zip(
                    rows, read["street"], read["name"], read["postcode"].str.split(" ").str[0], strict=True
                )
            ],
            "low": read["low"].where(read["low"] >= 0),
            "rank": [row.rank for row in rows],
        }
    )
    ordered = frame.sort_values(["where", "low", "rank"], na_position="last")
    return [(str(where), [rows[at] for at in part.index]) for where, part in ordered.groupby("where", sort=True)]


def _as_written(address: str, street: str) -> str:
    """The street as the address writes it, not in the parser's short spelling."""
    first = street.split(" ")[0]
    for part in address.split(","):
        own = _NUMBER.sub("", part.strip())
        if first and own.upper().startswith(first):
            return own
    return street.title()
