"""Another version is deployed in the middle of a night: the ledger's tables are taken back, or are of newer code."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.faults.conftest import BOROUGHS, ROOT, Driver, World, differences

DOWNGRADE = (
    "import sys; from alembic import command; from pipelines.core.ledger.engine import alembic_config; "
    "command.downgrade(alembic_config(), sys.argv[1])"
)
OFFICERS_TABLES_GONE = "0005"
NEWER = "9999"
WELL_INSIDE = 12
"""A lasting step of a stage that comes after the making of its locks, which are files too."""


def test_tables_taken_back_in_mid_night_are_told_and_the_next_night_is_whole(
    world: World, drivers: list[Driver], tmp_path: Path
):
    driver, home = drivers[0], world.copy(tmp_path / "home")
    environment = {**os.environ, "LODA_HOME": str(home), "PYTHONPATH": str(ROOT)}

    def take_back() -> None:
        command = [sys.executable, "-c", DOWNGRADE, OFFICERS_TABLES_GONE]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    broken = driver.broken_into(home, 0, take_back, before="features")
    assert broken.code in (1, 75), broken.output
    assert f"is at version {OFFICERS_TABLES_GONE} and this code needs" in broken.in_words(), broken.output
    assert all((home / "published" / borough / "current.json").is_file() for borough in BOROUGHS)
    after = driver.loda(home)
    assert after.code == 0, after.output
    assert driver.must("faults", home)["faults"] == []
    # What stood in columns that were taken away is gone of the lists of before; all else is as ever.
    assert [it.split(":")[0] for it in differences(world, driver.must("content", home))] == ["ledger loda_list_entry"]


def test_a_night_goes_on_under_newer_tables_and_the_next_of_old_code_is_refused(
    world: World, drivers: list[Driver], tmp_path: Path
):
    driver, home = drivers[0], world.copy(tmp_path / "home")

    def version(old: str, new: str) -> None:
        with closing(sqlite3.connect(home / "ledger.db")) as ledger, ledger:
            ledger.execute("UPDATE alembic_version SET version_num = ? WHERE version_num = ?", (new, old))
            added = "ADD COLUMN of_newer_code TEXT" if new == NEWER else "DROP COLUMN of_newer_code"
            ledger.execute(f"ALTER TABLE loda_drop {added}")

    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        ((own,),) = ledger.execute("SELECT version_num FROM alembic_version").fetchall()
    night = driver.broken_into(home, 0, lambda: version(own, NEWER), before="harmonise")
    assert night.code == 0, night.output
    refused = driver.loda(home)
    assert refused.code == 78, refused.output
    assert f"The ledger is at version {NEWER}, which this code does not know" in refused.in_words()
    version(NEWER, own)
    assert driver.must("faults", home)["faults"] == []
    assert differences(world, driver.must("content", home)) == []


def older(home: Path) -> None:
    """Give a ledger the shape of the version before the one that brought an index by property."""
    with closing(sqlite3.connect(home / "ledger.db")) as ledger, ledger:
        ledger.execute("DROP INDEX ix_loda_list_entry_property")
        ledger.execute("CREATE INDEX ix_loda_list_entry_uprn ON loda_list_entry (uprn)")
        ledger.execute("UPDATE alembic_version SET version_num = '0006'")


def upgrade(home: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`loda ledger upgrade` by another process, which waits for a second."""
    environment = {**os.environ, "LODA_HOME": str(home), "PYTHONPATH": str(ROOT), "LODA_LOCK_TIMEOUT_SECONDS": "1"}
    command = [sys.executable, "-c", "from pipelines.cli import app; app()", "ledger", "upgrade"]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)


def test_an_upgrade_waits_for_the_night(world: World, drivers: list[Driver], tmp_path: Path):
    driver, home = drivers[0], world.copy(tmp_path / "home")
    done: list[subprocess.CompletedProcess[str]] = []

    def fault() -> None:
        older(home)
        done.append(upgrade(home, tmp_path))

    night = driver.broken_into(home, 0, fault, before="link")
    (refused,) = done
    assert refused.returncode == 75, refused.stdout + refused.stderr
    assert refused.stderr.startswith("loda: Another run has been working on 'night'")
    assert night.code == 0, night.output
    assert "brought from version 0006" in driver.loda(home, "ledger", "upgrade").in_words()
    assert differences(world, driver.must("content", home)) == []


def test_an_upgrade_waits_for_a_stage_that_a_task_of_airflow_runs(world: World, drivers: list[Driver], tmp_path: Path):
    driver, home = drivers[0], world.copy(tmp_path / "home")
    done: list[subprocess.CompletedProcess[str]] = []

    def fault() -> None:
        older(home)
        done.append(upgrade(home, tmp_path))

    stage = driver.stage_broken_into(home, WELL_INSIDE, fault, stage="admit", arguments=["camden"])
    (refused,) = done
    assert refused.returncode == 75, refused.stdout + refused.stderr
    assert refused.stderr.startswith("loda: Another run has been working on 'stages'")
    assert stage.get("outcome") == "made", stage
    assert "brought from version 0006" in driver.loda(home, "ledger", "upgrade").in_words()
    after = driver.loda(home)
    assert after.code == 0, after.output
    assert differences(world, driver.must("content", home)) == []
