"""Rehearsal: the very code of the night on one file, with nothing stored.

What it needs to write on the way lies in a private folder of the machine's own and is removed in any case, since it
holds personal data. No ledger, lake or bucket is needed; where there is a ledger, the gate holds the file against the
borough's own history, as it does at night. The lake is not read: who reads personal data there is put on record, and a
rehearsal leaves none. So what the gate finds by comparing UPRNs, the night alone finds.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa

from pipelines.core import beside, clock
from pipelines.core.bucket import Folder
from pipelines.core.errors import HeldDrop, LodaError, RefusedDrop
from pipelines.core.faults import place_of
from pipelines.core.hashing import code_version
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.extracts import Extract, IntakeFiles, headings
from pipelines.extracts.reading import Opened, open_extract
from pipelines.gate import history_of, judge, rows_of_last_good
from pipelines.governance import pseudonym
from pipelines.harmonise import harmonise_extract
from pipelines.ingest.admission import drop_id
from pipelines.ingest.place import check_name, check_place
from pipelines.ingest.place import extract_date as date_in_name
from pipelines.ingest.sniffing import Copied, check_content, check_kind, copy_and_measure
from pipelines.publish import receipt_html, receipt_text
from pipelines.publish.answer import answer
from pipelines.publish.receipts import Background, make_receipt
from schemas import registry
from schemas.mapping import Mapping

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rehearsal:
    """What a night would answer to a file.

    `receipt` is as the ledger would keep it, `quarantine_csv` the rows to mend as they would lie beside the drop.
    `usable` are the rows with which nothing is wrong; other than `receipt["accepted"]` they are also counted where
    the drop as a whole would be held.
    """

    receipt: dict[str, Any]
    quarantine_csv: bytes | None
    usable: int

    @property
    def would_be_accepted(self) -> bool:
        """Whether the night would use the file, with or without warnings."""
        return bool(self.receipt["status"] == DropStatus.ACCEPTED.value)

    def text(self) -> str:
        """The receipt for a terminal."""
        return receipt_text(self.receipt)

    def html(self) -> bytes:
        """The receipt as a page."""
        return receipt_html(self.receipt)


class _Nowhere:
    """A file that takes bytes and keeps none."""

    def write(self, content: bytes) -> int:
        """Take some bytes."""
        return len(content)


def rehearse(
    extract: Extract,
    *,
    borough: str,
    dataset: str,
    mapping: Mapping | None = None,
    file_name: str,
    extract_date: date | None = None,
) -> Rehearsal:
    """What the night would make of a file: read, harmonised, judged and answered, with nothing stored.

    With a `mapping` (a proposed one) the file is read by that instead of by the borough's own layouts, and whether an
    agreement covers it is not asked. A file that cannot be used never raises: its receipt is refused or held and says
    why.
    """
    path = f"drops/{borough}/{dataset}/{PurePosixPath(file_name).name}"
    drop = _drop(path, borough, dataset, extract_date)
    with tempfile.TemporaryDirectory(prefix="loda-rehearsal-") as private, pseudonym.without_making_a_key():
        stage = _Stage(
            drop, has_ledger(), IntakeFiles(drop.id, Folder(f"{private}/intake")), Folder(f"{private}/bucket")
        )
        try:
            _admit(drop, extract, asked_of_place=mapping is None)
            opened = _opened(stage, extract, mapping)
            return _answered(stage, opened, _read_and_judge(stage, opened))
        except HeldDrop as error:
            return _not_used(stage, DropStatus.HELD, error)
        except RefusedDrop as error:
            return _not_used(stage, DropStatus.REFUSED, error)
        except (LodaError, OSError, MemoryError, sa.exc.SQLAlchemyError):
            raise  # not of this file
        except Exception as error:  # noqa: BLE001 - as at night, what nobody foresaw holds the file
            log.error("the rehearsal stumbled with %s", place_of(error))
            sentence = f"The platform stumbled over it: {place_of(error)}."
            return _not_used(stage, DropStatus.HELD, HeldDrop("platform_fault", sentence))


@dataclass(frozen=True)
class _Stage:
    """What a rehearsal has of a night: a drop of no ledger, perhaps a ledger to compare with, private folders."""

    drop: Drop
    ledger: bool
    files: IntakeFiles
    bucket: Folder

    @property
    def notes(self) -> list[str]:
        """What the receipt says about the rehearsal itself."""
        told = ["Nothing was stored, and nobody else was told."]
        if self.ledger:
            return [*told, "Only the night compares UPRNs with the gazetteer, because that reading is put on record."]
        return [*told, "There is no earlier extract here to compare the file with."]


def _drop(path: str, borough: str, dataset: str, day: date | None) -> Drop:
    """A drop that no ledger holds."""
    return Drop(
        id=drop_id(borough, dataset, "not read"),
        borough=borough,
        dataset=dataset,
        path=path,
        sha256="",
        size_bytes=0,
        received_at=clock.now(),
        extract_date=day or date_in_name(borough, dataset, path, clock.today()),
        status=DropStatus.RECEIVED.value,
        rows_in=0,
        accepted=0,
        quarantined=0,
        hashes={},
    )


def _finish(drop: Drop, status: DropStatus, why: HeldDrop | RefusedDrop | None = None) -> None:
    drop.status, drop.finished_at = status.value, clock.now()
    if why is not None:
        drop.reason, drop.sentence = why.issue_type, str(why)
        # Nothing of such a drop is used, so every row of it counts as held back.
        drop.accepted, drop.quarantined = 0, drop.rows_in


def _admit(drop: Drop, extract: Extract, *, asked_of_place: bool) -> None:
    """What is asked of a file before it is read.

    Raises:
        RefusedDrop: with the fault and a sentence.
    """
    check_name(drop.path)
    check_kind(extract.kind)
    try:
        with extract.open() as source:
            copied: Copied = copy_and_measure(source, _Nowhere(), extract.kind)
    except (PermissionError, IsADirectoryError) as error:
        raise RefusedDrop("unreadable_file", f"The file cannot be opened ({type(error).__name__}).") from error
    drop.sha256, drop.size_bytes = copied.sha256, copied.size
    drop.id = drop_id(drop.borough, drop.dataset, copied.sha256)
    check_content(extract.folder, extract.path, extract.kind, copied)
    if asked_of_place:
        check_place(drop.path)


def _opened(stage: _Stage, extract: Extract, mapping: Mapping | None) -> Opened:
    if mapping is None:
        opened = open_extract(stage.drop, extract, ledger=stage.ledger)
        if opened.corrects is not None:
            stage.drop.extract_date = opened.corrects.extract_date
        return opened
    with extract.open() as handle:
        names = headings(handle, mapping.shape)
    if not mapping.needed <= set(names) <= mapping.columns:
        raise HeldDrop("layout_changed", "The mapping does not account for every heading of the file or asks for more.")
    return Opened(extract, mapping, names)


def _read_and_judge(stage: _Stage, opened: Opened) -> int:
    """Rows with which nothing is wrong; the drop then has its counts and what the gate says."""
    drop, mapping = stage.drop, opened.mapping
    contract = registry.contract(drop.dataset)
    counted = harmonise_extract(opened.extract, drop, mapping, contract, opened.names, stage.files)
    drop.source, drop.mapping_name = mapping.source, mapping.name
    drop.rows_in, drop.accepted, drop.quarantined = counted.rows_in, counted.accepted, counted.quarantined
    drop.hashes = {
        "code": code_version(),
        "contract": contract.hash,
        "mapping": mapping.hash,
        "input": drop.sha256,
    }
    before = rows_of_last_good(drop) if stage.ledger else 0
    history = history_of(drop, lake=False) if stage.ledger else None
    verdict = judge(drop, contract, stage.files, before, history=history)
    drop.accepted, drop.quarantined = verdict.kept, drop.rows_in - verdict.kept
    if verdict.held is None:
        _finish(drop, DropStatus.ACCEPTED)
    else:
        _finish(drop, DropStatus.HELD, verdict.held)
    return verdict.kept


def _answered(stage: _Stage, opened: Opened, usable: int) -> Rehearsal:
    name = stage.drop.path + beside.QUARANTINE
    receipt = answer(
        stage.drop,
        opened.extract,
        opened.mapping,
        stage.files,
        stage.bucket,
        quarantine=name,
        before_quarantine=lambda *_: None,
        background=Background(rehearsed=True, notes=stage.notes),
        ledger=stage.ledger,
    )
    content: bytes | None = None
    if receipt["quarantine_file"]:
        with stage.bucket.read(name) as handle:
            content = handle.read()
    return Rehearsal(receipt, content, usable)


def _not_used(stage: _Stage, status: DropStatus, why: HeldDrop | RefusedDrop) -> Rehearsal:
    _finish(stage.drop, status, why)
    return Rehearsal(
        make_receipt(stage.drop, None, findings=[], background=Background(rehearsed=True, notes=stage.notes)), None, 0
    )


def has_ledger() -> bool:
    """Whether there is a ledger that can be read; looking makes none."""
    try:
        return ledger.is_there()
    except sa.exc.OperationalError:
        return False
