"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.core.ledger.engine import engine, upgrade
from pipelines.core.settings import settings
from schemas import registry


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty LODA_HOME with a ledger, thrown away after the test."""
    monkeypatch.setenv("LODA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LODA_STABLE_SECONDS", "0")
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    registry.clear()
    upgrade()
    yield tmp_path / "home"
    engine().dispose()
    settings.cache_clear()
    registry.clear()
