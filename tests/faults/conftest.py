"""Drivers, and the world in whose second night everything breaks. Collected by `make faults` only."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from pipelines.core.bucket import Folder

if not os.environ.get("LODA_FAULTS"):
    collect_ignore_glob = ["test_*.py"]

ROOT = Path(__file__).resolve().parents[2]
BOROUGHS = ("camden", "lambeth")
DWELLINGS = 600
SEED = int(os.environ.get("LODA_FAULT_SEED", "7"))
REACHED_SECONDS = 120
FIRST, SECOND = "2026-06-30", "2026-09-30"
NEW = (("camden", "hmo_licence"), ("lambeth", "council_tax"), ("lambeth", "service_request"))
"""What comes in before the second night; one of it has rows that are quarantined, and one more is no extract at all."""
OF_LISTS = ("published/", "ledger loda_list", "ledger loda_dossier", "ledger loda_stage_state")
"""Names of what another version of a list changes."""


def at(day: str, hour: int = 2) -> str:
    """A moment on a day, for `LODA_NOW`."""
    return f"{day}T{hour:02}:00:00+00:00"


@dataclass(frozen=True)
class Told:
    """What a user saw of a command."""

    code: int
    output: str
    steps: int
    seconds: float

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Told:
        """The same of a child's answer; a stack trace is none that a user may see."""
        assert answer["exit"] == 0, answer
        assert not answer["escaped"], answer["escaped"]
        assert "Traceback" not in answer["output"]
        return cls(answer["code"], answer["output"], answer["steps"], answer["seconds"])

    def in_words(self) -> str:
        """The output as one line, for a search in it."""
        return " ".join(self.output.split())


@dataclass
class Driver:
    """A process that runs nights in children of its own (`driver.py`)."""

    process: subprocess.Popen[str]
    kills: int = field(default=0)

    def ask(self, act: str, home: Path, *, now: str = at(SECOND), **order: Any) -> dict[str, Any]:
        """What a child answered, with `exit` (negative for a signal) and `seconds`."""
        self._order(act, home, now, order)
        return self._answer()

    def _order(self, act: str, home: Path, now: str, order: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"act": act, "home": str(home), "now": now, **order}) + "\n")
        self.process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def loda(self, home: Path, *arguments: str, now: str = at(SECOND), **order: Any) -> Told:
        """What a user sees of a command, `run` unless another is given."""
        return Told.of(self.ask("loda", home, now=now, arguments=arguments or ("run",), **order))

    def broken_into(
        self, home: Path, step: int, fault: Callable[[], None], *, now: str = at(SECOND), **order: Any
    ) -> Told:
        """What a user sees of a night that stands still at a step until the fault is made, and then goes on."""
        return Told.of(self._paused("loda", home, now, fault, {"arguments": ("run",), "step": step, **order}))

    def stage_broken_into(self, home: Path, step: int, fault: Callable[[], None], **order: Any) -> dict[str, Any]:
        """The same of one stage, as a task of Airflow's runs it: what it said."""
        return self._paused("stage", home, at(SECOND), fault, {"step": step, **order})

    def _paused(
        self, act: str, home: Path, now: str, fault: Callable[[], None], order: dict[str, Any]
    ) -> dict[str, Any]:
        with TemporaryDirectory(prefix="loda-pause-") as name:
            folder = Path(name)
            self._order(act, home, now, {**order, "pause": name})
            try:
                end = time.monotonic() + REACHED_SECONDS
                while not (folder / "reached").exists():
                    assert time.monotonic() < end, f"{order} was not reached"
                    time.sleep(0.01)
                fault()
            finally:
                (folder / "go").touch()
                answer = self._answer()
            return answer

    def must(self, act: str, home: Path, **order: Any) -> dict[str, Any]:
        """The same, of a child that has to end well."""
        answer = self.ask(act, home, **order)
        assert answer["exit"] == 0, answer
        return answer


