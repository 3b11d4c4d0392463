"""`loda check` as its user types it: what it prints, writes and returns."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.core.settings import settings
from schemas import registry
from tests.intake.conftest import HEADER, Intake, register, row

FAULTY = "\n".join([HEADER, *(row(n) for n in range(1, 9)), row(9, location="")]).encode()


@pytest.fixture
def loda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    registry.clear()

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(one) for one in arguments])

    yield run
    assert not (tmp_path / "none").exists(), "a check makes no home"
    settings.cache_clear()
    registry.clear()


def check(loda, file: Path, *more: str | Path, borough: str = "oxford", dataset: str = "hmo_licence") -> Result:
    return loda("check", file, "--borough", borough, "--dataset", dataset, *more)


def test_a_file_that_would_be_accepted_with_rows_to_correct(loda, tmp_path: Path):
    file = tmp_path / "my register (May).csv"
    file.write_bytes(FAULTY)
    page, rows = tmp_path / "receipt.html", tmp_path / "rows.csv"
    made = check(loda, file, "--html", page, "--quarantine", rows)
    assert made.exit_code == 0
    assert made.stdout.startswith("Would be accepted.\n")
    assert "9 in the file = 8 accepted + 1 quarantined" in made.stdout
    assert b"This is a check." in page.read_bytes()
    (one,) = csv.DictReader(io.StringIO(rows.read_text(encoding="utf-8-sig")))
    assert (one["_row"], one["Case Number"]) == ("10", "23/00009/HMOLIC")
    assert sorted(p.name for p in tmp_path.iterdir()) == [file.name, "receipt.html", "rows.csv"]


def test_json_is_the_receipt_and_nothing_else(loda, tmp_path: Path):
    file = tmp_path / "register.csv"
    file.write_bytes(FAULTY)
    told = json.loads(check(loda, file, "--json").stdout)
    assert (told["status"], told["rehearsed"], told["quarantined"]) == ("accepted", True, 1)


def test_a_layout_that_nobody_knows_leads_to_onboarding(loda, tmp_path: Path):
    file = tmp_path / "register.csv"
    file.write_bytes(register(3, header=HEADER.replace("Location", "Premises")))
    made = check(loda, file)
    assert made.exit_code == 65
    assert made.stdout.startswith("Would be held")
    assert "not known: 'Premises'" in made.stdout
    assert f"loda onboard '{file}' --borough oxford --dataset hmo_licence" in made.stdout


def test_a_file_that_would_be_refused(loda, tmp_path: Path):
    file = tmp_path / "empty.csv"
    file.write_bytes(b"")
    made = check(loda, file, "--quarantine", tmp_path / "rows.csv")
    assert made.exit_code == 65
    assert "Would be refused" in made.stdout
    assert "There is no row to correct." in made.stdout
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ((), 1, "--borough"),
        (("--borough", "oxford"), 1, "--dataset council_tax. There are benefits"),
        (("--borough", "atlantis", "--dataset", "hmo_licence"), 66, "no borough 'atlantis'"),
        (("--borough", "oxford", "--dataset", "dragons"), 66, "no dataset 'dragons'"),
        (("--borough", "oxford", "--dataset", "hmo_licence"), 66, "There is no file"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(loda, tmp_path: Path, given: tuple[str, ...], code: int, told: str):
    made = loda("check", tmp_path / "nothing.csv", *given)
    assert made.exit_code == code
    assert told in made.stderr
    assert len(made.stderr.strip().splitlines()) == 1


def test_a_folder_that_cannot_be_written_to_is_said(loda, tmp_path: Path):
    file = tmp_path / "register.csv"
    file.write_bytes(FAULTY)
    made = check(loda, file, "--html", tmp_path / "no" / "receipt.html")
    assert made.exit_code == 1
    assert "cannot be written" in made.stderr


def test_receipt_of_a_drop_as_a_page(home: Path, tmp_path: Path):
    intake = Intake(Path(settings().bucket_url))
    intake.drop(FAULTY)
    intake.night()
    page = tmp_path / "receipt.html"
    made = CliRunner().invoke(app, ["receipt", intake.only().id, "--html", str(page)])
    assert made.exit_code == 0
    assert page.read_bytes() == (intake.bucket / f"{intake.only().path}.receipt.html").read_bytes()


def test_help_has_an_example():
    told = " ".join(CliRunner().invoke(app, ["check", "--help"]).stdout.split())
    assert "Example: loda check" in told
