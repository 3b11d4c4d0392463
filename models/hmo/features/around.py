"""What surrounds the property: its street, its area and what is nearby in all boroughs.

Rates leave the property itself out (what is near leaves out its whole building), and nothing
here reads a licence of its own building. Rates of complaints are by the year, over as far
back as a borough's history reaches, so that boroughs are comparable.
"""

from __future__ import annotations

import numpy as np

from models.hmo import cohort
from models.hmo.days import Floats, Ints, Mask
from models.hmo.evidence import View
from models.hmo.features.declaration import YEAR, Feature
from models.hmo.features.nearby import beyond_boundary, nearby
from models.hmo.features.residents import SNAPSHOT_DAYS, current_accounts
from models.hmo.features.structure import private_rent

NO_OTHER_HOME = "the borough shares no complaints, or no other home is there: left unknown"
NO_HOME_NEAR = "no coordinates, or no other building nearby whose borough shares complaints: left unknown"


def _others(view: View, groups: Ints, found: Floats, counted: Mask) -> Floats:
    """Mean of what was found at the other counted homes of the group; NaN where there are none."""
    worth = np.where(counted, np.nan_to_num(found), 0.0)
    total = np.bincount(groups, weights=worth, minlength=len(view))[groups] - worth
    homes = np.bincount(groups[counted], minlength=len(view))[groups] - counted
    return np.where(homes > 0, total / np.maximum(homes, 1), np.nan)


def _complaints(view: View, days: int) -> Floats:
    """Complaints at each property in a window, whole numbers."""
    records = view.records("service_request")
    return view.tally(records.row[records.event > view.day - days])


def _street(view: View, days: int) -> Floats:
    """Complaints a year for each other home of the street, where it goes on in another borough those there too."""
    groups, members = view.evidence.street, cohort.members(view)
    shared = view.shares("service_request")
    own = np.where(members, _complaints(view, days), 0.0) if shared else np.zeros(len(view))
    counted = members & shared
    found = np.bincount(groups, weights=own, minlength=len(view))[groups] - own
    found = found / view.years("service_request", days) if shared else found
    homes = np.bincount(groups[counted], minlength=len(view))[groups] - counted
    beyond = beyond_boundary(view)
    if beyond is not None:
        street = beyond.across.street
        here = street >= 0
        told, there = beyond.complaints(days), beyond.homes("service_request")
        found = found + np.bincount(street[here], weights=told[here], minlength=len(view))[groups]
        homes = homes + np.bincount(street[here & there], minlength=len(view))[groups]
    return np.where(homes > 0, found / np.maximum(homes, 1), np.nan)


def _across(view: View) -> Floats:
    """Complaints a year for each home across the boundary: nearby, or else in the same street."""
    near = nearby(view).across
    beyond = beyond_boundary(view)
    if beyond is None:
        return near.copy()
    groups, street = view.evidence.street, beyond.across.street
    there = (street >= 0) & beyond.homes("service_request")
    told = np.bincount(street[there], weights=beyond.complaints(3 * YEAR)[there], minlength=len(view))[groups]
    homes = np.bincount(street[there], minlength=len(view))[groups]
    return np.where(np.isnan(near) & (homes > 0), told / np.maximum(homes, 1), near)


def _area_complaints(view: View) -> Floats:
    if not view.shares("service_request"):
        return view.unknown()
    around = _others(view, view.evidence.lsoa, _complaints(view, 3 * YEAR), cohort.members(view))
    return around / view.years("service_request", 3 * YEAR)


def _area_changes(view: View) -> Floats:
    years = view.years("council_tax", 2 * YEAR)
    if not years > 0:
        return view.unknown()
    records = view.records("council_tax")
    changes = view.tally(records.row[records.event > view.day - 2 * YEAR])
    return _others(view, view.evidence.lsoa, changes, cohort.members(view)) / years


def _area_not_occupier(view: View) -> Floats:
    if not view.shares("council_tax"):
        return view.unknown()
    records, current = view.records("council_tax"), current_accounts(view)
    accounts = view.tally(records.row[current])
    other = view.tally(records.row[current & records.has("liable_party", "owner", "company")])
    return _others(view, view.evidence.lsoa, (other > 0).astype(float), cohort.members(view) & (accounts > 0))


def _private_rent(view: View, groups: Ints) -> Floats:
    rented = private_rent(view)
    return _others(view, groups, rented, cohort.members(view) & ~np.isnan(rented))


