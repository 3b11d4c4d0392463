"""A home of its own for a test: an empty `LODA_HOME` whose ledger has its tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import engine, settle, upgrade
from pipelines.core.settings import settings
from schemas import registry


@contextmanager
def own_home(folder: Path, **environment: str) -> Iterator[Path]:
    """Work in a folder as `LODA_HOME`, with further settings; nothing of it is seen afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"LODA_HOME": str(folder), "LODA_STABLE_SECONDS": "0", **environment}.items():
            patch.setenv(name, value)
        move_into_home()
        yield folder
        engine().dispose()
    settings.cache_clear()
    forget_own_files()


def forget_own_files() -> None:
    """Read anew what may lie in a home: mappings. What is committed stays as read, half of a small night's time."""
    registry.read_mapping.cache_clear()


def move_into_home() -> None:
    """Read the settings anew and see to a ledger: a copy of one that was migrated once, which takes no time.

    One on a server is migrated where it is.
    """
    settings.cache_clear()
    forget_own_files()
    url = sa.make_url(settings().ledger_url)
    if url.get_backend_name() != "sqlite":
        upgrade()
        return
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_migrated())


@lru_cache(maxsize=1)
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LODA_HOME", folder)
        settings.cache_clear()
        upgrade()
        settle()
        engine().dispose()
        content = (Path(folder) / "ledger.db").read_bytes()
    settings.cache_clear()
    return content
