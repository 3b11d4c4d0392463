"""The gate for one borough: every harmonised drop is passed, trimmed or held."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from expectations import Finding, check_rows
from expectations.checkpoint import as_frame
from pipelines.core import clock
from pipelines.core.errors import HeldDrop
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropProfile, DropStatus, GateDecision, LastGood, QualityMeasure
from pipelines.core.types import StageResult
from pipelines.extracts import IntakeFiles
from pipelines.extracts.reading import READ_AGAIN, read_as_of_now
from pipelines.gate.area import GAZETTEER
from pipelines.gate.decisions import may_be_released, released_sentence
from pipelines.gate.fault_rows import FaultRows
from pipelines.gate.history import History, Remark, history_of
from pipelines.gate.profile import Profile, Profiler
from pipelines.gate.quality import Measure, measures
from pipelines.gate.whole import remarks_on
from schemas import registry
from schemas.contract import Contract

log = logging.getLogger(__name__)

REMARKS = "gate.json"
"""Beside the drop's other files: what was remarked on it as a whole, `[{issue, field, sentence, holds}]`."""

HOLDS_TOLD = 3


def gate(borough: str) -> StageResult:
    """Judge every harmonised drop of a borough. Counts: `passed`, `held`, `quarantined` rows, `read_again` later."""
    with transaction() as session:
        found = session.scalars(
            sa.select(Drop)
            .where(Drop.borough == borough, Drop.status == DropStatus.HARMONISED.value)
            .order_by(Drop.extract_date, Drop.received_at, Drop.id)
        ).all()
    waiting = [drop for drop in found if read_as_of_now(drop)]
    counts = {"passed": 0, "held": 0, "quarantined": 0, "read_again": len(found) - len(waiting)}
    rows_before: dict[tuple[str, str], int] = {}
    # The gazetteer first, because the other drops of the night are held against it.
    for drop in sorted(waiting, key=lambda drop: drop.dataset != GAZETTEER):
        quarantined = _judge(drop, rows_before)
        counts["quarantined"] += quarantined or 0
        counts["held" if quarantined is None else "passed"] += 1
    told = [f"{counts['passed']} drops passed, {counts['held']} held, {counts['quarantined']:,} rows quarantined"]
    told = (told if waiting else []) + ([f"{counts['read_again']} {READ_AGAIN}"] if counts["read_again"] else [])
    sentence = "; ".join(told) or "nothing new"
    return StageResult("gate", borough, "made" if waiting else "unchanged", sentence, dict(counts))


def _judge(drop: Drop, rows_before: dict[tuple[str, str], int]) -> int | None:
    """Quarantined rows in all of a drop that passes; None for one that is held."""
    before = rows_before.get((drop.dataset, str(drop.source))) or rows_of_last_good(drop)
    history = history_of(drop)
    with transaction() as session:
        decision = session.get(GateDecision, drop.id)
    released = decision is not None and decision.decision == "release"
    contract = registry.contract(drop.dataset)
    verdict = judge(drop, contract, IntakeFiles(drop.id), before, history=history, released=released)
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
        else:
            _keep_figures(session, row, verdict)
            if released and decision is not None:
                row.reason, row.sentence = "released_by_person", released_sentence(decision, verdict.waived)
    log.info("drop %s is %s", drop.id, row.status)
    if verdict.held is not None:
        return None
    rows_before[(drop.dataset, str(drop.source))] = verdict.kept
    return drop.rows_in - verdict.kept


@dataclass(frozen=True)
class Verdict:
    """Rows that pass, and why the drop as a whole must not be used, or None where it may.

    `remarks` should be checked and hold nothing; `waived` are the holds that a person has lifted. The profile and the
    measures are what the ledger keeps of a drop that passes.
    """

    kept: int
    held: HeldDrop | None
    remarks: tuple[Remark, ...] = ()
    waived: tuple[Remark, ...] = ()
    profile: Profile | None = None
    measures: tuple[Measure, ...] = ()


