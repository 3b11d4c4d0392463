"""The secret that signs cookies and forms: from the settings, else a file of this machine made once."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from pipelines.core.settings import settings
from review.settings import review_settings


def _key_file() -> Path:
    return settings().home / "secrets" / "review-key"


@lru_cache(maxsize=1)
def secret_key() -> str:
    """The secret of this installation; every process that serves the pages must hold the same."""
    given = review_settings().secret_key
    if given is not None:
        return given.get_secret_value()
    path = _key_file()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(48))
        try:
            os.link(beside, path)  # of two processes that start at once one wins, and both read what it wrote
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return path.read_text()


def keyed(purpose: str, text: str) -> str:
    """A keyed hash of a text for one purpose, 64 letters."""
    return hmac.new(secret_key().encode(), f"{purpose}\x00{text}".encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that tells nothing of either."""
    return hmac.compare_digest(one.encode(), other.encode())
