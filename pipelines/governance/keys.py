"""The two secrets: the key of the tokens of direct identifiers, and the key of what is remembered of erased subjects.

Each comes from the environment, where a secrets backend puts it, or from a file that is made on first use. Which key
was used is marked in the ledger by a fingerprint, so that a lost or another key is noticed before it makes tokens
that match nothing, and is never silently made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.models import KeyMark
from pipelines.core.settings import settings

Name = Literal["pseudonym", "erasure"]

NAMES: tuple[Name, ...] = ("pseudonym", "erasure")
SHORTEST = 32
"""Letters of the shortest key that is taken from the environment; a shorter one can be guessed."""

CHECKED_FOR = 5.0
"""Seconds for which a key that was found to be the right one is not held against the ledger again."""

_OF_A_REHEARSAL: ContextVar[bytes | None] = ContextVar("key of a rehearsal", default=None)
_checked: dict[tuple[str, Name, str], float] = {}


@contextlib.contextmanager
def without_making_a_key() -> Iterator[None]:
    """Inside, where there is no key yet, tokens are keyed with one that is forgotten: a rehearsal stores nothing."""
    before = _OF_A_REHEARSAL.set(secrets.token_bytes(32))
    try:
        yield
    finally:
        _OF_A_REHEARSAL.reset(before)


def key(name: Name) -> bytes:
    """The key: `LODA_PSEUDONYM_KEY` or `LODA_ERASURE_KEY`, else its file, readable by its owner only.

    Raises:
        ConfigurationError: it is not the one that was used so far, is lost, or is too short.
    """
    found = present(name)
    if found is None:
        forgotten = _OF_A_REHEARSAL.get()
        if forgotten is not None:
            return forgotten
        if marked(name) is not None:
            raise ConfigurationError(_lost(name))
        found = make(key_file(name))
    mark = fingerprint(found)
    at = (settings().ledger_url, name, mark)
    if time.monotonic() - _checked.get(at, -CHECKED_FOR) >= CHECKED_FOR:
        _check(name, mark)
        _checked[at] = time.monotonic()
    return found


def check(name: Name) -> str | None:
    """The fingerprint of the key, None where there was never one; nothing is made or noted.

    Raises:
        ConfigurationError: it is not the one that was used so far, is lost, or is too short.
    """
    known, found = marked(name), present(name)
    if found is None and known is not None:
        raise ConfigurationError(_lost(name))
    if found is not None and known not in (None, fingerprint(found)):
        raise ConfigurationError(_another(name))
    return None if found is None else fingerprint(found)


def present(name: Name) -> bytes | None:
    """The key as it is configured, without asking whether it is the right one; None where there is none.

    Raises:
        ConfigurationError: it is too short.
    """
    given = settings().pseudonym_key if name == "pseudonym" else settings().erasure_key
    if given is not None:
        value = given.get_secret_value()
        if len(value) < SHORTEST:
            raise ConfigurationError(
                f"{setting(name)} has {len(value)} letters; a key that cannot be guessed has at least {SHORTEST}."
            )
        return value.encode()
    path = key_file(name)
    return path.read_bytes() if path.exists() else None


def setting(name: Name) -> str:
    """The setting that gives a key."""
    return f"LODA_{name.upper()}_KEY"


def key_file(name: Name) -> Path:
    """Where a key lies that no setting gives."""
    return settings().home / "secrets" / f"{name}.key"


def make(path: Path) -> bytes:
    """Make a key file, readable by its owner only; of two makers one wins, and both get its key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.touch(mode=0o600)
    beside.write_text(secrets.token_hex(32))
    # A hard link fails where the key is there already, so of two first runs one key wins, whole.
    with contextlib.suppress(FileExistsError):
        os.link(beside, path)
    beside.unlink()
    return path.read_bytes()


def fingerprint(secret: bytes) -> str:
    """What tells two keys apart and does not tell a key (64 hex digits)."""
    return hmac.digest(secret, b"which key this is", hashlib.sha256).hex()


def marked(name: Name) -> str | None:
    """Fingerprint of the key that was used so far; None where none was, or where there is no ledger yet."""
    if not ledger.is_there():
        return None
    with ledger.transaction() as session:
        found = session.get(KeyMark, name)
        return found.fingerprint if found else None


def mark(name: Name, found: str) -> None:
    """Note which key is used from now on."""
    with ledger.transaction() as session:
        session.merge(KeyMark(name=name, fingerprint=found, since=clock.now()))


def _check(name: Name, found: str) -> None:
    known = marked(name)
    if known is None and ledger.is_there() and _OF_A_REHEARSAL.get() is None:
        try:
            with ledger.transaction() as session:
                session.add(KeyMark(name=name, fingerprint=found, since=clock.now()))
        except sa.exc.IntegrityError:  # another process was a moment earlier
            known = marked(name)
    if known is not None and known != found:
        raise ConfigurationError(_another(name))


def _lost(name: Name) -> str:
    there = f"The {name} key is gone: {setting(name)} is not set and {key_file(name)} is not there"
    return f"{there}, but tokens were made with it. {_what_to_do(name)}"


def _another(name: Name) -> str:
    where = setting(name) if present_in_environment(name) else str(key_file(name))
    return f"The {name} key in {where} is not the one that tokens were made with so far. {_what_to_do(name)}"


def present_in_environment(name: Name) -> bool:
    """Whether a setting gives the key."""
    return (settings().pseudonym_key if name == "pseudonym" else settings().erasure_key) is not None


def _what_to_do(name: Name) -> str:
    if name == "pseudonym":
        return "Put the old one back, or let 'loda key rotate' make all tokens anew under another."
    return "Put the old one back: what was erased under it could not be told apart any more."
