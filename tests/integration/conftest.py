"""Ledgers to test on: SQLite always, PostgreSQL where its server is (it must be under `LODA_REQUIRE_POSTGRES`)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.core.ledger.engine import engine
from pipelines.core.settings import settings


def _binaries() -> Path | None:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """SQLAlchemy URL of a throw-away server on loopback."""
    binaries = _binaries()
    if binaries is None:
        if os.environ.get("LODA_REQUIRE_POSTGRES"):
            pytest.fail("PostgreSQL is required here, and its server is not installed")
        pytest.skip("PostgreSQL's server is not installed")
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="loda-postgres-"))
    try:
        if as_user:
            shutil.chown(folder, "postgres", "postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = folder / "data"

        def run(*command: str) -> None:
            done = subprocess.run([*as_user, *command], capture_output=True, text=True, check=False, cwd=folder)
            assert done.returncode == 0, done.stderr

        run(str(binaries / "initdb"), "-D", str(data), "-U", "loda", "--auth=trust", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run(str(binaries / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql+psycopg://loda@127.0.0.1:{port}/postgres"
        finally:
            run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database of each kind, named by `LODA_LEDGER_URL`."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres")
    monkeypatch.setenv("LODA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LODA_LEDGER_URL", url)
    monkeypatch.setenv("LODA_STABLE_SECONDS", "0")
    settings.cache_clear()
    yield request.param
    engine().dispose()
    settings.cache_clear()
