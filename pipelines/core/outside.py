"""What lies outside and can be away, full or refuse: disks, buckets, the ledger's database. Told in one sentence.

The text of such an exception is read and never told: it may quote a statement with its values, or the name of a file.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from pipelines.core.errors import LodaError
from pipelines.core.ledger.engine import schema_revisions
from pipelines.core.settings import MIB, settings

if TYPE_CHECKING:
    from pipelines.core.bucket import Folder

FULL = {errno.ENOSPC, errno.EDQUOT}
UNSOUND = {errno.EIO, errno.EROFS, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
UNREACHED = {
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.ECONNABORTED,
    errno.EPIPE,
    errno.ETIMEDOUT,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ENETDOWN,
}
LITTLE_MIB = 64
"""With less than this left a disk counts as the one that is full, where the exception does not say which it was."""

STORES = ("bucket_url", "lake_url", "published_url", "models_url")
OF_A_BUCKET = {"botocore", "aiobotocore", "aiohttp", "s3fs", "fsspec"}
"""Packages whose exceptions are those of an object store: of what we use, nothing else speaks through them."""

NOT_THE_SERVERS = range(400, 500)
REFUSED = {401, 403, 407, 409, 429}
"""Of the answers that put the fault to whoever asks, those that a key, a right or a limit is behind."""

BUCKET_TEXTS = ("generic s3 error", "error sending request", "error performing ", "object store error")
FULL_TEXTS = ("os error 28", "os error 122", "no space left on device", "disk quota exceeded")
"""How Delta and Arrow, whose exceptions have no numbers, begin what they say of an object store and of a disk."""

PG_AWAY = ("08", "57P", "53300")
PG_FULL = "53100"
PG_MAY_PASS = ("40001", "40P01", "55P03")
PG_OTHER_SHAPE = {"42P01", "42703", "42704"}
"""PostgreSQL's codes: away or shut down, disk full, another was in the way, no such table or column."""

PG_REFUSES = {
    "password authentication failed": "refuses its user or the password: set the one that the role has",
    "no password supplied": "asks for a password: give the role's",
    "no pg_hba.conf entry": "lets nobody in from this host under that name: see pg_hba.conf there",
    "does not exist": "is not there, or its user is not: make it, docs/deploy.md has how",
    "permission denied for database": "is not open to that role: see 'loda ledger roles'",
    "failed to resolve host": "has a host that no name server knows: correct its name",
}
"""How PostgreSQL and its driver begin what a new connection is refused for, which has no code, and what to do."""

GOES_ON = "What was there before stands; run again afterwards."


class Outside(LodaError):
    """Something outside the platform is away, full, or refuses; it may pass, or a person mends it there."""

    exit_code = 75


@contextmanager
def told() -> Iterator[None]:
    """Turn a fault of what lies outside into its sentence; everything else passes.

    Raises:
        Outside: with the sentence.
    """
    try:
        yield
    except LodaError:
        raise  # it has its sentence
    except Exception as error:
        raise_if_behind(error)
        raise


def raise_if_behind(error: BaseException) -> None:
    """Keep a fault of what lies outside from being put down to a file that was being read.

    Raises:
        Outside: one is behind the exception.
    """
    sentence = sentence_of(error)
    if sentence is not None:
        raise Outside(sentence) from None


