"""The gate for one borough: every harmonised drop is passed, trimmed or held."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from expectations import Finding, check_rows
from expectations.checkpoint import columns_needed
from pipelines.core import clock
from pipelines.core.errors import HeldDrop
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, LastGood
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.extracts import IntakeFiles
from schemas import registry
from schemas.contract import Contract

log = logging.getLogger(__name__)

SMALLEST_FALL_JUDGED = 100
"""Rows that an extract had before its fall counts: a handful of rows may halve by chance."""


def gate(borough: str) -> StageResult:
    """Judge every harmonised drop of a borough. Counts: `passed`, `held`, `quarantined` rows."""
    with transaction() as session:
        waiting = session.scalars(
            sa.select(Drop)
            .where(Drop.borough == borough, Drop.status == DropStatus.HARMONISED.value)
            .order_by(Drop.extract_date, Drop.received_at, Drop.id)
        ).all()
    counts = {"passed": 0, "held": 0, "quarantined": 0}
    rows_before: dict[tuple[str, str], int] = {}
    for drop in waiting:
        quarantined = _judge(drop, rows_before)
        counts["quarantined"] += quarantined or 0
        counts["held" if quarantined is None else "passed"] += 1
    sentence = (
        f"{counts['passed']} drops passed, {counts['held']} held, {counts['quarantined']:,} rows quarantined"
        if waiting
        else "nothing new"
    )
    return StageResult("gate", borough, "made" if waiting else "unchanged", sentence, dict(counts))


def _judge(drop: Drop, rows_before: dict[tuple[str, str], int]) -> int | None:
    """Quarantined rows in all of a drop that passes; None for one that is held."""
    before = rows_before.get((drop.dataset, str(drop.source))) or _rows_of_last_good(drop)
    verdict = judge(drop, registry.contract(drop.dataset), IntakeFiles(drop.id), before)
    with transaction() as session:
        row = session.get_one(Drop, drop.id)
        row.accepted, row.quarantined = verdict.kept, row.rows_in - verdict.kept
        row.reason, row.sentence = None, None
        row.status = DropStatus.GATED.value
        if verdict.held is not None:
            # Nothing of a held drop is used, so every row of it counts as held back.
            row.status, row.reason, row.sentence = DropStatus.HELD.value, verdict.held.issue_type, str(verdict.held)
            row.accepted, row.quarantined = 0, row.rows_in
            row.finished_at = clock.now()
    log.info("drop %s is %s", drop.id, row.status)
    if verdict.held is not None:
        return None
    rows_before[(drop.dataset, str(drop.source))] = verdict.kept
    return drop.rows_in - verdict.kept


@dataclass(frozen=True)
class Verdict:
    """Rows that pass, and why the drop as a whole must not be used, or None where it may."""

    kept: int
    held: HeldDrop | None


def judge(drop: Drop, contract: Contract, files: IntakeFiles, rows_before: int) -> Verdict:
    """Judge the harmonised `rows` of a drop and write what was found to `findings`.

    Of `drop` only its rows in, borough, dataset and source are used, so a rehearsal can pass one that no ledger
    holds. `rows_before` is the size of the last good extract, 0 where there was none.
    """
    rows = files.read("rows", columns_needed(contract))
    findings = check_rows(contract, rows.to_pandas(date_as_object=False)) if rows.num_rows else []
    condemned = np.unique(
        np.concatenate([f.row_numbers for f in findings if f.severity == "error"] or [np.empty(0, np.int64)])
    )
    files.write("findings", _as_table(findings))
    kept = rows.num_rows - len(condemned)
    try:
        _hold_if_grave(drop, findings, kept, rows_before)
    except HeldDrop as error:
        return Verdict(kept, error)
    return Verdict(kept, None)


def _hold_if_grave(drop: Drop, findings: list[Finding], kept: int, before: int) -> None:
    """Raise if the drop as a whole must not be used.

    Raises:
        HeldDrop: a critical rule is broken, too many rows are quarantined, or the extract shrank too far.
    """
    critical = next((finding for finding in findings if finding.severity == "critical"), None)
    if critical is not None:
        where = f" in '{critical.field}'" if critical.field else ""
        raise HeldDrop(
            critical.issue,
            f"{registry.issue_types()[critical.issue].sentence} ({len(critical.row_numbers):,} rows{where})",
        )
    share = 1 - kept / drop.rows_in
    if share > settings().max_quarantined_share:
        raise HeldDrop(
            "too_many_quarantined",
            f"{drop.rows_in - kept:,} of {drop.rows_in:,} rows could not be used; "
            f"more than {settings().max_quarantined_share:.0%} holds the drop.",
        )
    fall = 1 - kept / before if before >= SMALLEST_FALL_JUDGED else 0.0
    if fall > settings().max_row_fall_share:
        raise HeldDrop(
            "row_count_fell",
            f"{kept:,} usable rows after {before:,} in the last accepted extract, a fall of {fall:.0%}; "
            f"more than {settings().max_row_fall_share:.0%} holds the drop.",
        )


def _rows_of_last_good(drop: Drop) -> int:
    with transaction() as session:
        last = session.get(LastGood, (drop.borough, drop.dataset, str(drop.source)))
        return last.rows if last else 0


def _as_table(findings: list[Finding]) -> pa.Table:
    """Findings a row each offending row: `issue_type`, `severity`, `field`, `row_number`."""
    sizes = [len(finding.row_numbers) for finding in findings]
    repeat = {
        "issue_type": np.repeat([f.issue for f in findings], sizes) if findings else np.empty(0, object),
        "severity": np.repeat([f.severity for f in findings], sizes) if findings else np.empty(0, object),
        "field": np.repeat([f.field for f in findings], sizes) if findings else np.empty(0, object),
    }
    columns = {name: pa.array(values, pa.string()) for name, values in repeat.items()}
    numbers = np.concatenate([f.row_numbers for f in findings]) if findings else np.empty(0, np.int64)
    return pa.table({**columns, "row_number": pa.array(numbers, pa.int64())})
