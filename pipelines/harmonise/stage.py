"""The harmonise stage for one borough: every received drop, from raw bytes to staged rows and issues."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.errors import HeldDrop, LodaError, RefusedDrop
from pipelines.core.faults import place_of
from pipelines.core.hashing import code_version
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.core.types import StageResult
from pipelines.extracts import Extract, IntakeFiles, RaggedRows, choose_layout, chunks, raw_extract
from pipelines.harmonise.rows import ISSUES, harmonise_chunk, issue_rows, record_ids
from schemas import registry
from schemas.contract import PLATFORM_FIELDS, Contract
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
        try:
            counts["rows"] += _harmonise_drop(drop)
            counts["drops"] += 1
        except HeldDrop as error:
            _finish(drop.id, DropStatus.HELD, error.issue_type, str(error))
            counts["held"] += 1
        except RefusedDrop as error:
            _finish(drop.id, DropStatus.REFUSED, error.issue_type, str(error))
            counts["refused"] += 1
        except (LodaError, OSError, MemoryError, sa.exc.SQLAlchemyError):
            raise  # not of this drop alone
        except Exception as error:  # noqa: BLE001 - one drop that nobody foresaw must not stop the borough's others
            _finish(drop.id, DropStatus.HELD, "platform_fault", f"The platform stumbled over it: {place_of(error)}.")
            counts["held"] += 1
    sentence = f"{counts['rows']:,} rows of {counts['drops']} drops" if waiting else "nothing new"
    return StageResult("harmonise", borough, "made" if waiting else "unchanged", sentence, dict(counts))


def _finish(drop_id: str, status: DropStatus, reason: str, sentence: str) -> None:
    with transaction() as session:
        drop = session.get_one(Drop, drop_id)
        drop.status, drop.reason, drop.sentence = status.value, reason, sentence
        drop.finished_at = clock.now()
        drop.hashes = {**drop.hashes, "rules": registry.rules_hash(drop.borough, drop.dataset)}
    log.info("drop %s is %s: %s", drop_id, status.value, reason)


def _harmonise_drop(drop: Drop) -> int:
    contract = registry.contract(drop.dataset)
    extract = raw_extract(drop)
    mapping, names = choose_layout(drop.borough, drop.dataset, extract)
    counted = harmonise_extract(extract, drop, mapping, contract, names, IntakeFiles(drop.id))
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
            "rules": registry.rules_hash(drop.borough, drop.dataset),
        }
    return counted.rows_in


def harmonise_extract(
    extract: Extract, drop: Drop, mapping: Mapping, contract: Contract, names: list[str], files: IntakeFiles
) -> Counted:
    """Write `rows` (what may be accepted) and `issues` of an extract with these headings, with memory for one chunk.

    Of `drop` only its name, borough and extract date are used, so a rehearsal can pass one that no ledger holds.

    Raises:
        RefusedDrop: `no_rows`, or the file cannot be divided into rows.
    """
    files.remove("findings")  # of an earlier reading
    ragged = RaggedRows()
    seen = np.empty(0, np.int64)
    rows_in = accepted = 0
    with (
        files.writer("rows", contract.arrow_schema()) as rows,
        files.writer("issues", ISSUES) as issues,
        extract.open() as handle,
    ):
        for chunk in chunks(handle, mapping.shape, names, ragged):
            made = harmonise_chunk(chunk, mapping, contract, drop.extract_date)
            ids = record_ids(made.table, contract, mapping)
            copies = made.kept & _copies(ids, made.kept, seen)
            kept = made.kept & ~copies
            seen = np.union1d(seen, ids[kept])
            rows.write_table(
                _with_platform_fields(made.table, drop, mapping, made.row_numbers, ids).filter(pa.array(kept))
            )
            issues.write_table(made.issues)
            issues.write_table(issue_rows(made.row_numbers[copies], "", "", "duplicate_row", quarantines=True))
            rows_in += len(kept)
            accepted += int(kept.sum())
        torn = np.array(ragged.numbers, np.int64)
        issues.write_table(issue_rows(torn, "", "", "ragged_row", quarantines=True))
    rows_in += len(torn)
    if rows_in == 0:
        raise RefusedDrop("no_rows", "The file has headings but no rows.")
    return Counted(rows_in, accepted, rows_in - accepted)


def _copies(
    ids: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_], seen: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Rows whose record stood in an earlier row that was kept."""
    among = np.flatnonzero(kept)
    _, first = np.unique(ids[among], return_index=True)
    copies = np.zeros(len(ids), bool)
    copies[among] = True
    copies[among[first]] = False
    return copies | np.isin(ids, seen)


def _with_platform_fields(
    table: pa.Table, drop: Drop, mapping: Mapping, numbers: npt.NDArray[np.int64], ids: npt.NDArray[np.int64]
) -> pa.Table:
    size = table.num_rows
    fixed = [pa.repeat(pa.scalar(value, pa.string()), size) for value in (drop.borough, mapping.source, drop.id)]
    platform = pa.table([*fixed, pa.array(numbers), pa.array(ids)], schema=PLATFORM_FIELDS)
    for name in table.column_names:
        platform = platform.append_column(name, table.column(name))
    return platform
