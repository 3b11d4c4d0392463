"""Designations: where and when additional or selective licensing applies. Data, never code."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.mapping import Strict

SchemeKind = Literal["additional", "selective"]
TWO_THIRDS = 2 / 3


class Designation(Strict):
    """One designation of a borough under Housing Act 2004 s.56 (additional) or s.80 (selective).

    Wards are GSS codes or names; `wards_in_part` are wards of which only a part is covered,
    so that the ward alone cannot tell. `section_257_owner_share_below` is the share of flats
    lived in by their owners at which a converted block leaves the designation; two thirds is
    the Act's own limit (s.257(2)(b)). Days are inclusive.
    """

    ref: str
    kind: SchemeKind
    wards: Literal["all", "not_published"] | tuple[str, ...]
    wards_in_part: tuple[str, ...] = ()
    wards_except: tuple[str, ...] = ()
    min_persons: int = Field(3, ge=1, le=50)
    min_households: int = Field(2, ge=1, le=20)
    section_257: bool | None = None
    section_257_owner_share_below: float = Field(TWO_THIRDS, gt=0, le=TWO_THIRDS)
    made: date | None = None
    in_force_from: date
    in_force_until: date
    source: str = Field(min_length=3)
    not_published: str | None = None

    @model_validator(mode="after")
    def _five_years_at_most(self) -> Self:
        if self.in_force_until < self.in_force_from:
            raise ValueError(f"{self.ref} ends before it begins")
        if self.in_force_until > latest_end(self.in_force_from):
            raise ValueError(f"{self.ref} lasts longer than five years (Housing Act 2004 s.60(2), s.84(2))")
        if self.made is not None and self.made > self.in_force_from:
            raise ValueError(f"{self.ref} is in force before it was made")
        return self

    def covers(self, ward_code: str | None, ward_name: str | None) -> bool | None:
        """Whether an address in this ward is covered; None where the ward cannot tell."""
        if self.wards == "not_published":
            return None
        left_out = _named(self.wards_except, ward_code, ward_name)
        in_part = _named(self.wards_in_part, ward_code, ward_name)
        if left_out:
            return False
        if in_part:
            return None
        if self.wards == "all":
            return None if left_out is None or in_part is None else True
        inside = _named(self.wards, ward_code, ward_name)
        return None if inside is False and in_part is None else inside


class BoroughSchemes(Strict):
    """The content of `schemas/schemes/<borough>.yaml`."""

    borough: str
    not_published: str | None = None
    designations: tuple[Designation, ...]


def latest_end(start: date) -> date:
    """Last day of a designation of five years, the longest that the Act allows (s.60(2), s.84(2))."""
    try:
        return start.replace(year=start.year + 5) - timedelta(days=1)
    except ValueError:  # 29 February
        return date(start.year + 5, 2, 28)


def _named(listed: tuple[str, ...], ward_code: str | None, ward_name: str | None) -> bool | None:
    """Whether a ward is in a list of codes and names; None where the list uses what the address lacks."""
    codes = {item for item in listed if item.startswith("E05")}
    names = {_plain(item) for item in listed if not item.startswith("E05")}
    if (ward_code in codes) or (ward_name is not None and _plain(ward_name) in names):
        return True
    lacking = (codes and ward_code is None) or (names and ward_name is None)
    return None if lacking else False


def _plain(name: str) -> str:
    """A ward's name as it is compared."""
    return "".join(letter for letter in name.upper().replace("&", " AND ") if letter.isalnum())
