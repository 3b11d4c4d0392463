"""Admission of one borough's new files: copied under their own hash, known again, or refused with a reason."""

from __future__ import annotations

import hashlib
import json
import logging
import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock, outside
from pipelines.core.bucket import Entry, Folder, NotPlainFile
from pipelines.core.errors import RefusedDrop
from pipelines.core.hashing import code_version
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Arrival, Drop, DropStatus
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.extracts import given_back, raw_folder
from pipelines.extracts.reading import GONE
from pipelines.ingest.discovery import borough_of, dropped_files, is_young, new_entries
from pipelines.ingest.place import check_name, check_place, extract_date
from pipelines.ingest.second_look import requeue
from pipelines.ingest.sniffing import Copied, check_content, check_kind, copy_and_measure, kind_of

log = logging.getLogger(__name__)


def admit(borough: str) -> StageResult:
    """Take in a borough's new files, and give another look to drops whose rules have changed.

    Counts: `received` (to be harmonised), `refused`, `duplicate`.
    """
    bucket = Folder(settings().bucket_url)
    mine = [entry for entry in dropped_files(bucket) if borough_of(entry.path) == borough]
    counts = {"received": 0, "refused": 0, "duplicate": 0}
    for entry in new_entries(mine):
        if not is_young(entry):
            status = _admit_one(bucket, entry)
            if status is not None:
                counts[status.value] += 1
    counts["received"] += requeue(borough)
    sentence = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "nothing new"
    return StageResult("admit", borough, "made" if any(counts.values()) else "unchanged", sentence, dict(counts))


def _admit_one(bucket: Folder, entry: Entry) -> DropStatus | None:
    """Status of the new drop, or None if the file is the current one again or changed under our hands."""
    raw = raw_folder()
    kind = kind_of(entry.path)
    incoming = f"incoming/{hashlib.sha256(entry.path.encode()).hexdigest()}"
    copied: Copied | None = None
    refusal: RefusedDrop | None = None
    try:
        check_name(entry.path)
        check_kind(kind)
        with bucket.read_own(entry.path) as source, raw.write(incoming) as target:
            copied = copy_and_measure(source, target, kind)
        if _changed(bucket, entry):
            return None
        if _is_given_back(raw, incoming, entry, copied.sha256):
            return None
        check_content(raw, incoming, kind, copied)
        check_place(entry.path)
    except RefusedDrop as error:
        outside.raise_if_behind(error)
        refusal = error
    except FileNotFoundError:
        return None  # taken away while it was being read: there is nothing to admit
    except NotPlainFile:
        refusal = RefusedDrop("unreadable_file", "It is a link, a folder or a device: drop the file itself.")
    except (PermissionError, IsADirectoryError) as error:
        outside.raise_if_behind(error)  # a bucket that refuses our key says nothing of the file
        refusal = RefusedDrop("unreadable_file", f"The file cannot be opened ({type(error).__name__}).")
    try:
        sha256 = copied.sha256 if copied else _hash_of_refused(entry)
        if copied:
            _keep(raw, incoming, sha256, entry, copied)
        with transaction() as session:
            return _record(session, entry, sha256, entry.size, refusal)
    finally:
        raw.remove(incoming)


def _is_given_back(raw: Folder, incoming: str, entry: Entry, sha256: str) -> bool:
    """Whether the file is one of rows to correct, as we wrote it; it is then noted as seen and is no drop.

    Raises:
        RefusedDrop: `nothing_corrected`, where somebody dropped such rows again without a change.
    """
    with transaction() as session:
        drops = given_back.written_for(session, sha256)
        if not drops:
            return False
        if given_back.is_where_we_put_it(entry.path, drops):
            raw.remove(incoming)  # before it is noted, or a kill between would leave the copy behind for good
            given_back.seen(session, entry.path, entry.marker, drops[0].id)
            return True
    raise RefusedDrop("nothing_corrected", f"These are the quarantined rows of drop {drops[0].id} without any change.")


def _changed(bucket: Folder, entry: Entry) -> bool:
    now = next((e for e in bucket.list(entry.path.rsplit("/", 1)[0]) if e.path == entry.path), None)
    return now is None or now.marker != entry.marker


