"""The landlord's record at other buildings, in all boroughs.

Only council tax tells who the landlord is: a landlord known from the property's own licence
would give the answer away. The property's own building never counts.
"""

from __future__ import annotations

from models.hmo.days import Floats
from models.hmo.elsewhere import OwnLandlord
from models.hmo.evidence import View
from models.hmo.features.declaration import YEAR, Feature

NO_LANDLORD = "no landlord known from council tax: left unknown"
NOT_SHARED_THERE = "no landlord known, or no borough of the other buildings shares it: left unknown"
TAX, LICENCES, COMPLAINTS = ("council_tax",), ("council_tax", "hmo_licence"), ("council_tax", "service_request")


def _of_landlord(view: View, name: str) -> Floats:
    own: OwnLandlord | None = view.own_landlord
    return view.unknown() if own is None else getattr(own, name).copy()


LANDLORD = (
    Feature(
        "landlord_buildings", "landlord", "its landlord has {value} other {building|buildings}", "landlord", None,
        "buildings", NO_LANDLORD, lambda view: _of_landlord(view, "buildings"), also=TAX,
    ),
    Feature(
        "landlord_boroughs", "landlord", "its landlord has buildings in {value} other {borough|boroughs}", "landlord",
        None, "boroughs", NO_LANDLORD, lambda view: _of_landlord(view, "boroughs"), also=TAX,
    ),
    Feature(
        "landlord_buildings_away", "landlord", "its landlord has {value} {building|buildings} in other boroughs",
        "landlord", None, "buildings", NO_LANDLORD, lambda view: _of_landlord(view, "buildings_away"), also=TAX,
    ),
    Feature(
        "landlord_licences", "landlord", "its landlord holds licences for {value} other {building|buildings}",
        "landlord", None, "buildings", NOT_SHARED_THERE, lambda view: _of_landlord(view, "licences"), also=LICENCES,
    ),
    Feature(
        "landlord_licences_away", "landlord",
        "its landlord holds licences for {value} {building|buildings} in other boroughs", "landlord", None,
        "buildings", NOT_SHARED_THERE, lambda view: _of_landlord(view, "licences_away"), also=LICENCES,
    ),
    Feature(
        "landlord_expired", "landlord",
        "licences of {value} other {building|buildings} of its landlord ran out in 5 years and were not renewed",
        "landlord", 5 * YEAR, "buildings", NOT_SHARED_THERE, lambda view: _of_landlord(view, "expired"),
        also=LICENCES, direction=1,
    ),
    Feature(
        "landlord_complaints", "landlord",
        "{value} {complaint|complaints} at its landlord's other buildings in 3 years", "landlord", 3 * YEAR,
        "complaints", NOT_SHARED_THERE, lambda view: _of_landlord(view, "complaints"), also=COMPLAINTS, direction=1,
    ),
    Feature(
        "landlord_complaints_away", "landlord",
        "{value} {complaint|complaints} at its landlord's buildings in other boroughs in 3 years", "landlord",
        3 * YEAR, "complaints", NOT_SHARED_THERE, lambda view: _of_landlord(view, "complaints_away"), also=COMPLAINTS,
        direction=1,
    ),
    Feature(
        "landlord_notices", "landlord",
        "{value} {complaint|complaints} at its landlord's other buildings in 3 years that led to a notice",
        "landlord", 3 * YEAR, "complaints", NOT_SHARED_THERE, lambda view: _of_landlord(view, "notices"),
        also=COMPLAINTS, direction=1,
    ),
)  # fmt: skip
