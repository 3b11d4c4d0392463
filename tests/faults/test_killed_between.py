"""kill -9 between two stages: what one stage has done and the next has not, the next night does."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.conftest import Driver, World, differences


@pytest.mark.parametrize("stage", ["publish_drops", "landlords", "dossiers", "publish_lists"])
def test_killed_as_a_stage_begins(stage: str, world: World, drivers: list[Driver], tmp_path: Path):
    driver, home = drivers[0], world.copy(tmp_path / "home")
    died = driver.ask("loda", home, arguments=("run",), before=stage)
    assert died["exit"] == -signal.SIGKILL, died
    assert driver.must("faults", home)["faults"] == []
    after = driver.loda(home)
    assert after.code == 0, after.output
    assert "was interrupted before its end" in after.in_words()
    assert driver.must("faults", home)["faults"] == []
    assert differences(world, driver.must("content", home)) == []
