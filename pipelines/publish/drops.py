"""What passed the gate goes to the lake, and every drop gets its receipt."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.hashing import code_version
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Drop, DropStatus, LastGood
from pipelines.core.types import StageResult
from pipelines.extracts import IntakeFiles
from pipelines.extracts.reading import READ_AGAIN, chain_of, overtaken_by, read_as_of_now
from pipelines.governance import access
from pipelines.publish.deliver import deliver
from schemas import registry
from schemas.mapping import REVIEW

log = logging.getLogger(__name__)


def publish_drops(borough: str) -> StageResult:
    """Commit a borough's gated drops to the lake, oldest extract first, and deliver the receipts that are due.

    Each drop is one atomic commit; killed anywhere, the same work is done again to the
    same end. Counts: `published`, `rows`, `receipts`, `read_again` the next night.
    """
    with transaction() as session:
        found = session.scalars(
            sa.select(Drop)
            .where(Drop.borough == borough, Drop.status == DropStatus.GATED.value)
            .order_by(Drop.extract_date, Drop.received_at, Drop.id)
        ).all()
    gated = [drop for drop in found if read_as_of_now(drop)]
    counts = {"published": 0, "rows": 0, "receipts": 0, "read_again": len(found) - len(gated)}
    for drop in gated:
        rows = _commit(drop)
        if rows is not None:
            counts["published"] += 1
            counts["rows"] += rows
    with transaction() as session:
        due = session.scalars(
            sa.select(Drop)
            .where(
                Drop.borough == borough,
                Drop.status.in_([status.value for status in FINAL]),
                Drop.receipt_delivered.is_(False),
            )
            .order_by(Drop.received_at)  # of two files under one name the later one's receipt stays
        ).all()
    for drop in due:
        deliver(drop)
        counts["receipts"] += 1
    done = bool(gated or due)
    told = [f"{counts['published']} extracts, {counts['rows']:,} rows in the lake"] if done else []
    told += [f"{counts['read_again']} {READ_AGAIN}"] if counts["read_again"] else []
    sentence = "; ".join(told) or "nothing new"
    return StageResult("publish", borough, "made" if done else "unchanged", sentence, dict(counts))


def condemned_rows(files: IntakeFiles) -> npt.NDArray[np.int64]:
    """Numbers of the rows that the gate quarantined."""
    findings = files.read("findings")
    errors = findings.filter(pa.compute.equal(findings["severity"], "error"))
    return np.unique(errors["row_number"].to_numpy())


class PassedRows:
    """The rows of a drop that the gate let pass, read some at a time; `count` says how many the last reading gave."""

    def __init__(self, files: IntakeFiles, dataset: str) -> None:
        self.files, self.schema = files, registry.contract(dataset).arrow_schema()
        self.condemned = pa.array(condemned_rows(files), pa.int64())
        self.count = 0

    def reader(self) -> pa.RecordBatchReader:
        """Begin to read them."""
        self.count = 0
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for rows in self.files.batches("rows"):
            passed = rows
            if len(self.condemned):
                passed = rows.filter(pc.invert(pc.is_in(rows["row_number"], self.condemned)))
            self.count += passed.num_rows
            yield from passed.cast(self.schema).to_batches()


def _commit(drop: Drop) -> int | None:
    """Rows now in the lake, or None where a later extract stands there already."""
    source = str(drop.source)
    key = (drop.borough, drop.dataset, source)
    with transaction() as session:
        last = session.get(LastGood, key)
        if last is not None and (last.extract_date > drop.extract_date or _is_overtaken(session, drop)):
            row = session.get_one(Drop, drop.id)
            row.status, row.reason, row.finished_at = DropStatus.SUPERSEDED.value, "older_extract", clock.now()
            row.sentence = (
                f"An extract of {last.extract_date:%d %B %Y} is already in place (drop {last.drop_id}); "
                f"this one of {drop.extract_date:%d %B %Y} is kept but does not replace it."
            )
            return None
    files = IntakeFiles(drop.id)
    rows = PassedRows(files, drop.dataset)
    made_from = {"drop": drop.id, **{name: str(value) for name, value in drop.hashes.items()}, "code": code_version()}
    version = access.write_dataset(drop.dataset, rows.reader, borough=drop.borough, source=source, made_from=made_from)
    with transaction() as session:
        previous = session.get(LastGood, key)
        if previous is not None and previous.drop_id != drop.id:
            _supersede(session.get_one(Drop, previous.drop_id))
        session.merge(
            LastGood(
                borough=drop.borough,
                dataset=drop.dataset,
                source=source,
                drop_id=drop.id,
                extract_date=drop.extract_date,
                rows=rows.count,
                lake_version=version,
                published_at=clock.now(),
            )
        )
        row = session.get_one(Drop, drop.id)
        row.status, row.lake_version, row.finished_at = DropStatus.ACCEPTED.value, version, clock.now()
        _supersede_corrected(session, row)
    _retire_other_sources(drop, source)
    log.info("drop %s is in the lake at version %d", drop.id, version)
    return rows.count


def _supersede(drop: Drop) -> None:
    if drop.status == DropStatus.ACCEPTED.value:
        drop.status = DropStatus.SUPERSEDED.value


def _is_overtaken(session: Session, drop: Drop) -> bool:
    """Whether a drop corrects an extract that another has replaced since it was read."""
    root = chain_of(session, drop)[0]
    return root.id != drop.id and overtaken_by(session, root, drop.source) is not None


def _supersede_corrected(session: Session, drop: Drop) -> None:
    """What a correction was laid over has done its work, also where it had been held itself."""
    for step in chain_of(session, drop)[:-1]:
        if step.status == DropStatus.HELD.value:
            step.status, step.sentence = DropStatus.SUPERSEDED.value, f"Its corrected rows came as drop {drop.id}."


def _retire_other_sources(drop: Drop, source: str) -> None:
    """Take out the rows of sources that no mapping names any more, lest a borough's records stand there twice.

    What officers recorded on the platform came from no drop and stays.
    """
    named = {mapping.source for mapping in registry.mappings(drop.borough, drop.dataset)} | {source, REVIEW}
    with transaction() as session:
        mine = sa.and_(LastGood.borough == drop.borough, LastGood.dataset == drop.dataset)
        gone = session.scalars(sa.select(LastGood).where(mine, LastGood.source.not_in(named))).all()
    for last in gone:
        empty = registry.contract(drop.dataset).arrow_schema().empty_table()
        retired = {"retired": f"source {last.source}"}
        access.write_dataset(drop.dataset, empty, borough=drop.borough, source=last.source, made_from=retired)
        with transaction() as session:
            session.delete(session.get_one(LastGood, (drop.borough, drop.dataset, last.source)))
            if last.drop_id != drop.id:
                _supersede(session.get_one(Drop, last.drop_id))
