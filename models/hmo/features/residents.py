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

SHORT_STAY = 365
SNAPSHOT_DAYS = 400
"""A count older than this says nothing of who lives there now; registers are rebuilt every year."""

MANY_ROOMS = 5

NO_COUNT = "no count linked, or the borough shares none: left unknown"
NO_ACCOUNT = "no account linked, or the borough shares none: left unknown"
NOT_SHARED = "the borough shares no council tax, or none is found in a history too short to tell: left unknown"


def current_accounts(view: View) -> Mask:
    """Which council tax records are of liabilities in force on the day at a linked property."""
    return view.once("current accounts", _current_accounts)


def _current_accounts(view: View) -> Mask:
    records = view.records("council_tax")
    return np.asarray((records.row >= 0) & (records.days["liability_end"] >= view.day), dtype=bool)


def _accounts(view: View) -> Floats:
    """How many liabilities in force each property has."""
    return view.once("accounts in force", lambda own: own.tally(own.records("council_tax").row[current_accounts(own)]))


def _current_with(view: View, column: str, *codes: str) -> Floats:
    """1 where a liability in force has one of these codes, 0 where one has not, NaN where none is in force."""
    if not view.shares("council_tax"):
        return view.unknown()
    records, current = view.records("council_tax"), current_accounts(view)
    accounts = _accounts(view)
    matching = view.tally(records.row[current & records.has(column, *codes)])
    return np.where(accounts > 0, (matching > 0).astype(float), np.nan)


def _accounts_at_once(view: View) -> Floats:
    if not view.shares("council_tax"):
        return view.unknown()
    accounts = _accounts(view)
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


def _with_surnames(view: View) -> Floats:
    """1 where a single person discount stands beside two or more surnames on the register."""
    discount = _current_with(view, "discount", "spd")
    surnames = view.counted("electoral", "surnames", SNAPSHOT_DAYS)
    several = np.where(np.isnan(surnames), np.nan, (surnames >= 2).astype(float))
    return np.where(discount == 0, 0.0, discount * several)


def _not_occupier(view: View) -> Floats:
    return _current_with(view, "liable_party", "owner", "company", "council")


def _electors_not_liable(view: View) -> Floats:
    """Electors where somebody else than an occupier is liable; nought where an occupier is."""
    other = _not_occupier(view)
    return np.where(other == 0, 0.0, other * view.counted("electoral", "electors", SNAPSHOT_DAYS))


def _electors_per_room(view: View) -> Floats:
    rooms = view.newest("epc", "habitable_rooms")
    return view.counted("electoral", "electors", SNAPSHOT_DAYS) / np.where(rooms > 0, rooms, np.nan)


def _electors_varied(view: View) -> Floats:
    """Most less fewest electors among the counts of 3 years that have the property; NaN with fewer than two."""
    if not view.shares("electoral"):
        return view.unknown()
    records = view.records("electoral")
    number = records.numbers["electors"]
    used = (records.row >= 0) & ~np.isnan(number) & (records.event > view.day - 3 * YEAR)
    row, number = records.row[used], number[used]
    most, fewest = np.full(len(view), -np.inf), np.full(len(view), np.inf)
    np.maximum.at(most, row, number)
    np.minimum.at(fewest, row, number)
    twice = view.tally(row) >= 2
    return np.where(twice, np.where(twice, most, 0) - np.where(twice, fewest, 0), np.nan)


def _short_stays(view: View) -> Floats:
    if not view.shares("council_tax"):
        return view.unknown()
    records = view.records("council_tax")
    end = records.days["liability_end"]
    short = (end <= view.day) & (end > view.day - 5 * YEAR) & (end - records.event < SHORT_STAY)
    return view.found("council_tax", 5 * YEAR, records.row[short])


def _unit_accounts(view: View) -> Floats:
    if not view.shares("council_tax"):
        return view.unknown()
    records = view.records("council_tax")
    return view.tally(records.row[current_accounts(view) & records.unit])


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
    Feature(
        "electors_per_room", "residents", "{value} electors for each habitable room", "electoral", SNAPSHOT_DAYS,
        "electors for each room", "no count or no certificate that counts rooms: left unknown", _electors_per_room,
        also=("epc",), decimals=1, direction=1,
    ),
    Feature(
        "electors_varied_3_years", "residents", "the number of electors varied by {value} in 3 years", "electoral",
        3 * YEAR, "electors", "fewer than two counts linked, or the borough shares none: left unknown",
        _electors_varied, direction=1,
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
        _discount_many_rooms, also=("epc",),
    ),
    Feature(
        "discount_with_surnames", "turnover", "a single person discount beside two or more surnames among electors",
        "council_tax", None, "1 yes, 0 no", "no account linked, or a discount without a count: left unknown",
        _with_surnames, also=("electoral",),
    ),
    Feature(
        "liable_not_occupier", "turnover", "nobody who lives there is liable for council tax", "council_tax", None,
        "1 yes, 0 no", NO_ACCOUNT, _not_occupier,
    ),
    Feature(
        "electors_not_liable", "turnover", "{value} {elector|electors} where no occupier is liable for council tax",
        "council_tax", None, "electors", "no account or no count linked: left unknown", _electors_not_liable,
        also=("electoral",), direction=1,
    ),
    Feature(
        "short_stays_5_years", "turnover", "{value} {liability|liabilities} of less than a year ended in 5 years",
        "council_tax", 5 * YEAR, "liabilities ended", NOT_SHARED, _short_stays, direction=1,
    ),
    Feature(
        "unit_accounts", "turnover",
        "{value} council tax {account|accounts} of flats or rooms that the gazetteer does not have", "council_tax",
        None, "accounts", NOT_SHARED, _unit_accounts, also=("gazetteer",), direction=1,
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
