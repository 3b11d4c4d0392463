"""Deleting what is kept of drops: raw bytes, intake files, receipts, quarantine files. What stays says that they were.

The extract itself, as the borough dropped it, is left. The folder in the bucket is the borough's own: it may hold its
only copy, and what happens to it there is the borough's to decide. The platform reads it no more, and says where it
still lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import beside, clock
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Drop, DropProfile, DropStatus, QualityMeasure
from pipelines.core.settings import settings
from pipelines.governance.lake_deletion import lake_folder

DELETED, RAW_DELETED = "deleted", "raw_deleted"
"""Marks in a drop's hashes: all of it is gone; its bytes are gone, so that it cannot be read again."""

CORRECTS, GIVEN_BACK = "corrects", "quarantine"
"""Keys in a drop's hashes: the drop whose rows it corrects; the hash of the rows given back to be corrected."""


@dataclass(frozen=True)
class Kept:
    """What is kept of one drop: paths in the lake's folder and in the bucket that are there."""

    drop: Drop
    raw: tuple[str, ...]
    intake: tuple[str, ...]
    beside: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How much of each kind."""
        return {
            "drops": 1,
            "raw_files": len(self.raw) and 1,
            "intake_folders": len(self.intake),
            "bucket_files": len(self.beside),
            "receipts": int(self.drop.receipt is not None),
        }


def is_gone(drop: Drop) -> bool:
    """Whether a drop's bytes were deleted, so that it cannot be read again."""
    return DELETED in drop.hashes or RAW_DELETED in drop.hashes


def not_deleted(session: Session, borough: str, dataset: str) -> list[Drop]:
    """Drops of a borough's dataset of which something is kept, oldest first."""
    query = sa.select(Drop).where(Drop.borough == borough, Drop.dataset == dataset).order_by(Drop.received_at, Drop.id)
    return [drop for drop in session.scalars(query) if DELETED not in drop.hashes]


def what_is_kept(drops: Sequence[Drop]) -> list[Kept]:
    """What would go with these drops. Bytes that another drop still needs are not among it."""
    store, bucket = lake_folder(), Folder(settings().bucket_url)
    going = {drop.id for drop in drops}
    with transaction() as session:
        same_bytes = sa.select(Drop).where(Drop.sha256.in_({drop.sha256 for drop in drops}))
        others = [drop for drop in session.scalars(same_bytes) if drop.id not in going]
        same_path = sa.select(Drop.path, Drop.id).where(Drop.path.in_({drop.path for drop in drops}))
        newest = dict(session.execute(same_path.order_by(Drop.received_at)).all())
    needed = {drop.sha256 for drop in others if not is_gone(drop)}
    found = []
    for drop in drops:
        raw = () if drop.sha256 in needed else (f"raw/{drop.sha256}", f"raw/{drop.sha256}.json")
        # Of two files under one name the later one owns what lies beside it.
        named = [f"{drop.path.rsplit('/', 1)[0]}/{drop.id}", *([drop.path] if newest.get(drop.path) in going else [])]
        found.append(
            Kept(
                drop,
                tuple(path for path in raw if store.exists(path)),
                tuple(path for path in (f"intake/{drop.id}",) if store.exists(path)),
                tuple(path for name in named for path in _beside(bucket, name, drop)),
            )
        )
    return found


def _beside(bucket: Folder, path: str, drop: Drop) -> list[str]:
    """Files that the platform wrote beside an extract; rows given back only while nobody has begun to correct them."""
    ours = [path + ending for ending in beside.NEVER_A_DROP]
    given = [path + beside.QUARANTINE, f"{path}.{drop.sha256[:8]}{beside.QUARANTINE}"]
    there = [name for name in ours if _is_there(bucket, name)]
    return there + [name for name in given if _is_there(bucket, name) and sha256_of(bucket, name) == _given_back(drop)]


def _given_back(drop: Drop) -> str | None:
    found = drop.hashes.get(GIVEN_BACK)
    return None if found is None else str(found)


def sha256_of(folder: Folder, path: str) -> str:
    """SHA-256 of a file, by which the platform knows what it wrote."""
    digest = hashlib.sha256()
    with folder.read(path) as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def with_corrections(session: Session, drops: Sequence[Drop]) -> list[Drop]:
    """These drops and all that correct them: corrected rows are laid over the bytes of the extract they came from."""
    found = {drop.id: drop for drop in drops}
    corrections = [drop for drop in session.scalars(sa.select(Drop)) if CORRECTS in drop.hashes]
    while more := [d for d in corrections if d.id not in found and d.hashes[CORRECTS] in found]:
        found |= {drop.id: drop for drop in more}
    return list(found.values())


def corrected_by(drops: Sequence[Drop]) -> set[str]:
    """Names of the drops that these ones correct, at any remove, and so cannot be read without."""
    before = {drop.id: str(drop.hashes[CORRECTS]) for drop in drops if CORRECTS in drop.hashes}
    with transaction() as session:
        needed = set(before.values())
        while more := {str(d.hashes[CORRECTS]) for d in _named(session, needed) if CORRECTS in d.hashes} - needed:
            needed |= more
    return needed


def _named(session: Session, names: set[str]) -> list[Drop]:
    return list(session.scalars(sa.select(Drop).where(Drop.id.in_(names))))


def forget(drops: Sequence[Drop], sentence: str, *, profiles: bool = False) -> dict[str, int]:
    """Delete all that is kept of drops but their line in the ledger, which gets the sentence; counts by kind.

    With `profiles` the figures that describe their content go as well. A drop that was under way ends as refused.
    """
    store, bucket = lake_folder(), Folder(settings().bucket_url)
    counts = dict.fromkeys(("drops", "raw_files", "intake_folders", "bucket_files", "receipts"), 0)
    found = what_is_kept(drops)
    for kept in found:
        for path in (*kept.raw, *kept.intake):
            store.remove(path)
        for path in kept.beside:
            bucket.remove(path)
        counts = {name: number + kept.counts()[name] for name, number in counts.items()}
    with transaction() as session:
        for kept in found:
            drop = session.get_one(Drop, kept.drop.id)
            if DropStatus(drop.status) not in FINAL:
                drop.status, drop.reason = DropStatus.REFUSED.value, "no_agreement"
            drop.receipt, drop.receipt_delivered, drop.mapping_name = None, True, None
            # By the hash of the rows given back they are known for ours, should they still lie somewhere.
            given = {GIVEN_BACK: drop.hashes[GIVEN_BACK]} if GIVEN_BACK in drop.hashes else {}
            drop.hashes = {DELETED: clock.now().isoformat(), **given}
            drop.sentence, drop.finished_at = sentence, drop.finished_at or clock.now()
            if profiles:
                for table in (DropProfile, QualityMeasure):
                    session.execute(sa.delete(table).where(table.drop_id == drop.id))
    return counts


def forget_bytes(drops: Sequence[Drop]) -> int:
    """Delete the raw bytes of drops that stay in use otherwise; returns how many files. They cannot be read again.

    Neither can corrections of them, whose bytes are of no use then and go too.
    """
    store = lake_folder()
    with transaction() as session:
        family = with_corrections(session, drops)
    found = what_is_kept(family)
    for path in {path for kept in found for path in kept.raw}:
        store.remove(path)
    with transaction() as session:
        for kept in found:
            drop = session.get_one(Drop, kept.drop.id)
            drop.hashes = {**drop.hashes, RAW_DELETED: clock.now().isoformat()}
    return len({kept.raw for kept in found if kept.raw})


def _is_there(folder: Folder, path: str) -> bool:
    try:
        return folder.exists(path)
    except OSError:  # a name too long to exist
        return False
