"""Rows that were given back to be corrected: files of ours that lie among the drops and are never drops themselves.

They are known by their bytes, not by their name, because an officer may correct such a file and save it in its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import beside, clock
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Arrival, Drop
from pipelines.extracts.intake import IntakeFiles

HASH = "quarantine"
"""Key in a drop's `hashes` under which the hash of the rows given back is kept."""

ROWS = "given_back"
"""Beside a drop's other files: the numbers of its rows that were ever given back."""


def remember(drop: Drop, sha256: str, numbers: npt.NDArray[np.int64]) -> None:
    """Record the hash of a drop's rows given back, and which they are; done before the file can be seen.

    Rows that were given back by an earlier reading stay among them: somebody may be correcting them.
    """
    files = IntakeFiles(drop.id)
    every = np.union1d(rows_of([drop]), numbers)
    files.write(ROWS, pa.table({"row_number": pa.array(every, pa.int64())}))
    with transaction() as session:
        row = session.get_one(Drop, drop.id)
        row.hashes = drop.hashes = {**row.hashes, HASH: sha256}


def rows_of(drops: Sequence[Drop]) -> npt.NDArray[np.int64]:
    """Ascending numbers of all rows that were given back for any of these drops."""
    found = [np.empty(0, np.int64)]
    for drop in drops:
        files = IntakeFiles(drop.id)
        if files.folder.exists(f"{ROWS}.parquet"):
            found.append(files.read(ROWS)["row_number"].to_numpy())
    return np.unique(np.concatenate(found))


def written_for(session: Session, sha256: str) -> list[Drop]:
    """Drops whose rows given back have this hash."""
    return list(session.scalars(sa.select(Drop).where(Drop.hashes[HASH].as_string() == sha256)))


def is_where_we_put_it(path: str, drops: list[Drop]) -> bool:
    """Whether a file with such rows lies beside one of their drops, as we wrote it."""
    return path.endswith(beside.QUARANTINE) and any(path.startswith(f"{drop.path}.") for drop in drops)


def marker_if_ours(bucket: Folder, path: str) -> str | None:
    """The marker of rows that we gave back and nobody has changed; None for anything else and for no file at all."""
    marker = marker_of(bucket, path)
    if marker is None:
        return None
    # The marker is taken first: should somebody save over the file now, its bytes are not ours.
    with bucket.read(path) as handle:
        digest = hashlib.sha256()
        while block := handle.read(1 << 20):
            digest.update(block)
    with transaction() as session:
        return marker if written_for(session, digest.hexdigest()) else None


def marker_of(bucket: Folder, path: str) -> str | None:
    """The marker of a file in the bucket, None where there is none."""
    found = bucket.list(path.rsplit("/", 1)[0])
    return next((entry.marker for entry in found if entry.path == path), None)


def seen(session: Session, path: str, marker: str, drop_id: str) -> None:
    """Note a file as seen, so that it is not looked at again until it changes."""
    session.merge(Arrival(path=path[:500], marker=marker, drop_id=drop_id, seen_at=clock.now()))
