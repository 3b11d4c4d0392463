"""What surrounds the property: its street and area, and the landlord's other buildings in all boroughs.

Rates leave the property itself out, and nothing here reads a licence of its own building.
Only council tax tells who the landlord is: a landlord known from the property's own licence
would give the answer away.
"""

from __future__ import annotations

import numpy as np

from models.hmo import cohort
from models.hmo.days import Floats, Ints
from models.hmo.evidence import View
from models.hmo.features.declaration import YEAR, Feature
from models.hmo.landlords import OwnLandlord

NO_LANDLORD = "no landlord known from council tax: left unknown"


def _rate_around(view: View, groups: Ints) -> Floats:
    """Complaints in 3 years for each other home of the group; NaN where there is no other home."""
    own = view.count("service_request", 3 * YEAR)
    members = cohort.members(view)
    counted = np.where(members & ~np.isnan(own), own, 0.0)
    total = np.bincount(groups, weights=counted, minlength=len(view))[groups]
    homes = np.bincount(groups[members], minlength=len(view))[groups]
    others = homes - members
    rate = np.where(others > 0, (total - counted) / np.maximum(others, 1), np.nan)
    return np.where(np.isnan(own), np.nan, rate)


def _of_landlord(view: View, name: str) -> Floats:
    own: OwnLandlord | None = view.own_landlord
    return view.unknown() if own is None else getattr(own, name).copy()


SURROUNDINGS = (
    Feature(
        "street_complaints", "surroundings", "{value} complaints for each other home of the street in 3 years",
        "service_request", 3 * YEAR, "complaints for each home",
        "the borough shares no complaints, or no other home in the street: left unknown",
        lambda view: _rate_around(view, view.evidence.street), decimals=2,
    ),
    Feature(
        "area_complaints", "surroundings", "{value} complaints for each other home of the area in 3 years",
        "service_request", 3 * YEAR, "complaints for each home",
        "the borough shares no complaints, or no other home in the LSOA: left unknown",
        lambda view: _rate_around(view, view.evidence.lsoa), decimals=2,
    ),
)  # fmt: skip

LANDLORD = (
    Feature(
        "landlord_buildings", "landlord", "its landlord has {value} other {building|buildings}", "landlord", None,
        "buildings", NO_LANDLORD, lambda view: _of_landlord(view, "buildings"),
    ),
    Feature(
        "landlord_boroughs", "landlord", "its landlord has buildings in {value} other {borough|boroughs}", "landlord",
        None, "boroughs", NO_LANDLORD, lambda view: _of_landlord(view, "boroughs"),
    ),
    Feature(
        "landlord_licences", "landlord", "its landlord holds licences for {value} other {building|buildings}",
        "landlord", None, "buildings", NO_LANDLORD, lambda view: _of_landlord(view, "licences"),
    ),
    Feature(
        "landlord_complaints", "landlord",
        "{value} {complaint|complaints} at its landlord's other buildings in 3 years", "landlord", 3 * YEAR,
        "complaints", NO_LANDLORD, lambda view: _of_landlord(view, "complaints"), direction=1,
    ),
)  # fmt: skip
