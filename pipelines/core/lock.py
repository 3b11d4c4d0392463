"""Locks between runs. The kernel or the database lets go when the holder dies, so a killed run blocks nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
from filelock import FileLock, Timeout

from pipelines.core.errors import LodaError
from pipelines.core.ledger.engine import advisory_lock, engine
from pipelines.core.settings import settings

LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for a lock that was not had in time."""


class Busy(LodaError):
    """Another run holds what this one needs."""

    exit_code = 75


@contextmanager
def exclusive(name: str, wait: float | None = None) -> Iterator[None]:
    """Hold the lock `name` ("borough-camden", "train") against every other run on the same ledger.

    A file lock where the ledger is SQLite, a PostgreSQL advisory lock where it is PostgreSQL.

    Raises:
        Busy: another run held it for longer than `wait` seconds, `LODA_LOCK_TIMEOUT_SECONDS` unless given.
    """
    timeout = settings().lock_timeout_seconds if wait is None else wait
    busy = Busy(f"Another run has been working on '{name}' for over {timeout:.0f} seconds; wait for it or stop it.")
    if engine().dialect.name == "postgresql":
        with ExitStack() as held:
            try:
                held.enter_context(advisory_lock(name, timeout))
            except sa.exc.OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise  # the server is away, which is told and tried again as such
                raise busy from error
            yield
        return
    folder = settings().home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{name[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.lock", timeout=timeout):
            yield
    except Timeout as error:
        raise busy from error
