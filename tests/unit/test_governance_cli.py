"""The officer's commands: plain sentences, exit codes, JSON, and no name on a command line or in an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.governance import audit
from tests.unit.agreed import agree
from tests.unit.governed_world import boroughs_with_lists, drop, stored


def loda(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


@pytest.fixture
def world(home: Path) -> Path:
    boroughs_with_lists(home, camden=1)
    return home


WHO = ("--who", "B Example", "--reason", "request 17")


def test_from_withdrawal_to_proof(world: Path):
    done = loda("agreements", "withdraw", "london-hmo", "--borough", "camden", "--dataset", "council_tax", *WHO)
    assert "Written to" in done.stdout
    assert (
        "council_tax\n    B Example withdrew camden's council_tax" in loda("agreements", "--borough", "camden").stdout
    )
    assert "council_tax of camden: B Example withdrew" in loda("agreements").stdout
    assert "was withdrawn and is deleted" in loda("agreements", "apply").stdout
    assert json.loads(loda("agreements", "apply", "--json").stdout)["outcome"] == "unchanged"
    proof = loda("retention", "--prove")
    assert (proof.exit_code, "1 deleted drops were looked for" in proof.stdout) == (0, True)
    listed = loda("audit", "list", "--about", "council_tax of camden").stdout
    assert "delete withdrawn data, council_tax of camden" in listed
    assert "rows 3; drops 1" in listed
    assert "taken down" in loda("list", "camden").stderr


def test_the_log_is_verified_and_a_false_anchor_told(world: Path):
    sound = loda("audit", "verify")
    assert sound.exit_code == 0
    anchor = str(audit.read_anchor())
    assert f"Anchor {anchor}" in sound.stdout
    assert loda("audit", "verify", "--anchor", anchor).exit_code == 0
    false = loda("audit", "verify", "--json", "--anchor", f"1:{'0' * 64}")
    assert false.exit_code == 1
    assert json.loads(false.stdout)["line"] == 1
    assert "is no anchor" in loda("audit", "verify", "--anchor", "nonsense").stderr


def test_a_proof_that_fails_has_its_exit_code(world: Path):
    agree(valid_until="2020-01-01", retention_days=1)
    old = drop("camden", "waste", "old")
    assert loda("retention").exit_code == 0
    (world / "lake" / "raw" / old.sha256).write_bytes(b"back")
    found = loda("retention", "--prove")
    assert found.exit_code == 1
    assert f"raw bytes: raw/{old.sha256}" in found.stdout


def test_a_property_is_erased_and_its_list_written_again(world: Path):
    rehearsed = json.loads(loda("erase", "--subject", "uprn:2", *WHO, "--dry-run", "--json").stdout)
    assert (rehearsed["erased"], rehearsed["boroughs"], rehearsed["list_entries"]) == (False, ["camden"], 1)
    before = (world / "published/camden/current.json").read_text()
    assert "Erased of one property, in camden" in loda("erase", "--subject", "uprn:2", *WHO).stdout
    after = (world / "published/camden/current.json").read_text()
    assert json.loads(after)["list"] == json.loads(before)["list"]
    assert "2 EXAMPLE ROAD" not in (world / "published/camden/2024-06-01-v1/list.csv").read_text()


def test_a_name_is_piped_in_or_read_from_a_file_and_not_repeated(world: Path, tmp_path: Path):
    piped = loda("erase", "--subject", "person", *WHO, "--dry-run", typed="Kate Example\n")
    assert "Would be erased of one person, in camden" in piped.stdout
    assert "Kate" not in piped.stdout + piped.stderr
    names = tmp_path / "names.txt"
    names.write_text("Kate Example\n")
    assert loda("erase", "--subject", "person", *WHO, "--name-file", str(names)).exit_code == 0
    assert stored("harmonised/council_tax", "camden") == 2
    assert "There is no file" in loda("erase", "--subject", "person", *WHO, "--name-file", "nowhere").stderr
    assert "first name and surname" in loda("erase", "--subject", "person", *WHO, typed="Kate\n").stderr


def test_the_key_is_rotated_and_checked(world: Path):
    first = json.loads(loda("key", "check", "--json").stdout)["fingerprint"]
    done = loda("key", "rotate", *WHO)
    assert "Tokens of 3 rows were deleted; 1 extracts are read again" in done.stdout
    assert json.loads(loda("key", "check", "--json").stdout)["fingerprint"] != first
    (world / "secrets" / "pseudonym.key").unlink()
    lost = loda("key", "check")
    assert (lost.exit_code, "pseudonym key is gone" in lost.stderr) == (78, True)


def test_before_the_first_night_commands_speak_and_make_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from pipelines.core.settings import settings

    monkeypatch.setenv("LODA_HOME", str(tmp_path / "none"))
    settings.cache_clear()
    assert "No key was made yet" in loda("key", "check").stdout
    assert "No night has run here yet" in loda("audit", "verify").stderr
    assert "london-hmo: in force" in loda("agreements").stdout
    assert "There is no borough 'atlantis'" in loda("agreements", "--borough", "atlantis").stderr
    assert not (tmp_path / "none").exists()
    settings.cache_clear()
