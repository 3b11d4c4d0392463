"""A backup, lost everything, the way back: the same rows, the same drops, nothing new to do, and keys kept secret."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import IO

import pytest

from pipelines.core.errors import LodaError
from pipelines.core.ledger.engine import engine
from pipelines.core.lock import Busy, exclusive
from pipelines.core.settings import settings
from pipelines.governance import keys
from pipelines.governance.interruption import LOCK, STAGES
from pipelines.keeping import back_up, restore
from tests.intake.conftest import Intake, register


def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Intake:
    engine().dispose()
    monkeypatch.setenv("LODA_HOME", str(folder))
    settings.cache_clear()
    return Intake(Path(settings().bucket_url))


@pytest.fixture
def kept(intake: Intake, tmp_path: Path) -> Path:
    keys.key("pseudonym")
    intake.drop(register(40), "register 2024-05-01.csv")
    intake.night()
    intake.drop(register(41), "register 2024-06-01.csv")
    intake.night()
    back_up(tmp_path / "backup")
    return tmp_path / "backup"


def test_what_was_backed_up_comes_back_and_there_is_nothing_new_to_do(
    intake: Intake, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = intake.lake(), [(d.id, d.status, d.accepted) for d in intake.drops()], keys.key("pseudonym")
    again = elsewhere(tmp_path / "other", monkeypatch)
    shutil.rmtree(tmp_path / "home")
    restore(kept)
    assert (again.lake(), [(d.id, d.status, d.accepted) for d in again.drops()], keys.key("pseudonym")) == before
    assert again.night() == [], "a file that was copied is no new arrival"
    again.drop(register(42), "register 2024-07-01.csv")
    again.night()
    assert len(again.lake()) == 42


def test_a_backup_and_its_keys_are_for_their_owner_only(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in kept.rglob("*") if p.is_file()} == {0o600}
    elsewhere(tmp_path / "other", monkeypatch)
    restore(kept)
    assert stat.S_IMODE(keys.key_file("pseudonym").stat().st_mode) == 0o600


def test_a_place_that_is_not_empty_is_refused(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(LodaError, match="not empty"):
        restore(kept)
    with pytest.raises(LodaError, match="not empty"):
        back_up(kept)


def test_airflows_folder_in_a_home_is_neither_taken_nor_in_the_way(
    intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def airflow(home: Path) -> None:
        monkeypatch.setenv("AIRFLOW_HOME", str(home / "airflow"))
        (home / "airflow" / "logs" / "2026-11-29").mkdir(parents=True)
        (home / "airflow" / "airflow.pid").write_text("1")
        (home / "airflow" / "logs" / "latest").symlink_to("2026-11-29")  # as Airflow makes it: a link to a folder

    intake.drop(register(40), "register 2024-05-01.csv")
    intake.night()
    airflow(tmp_path / "home")
    manifest = back_up(tmp_path / "backup")
    assert not [name for name in manifest["files"] if "airflow" in name]
    again = elsewhere(tmp_path / "other", monkeypatch)
    airflow(tmp_path / "other")
    restore(tmp_path / "backup")
    assert len(again.lake()) == 40


@pytest.mark.parametrize("broken", ["ledger", "a table", "no manifest"])
def test_a_backup_that_is_not_whole_restores_nothing(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
):
    if broken == "no manifest":
        (kept / "manifest.json").unlink()
    else:
        hurt = kept / "ledger" if broken == "ledger" else next((kept / "lake").rglob("*.parquet"))
        hurt.write_bytes(hurt.read_bytes()[:-1] + b"?")
    elsewhere(tmp_path / "other", monkeypatch)
    with pytest.raises(LodaError, match="manifest"):
        restore(kept)
    assert not (tmp_path / "other" / "ledger.db").exists()


def test_a_backup_whose_rows_or_audit_log_differ_from_its_manifest_is_not_called_done(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    manifest = json.loads((kept / "manifest.json").read_text())
    manifest["rows"]["loda_drop"] += 1
    (kept / "manifest.json").write_text(json.dumps(manifest))
    elsewhere(tmp_path / "other", monkeypatch)
    with pytest.raises(LodaError, match="rows of the ledger"):
        restore(kept)


def test_a_file_that_came_back_with_other_bytes_is_noticed_though_its_size_is_right(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def tear(source: IO[bytes], target: IO[bytes]) -> None:
        content = source.read()
        target.write(bytes([content[0] ^ 1]) + content[1:] if content else content)

    elsewhere(tmp_path / "other", monkeypatch)
    monkeypatch.setattr(shutil, "copyfileobj", tear)
    with pytest.raises(LodaError, match="the hash of"):
        restore(kept)


def test_a_backup_waits_for_a_night_and_says_so_when_it_does_not_end(
    intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LODA_LOCK_TIMEOUT_SECONDS", "0.2")
    settings.cache_clear()
    with exclusive(LOCK), pytest.raises(Busy, match="Another run"):
        back_up(tmp_path / "backup")
    # A stage that a task of Airflow's runs, without the night's lock.
    with exclusive("intake-camden", beside=STAGES), pytest.raises(Busy, match="Another run"):
        back_up(tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
