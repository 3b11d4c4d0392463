"""Locks between runs. The kernel or the database lets go when the holder dies, so a killed run blocks nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, ReadWriteLock, Timeout

from pipelines.core.errors import Busy
from pipelines.core.ledger.engine import advisory_lock, engine
from pipelines.core.settings import settings

__all__ = ["Busy", "exclusive", "exclusive_of_all"]


@contextmanager
def exclusive(name: str, wait: float | None = None, *, beside: str | None = None) -> Iterator[None]:
    """Hold the lock `name` ("borough-camden", "train") against every other run on the same ledger.

    A file lock where the ledger is SQLite, a PostgreSQL advisory lock where it is PostgreSQL. With `beside`, which any
    number of runs share, it is not had while `exclusive_of_all` holds that one.

    Raises:
        Busy: another run held it for longer than `wait` seconds, `LODA_LOCK_TIMEOUT_SECONDS` unless given.
    """
    timeout = settings().lock_timeout_seconds if wait is None else wait
    if engine().dialect.name == "postgresql":
        with advisory_lock(name, timeout, beside=beside):
            yield
        return
    with ExitStack() as held:
        if beside is not None:
            with _told(beside, timeout):
                held.enter_context(_shared(beside).read_lock(timeout))
        with _told(name, timeout):
            held.enter_context(FileLock(_place(name), timeout=timeout))
        yield


@contextmanager
def exclusive_of_all(beside: str, wait: float | None = None) -> Iterator[None]:
    """Keep away all runs that hold a lock beside this one, after waiting for those that do.

    Raises:
        Busy: one of them did for longer than `wait` seconds, `LODA_LOCK_TIMEOUT_SECONDS` unless given.
    """
    timeout = settings().lock_timeout_seconds if wait is None else wait
    if engine().dialect.name == "postgresql":
        with advisory_lock(beside, timeout):
            yield
        return
    with ExitStack() as held:
        with _told(beside, timeout):
            held.enter_context(_shared(beside).write_lock(timeout))
        yield


def _place(name: str) -> Path:
    folder = settings().home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.lock"


def _shared(name: str) -> ReadWriteLock:
    # One for each holder: those of one process are runs of their own too.
    return ReadWriteLock(_place(name), is_singleton=False)


@contextmanager
def _told(name: str, timeout: float) -> Iterator[None]:
    try:
        yield
    except Timeout as error:
        raise Busy(name, timeout) from error
