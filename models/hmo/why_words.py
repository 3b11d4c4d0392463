"""What every feature says in words, also where it is nought or unknown: a list leaves those out, an officer asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from models.hmo.features.declaration import POOLED, Feature

Strength = Literal["strongly", "", "a little", "hardly"]

STRONG, PLAIN, LITTLE = 1.0, 0.4, 0.1
"""From these log-odds on a share acts strongly, plainly, a little: the odds times 2.7, 1.5 and 1.1 (or divided by)."""

YEARS_FROM = 24
"""From so many months on people count in years."""

THEME_WORDS = {
    "structure": "The building",
    "tenure": "How it is let",
    "residents": "Who lives there",
    "turnover": "Council tax and who comes and goes",
    "benefits": "Benefit claims",
    "complaints": "Complaints",
    "waste": "Waste",
    "planning": "Planning",
    "surroundings": "The street and the area",
    "landlord": "The landlord's other buildings",
}

DATASET_WORDS = {
    "council_tax": "Council tax",
    "electoral": "Electoral register",
    "benefits": "Benefit claims",
    "epc": "Energy certificates",
    "service_request": "Complaints",
    "waste": "Waste",
    "planning": "Planning",
    "inspection": "Visits",
    "social_housing": "Social housing",
    "hmo_licence": "Licence register",
    "licence_application": "Licence applications",
}
"""Datasets whose records are told, in words."""

NOUGHT = {
    "above_shop": "no shop in the same building",
    "private_rent": "not privately rented on its newest certificate",
    "electors_varied_3_years": "the number of electors did not vary in 3 years",
    "owner_liable": "the owner is not the one who is liable for council tax",
    "company_liable": "no company is liable for council tax",
    "discount_many_rooms": "not a home of five rooms or more with a single person discount",
    "discount_with_surnames": "not a home with a single person discount and two or more surnames among electors",
    "liable_not_occupier": "an occupier is liable for council tax",
    "electors_not_liable": "an occupier is liable for council tax, or nobody is registered to vote there",
    "disregards": "no resident disregarded for council tax",
    "students_only": "not exempt as occupied only by students (class N)",
    "building_complaints_36_months": "no complaints about the building as a whole in 3 years",
    "building_complaints_12_months": "no complaints about the building as a whole in 12 months",
    "street_complaints": "no complaints about other homes of the street in 3 years",
    "street_complaints_12_months": "no complaints about other homes of the street in 12 months",
    "area_complaints": "no complaints about other homes of the area in 3 years",
    "area_changes": "no changes of the liable person at other homes of the area",
    "near_complaints": "no complaints within 150 metres in 3 years",
    "near_complaints_12_months": "no complaints within 150 metres in 12 months",
    "near_reports": "no reports of suspected houses in multiple occupation within 150 metres in 3 years",
    "near_licences": "no licensed houses in multiple occupation within 150 metres",
    "across_complaints": "no complaints across the borough's boundary in 3 years",
    "landlord_expired": "no licence of its landlord's other buildings ran out in 5 years without a new one",
}
"""Nought in words, where 'no' before what is counted would not be English."""

NOT_SHARED = {
    "epc": "no energy certificates",
    "council_tax": "no council tax",
    "electoral": "no counts of electors",
    "benefits": "no counts of benefit claims",
    "service_request": "no complaints",
    "waste": "no waste records",
    "planning": "no planning register",
}
"""What a borough does not share, as the object of 'the borough shares'."""


PLAINER = {
    "no count linked": "this home is not in the newest count",
    "fewer than two counts linked": "fewer than two counts have this home",
    "no count or no certificate that counts rooms": "this home is not in the newest count, or no certificate counts "
    "its rooms",
    "no account linked": "no account in force is tied to this home",
    "a discount without a certificate that counts rooms": "there is a discount, but no certificate counts the rooms",
    "a discount without a count": "there is a discount, but this home is not in the newest count",
    "no account or no count linked": "no account in force is tied to this home, or it is not in the newest count",
    "none is found in a history too short to tell": "none was found, but the records do not go back far enough to tell",
    "nobody ever complained": "there is no complaint to count from",
}
"""Causes of a missing value as the declarations have them, for somebody who does not know what is linked to what."""


def strength(share: float) -> Strength:
    """How much a share in log-odds counts, by `STRONG`, `PLAIN` and `LITTLE`."""
    size = abs(share)
    return "strongly" if size >= STRONG else "" if size >= PLAIN else "a little" if size >= LITTLE else "hardly"


def in_words(feature: Feature, value: float, known_to: Mapping[str, str]) -> str:
    """What a feature's value says, for any value.

    Args:
        feature: which one.
        value: its number; NaN where it is unknown.
        known_to: the newest event by dataset, ISO 8601, as `View.known_to` gives it.
    """
    if np.isnan(value):
        return f"not known: {_why_unknown(feature, known_to)}"
    if value == 0 and feature.words_if_zero is None:
        nought = feature.fill("none" if feature.is_share else "no", plural=True)
        return NOUGHT.get(feature.name, nought)
    smallest = float(f"1e-{feature.decimals}")
    if 0 < value < smallest / 2 and not feature.is_share:
        return feature.fill(f"fewer than {smallest:g}", plural=True)
    if feature.unit == "months" and value >= YEARS_FROM:
        return feature.fill(f"{value / 12:.0f}", plural=True).replace(" months", " years")
    return replace(feature, told_up_to=np.inf).tell(value)


def _why_unknown(feature: Feature, known_to: Mapping[str, str]) -> str:
    """The one of the declared causes that holds: the borough shares nothing of it, or it has nothing of this home."""
    missing = [name for name in feature.rests_on if name in NOT_SHARED and name not in known_to]
    if missing and feature.dataset not in POOLED:
        return "the borough shares " + " and ".join(NOT_SHARED[name] for name in missing)
    causes = feature.imputation.removesuffix(": left unknown").split(", or ")
    of_home = [cause for cause in causes if not cause.startswith("the borough shares no")]
    return ", or ".join(PLAINER.get(cause, cause) for cause in of_home or causes)


def of_100(probability: float) -> str:
    """A probability as an officer says it, before 'in 100'."""
    if probability < 0.01:
        return "fewer than 1"
    return "more than 99" if probability > 0.99 else f"about {100 * probability:.0f}"
