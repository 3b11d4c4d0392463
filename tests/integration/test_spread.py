"""Links and features by the workers of a Dask cluster are those of one machine, also where a worker is killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from distributed import Client
from typer.testing import CliRunner

from pipelines import night
from pipelines.cli import app
from pipelines.core import lake
from pipelines.core.ledger.engine import engine
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from pipelines.whole_night import INTAKE
from tests.homes import forget_own_files
from tests.integration.dask_cluster import DaskCluster, dask_cluster

BOROUGHS = ("camden", "lambeth")
DWELLINGS = 600
TABLES = ("property", "link", "link_report", "address_link", "matrix")
SECONDS = 900
MADE = [*(("link", borough) for borough in BOROUGHS), ("landlords", "london"), *(("features", b) for b in BOROUGHS)]


@contextmanager
def at(home: Path) -> Iterator[None]:
    """This process works in a home that is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LODA_HOME", str(home))
        patch.setenv("LODA_STABLE_SECONDS", "0")
        settings.cache_clear()
        forget_own_files()
        try:
            yield
        finally:
            engine().dispose()
    settings.cache_clear()
    forget_own_files()


@dataclass(frozen=True)
class State:
    """Every row of what linkage and features make, by table and borough, and all landlords."""

    tables: dict[tuple[str, str], pa.Table]
    landlords: list[dict[str, Any]]

    @classmethod
    def of(cls, home: Path) -> State:
        with at(home):
            read = {(name, b): lake.read(name, boroughs=[b]) for name in TABLES for b in BOROUGHS}
            landlords = lake.read("landlord")
        assert all(table is not None and table.num_rows for table in read.values())
        return cls(read, sorted(landlords.to_pylist(), key=str))


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose lake holds two boroughs' extracts, and nothing that was made of them."""
    home = tmp_path_factory.mktemp("intake") / "home"
    home.mkdir()
    with at(home):
        done = CliRunner().invoke(app, ["demo", "--boroughs", ",".join(BOROUGHS), "--dwellings", str(DWELLINGS)])
        assert done.exit_code == 0, done.output
        night.prepare()
        for borough in night.discover():
            for stage in INTAKE:
                getattr(night, stage)(borough)
    return home


@pytest.fixture(scope="module")
def by_one(intake: Path, tmp_path_factory: pytest.TempPathFactory) -> State:
    """What the night's stages make here, in this process."""
    home = tmp_path_factory.mktemp("by-one") / "home"
    shutil.copytree(intake, home)
    with at(home):
        for borough in BOROUGHS:
            assert night.link(borough).outcome == "made"
        assert night.landlords().outcome == "made"
        for borough in BOROUGHS:
            assert night.features(borough, night.resolve_as_of(None)).outcome == "made"
    return State.of(home)


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What `loda spread --json` said; it must end well."""
    said, complained = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said + complained
    told: dict[str, Any] = json.loads(said)
    return told


def until(what: str, holds: Callable[[], Any], pause: float) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"never: {what}")


def test_workers_make_what_one_process_makes_and_a_killed_one_loses_nothing(
    intake: Path, by_one: State, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(intake, home)
    with dask_cluster(tmp_path, home) as cluster:
        told = _with_a_worker_killed(cluster, home)
    assert told["failures"] == []
    assert sorted((it["stage"], it["borough"]) for it in told["results"] if it["outcome"] == "made") == sorted(MADE)
    assert State.of(home) == by_one
    with at(home):  # one process finds it all done
        assert night.link("camden").outcome == "unchanged"
        assert night.features("camden", night.resolve_as_of(None)).outcome == "unchanged"
        assert CliRunner().invoke(app, ["audit", "verify"]).exit_code == 0


def _with_a_worker_killed(cluster: DaskCluster, home: Path) -> dict[str, Any]:
    """What a run said in which the worker that links camden was killed while it wrote."""
    with cluster.client() as client:
        with at(home), exclusive("link-camden"):
            running = cluster.loda("spread", "--scheduler", cluster.address, "--json")
            busy = until("a worker waits with camden's links", lambda: _at_work(client, "link-camden"), 0.1)
            (process,) = client.run(os.getpid, workers=[busy]).values()
            killed = psutil.Process(process)
        until("its properties are being written", (home / "lake" / "property" / "borough=camden").exists, 0.002)
        killed.kill()
    with at(home):
        links = lake.read("link", boroughs=["camden"])
    assert links is None or not links.num_rows, "it had ended before it was killed"
    told = ended(running)
    assert not killed.is_running()
    return told


def _at_work(client: Client, task: str) -> str | None:
    """Address of the worker that a task was given to."""
    given = client.processing()
    return next((worker for worker, keys in given.items() for key in keys if key.startswith(task)), None)
