"""What is said of a drop as a whole: every reason to hold it, the plainest first, and what should be checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from expectations import Finding
from pipelines.core.ledger.models import Drop
from pipelines.core.settings import settings
from pipelines.extracts import IntakeFiles
from pipelines.gate.area import lies_elsewhere
from pipelines.gate.fault_rows import FaultRows
from pipelines.gate.history import Comparison, History, Remark, fall, remarks
from pipelines.gate.limits import limits
from pipelines.gate.profile import Profile
from pipelines.gate.shift import find_shift
from schemas import registry
from schemas.contract import Contract

FUTURE = frozenset({"date_in_future", "visit_in_future"})


def remarks_on(
    drop: Drop,
    contract: Contract,
    files: IntakeFiles,
    profile: Profile,
    faults: FaultRows,
    findings: Sequence[Finding],
    rows_before: int,
    history: History,
) -> list[Remark]:
    """Everything to be said of a drop as a whole; those that hold it first, in the order in which to look at them."""
    headings = _headings(drop)
    compared = Comparison(profile, history, contract, headings)
    found = [
        *_critical(findings),
        *_shifted(contract, files, faults, headings),
        *_elsewhere(profile, history, files),
        *_too_many_quarantined(drop, profile),
    ]
    fallen = fall(profile.rows, rows_before, settings().max_row_fall_share)
    found += [fallen] if fallen is not None else []
    found += [*_ended(profile), *_future(profile, findings, compared)]
    known = {remark.issue_type for remark in found}
    found += [
        remark
        for remark in remarks(compared)
        # That its UPRNs are not known is how it was told that it lies elsewhere.
        if not (
            remark.issue_type == "known_uprns_fell" and known & {"looks_like_another_borough", "outside_the_borough"}
        )
    ]
    return sorted(found, key=lambda remark: not remark.holds)


def _headings(drop: Drop) -> dict[str, str]:
    """The officer's own headings by field; nothing for a layout that is not known by name."""
    for mapping in registry.mappings(drop.borough, drop.dataset):
        if mapping.name == drop.mapping_name:
            return {name: " + ".join(how.sources) for name, how in mapping.fields.items() if how.sources}
    return {}


def _critical(findings: Sequence[Finding]) -> Iterator[Remark]:
    for finding in findings:
        if finding.severity == "critical":
            where = f" in '{finding.field}'" if finding.field else ""
            number = len(finding.row_numbers)
            rows = "1 row" if number == 1 else f"{number:,} rows"
            told = f"{registry.issue_types()[finding.issue].sentence.rstrip('.')} ({rows}{where})."
            yield Remark(finding.issue, told, holds=True, field=finding.field)


def _shifted(contract: Contract, files: IntakeFiles, faults: FaultRows, headings: dict[str, str]) -> Iterator[Remark]:
    found = find_shift(faults, contract, lambda names: files.batches("rows", names))
    if found is None:
        return
    first, *others = (
        faults.columns.get(name) or headings.get(name) or contract.by_name[name].title for name in found.columns
    )
    where = f"row {found.first_row:,} on" if found.to_the_end else f"row {found.first_row:,} to row {found.last_row:,}"
    told = (
        f"From {where}, {found.inside:.0%} of the cells of '{first}' cannot be read, against {found.outside:.0%} "
        "in the other rows"
    )
    if len(found.columns) >= limits().shift_columns:
        named = ", ".join(f"'{name}'" for name in others)
        told = f"{told}; from the same row on {named} {'holds' if len(others) == 1 else 'hold'} what belongs elsewhere."
        yield Remark("column_shifted", told, holds=True, field=found.columns[0])
    else:
        yield Remark("column_unreadable", f"{told}.", holds=False, field=found.columns[0])


def _elsewhere(profile: Profile, history: History, files: IntakeFiles) -> Iterator[Remark]:
    found = lies_elsewhere(profile, history.area, files) if history.area is not None else None
    if found is not None:
        yield Remark(found.issue_type, found.sentence, holds=True)


def _too_many_quarantined(drop: Drop, profile: Profile) -> Iterator[Remark]:
    share = 1 - profile.rows / drop.rows_in
    if share > settings().max_quarantined_share:
        yield Remark(
            "too_many_quarantined",
            f"{drop.rows_in - profile.rows:,} of {drop.rows_in:,} rows could not be used; "
            f"more than {settings().max_quarantined_share:.0%} holds the drop.",
            holds=True,
        )


def _ended(profile: Profile) -> Iterator[Remark]:
    if profile.ended is None or profile.rows < limits().ended_rows or profile.ended < limits().ended_share:
        return
    every = "Every row" if profile.ended == 1 else f"{profile.ended:.1%} of the rows"
    yield Remark(
        "all_expired", f"{every} had run out by {profile.extract_date:%d %B %Y}, the day of the extract.", holds=True
    )


def _future(profile: Profile, findings: Sequence[Finding], compared: Comparison) -> Iterator[Remark]:
    for finding in findings:
        rows = len(np.unique(finding.row_numbers))
        if finding.issue not in FUTURE or rows < limits().rows_to_judge * limits().future_dates_hold:
            continue
        if rows >= limits().future_dates_hold * max(profile.rows, rows):
            yield Remark(
                "dates_in_future",
                f"{rows:,} dates of '{compared.name(finding.field)}' lie after {profile.extract_date:%d %B %Y}, "
                "the day of the extract.",
                holds=True,
                field=finding.field,
            )
