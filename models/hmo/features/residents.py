"""Who lives there: how many, how often they change, who answers for the council tax. Counts, never names.

The indicators of council tax are those that finders of unlicensed houses in multiple
occupation use in practice: owner liable, single person discount against many rooms, class N,
frequent changes of the liable person (SI 1992/551 class C; SI 1992/558 class N).
"""

from __future__ import annotations

import numpy as np

from models.hmo.days import Floats, Mask
from models.hmo.evidence import View
from models.hmo.features.declaration import MONTH, YEAR, Feature

SNAPSHOT_DAYS = 400
"""A count older than this says nothing of who lives there now; registers are rebuilt every year."""

MANY_ROOMS = 5

NO_COUNT = "no count linked, or the borough shares none: left unknown"
NO_ACCOUNT = "no account linked, or the borough shares none: left unknown"
NOT_SHARED = "the borough shares no council tax: left unknown"


def _current(view: View) -> Mask:
    records = view.records("council_tax")
    return (records.row >= 0) & (records.days["liability_end"] >= view.day)


def _current_with(view: View, column: str, *codes: str) -> Floats:
    """1 where a liability in force has one of these codes, 0 where one has not, NaN where none is in force."""
    if not view.shares("council_tax"):
        return view.unknown()
    records, current = view.records("council_tax"), _current(view)
    accounts = view.tally(records.row[current])
    matching = view.tally(records.row[current & records.has(column, *codes)])
    return np.where(accounts > 0, (matching > 0).astype(float), np.nan)


def _accounts_at_once(view: View) -> Floats:
    if not view.shares("council_tax"):
        return view.unknown()
    accounts = view.tally(view.records("council_tax").row[_current(view)])
    return np.where(accounts > 0, accounts, np.nan)


def _months_since_change(view: View) -> Floats:
    started = view.unknown()
    if view.shares("council_tax"):
        records = view.records("council_tax")
        linked = records.row >= 0
        started[records.row[linked]] = (view.day - records.event[linked]) // MONTH
    return started


def _discount_many_rooms(view: View) -> Floats:
    discount = _current_with(view, "discount", "spd")
    rooms = view.newest("epc", "habitable_rooms")
    both = np.where(np.isnan(rooms), np.nan, (rooms >= MANY_ROOMS).astype(float))
    return np.where(discount == 0, 0.0, discount * both)


def _changes(days: int, view: View) -> Floats:
    return view.count("council_tax", days)


RESIDENTS = (
    Feature(
        "electors", "residents", "{value} {elector|electors}", "electoral", SNAPSHOT_DAYS, "electors", NO_COUNT,
        lambda view: view.counted("electoral", "electors", SNAPSHOT_DAYS), words_if_zero="no electors",
    ),
    Feature(
        "surnames", "residents", "{value} {surname|surnames} among electors", "electoral", SNAPSHOT_DAYS, "surnames",
        NO_COUNT, lambda view: view.counted("electoral", "surnames", SNAPSHOT_DAYS), direction=1,
    ),
    Feature(
        "joined_12_months", "residents", "{value} {elector|electors} joined in 12 months", "electoral",
        SNAPSHOT_DAYS, "electors", NO_COUNT,
        lambda view: view.counted("electoral", "joined_12_months", SNAPSHOT_DAYS), direction=1,
    ),
)  # fmt: skip

TURNOVER = (
    Feature(
        "liability_changes_5_years", "turnover", "{value} {change|changes} of the liable person in 5 years",
        "council_tax", 5 * YEAR, "liabilities begun", NOT_SHARED, lambda view: _changes(5 * YEAR, view), direction=1,
    ),
    Feature(
        "liability_changes_12_months", "turnover", "{value} {change|changes} of the liable person in 12 months",
        "council_tax", YEAR, "liabilities begun", NOT_SHARED, lambda view: _changes(YEAR, view), direction=1,
    ),
    Feature(
        "months_since_change", "turnover", "liable person last changed {value} {month|months} ago", "council_tax", None,
        "months", NO_ACCOUNT, _months_since_change, words_if_zero="liable person changed this month",
        told_up_to=24,
    ),
    Feature(
        "owner_liable", "turnover", "the owner is liable for council tax, not an occupier", "council_tax", None,
        "1 yes, 0 no", NO_ACCOUNT, lambda view: _current_with(view, "liable_party", "owner"), direction=1,
    ),
    Feature(
        "company_liable", "turnover", "a company is liable for council tax", "council_tax", None, "1 yes, 0 no",
        NO_ACCOUNT, lambda view: _current_with(view, "liable_party", "company"), direction=1,
    ),
    Feature(
        "accounts_at_once", "turnover", "{value} council tax {account|accounts} at once", "council_tax", None,
        "accounts", NO_ACCOUNT, _accounts_at_once, direction=1,
    ),
    Feature(
        "discount_many_rooms", "turnover", "a single person discount in a home of five rooms or more", "council_tax",
        None, "1 yes, 0 no", "no account linked, or a discount without a certificate that counts rooms: left unknown",
        _discount_many_rooms,
    ),
    Feature(
        "single_person_discount", "turnover", "a single person discount", "council_tax", None, "1 yes, 0 no",
        NO_ACCOUNT, lambda view: _current_with(view, "discount", "spd"), words_if_zero="no single person discount",
    ),
    Feature(
        "disregards", "turnover", "residents disregarded for council tax", "council_tax", None, "1 yes, 0 no",
        NO_ACCOUNT, lambda view: _current_with(view, "discount", "disregard", "all_disregarded"),
    ),
    Feature(
        "students_only", "turnover", "exempt as occupied only by students (class N)", "council_tax", None,
        "1 yes, 0 no", NO_ACCOUNT, lambda view: _current_with(view, "exemption_class", "N"), direction=1,
    ),
    Feature(
        "student_periods_5_years", "turnover", "{value} {period|periods} of exemption for students in 5 years",
        "council_tax", 5 * YEAR, "liabilities begun", NOT_SHARED,
        lambda view: view.count("council_tax", 5 * YEAR, "exemption_class", "N"), direction=1,
    ),
)  # fmt: skip

BENEFITS = (
    Feature(
        "benefit_claims", "benefits", "{value} benefit {claim|claims}", "benefits", SNAPSHOT_DAYS, "claims", NO_COUNT,
        lambda view: view.counted("benefits", "benefit_claims", SNAPSHOT_DAYS), words_if_zero="no benefit claims",
    ),
    Feature(
        "private_rent_claims", "benefits", "{value} benefit {claim|claims} for private rent", "benefits",
        SNAPSHOT_DAYS, "claims", NO_COUNT,
        lambda view: view.counted("benefits", "benefit_private_rent_claims", SNAPSHOT_DAYS), direction=1,
    ),
)  # fmt: skip
