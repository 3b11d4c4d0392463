"""The officers' pages end with SIGKILL while an outcome is recorded: at every lasting step of it, one after the other.

An outcome is in the ledger with its line in the audit log, or neither is, whatever the moment.
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from tests.faults.conftest import Driver, World

LOCAL = {"LODA_REVIEW_LOCAL_SIGN_IN": "1"}


def test_an_outcome_is_recorded_whole_or_not_at_all(world: World, drivers: list[Driver], tmp_path: Path):
    driver, order = drivers[0], {"borough": "camden", "settings": LOCAL}
    steps = driver.must("outcome", world.copy(tmp_path / "counted"), **order)
    assert steps["status"] == 303, steps
    seen = set()
    for step in range(1, steps["steps"] + 1):
        home = world.copy(tmp_path / f"step-{step}")
        died = driver.ask("outcome", home, step=step, **order)
        assert died["exit"] == -signal.SIGKILL, died
        found = driver.must("recorded", home)
        kept = found["outcomes"]
        assert kept in (0, 1)
        assert (found["told"], found["versions"]) == (kept, kept), f"killed at step {step}: {found}"
        assert driver.must("faults", home)["faults"] == [], f"killed at step {step}"
        seen.add(kept)
        shutil.rmtree(home)
    assert seen == {0, 1}, "the kills fell on both sides of the commit"
    print(f"an outcome has {steps['steps']} lasting steps, killed at each of them")  # noqa: T201
