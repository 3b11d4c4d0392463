"""A second night begins while one is at work: it waits, and is refused in a sentence; the first is not disturbed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.faults.conftest import ROOT, SECOND, Driver, World, at, differences


def test_a_second_night_is_refused_and_the_first_is_not_disturbed(world: World, drivers: list[Driver], tmp_path: Path):
    driver, home = drivers[0], world.copy(tmp_path / "home")
    refused: list[subprocess.CompletedProcess[str]] = []
    own = {"LODA_HOME": str(home), "LODA_NOW": at(SECOND), "LODA_STABLE_SECONDS": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from pipelines.cli import app; app()", "run"]

    def begin_another() -> None:
        environment = {**os.environ, **own, "LODA_LOCK_TIMEOUT_SECONDS": "1"}
        refused.append(subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True))

    first = driver.broken_into(home, 0, begin_another, before="link")
    (second,) = refused
    assert second.returncode == 75, second.stdout + second.stderr
    assert second.stderr.startswith("loda: Another run has been working on 'night' for over 1 seconds")
    assert second.stderr.count("\n") == 1
    assert first.code == 0, first.output
    assert driver.must("faults", home)["faults"] == []
    assert differences(world, driver.must("content", home)) == []
    assert "nothing was changed" in driver.loda(home).in_words()
