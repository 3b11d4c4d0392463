"""What a case is: the facts of one property on one day that the rules read."""

from __future__ import annotations

from typing import Any

import pandas as pd

PART_2_BEGAN = pd.Timestamp("2006-04-06")
"""Parts 2 and 3 of the Housing Act 2004 came into force in England (SI 2006/1060)."""
REFORM = pd.Timestamp("2018-10-01")
"""Mandatory licensing without a storey test (SI 2018/221)."""

FORMS = frozenset({"house", "bedsits", "converted_part", "flat", "flat_purpose_built", "flat_unknown"}) | frozenset(
    {"section_257", "room", "unknown"}
)
"""`house`: not divided. `bedsits`: rooms that share amenities. `converted_part`: a conversion with some parts that are
not self-contained. `flat`: self-contained, in a conversion or in a block of one or two flats. `flat_purpose_built`: in
a purpose-built block of three or more. `flat_unknown`: one of the last two. `section_257`: a block wholly converted
into self-contained flats, as a whole. `room`: a part of an HMO, judged with its building."""

CONTROLLERS = frozenset(
    {"private", "owner_occupier", "local_authority", "registered_provider", "for_profit_provider"}
) | frozenset({"other_public", "cooperative", "regulated", "education", "religious", "unknown"})
"""Who manages or controls the property. `cooperative` meets the conditions of Sch. 14 para. 2B, `education` is an
establishment specified under para. 4, `other_public` is a police, fire and rescue or health service body."""

CASE_DEFAULTS: dict[str, tuple[Any, str]] = {
    "ward_code": (None, "object"),
    "ward_name": (None, "object"),
    "form": ("unknown", "object"),
    "storeys": (None, "Int64"),
    "occupants": (None, "Int64"),
    "occupants_at_least": (False, "bool"),
    "households": (None, "Int64"),
    "controller": ("unknown", "object"),
    "social_housing": (None, "boolean"),
    "lodgers": (None, "Int64"),
    "owner_share": (None, "Float64"),
    "meets_building_standards": (None, "boolean"),
    "let": (None, "boolean"),
    "evidence": ("", "object"),
}
"""Columns of a case besides its day `on`, with what stands for a fact not given. `occupants_at_least`: the count is a
lower bound. `lodgers`: persons who are not of the owner's household. `owner_share`: share of flats (0 to 1) that their
owners live in."""


def as_days(column: pd.Series[Any]) -> pd.Series[Any]:
    """Dates as pandas reckons with them; without its cache, which looks at half of the cells one by one first."""
    return pd.to_datetime(column, cache=False)


def complete(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with every column that the rules read; what was not given is unknown. `on` is the day asked about."""
    made = pd.DataFrame({"on": as_days(cases["on"]).astype("datetime64[s]")}, index=cases.index)
    for name, (default, kind) in CASE_DEFAULTS.items():
        given = cases[name] if name in cases else pd.Series([default] * len(cases), cases.index, dtype=object)
        if kind == "object":
            given = given.astype(object)
            given = given.where(given.notna(), default) if default is not None else given
        elif kind == "bool":
            given = given.astype("boolean").fillna(value=False)
        made[name] = given.astype(kind)  # type: ignore[call-overload]  # the kinds are those of the table above
    return made
