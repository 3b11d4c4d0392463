"""`loda onboard` as its user meets it: JSON alone on stdout, one question at a time, nothing personal or lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.settings import settings
from tests.unit.onboard_files import MARK, csv_bytes
from tests.unit.test_onboard_columns import REGISTER

runner = CliRunner()


@pytest.fixture
def register(home: Path, tmp_path: Path) -> Path:
    path = tmp_path / "HMO_register_2026-03-02.csv"
    path.write_bytes(csv_bytes(REGISTER))
    return path


def as_json(*arguments: str) -> dict:
    ran = runner.invoke(app, ["onboard", *arguments, "--json"])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def test_json_has_what_a_program_needs(register: Path):
    made = as_json(str(register), "--borough", "haringey")
    assert made["dataset"] == "hmo_licence"
    assert (made["encoding"], made["header_row"], made["tables"], made["rows"]) == ("utf-8", 1, 1, 120)
    assert made["accepted"] + made["quarantined"] == made["rows"]
    assert made["accepted"] > 100
    assert made["mapping"] is None
    by_column = {column["column"]: column for column in made["columns"]}
    assert set(by_column) == {heading for heading, _, _ in REGISTER}
    for heading, _, field in REGISTER:
        assert by_column[heading]["field"] == field
        assert 0 <= by_column[heading]["confidence"] <= 1
        assert by_column[heading]["evidence"].endswith(".")
        assert by_column[heading]["sure"] is True
    assert by_column["Notes"]["privacy"] == "special"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_personal_value_is_printed(register: Path, form: str, caplog: pytest.LogCaptureFixture):
    ran = runner.invoke(
        app, ["onboard", str(register), "--borough", "haringey", "--write", *(["--json"] if form == "json" else [])]
    )
    assert ran.exit_code == 0
    assert MARK not in ran.output
    assert MARK not in caplog.text
    written = next(settings().mappings_dir.rglob("*.yaml"))
    assert MARK not in written.read_text()


def test_write_saves_it_where_the_night_finds_it_and_audits(register: Path):
    made = as_json(str(register), "--borough", "haringey", "--write")
    path = Path(made["mapping"])
    assert path == settings().mappings_dir / "haringey" / "hmo_licence.hmo-register.yaml"
    assert yaml.safe_load(path.read_text())["fields"]["licence_ref"] == "Licence No"
    with transaction() as session:
        events = [(e.what, e.about) for e in session.scalars(sa.select(AuditEvent))]
    assert ("mapping saved", "haringey/hmo_licence.hmo-register") in events


def test_a_second_time_the_layout_is_known_and_nothing_is_written(register: Path):
    as_json(str(register), "--borough", "haringey", "--write")
    again = as_json(str(register), "--borough", "haringey", "--write")
    assert again["known_layout"] == "hmo_licence.hmo-register"
    assert again["mapping"] is None
    assert len(list(settings().mappings_dir.rglob("*.yaml"))) == 1
    assert {c["column"]: c["field"] for c in again["columns"]}["Max Occupants"] == "max_persons"


def test_another_layout_gets_a_name_of_its_own(register: Path):
    as_json(str(register), "--borough", "haringey", "--write")
    other = register.with_name("HMO_register_2026-04-01.csv")
    other.write_bytes(csv_bytes([(f"{heading} x", kind, field) for heading, kind, field in REGISTER[:9]]))
    made = as_json(str(other), "--borough", "haringey", "--dataset", "hmo_licence", "--write")
    assert Path(made["mapping"]).name == "hmo_licence.hmo-register-2.yaml"
    assert len(list(settings().mappings_dir.rglob("*.yaml"))) == 2


def test_what_is_missing_is_said_and_no_mapping_is_written(home: Path, tmp_path: Path):
    path = tmp_path / "list.csv"
    path.write_bytes(csv_bytes([("Licence Number", "ref", None), ("Expiry Date", "end", None)]))
    ran = runner.invoke(app, ["onboard", str(path), "--borough", "haringey", "--dataset", "hmo_licence", "--write"])
    assert ran.exit_code == 65
    assert "No column holds 'Address'" in ran.output
    assert "Ask the borough" in ran.output
    assert not settings().mappings_dir.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.csv", "--borough", "haringey"], "There is no file 'nowhere.csv'"),
        (["{file}", "--borough", "atlantis"], "There is no borough 'atlantis'"),
        (["{file}"], "Say whose extract it is"),
        (["{file}", "--borough", "haringey", "--dataset", "weather"], "There is no dataset 'weather'"),
    ],
)
def test_a_mistake_ends_in_one_sentence(register: Path, arguments: list[str], sentence: str):
    ran = runner.invoke(app, ["onboard", *(a.format(file=register) for a in arguments)])
    assert ran.exit_code != 0
    assert sentence in ran.output
    assert "Traceback" not in ran.output


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\xff" * 50, b"just one line of text", b"a,b\n"])
def test_rubbish_is_refused_in_words(home: Path, tmp_path: Path, content: bytes):
    path = tmp_path / "rubbish.csv"
    path.write_bytes(content)
    ran = runner.invoke(app, ["onboard", str(path), "--borough", "haringey"])
    assert ran.exit_code in {0, 65}
    assert "Traceback" not in ran.output
    assert ran.exception is None or isinstance(ran.exception, SystemExit)


def test_a_borough_may_be_written_as_people_do(register: Path):
    assert as_json(str(register), "--borough", "Tower Hamlets")["borough"] == "tower_hamlets"


def test_questions_are_asked_one_at_a_time_and_answers_go_into_the_mapping(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from pipelines.cli import onboard as command

    path = tmp_path / "stock.csv"
    path.write_bytes(
        csv_bytes([("UPRN", "uprn", None), ("Property Address", "full_address", None), ("Acquired", "start", None)])
    )
    monkeypatch.setattr(command, "_at_a_terminal", lambda: True)
    ran = runner.invoke(
        app,
        ["onboard", str(path), "--borough", "haringey", "--dataset", "social_housing", "--write"],
        input="council\n?\n?\n?\n?\n?\n",
    )
    assert "What is it for every row of this file?" in ran.output
    assert ran.exit_code == 0, ran.output
    saved = yaml.safe_load(next(settings().mappings_dir.rglob("*.yaml")).read_text())
    assert saved["fields"]["social_landlord"] == {"constant": "council"}
