"""A file that somebody sends through a page becomes a file in the bucket, like any other drop."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from pipelines.core import beside
from pipelines.core.bucket import Folder
from pipelines.core.errors import RefusedDrop
from pipelines.core.ledger.engine import transaction
from pipelines.core.lock import exclusive
from pipelines.core.settings import MIB, settings
from pipelines.governance import audit
from pipelines.ingest.discovery import DROPS, OFFICE_LOCK, UNFINISHED, not_there, ours_to_make
from pipelines.ingest.place import LONGEST_NAME, check_name, check_place
from pipelines.ingest.sniffing import check_kind, kind_of

BLOCK = MIB
MOST_OF_A_NAME = 1_000
ROOM_FOR_A_NUMBER = 8
NOT_IN_A_NAME = re.compile(r'[\x00-\x1f\x7f<>:"|?*%#&;$`{}\[\]\\/]+')


@dataclass(frozen=True)
class Dropped:
    """Where a file lies now. `already`: the very same bytes lay there before, and nothing was written."""

    path: str
    size: int
    sha256: str
    already: bool


def safe_name(given: str) -> str:
    """A name under which a file may lie in the bucket, from the one that a browser gave: no folder, nothing hidden.

    Raises:
        RefusedDrop: nothing of it is left, or it is the name of a file of ours or of one still being written.
    """
    own = unicodedata.normalize("NFC", given).replace("\\", "/").rsplit("/", 1)[-1]
    own = "".join(letter for letter in own if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    own = " ".join(NOT_IN_A_NAME.sub(" ", own).split()).strip(" .")
    own = own.removeprefix(OFFICE_LOCK).lstrip("~. ")
    ending = PurePosixPath(own).suffix
    stem = own[: len(own) - len(ending)]
    while len((stem + ending).encode()) > LONGEST_NAME - ROOM_FOR_A_NUMBER and stem:
        stem = stem[:-1]
    name = stem.rstrip() + ending
    if not stem.strip(" .-_"):
        raise RefusedDrop("unsupported_kind", "The file has no name that can be kept; give it one and send it again.")
    if name.endswith(beside.NEVER_A_DROP) or name.lower().endswith(UNFINISHED):
        raise RefusedDrop("wrong_place", f"A file named '{name[-60:]}' is never taken for an extract; rename it.")
    return name


def drop(borough: str, dataset: str, given_name: str, source: IO[bytes], who: str) -> Dropped:
    """Put a file among a borough's drops, in somebody's name. It never takes the place of another file.

    Where its name is taken by other bytes it gets a number; the very same bytes under the same name change nothing.

    Raises:
        RefusedDrop: no file of this kind, or of this place, would be read, or it is empty.
        Outside: the bucket is not there.
    """
    name = safe_name(given_name)
    folder = f"{DROPS}/{borough}/{dataset}"
    check_kind(kind_of(name))
    check_name(f"{folder}/{name}")
    check_place(f"{folder}/{name}")
    sha256, size = _measured(source)
    if not size:
        raise RefusedDrop("empty_file", "The file is empty (0 bytes).")
    bucket = Folder(settings().bucket_url)
    if not ours_to_make(bucket) and bucket.is_missing():
        raise not_there(bucket)
    with exclusive(f"drop-{borough}-{dataset}"):
        path, already = _place(bucket, folder, name, sha256)
        if already:
            return Dropped(path, size, sha256, True)
        source.seek(0)
        with bucket.write(path) as target:
            while block := source.read(BLOCK):
                target.write(block)
            # On record before it can be seen: the file appears when this block ends.
            with transaction() as session:
                details = {"dataset": dataset, "bytes": size, "sha256": sha256}
                audit.record(session, who=who, what="drop extract", about=borough, details=details)
    return Dropped(path, size, sha256, False)


def _measured(source: IO[bytes]) -> tuple[str, int]:
    source.seek(0)
    digest, size = hashlib.sha256(), 0
    while block := source.read(BLOCK):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def _place(bucket: Folder, folder: str, name: str, sha256: str) -> tuple[str, bool]:
    """Where the file goes, and whether its bytes lie there already."""
    ending = PurePosixPath(name).suffix
    stem = name[: len(name) - len(ending)]
    for number in range(1, MOST_OF_A_NAME):
        path = f"{folder}/{stem if number == 1 else f'{stem}-{number}'}{ending}"
        if not bucket.exists(path):
            return path, False
        with bucket.read(path) as there:
            digest = hashlib.sha256()
            while block := there.read(BLOCK):
                digest.update(block)
        if digest.hexdigest() == sha256:
            return path, True
    raise RefusedDrop("name_too_long", f"There are {MOST_OF_A_NAME:,} files of that name; give it another.")