def _hash_of_refused(entry: Entry) -> str:
    # A file over a limit is not read to its end, so it is known by its place and its marker.
    return hashlib.sha256(f"{entry.path}|{entry.marker}".encode()).hexdigest()


def _keep(raw: Folder, incoming: str, sha256: str, entry: Entry, copied: Copied) -> None:
    if raw.exists(sha256):
        raw.remove(incoming)  # before the drop is recorded, or a kill between would leave the copy behind for good
        return
    manifest = {
        "sha256": sha256,
        "bytes": copied.size,
        "first_path": entry.path,
        "code": code_version(),
        "received_at": clock.now().isoformat(),
    }
    # Bytes last: once they are there, nobody looks again whether they have a manifest.
    raw.write_bytes(f"{sha256}.json", json.dumps(manifest, indent=2).encode())
    raw.fs.mv(raw.full(incoming), raw.full(sha256))


def drop_id(borough: str, dataset: str, sha256: str) -> str:
    """The drop's name: who, what, and the first 12 digits of the bytes' hash."""
    plain = [re.sub(r"[^a-z0-9_]+", "_", text.lower())[:40] for text in (borough, dataset)]
    return f"{plain[0]}-{plain[1]}-{sha256[:12]}"


def _record(session: Session, entry: Entry, sha256: str, size: int, refusal: RefusedDrop | None) -> DropStatus | None:
    parts = entry.path.split("/")
    borough = borough_of(entry.path)[:60]
    dataset = parts[2][:60] if len(parts) == 4 else "-"
    base = drop_id(borough, dataset, sha256)
    earlier = session.get(Drop, base)
    if earlier is not None and GONE & set(earlier.hashes):
        # Its bytes were deleted, so they come anew.
        session.delete(earlier)
        session.flush()
        earlier = None
    made = Drop(
        id=base,
        borough=borough,
        dataset=dataset,
        path=entry.path,
        sha256=sha256,
        size_bytes=size,
        received_at=clock.now(),
        extract_date=extract_date(borough, dataset, entry.path, entry.modified.date()),
        hashes={},
        status=DropStatus.RECEIVED.value,
    )
    arrival = Arrival(path=entry.path[:500], marker=entry.marker, drop_id=base, seen_at=clock.now())
    if refusal is not None and earlier is None:
        made.status, made.reason, made.sentence = DropStatus.REFUSED.value, refusal.issue_type, str(refusal)
        made.finished_at = clock.now()
    elif earlier is not None and refusal is None and _may_be_right_now(earlier):
        # What was wrong with it is right now: another place, another ending, another limit.
        session.delete(earlier)
        session.flush()
    elif earlier is not None:
        if earlier.path == entry.path and earlier.status != DropStatus.SUPERSEDED.value:
            session.merge(arrival)
            earlier.receipt_delivered = False  # the receipt beside it may be that of a file in between
            return None
        made.id = arrival.drop_id = _again(session, base)
        made.status, made.reason, made.duplicate_of = DropStatus.DUPLICATE.value, "duplicate_drop", base
        made.sentence = _same_as(session, earlier)
        made.finished_at = clock.now()
    session.merge(arrival)
    session.add(made)
    log.info("drop %s is %s", made.id, made.status)
    return DropStatus(made.status)


def _may_be_right_now(earlier: Drop) -> bool:
    """Whether a drop was refused for what can be put right; what a person refused stays refused."""
    return earlier.status == DropStatus.REFUSED.value and earlier.reason != "refused_by_person"


def _again(session: Session, base: str) -> str:
    number = session.scalar(sa.select(sa.func.count()).where(Drop.duplicate_of == base)) or 0
    return f"{base}-again{number + 1}"


def _same_as(session: Session, earlier: Drop) -> str:
    sentence = (
        f"The same bytes were received on {earlier.received_at:%d %B %Y} as '{earlier.path.rsplit('/', 1)[-1]}' "
        f"(drop {earlier.id}, {earlier.status}); nothing was loaded twice."
    )
    if earlier.status == DropStatus.SUPERSEDED.value:
        sentence += " A later extract has replaced that one and stays in use."
    return sentence
