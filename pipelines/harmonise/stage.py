"""The harmonise stage for one borough: every received drop, from raw bytes to staged rows and issues."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from pipelines.core import clock, outside
from pipelines.core.errors import HeldDrop, LodaError, RefusedDrop
from pipelines.core.faults import place_of
from pipelines.core.hashing import code_version
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.core.types import StageResult
from pipelines.extracts import Extract, IntakeFiles, RaggedRows
from pipelines.extracts.issues import issue_rows, issue_writer
from pipelines.extracts.reading import RULES, open_drop
from pipelines.governance import counts_only
from pipelines.harmonise.accepted import accepted_rows, row_writer
from pipelines.harmonise.column import Calendar
from pipelines.harmonise.dates import add_calendars, order_is_unproven
from pipelines.harmonise.records import SeenRecords, record_ids
from pipelines.harmonise.rows import harmonise_chunk, heading
from schemas import registry
from schemas.contract import Contract
from schemas.mapping import Mapping

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counted:
    """Rows of one drop: in, and of those accepted so far and quarantined."""

    rows_in: int
    accepted: int
    quarantined: int


def harmonise(borough: str) -> StageResult:
    """Harmonise every received drop of a borough. Counts: `drops`, `rows`, `held`, `refused`."""
    with transaction() as session:
        waiting = session.scalars(
            sa.select(Drop)
            .where(Drop.borough == borough, Drop.status == DropStatus.RECEIVED.value)
            .order_by(Drop.extract_date, Drop.received_at, Drop.id)
        ).all()
    counts = {"drops": 0, "rows": 0, "held": 0, "refused": 0}
    for drop in waiting:
        # Before it is read: a mapping that is saved meanwhile was not among those it was read by.
        rules = registry.rules_hash(drop.borough, drop.dataset)
        try:
            counts["rows"] += _harmonise_drop(drop, rules)
            counts["drops"] += 1
        except HeldDrop as error:
            outside.raise_if_behind(error)
            _finish(drop.id, rules, DropStatus.HELD, error.issue_type, str(error))
            counts["held"] += 1
        except RefusedDrop as error:
            outside.raise_if_behind(error)  # what reads a file takes whatever befalls it for damage of the file
            _finish(drop.id, rules, DropStatus.REFUSED, error.issue_type, str(error))
            counts["refused"] += 1
        except (LodaError, OSError, MemoryError, sa.exc.SQLAlchemyError):
            raise  # not of this drop alone
        except Exception as error:  # noqa: BLE001 - one drop that nobody foresaw must not stop the borough's others
            outside.raise_if_behind(error)
            stumbled = f"The platform stumbled over it: {place_of(error)}."
            _finish(drop.id, rules, DropStatus.HELD, "platform_fault", stumbled)
            counts["held"] += 1
    sentence = f"{counts['rows']:,} rows of {counts['drops']} drops" if waiting else "nothing new"
    return StageResult("harmonise", borough, "made" if waiting else "unchanged", sentence, dict(counts))


def _finish(drop_id: str, rules: str, status: DropStatus, reason: str, sentence: str) -> None:
    with transaction() as session:
        drop = session.get_one(Drop, drop_id)
        drop.status, drop.reason, drop.sentence = status.value, reason, sentence
        drop.finished_at = clock.now()
        drop.hashes = {**drop.hashes, RULES: rules}
    log.info("drop %s is %s: %s", drop_id, status.value, reason)


def _harmonise_drop(drop: Drop, rules: str) -> int:
    contract = registry.contract(drop.dataset)
    opened = open_drop(drop)
    mapping = opened.mapping
    counted = harmonise_extract(opened.extract, drop, mapping, contract, opened.names, IntakeFiles(drop.id))
    with transaction() as session:
        row = session.get_one(Drop, drop.id)
        row.status, row.source, row.mapping_name = DropStatus.HARMONISED.value, mapping.source, mapping.name
        row.rows_in, row.accepted, row.quarantined = counted.rows_in, counted.accepted, counted.quarantined
        row.hashes = {
            **row.hashes,
            "code": code_version(),
            "contract": contract.hash,
            "mapping": mapping.hash,
            "input": drop.sha256,
            RULES: rules,
        }
    return counted.rows_in


def harmonise_extract(
    extract: Extract, drop: Drop, mapping: Mapping, contract: Contract, names: list[str], files: IntakeFiles
) -> Counted:
    """Write `rows` (what may be accepted) and `issues` of an extract with these headings, with memory for one chunk.

    Beside the chunk, 8 bytes are kept for each row, to know a record that comes twice. Of `drop` only its name,
    borough, path (which file of the layout it is, where the mapping cares) and extract date are used, so a rehearsal
    can pass one that no ledger holds.

    Raises:
        RefusedDrop: `no_rows`, or the file cannot be divided into rows.
    """
    counts_only.check_headings(contract.dataset, names)
    files.remove("findings")  # of an earlier reading
    mapping = mapping.for_file(drop.path)
    ragged, seen = RaggedRows(), SeenRecords()
    calendars: dict[str, dict[str, Calendar]] = {}
    rows_in = accepted = copied = 0
    with row_writer(files, contract) as rows, issue_writer(files) as issues:
        for chunk in extract.rows(mapping.shape, names, ragged):
            made = harmonise_chunk(chunk, mapping, contract, drop.extract_date)
            ids = record_ids(made.table, contract, mapping)
            copies = seen.copies(ids, made.kept)
            kept = made.kept & ~copies
            rows.write_table(accepted_rows(made.table, drop, mapping, made.row_numbers, ids, kept))
            issues.write_table(made.issues)
            issues.write_table(issue_rows(made.row_numbers[copies], "", "", "duplicate_row", quarantines=True))
            for name, seen_days in made.calendars.items():
                add_calendars(calendars.setdefault(name, {}), seen_days)
            rows_in += len(kept)
            accepted += int(kept.sum())
            copied += int(copies.sum())
        torn = np.array(ragged.numbers, np.int64)
        issues.write_table(issue_rows(torn, "", "", "ragged_row", quarantines=True))
        for issue_type, numbers in ragged.skipped.items():
            issues.write_table(issue_rows(np.array(numbers, np.int64), "", "", issue_type, quarantines=False))
        for name, seen_days in calendars.items():
            if order_is_unproven(seen_days):
                top = np.array([max(mapping.shape.header_row, 1)], np.int64)
                column = heading(mapping, name)
                issues.write_table(issue_rows(top, name, column, "date_order_unproven", quarantines=False))
    rows_in += len(torn)
    if rows_in == 0:
        raise RefusedDrop("no_rows", "The file has headings but no rows.")
    counts_only.check_rows(contract.dataset, rows_in, copied)
    return Counted(rows_in, accepted, rows_in - accepted)
