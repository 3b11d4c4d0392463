"""What was reported at the property: complaints, waste, planning, counted in windows before the as-of date."""

from __future__ import annotations

import numpy as np

from models.hmo import cohort
from models.hmo.days import Floats
from models.hmo.evidence import View
from models.hmo.features.declaration import MONTH, YEAR, Feature

NO_COMPLAINTS_SHARED = "the borough shares no complaints, or none is found in a history too short to tell: left unknown"
NO_WASTE_SHARED = "the borough shares no waste records, or none is found in a history too short to tell: left unknown"
NO_PLANNING_SHARED = (
    "the borough shares no planning register, or none is found in a history too short to tell: left unknown"
)

CATEGORIES = {
    "noise": "noise {complaint|complaints}",
    "waste": "{complaint|complaints} about rubbish",
    "pests": "{complaint|complaints} about pests",
    "disrepair": "{complaint|complaints} about disrepair",
    "overcrowding": "{complaint|complaints} about overcrowding",
    "antisocial": "{complaint|complaints} about anti-social behaviour",
    "hmo_suspected": "{report|reports} that it is a house in multiple occupation",
    "fire_safety": "fire safety {referral|referrals}",
}
WASTE_KINDS = {
    "missed_collection": "missed {collection|collections}",
    "extra_container": "{request|requests} for extra or larger containers",
    "bulky": "bulky {collection|collections}",
    "fly_tip": "fly-{tip|tips}",
    "contamination": "{record|records} of contaminated recycling",
}
PLANNING_KINDS = {
    "change_of_use_hmo": ("planning {application|applications} to become a house in multiple occupation", 10),
    "flat_conversion": ("planning {application|applications} to convert to flats", 10),
    "extension": ("planning {application|applications} for an extension or loft", 10),
    "lawful_use": ("{application|applications} for a certificate of lawful use", 10),
    "enforcement": ("planning enforcement {case|cases}", 5),
}


def _months_since_complaint(view: View) -> Floats:
    months = view.unknown()
    if view.shares("service_request"):
        records = view.records("service_request")
        linked = records.row >= 0
        months[records.row[linked]] = (view.day - records.event[linked]) // MONTH
    return months


def _notices(view: View) -> Floats:
    if not view.shares("service_request"):
        return view.unknown()
    records = view.records("service_request")
    # What came of a complaint is known once it was closed.
    closed = records.days["closed_date"] <= view.day
    recent = records.event > view.day - 3 * YEAR
    return view.found(
        "service_request", 3 * YEAR, records.row[closed & recent & records.has("request_outcome", "notice")]
    )


def _at_the_building(view: View, days: int) -> Floats:
    """Complaints tied to the building but to none of its homes, for each home; 0 where there is no such building."""
    if not view.shares("service_request"):
        return view.unknown()
    whole = view.count("service_request", days)
    own = view.evidence
    has_parent = own.parent >= 0
    homes = view.tally(own.parent[has_parent & cohort.members(view)])
    share = np.zeros(len(view))
    share[has_parent] = whole[own.parent[has_parent]] / np.maximum(homes[own.parent[has_parent]], 1)
    return share


def _containers(view: View) -> Floats:
    """Containers asked for in 2 years; a request without a number is of one."""
    if not view.shares("waste"):
        return view.unknown()
    records = view.records("waste")
    asked = (records.event > view.day - 2 * YEAR) & records.has("waste_kind", "extra_container")
    number = records.numbers["containers"]
    return view.found("waste", 2 * YEAR, records.row[asked], np.where(np.isnan(number), 1.0, number)[asked])


def _change_of_use_of_building(view: View) -> Floats:
    """Applications at the building that the property is a part of; 0 for what is no part."""
    if not view.shares("planning"):
        return view.unknown()
    counted = view.count("planning", 10 * YEAR, "planning_kind", "change_of_use_hmo")
    parent = view.evidence.parent
    return np.where(parent >= 0, counted[parent], 0.0)


def _of_category(category: str, words: str) -> Feature:
    return Feature(
        f"{category}_36_months", "complaints", f"{{value}} {words} in 3 years", "service_request", 3 * YEAR,
        "complaints", NO_COMPLAINTS_SHARED,
        lambda view: view.count("service_request", 3 * YEAR, "request_category", category), direction=1,
    )  # fmt: skip


def _of_waste(kind: str, words: str) -> Feature:
    return Feature(
        f"{kind}_24_months", "waste", f"{{value}} {words} in 2 years", "waste", 2 * YEAR, "events", NO_WASTE_SHARED,
        lambda view: view.count("waste", 2 * YEAR, "waste_kind", kind),
    )  # fmt: skip


def _of_planning(kind: str, words: str, years: int) -> Feature:
    return Feature(
        f"{kind}_{years}_years", "planning", f"{{value}} {words} in {years} years", "planning", years * YEAR,
        "applications", NO_PLANNING_SHARED,
        lambda view: view.count("planning", years * YEAR, "planning_kind", kind),
        direction=1 if kind == "change_of_use_hmo" else 0,
    )  # fmt: skip


COMPLAINTS = (
    Feature(
        "complaints_12_months", "complaints", "{value} {complaint|complaints} in 12 months", "service_request", YEAR,
        "complaints", NO_COMPLAINTS_SHARED, lambda view: view.count("service_request", YEAR), direction=1,
    ),
    Feature(
        "complaints_36_months", "complaints", "{value} {complaint|complaints} in 3 years", "service_request",
        3 * YEAR, "complaints", NO_COMPLAINTS_SHARED, lambda view: view.count("service_request", 3 * YEAR),
        direction=1,
    ),
    Feature(
        "months_since_complaint", "complaints", "last complaint {value} {month|months} ago", "service_request", None,
        "months", "nobody ever complained, or the borough shares no complaints: left unknown",
        _months_since_complaint, words_if_zero="a complaint this month", told_up_to=24,
    ),
    Feature(
        "notices_36_months", "complaints", "{value} {complaint|complaints} in 3 years that led to a notice",
        "service_request", 3 * YEAR, "complaints", NO_COMPLAINTS_SHARED, _notices, direction=1,
    ),
    Feature(
        "building_complaints_36_months", "complaints",
        "{value} complaints for each home about the building in 3 years", "service_request", 3 * YEAR,
        "complaints for each home", NO_COMPLAINTS_SHARED, lambda view: _at_the_building(view, 3 * YEAR), decimals=1,
    ),
    Feature(
        "building_complaints_12_months", "complaints",
        "{value} complaints for each home about the building in 12 months", "service_request", YEAR,
        "complaints for each home", NO_COMPLAINTS_SHARED, lambda view: _at_the_building(view, YEAR), decimals=1,
    ),
    *(_of_category(category, words) for category, words in CATEGORIES.items()),
)  # fmt: skip

WASTE = (
    *(_of_waste(kind, words) for kind, words in WASTE_KINDS.items()),
    Feature(
        "containers_24_months", "waste", "{value} extra {container|containers} asked for in 2 years", "waste",
        2 * YEAR, "containers", NO_WASTE_SHARED, _containers, direction=1,
    ),
)  # fmt: skip
PLANNING = (
    *(_of_planning(kind, words, years) for kind, (words, years) in PLANNING_KINDS.items()),
    Feature(
        "building_change_of_use_10_years", "planning",
        "{value} planning {application|applications} of its building to become a house in multiple occupation",
        "planning", 10 * YEAR, "applications", NO_PLANNING_SHARED, _change_of_use_of_building, direction=1,
    ),
)  # fmt: skip