@pytest.fixture(scope="session")
def drivers() -> Iterator[list[Driver]]:
    """As many as there are processors to use (`LODA_FAULT_WORKERS`)."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "LODA_STABLE_SECONDS": "0"}
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
    work: float

    def copy(self, to: Path, *, linked: bool = True) -> Path:
        """The home before its second night, anew: what is only ever replaced whole is linked, the rest copied."""
        for part in self.before.iterdir():
            if linked and part.name in ("bucket", "lake", "published"):
                shutil.copytree(part, to / part.name, copy_function=os.link)
            elif part.is_dir():
                shutil.copytree(part, to / part.name)
            else:
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy2(part, to / part.name)
        if not linked:
            self._seen_again(to)
        return to

    def _seen_again(self, to: Path) -> None:
        """Give what was seen before its new mark, as a restore does: a copied file is another to the night."""
        marks = {entry.path: entry.marker for entry in Folder(str(self.before / "bucket")).list()}
        now = {entry.path: entry.marker for entry in Folder(str(to / "bucket")).list()}
        with closing(sqlite3.connect(to / "ledger.db")) as ledger, ledger:
            seen = ledger.execute("SELECT path, marker FROM loda_arrival").fetchall()
            again = [(now[path], path) for path, marker in seen if marks.get(path) == marker]
            ledger.executemany("UPDATE loda_arrival SET marker = ? WHERE path = ?", again)


@pytest.fixture(scope="session")
def world(drivers: list[Driver], tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two boroughs with lists, and new extracts in the bucket; `LODA_FAULT_WORLD` names a folder that keeps them."""
    folder = tmp_path_factory.mktemp("world")
    kept = os.environ.get("LODA_FAULT_WORLD")
    driver, home = drivers[0], Path(kept) if kept else folder / "before"
    if not home.exists():
        _make(driver, home, folder)
    undisturbed = World(home, {}, 0, 0.0).copy(folder / "undisturbed")
    done = driver.must("night", undisturbed)
    assert done["failures"] == []
    assert driver.must("faults", undisturbed)["faults"] == []
    expected = driver.must("content", undisturbed)
    return World(home, content_of(expected), done["steps"], done["work"])


def _make(driver: Driver, home: Path, folder: Path) -> None:
    for day in (FIRST, SECOND):
        places = {"out": str(folder / day), "truth": str(folder / "truth" / day)}
        driver.must("world", home, boroughs=BOROUGHS, dwellings=DWELLINGS, seed=3, until=day, **places)
    shutil.copytree(folder / FIRST, home / "bucket")
    assert driver.must("night", home, now=at(FIRST))["failures"] == []
    for borough, dataset in NEW:
        for path in (folder / SECOND / "drops" / borough / dataset).iterdir():
            shutil.copy2(path, home / "bucket" / "drops" / borough / dataset / path.name)
    (home / "bucket" / "drops" / "camden" / "hmo_licence" / "no extract.csv").write_bytes(b"\0\1\2" * 50)


def content_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What a home holds, by name, of the answer of the child that was asked for its content."""
    return {name: value for name, value in answer.items() if name not in ("exit", "seconds")}


def differences(world: World, answer: dict[str, Any], *, went_on: bool = False) -> list[str]:
    """Names of what differs from the home of a night that nobody disturbed; `went_on` as `differing` takes it."""
    return differing(content_of(answer), world.expected, went_on=went_on)


def differing(found: dict[str, Any], expected: dict[str, Any], *, went_on: bool = False) -> list[str]:
    """Names of what differs, with both values.

    A night that `went_on` without a stage of one borough lists it from its last good extracts, as it should: the list
    of the next night is then one version later, and only its rows and all but the lists must be the same.
    """
    if went_on:
        found, expected = _newest_lists(found), _newest_lists(expected)
    return sorted(
        f"{name}: {found.get(name)} for {expected.get(name)}"
        for name in {*found, *expected}
        if found.get(name) != expected.get(name)
    )


def _newest_lists(content: dict[str, Any]) -> dict[str, Any]:
    """Without lists and what counts their versions, but for the rows of each borough's newest list."""
    newest: dict[str, tuple[str, int, Any]] = {}
    for name, value in content.items():
        if of_list := re.fullmatch(r"published/(\w+)/([0-9-]{10})-v([0-9]+)/(list\.csv|list\.parquet)", name):
            borough, day, version, file = of_list.groups()
            key = f"newest {file} of {borough}"
            newest[key] = max(newest.get(key, ("", 0, None)), (day, int(version), value), key=lambda it: it[:2])
    assert len(newest) == 2 * len(BOROUGHS)
    rest = {name: value for name, value in content.items() if not name.startswith(OF_LISTS)}
    return rest | {key: value for key, (_, _, value) in newest.items()}
