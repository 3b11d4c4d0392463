"""Which files are new, and whether they have been written to the end."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from pipelines.core import beside, outside
from pipelines.core.bucket import Entry, Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Arrival, Drop
from pipelines.core.settings import settings
from pipelines.governance import outages
from pipelines.ingest.second_look import to_look_at_again

log = logging.getLogger(__name__)

DROPS = "drops"
UNPLACED = "unplaced"
UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload")
OFFICE_LOCK = "~$"
"""How the file begins that Excel keeps beside a workbook while somebody has it open."""


def borough_of(path: str) -> str:
    """The borough folder that a bucket path lies in; `unplaced` for a file that lies in none."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else UNPLACED


def expect_bucket() -> None:
    """Make sure that the bucket is there, before anything is begun.

    What else may be wrong with it, such as a server that is away, is left to the first stage that needs it.

    Raises:
        Outside: there is no such bucket, or no such folder.
    """
    bucket = Folder(settings().bucket_url, patient=False)
    try:
        missing = bucket.is_missing()
    except Exception as error:
        if outside.sentence_of(error) is None:
            raise
        return
    if missing:
        with outages.noted():
            raise not_there(bucket)


def ours_to_make(bucket: Folder) -> bool:
    """Whether a bucket that is not there may be made: only a folder below our own home, since others fill any other.

    A file put where a disk ought to be mounted would be hidden by it later.
    """
    return bucket.local and settings().home in Path(bucket.root).parents


def not_there(bucket: Folder) -> outside.Outside:
    """What to say where the bucket itself is not there."""
    said = outside.not_there(bucket, "LODA_BUCKET_URL")
    return outside.Outside(f"The bucket, {bucket.url}, {said} {outside.GOES_ON}")


def dropped_files(bucket: Folder) -> list[Entry]:
    """Every file that somebody dropped: not our receipts and notices, not a hidden file, not an upload under way.

    Rows that we gave back are among them: an officer may have corrected them in their place. Unchanged ones are not
    new, and are known by their bytes when they are read.

    A file whose name is no text in UTF-8 cannot be named in a receipt; it is logged and left.

    Raises:
        Outside: the bucket itself is not there; one without any file is.
    """
    with outages.noted():
        listed = bucket.list(DROPS)
        if not listed and bucket.is_missing():
            raise not_there(bucket)
    found = [entry for entry in listed if not _is_ours(entry.path.rsplit("/", 1)[-1])]
    named = [entry for entry in found if _is_text(entry.path)]
    if len(named) < len(found):
        log.warning("%d files have names that are not UTF-8 and are left: rename them", len(found) - len(named))
    return named


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_ours(name: str) -> bool:
    return (
        name.startswith((".", OFFICE_LOCK)) or name.endswith(beside.NEVER_A_DROP) or name.lower().endswith(UNFINISHED)
    )


def is_young(entry: Entry) -> bool:
    """Whether the file changed so lately that it may still be being written."""
    return 0 <= time.time() - entry.modified.timestamp() < settings().stable_seconds


def new_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Those files that are not as they were when last seen."""
    with transaction() as session:
        seen = {arrival.path: arrival.marker for arrival in session.scalars(sa.select(Arrival))}
    return [entry for entry in entries if seen.get(entry.path[:500]) != entry.marker]


def discover() -> list[str]:
    """Slugs of the boroughs with a new file, an unfinished drop or a receipt to deliver, most bytes first.

    So no large borough is begun last, while the other workers have nothing left to do.
    A file younger than `LODA_STABLE_SECONDS` is waited for once; one that is still
    changing after that is left for the next night.
    """
    bucket = Folder(settings().bucket_url)
    fresh = new_entries(dropped_files(bucket))
    if any(is_young(entry) for entry in fresh):
        time.sleep(settings().stable_seconds)
        fresh = new_entries(dropped_files(bucket))
    found: Counter[str] = Counter()
    for entry in fresh:
        if not is_young(entry):
            found[borough_of(entry.path)] += entry.size
    young = sum(is_young(entry) for entry in fresh)
    if young:
        log.warning("%d files are still being written and are left for the next night", young)
    with transaction() as session:
        final = [status.value for status in FINAL]
        unfinished = sa.or_(Drop.status.not_in(final), Drop.receipt_delivered.is_(False))
        waiting = {drop.id: drop for drop in session.scalars(sa.select(Drop).where(unfinished))}
    waiting |= {drop.id: drop for drop in to_look_at_again()}
    for drop in waiting.values():
        found[drop.borough] += drop.size_bytes
    return sorted(found, key=lambda borough: (-found[borough], borough))