def _area_electors(view: View) -> Floats:
    electors = view.counted("electoral", "electors", SNAPSHOT_DAYS)
    return _others(view, view.evidence.lsoa, electors, cohort.members(view) & ~np.isnan(electors))


SURROUNDINGS = (
    Feature(
        "street_complaints", "surroundings",
        "{value} complaints a year for each other home of the street, over 3 years", "service_request", 3 * YEAR,
        "complaints a year for each home", NO_OTHER_HOME, lambda view: _street(view, 3 * YEAR), decimals=2,
    ),
    Feature(
        "street_complaints_12_months", "surroundings",
        "{value} complaints for each other home of the street in 12 months", "service_request", YEAR,
        "complaints a year for each home", NO_OTHER_HOME, lambda view: _street(view, YEAR), decimals=2,
    ),
    Feature(
        "area_complaints", "surroundings",
        "{value} complaints a year for each other home of the area, over 3 years", "service_request", 3 * YEAR,
        "complaints a year for each home", NO_OTHER_HOME, _area_complaints, decimals=2,
    ),
    Feature(
        "area_changes", "surroundings", "{value} changes of the liable person a year for each other home of the area",
        "council_tax", 2 * YEAR, "changes a year for each home",
        "the borough shares no council tax, or no other home is there: left unknown", _area_changes, decimals=2,
    ),
    Feature(
        "area_not_occupier", "surroundings", "an owner or company is liable for {value} of the area's other homes",
        "council_tax", None, "share of homes with an account",
        "the borough shares no council tax, or no other home has an account: left unknown", _area_not_occupier,
        decimals=2,
    ),
    Feature(
        "area_private_rent", "surroundings", "{value} of the area's other certified homes are privately rented", "epc",
        None, "share of homes with a certificate", "no other home of the area has a certificate: left unknown",
        lambda view: _private_rent(view, view.evidence.lsoa), decimals=2,
    ),
    Feature(
        "street_private_rent", "surroundings", "{value} of the street's other certified homes are privately rented",
        "epc", None, "share of homes with a certificate",
        "no other home of the street has a certificate: left unknown",
        lambda view: _private_rent(view, view.evidence.street), decimals=2,
    ),
    Feature(
        "area_electors", "surroundings", "{value} electors for each other home of the area", "electoral",
        SNAPSHOT_DAYS, "electors for each home",
        "the borough shares no counts, or no other home is there: left unknown", _area_electors, decimals=1,
    ),
)  # fmt: skip

NEARBY = (
    Feature(
        "near_complaints", "surroundings",
        "{value} complaints a year for each home within 150 metres, over 3 years", "nearby", 3 * YEAR,
        "complaints a year for each home", NO_HOME_NEAR, lambda view: nearby(view).complaints,
        also=("gazetteer", "service_request"), decimals=2,
    ),
    Feature(
        "near_complaints_12_months", "surroundings",
        "{value} complaints for each home within 150 metres in 12 months", "nearby", YEAR,
        "complaints a year for each home", NO_HOME_NEAR, lambda view: nearby(view).complaints_12,
        also=("gazetteer", "service_request"), decimals=2,
    ),
    Feature(
        "near_reports", "surroundings",
        "{value} reports a year of suspected houses in multiple occupation for each home within 150 metres", "nearby",
        3 * YEAR, "reports a year for each home", NO_HOME_NEAR, lambda view: nearby(view).reports,
        also=("gazetteer", "service_request"), direction=1, decimals=3,
    ),
    # Leaving the own building out makes the rate a little lower at licensed homes than at their neighbours; as more
    # can only raise the score, no tree can learn that.
    Feature(
        "near_licences", "surroundings",
        "{value} licensed houses in multiple occupation for 100 homes within 150 metres", "nearby", None,
        "other buildings for 100 homes", "no coordinates, or no register shared around: left unknown",
        lambda view: nearby(view).licences, also=("gazetteer", "hmo_licence"), direction=1, decimals=1,
    ),
    Feature(
        "across_complaints", "surroundings",
        "{value} complaints a year for each home across the borough's boundary, over 3 years", "nearby", 3 * YEAR,
        "complaints a year for each home", "no home of another borough nearby or in the street: left unknown", _across,
        also=("gazetteer", "service_request"), decimals=2,
    ),
)  # fmt: skip
