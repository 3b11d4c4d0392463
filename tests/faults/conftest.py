"""Drivers, and the world in whose second night everything breaks. Collected by `make faults` only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

if not os.environ.get("LODA_FAULTS"):
    collect_ignore_glob = ["test_*.py"]

ROOT = Path(__file__).resolve().parents[2]
BOROUGHS = ("camden", "lambeth")
DWELLINGS = 600
FIRST, SECOND = "2026-06-30", "2026-09-30"
NEW = (("camden", "hmo_licence"), ("lambeth", "council_tax"), ("lambeth", "service_request"))
"""What comes in before the second night; one of it has rows that are quarantined, and one more is no extract at all."""


def at(day: str, hour: int = 2) -> str:
    """A moment on a day, for `LODA_NOW`."""
    return f"{day}T{hour:02}:00:00+00:00"


@dataclass
class Driver:
    """A process that runs nights in children of its own (`driver.py`)."""

    process: subprocess.Popen[str]
    kills: int = field(default=0)

    def ask(self, act: str, home: Path, *, now: str = at(SECOND), **order: Any) -> dict[str, Any]:
        """What a child answered, with `exit` (negative for a signal) and `seconds`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"act": act, "home": str(home), "now": now, **order}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def must(self, act: str, home: Path, **order: Any) -> dict[str, Any]:
        """The same, of a child that has to end well."""
        answer = self.ask(act, home, **order)
        assert answer["exit"] == 0, answer
        return answer


@pytest.fixture(scope="session")
def drivers() -> Iterator[list[Driver]]:
    """As many as there are processors to use (`LODA_FAULT_WORKERS`)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "LODA_STABLE_SECONDS": "0"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.driver"],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(int(os.environ.get("LODA_FAULT_WORKERS", "2")))
    ]
    yield [Driver(process) for process in processes]
    for process in processes:
        process.communicate(timeout=60)


@dataclass(frozen=True)
class World:
    """A home before its second night (`before`), and what it holds after one that nobody disturbed."""

    before: Path
    expected: dict[str, Any]
    steps: int
    seconds: float

    def copy(self, to: Path) -> Path:
        """The home before its second night, anew: what is only ever replaced whole is linked, the rest copied."""
        for part in self.before.iterdir():
            if part.name in ("bucket", "lake", "published"):
                shutil.copytree(part, to / part.name, copy_function=os.link)
            elif part.is_dir():
                shutil.copytree(part, to / part.name)
            else:
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy2(part, to / part.name)
        return to


@pytest.fixture(scope="session")
def world(drivers: list[Driver], tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two boroughs with lists, and new extracts in the bucket."""
    folder = tmp_path_factory.mktemp("world")
    driver, home = drivers[0], folder / "before"
    for day in (FIRST, SECOND):
        places = {"out": str(folder / day), "truth": str(folder / "truth" / day)}
        driver.must("world", home, boroughs=BOROUGHS, dwellings=DWELLINGS, seed=3, until=day, **places)
    shutil.copytree(folder / FIRST, home / "bucket")
    assert driver.must("night", home, now=at(FIRST))["failures"] == []
    for borough, dataset in NEW:
        for path in (folder / SECOND / "drops" / borough / dataset).iterdir():
            shutil.copy2(path, home / "bucket" / "drops" / borough / dataset / path.name)
    (home / "bucket" / "drops" / "camden" / "hmo_licence" / "no extract.csv").write_bytes(b"\0\1\2" * 50)
    undisturbed = World(home, {}, 0, 0.0).copy(folder / "undisturbed")
    done = driver.must("night", undisturbed)
    assert done["failures"] == []
    assert driver.must("faults", undisturbed)["faults"] == []
    expected = driver.must("content", undisturbed)
    return World(home, _content(expected), done["steps"], done["seconds"])


def _content(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("exit", "seconds")}


def differences(world: World, answer: dict[str, Any]) -> list[str]:
    """Names of what differs from the home of a night that nobody disturbed."""
    found = _content(answer)
    return sorted(
        f"{name}: {found.get(name)} for {world.expected.get(name)}"
        for name in {*found, *world.expected}
        if found.get(name) != world.expected.get(name)
    )
