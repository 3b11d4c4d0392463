"""A drop's scorecard: of so many so many were right, by quality dimension and by rule.

Only drops that pass are scored. What is scored is what is in use: a held file is nobody's data (it may be another
borough's), and that it was held the ledger says itself; once it is released it is scored like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from expectations.suite import rules_for
from pipelines.gate.fault_rows import FaultRows
from pipelines.gate.limits import INTERVAL_DAYS
from pipelines.gate.profile import Profile
from schemas import registry
from schemas.contract import Contract

OVERALL = "overall"
"""The measure that sums up a dimension; every other one is an issue type, or one of those named here."""

UPRN_IN_GAZETTEER = "uprn_in_gazetteer"
ARRIVED_WHEN_DUE = "arrived_when_due"
FRESH_ON_ARRIVAL = "fresh_on_arrival"
BY_ROW = ("conformity", "validity", "uniqueness", "consistency")
ALWAYS = ("missing_required", "ragged_row", "duplicate_row")
BY_TYPE = {"date": ("invalid_date", "date_out_of_range"), "integer": ("invalid_number",), "number": ("invalid_number",)}
BY_NAME = {"uprn": ("invalid_uprn", "damaged_uprn"), "postcode": ("invalid_postcode",)}


@dataclass(frozen=True)
class Measure:
    """One figure: `good` of `of` rows, cells or days, in a dimension of `IssueType.dimension`."""

    dimension: str
    measure: str
    good: int
    of: int


def filled(field: str) -> str:
    """Name of the measure that says how often an optional or required field is filled."""
    return f"{field}_filled"


def measures(
    contract: Contract,
    rows_in: int,
    faults: FaultRows,
    profile: Profile,
    *,
    judged: int,
    before: date | None,
    received: date,
) -> list[Measure]:
    """The scorecard of a drop of `rows_in` rows, of which `judged` reached the gate.

    `before` is the day of the extract accepted before it, `received` the day on which it came.

    In conformity, validity, uniqueness and consistency a row is good that has no fault of the dimension; in
    completeness a cell is good that is filled, in the fields that the borough sends; in timeliness a day is good that
    did not have to wait. What could be broken is listed even where no row breaks it, so that its history has no gaps;
    a rarer kind of fault is listed where it was met.
    """
    found = [*_by_rule(contract, rows_in, faults, profile), *_by_row(rows_in, faults)]
    found += _completeness(contract, judged, faults, profile)
    if profile.uprns_in_gazetteer is not None:
        good = round(profile.uprns_in_gazetteer * profile.uprn_rows)
        found.append(Measure("consistency", UPRN_IN_GAZETTEER, good, profile.uprn_rows))
    return found + list(_timeliness(contract, profile.extract_date, before, received))


def _by_rule(contract: Contract, rows_in: int, faults: FaultRows, profile: Profile) -> Iterator[Measure]:
    types = registry.issue_types()
    applying = {*ALWAYS, *(rule.issue for rule in rules_for(contract)), *faults.types}
    for field in contract.fields:
        if profile.blanks.get(field.name, 1.0) == 1:
            continue  # not sent
        applying |= {*BY_TYPE.get(field.type, ()), *BY_NAME.get(field.name, ())}
        applying |= {"unknown_code"} if field.codes else set()
    for name in sorted(applying):
        if types[name].severity in {"warning", "error"}:
            yield Measure(types[name].dimension, name, _left(rows_in, faults.rows_with([name])), rows_in)


def _left(rows: int, faulty: int) -> int:
    return max(0, rows - faulty)  # what concerns a column stands at the row of its heading, which is no row of data


def _by_row(rows_in: int, faults: FaultRows) -> Iterator[Measure]:
    types = registry.issue_types()
    for dimension in BY_ROW:
        counted = [t for t in faults.types if types[t].dimension == dimension and types[t].severity != "info"]
        yield Measure(dimension, OVERALL, _left(rows_in, faults.rows_with(counted)), rows_in)


def _completeness(contract: Contract, rows: int, faults: FaultRows, profile: Profile) -> Iterable[Measure]:
    sent = {name: blank for name, blank in profile.blanks.items() if blank < 1 and name != contract.known_since}
    cells = [Measure("completeness", filled(name), round((1 - blank) * rows), rows) for name, blank in sent.items()]
    missing = faults.rows_with(["missing_required"])
    whole = Measure("completeness", OVERALL, sum(c.good for c in cells), sum(c.of for c in cells) + missing)
    return [*cells, whole]


def _timeliness(contract: Contract, extract: date, before: date | None, received: date) -> Iterator[Measure]:
    interval = INTERVAL_DAYS[contract.frequency]
    late = max((received - extract).days, interval)
    days = [Measure("timeliness", FRESH_ON_ARRIVAL, interval, late)]
    if before is not None:
        gap = max((extract - before).days, 1)
        # A day or a fifth of the interval later is still on time: exports do not run on every holiday.
        days.append(Measure("timeliness", ARRIVED_WHEN_DUE, min(gap, interval + max(1, interval // 5)), gap))
    yield from days
    yield Measure("timeliness", OVERALL, sum(d.good for d in days), sum(d.of for d in days))