def judge(
    drop: Drop,
    contract: Contract,
    files: IntakeFiles,
    rows_before: int,
    *,
    history: History | None = None,
    released: bool = False,
) -> Verdict:
    """Judge the harmonised `rows` of a drop and write what was found to `findings` and `gate.json`.

    Of `drop` only its rows in, dates, borough, dataset, source and mapping are used, so a rehearsal can pass one that
    no ledger holds. `rows_before` is the size of the last good extract, 0 where there was none. `history`, from
    `history_of(drop)`, holds the drop against the borough's earlier extracts and its area; without it only the
    contract and the rules judge. `released` waives the holds that a person may lift.
    """
    area = history.area if history is not None else None
    profiler = Profiler(contract, drop.extract_date, area.gazetteer if area else None, area.last if area else None)
    faults = FaultRows()
    findings = _findings(drop, contract, files, profiler, faults)
    for batch in files.batches("issues"):
        faults.add(batch)
    faults.add_findings(findings)
    condemned = np.unique(
        np.concatenate([f.row_numbers for f in findings if f.severity == "error"] or [np.empty(0, np.int64)])
    )
    kept = profiler.rows - len(condemned)
    profile = profiler.done(kept, str(drop.hashes.get("mapping", "")))
    remarks = remarks_on(drop, contract, files, profile, faults, findings, rows_before, history or History())
    holds = [remark for remark in remarks if remark.holds]
    waived = [remark for remark in holds if released and may_be_released(remark.issue_type)]
    holds = [remark for remark in holds if remark not in waived]
    notes = [remark for remark in remarks if not remark.holds]
    heading = max(1, (faults.first or 2) - 1)
    files.write("findings", _as_table([*findings, *(_at_heading(note, heading) for note in notes)]))
    files.folder.write_bytes(REMARKS, json.dumps([_plain(remark) for remark in remarks]).encode())
    last = history.last if history is not None else None
    scored = measures(
        contract,
        drop.rows_in,
        faults,
        profile,
        judged=profiler.rows,
        before=last.extract_date if last else None,
        received=drop.received_at.date(),
    )
    held = HeldDrop(holds[0].issue_type, " Also: ".join(r.sentence for r in holds[:HOLDS_TOLD])) if holds else None
    return Verdict(kept, held, tuple(notes), tuple(waived), profile, tuple(scored))


def _findings(
    drop: Drop, contract: Contract, files: IntakeFiles, profiler: Profiler, faults: FaultRows
) -> list[Finding]:
    """What the suite and the gazetteer find, a finding a rule; every batch of rows is looked at once."""
    found: list[Finding] = []
    records: list[npt.NDArray[np.int64]] = []
    for batch in files.batches("rows"):
        numbers = batch.column("row_number").to_numpy()
        faults.saw(numbers)
        records.append(batch.column("record_id").to_numpy())
        strange = numbers[profiler.add(batch)]
        if len(strange):
            found.append(Finding("uprn_not_in_gazetteer", "warning", "uprn", strange))
        found += check_rows(contract, as_frame(batch, contract), drop.extract_date)
    return _joined([*found, *_same_in_two_batches(records, files)])


def _same_in_two_batches(records: list[npt.NDArray[np.int64]], files: IntakeFiles) -> Iterator[Finding]:
    """The suite sees a batch at a time, and the same record may stand in two."""
    if len(records) < 2:
        return
    ids = np.concatenate(records)
    records.clear()
    ids.sort()
    twice = pa.array(np.unique(ids[1:][ids[1:] == ids[:-1]]))
    if len(twice):
        batches = files.batches("rows", ["row_number", "record_id"])
        again = [batch["row_number"].filter(pc.is_in(batch["record_id"], twice)).to_numpy() for batch in batches]
        yield Finding("key_not_unique", "critical", "", np.concatenate(again))


def _joined(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for each rule, whatever the number of batches, the gravest first."""
    by_rule: dict[tuple[str, Any, str], list[npt.NDArray[np.int64]]] = {}
    for finding in findings:
        by_rule.setdefault((finding.issue, finding.severity, finding.field), []).append(finding.row_numbers)
    order = {"critical": 0, "error": 1, "warning": 2}
    joined = [Finding(*rule, np.unique(np.concatenate(numbers))) for rule, numbers in by_rule.items()]
    return sorted(joined, key=lambda finding: order[finding.severity])


def _keep_figures(session: Session, drop: Drop, verdict: Verdict) -> None:
    """Store the profile and the scorecard of a drop that passes, in place of those of an earlier reading."""
    whose = {
        "drop_id": drop.id,
        "borough": drop.borough,
        "dataset": drop.dataset,
        "source": str(drop.source),
        "extract_date": drop.extract_date,
        "measured_at": clock.now(),
    }
    if verdict.profile is not None:
        session.merge(DropProfile(**whose, profile=verdict.profile.model_dump(mode="json")))
    session.execute(sa.delete(QualityMeasure).where(QualityMeasure.drop_id == drop.id))
    session.add_all(
        QualityMeasure(**whose, dimension=m.dimension, measure=m.measure, good=m.good, of=m.of)
        for m in verdict.measures
    )


def rows_of_last_good(drop: Drop) -> int:
    """Rows of the extract that a drop with a source would replace; 0 where there is none, or only a later one."""
    with transaction() as session:
        last = session.get(LastGood, (drop.borough, drop.dataset, str(drop.source)))
        return last.rows if last is not None and last.extract_date <= drop.extract_date else 0


def _at_heading(remark: Remark, row: int) -> Finding:
    """A remark on the drop as a whole, at the row of its headings."""
    return Finding(remark.issue_type, "warning", remark.field, np.array([row], np.int64))


def _plain(remark: Remark) -> dict[str, Any]:
    return {
        "issue": remark.issue_type,
        "field": remark.field,
        "sentence": remark.sentence,
        "holds": remark.holds,
    }


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