def sentence_of(error: BaseException) -> str | None:
    """What is wrong outside, where, and what to do; None where nothing outside is behind an exception."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        found = _of_one(link)
        if found is not None:
            return found
        link = link.__cause__ or link.__context__
    return None


def not_there(place: Folder, setting: str) -> str:
    """What is to be done where a folder, or the bucket that it lies in, is not there."""
    if place.local:
        return f"is not there: make that folder or mount its disk, or correct {setting}."
    bucket = place.root.partition("/")[0]
    return (
        f"is not there: make the bucket '{bucket}' at AWS_ENDPOINT_URL, docs/deploy.md has how, or correct {setting}."
    )


def _of_one(error: BaseException) -> str | None:
    if isinstance(error, sa.exc.DBAPIError):
        return _of_ledger(error)
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, settings().ledger_url)
    package = type(error).__module__.split(".")[0]
    if package in OF_A_BUCKET:
        return _bucket(error)
    text = str(error).lower()
    if isinstance(error, OSError) or package in {"deltalake", "_internal", "pyarrow"}:
        number = getattr(error, "errno", None)
        if number in FULL or any(sign in text for sign in FULL_TEXTS):
            return _full_disk()
        if any(sign in text for sign in BUCKET_TEXTS):
            return _bucket(error)
        if number in UNSOUND:
            return f"A disk or file system fails ({errno.errorcode[number]}): {_places()}; see to it. {GOES_ON}"
        if number in UNREACHED:
            return f"A server does not answer ({errno.errorcode[number]}): 'loda doctor' says which. {GOES_ON}"
    return None


def _of_ledger(error: sa.exc.DBAPIError) -> str | None:
    address = sa.make_url(settings().ledger_url).render_as_string(hide_password=True)
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original, address)
    state = str(getattr(original, "sqlstate", None) or "")
    if state == PG_FULL:
        return f"The disk of the ledger's database, {address}, is full: free some there. {GOES_ON}"
    if state in PG_OTHER_SHAPE:
        return _of_other_shape(address)
    if state.startswith(PG_MAY_PASS):
        return f"Another run was in the way at the ledger, {address}. {GOES_ON}"
    if _is_of_connection(error):
        told = str(original).lower()
        refused = next((why for sign, why in PG_REFUSES.items() if sign in told), None)
        if refused is not None:
            return f"The ledger's database, {address}, {refused}; LODA_LEDGER_URL says who comes and where to."
    if error.connection_invalidated or state.startswith(PG_AWAY) or (not state and _is_of_connection(error)):
        return f"The ledger's database, {address}, is away or was restarted: 'loda doctor' says if it runs. {GOES_ON}"
    return None


def _is_of_connection(error: sa.exc.DBAPIError) -> bool:
    return isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))


def _of_sqlite(original: sqlite3.Error, address: str) -> str | None:
    primary = (getattr(original, "sqlite_errorcode", 0) or 0) & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return _full_disk()
    if primary in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
        # SQLite tells a disk that is full while its log is shared between processes as a fault of the disk.
        return _full_disk() if _full_places() else f"The disk of the ledger, {address}, fails: see to it. {GOES_ON}"
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"The ledger, {address}, was held by another process for too long. {GOES_ON}"
    if primary == sqlite3.SQLITE_ERROR and str(original).startswith(("no such table", "no such column")):
        return _of_other_shape(address)
    return None


def _of_other_shape(address: str) -> str | None:
    """The ledger's tables were changed under a run; None where they are this code's: the fault is ours."""
    current, head = schema_revisions()
    if current == head:
        return None
    return (
        f"The ledger, {address}, is at version {current or 'none'} and this code needs {head}: it was changed while "
        f"this ran. Run 'loda ledger upgrade' of the version that is to stay. {GOES_ON}"
    )


def _full_disk() -> str:
    full = _full_places()
    where = f"on the disk of {', '.join(full)}" if full else f"on a disk: {_places()}"
    return f"There is no space left {where}; free some. {GOES_ON}"


def _full_places() -> list[str]:
    """Those of the places that are written to whose disk is as good as full."""
    found = []
    for place in _local_places():
        existing = next((folder for folder in (place, *place.parents) if folder.exists()), None)
        if existing is not None and shutil.disk_usage(existing).free < LITTLE_MIB * MIB:
            found.append(str(place))
    return found


def _local_places() -> list[Path]:
    own = settings()
    stores = [str(getattr(own, name)) for name in STORES]
    places = [own.home, Path(tempfile.gettempdir())]
    outer = [Path(store.removeprefix("file://")) for store in stores if "://" not in store.removeprefix("file://")]
    return places + [place for place in outer if own.home not in place.parents]


def _places() -> str:
    return ", ".join(str(place) for place in _local_places())


def _bucket(error: BaseException) -> str | None:
    """A sentence on an object store, with its status where there is one, never its text; None for what is not there."""
    answer = getattr(error, "response", None)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(answer, dict) else None
    if status in NOT_THE_SERVERS and status not in REFUSED:
        return None
    what = f"answers {status}" if status else f"does not answer as it should ({type(error).__name__})"
    own = settings()
    remote = [str(getattr(own, name)) for name in STORES if "://" in str(getattr(own, name))]
    where = ", ".join(sorted({"/".join(url.split("/")[:3]) for url in remote})) or "the object store"
    return f"The bucket, {where}, {what}: see to that server, its network and our key ('loda doctor'). {GOES_ON}"
