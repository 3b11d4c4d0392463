"""What a list is filtered and ordered by, as it stands in the address: read without trust, written back the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Self
from urllib.parse import urlencode

from review import words

LONGEST = 200
SORTS = {
    "rank": "Place on the list",
    "address": "Address",
    "ward": "Ward",
    "planned": "Planned for",
    "visited": "Visited",
}
LAST_PAGE = 10_000


@dataclass(frozen=True)
class Filters:
    """What was asked for. A value that cannot be one is taken for none, and `refused` names it."""

    search: str = ""
    ward: str = ""
    band: str = ""
    scheme: str = ""
    landlord: str = ""
    status: str = ""
    officer: str = ""
    new_since: date | None = None
    sort: str = "rank"
    page: int = 1
    refused: tuple[str, ...] = ()

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> Self:
        """Filters of the parameters of an address."""
        refused: list[str] = []

        def one_of(name: str, allowed: Mapping[str, Any], default: str = "") -> str:
            value = asked.get(name, "")
            if value and value not in allowed:
                refused.append(name)
            return value if value in allowed else default

        made = cls(
            search=_text(asked.get("search", "")),
            ward=_text(asked.get("ward", "")),
            band=one_of("band", words.BANDS),
            scheme=one_of("scheme", words.SCHEMES),
            landlord=_text(asked.get("landlord", "")),
            status=one_of("status", words.STATUSES),
            officer=_text(asked.get("officer", "")),
            new_since=_day(asked.get("new_since", ""), refused),
            sort=one_of("sort", SORTS, "rank"),
            page=_number(asked.get("page", ""), refused),
        )
        return replace(made, refused=tuple(refused))

    def address(self, **changed: Any) -> str:
        """The query of an address with these filters, and some of them changed; those that are not set stay out."""
        own = replace(self, **changed)
        default = Filters()
        values = {
            field.name: getattr(own, field.name)
            for field in fields(own)
            if field.name != "refused" and getattr(own, field.name) != getattr(default, field.name)
        }
        return urlencode(
            {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
        )

    @property
    def set_ones(self) -> list[tuple[str, str, str]]:
        """Filters that are set: name, what it says in words, and the query without it."""
        said = {
            "search": f"Search: {self.search}",
            "ward": f"Ward: {self.ward}",
            "band": f"Priority: {words.BANDS.get(self.band, '')}",
            "scheme": f"Licence: {words.SCHEMES.get(self.scheme, '')}",
            "landlord": "One landlord",
            "status": f"Status: {words.STATUSES.get(self.status, '')}",
            "officer": f"Officer: {self.officer}",
            "new_since": f"New since {self.new_since.day} {self.new_since:%B %Y}" if self.new_since else "",
        }
        empty = Filters()
        return [
            (name, text, self.address(**{name: getattr(empty, name), "page": 1}))
            for name, text in said.items()
            if getattr(self, name) != getattr(empty, name)
        ]


def _text(value: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", value).strip()[:LONGEST]


def _day(value: str, refused: list[str]) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        refused.append("new_since")
        return None


def _number(value: str, refused: list[str]) -> int:
    if not value:
        return 1
    if value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= LAST_PAGE and len(value) < 9:
        return int(value)
    refused.append("page")
    return 1
