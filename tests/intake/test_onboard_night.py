"""A layout that nobody has described: held and answered with a proposal, onboarded, and taken by the next night."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines import gate, harmonise, ingest, onboard, publish
from pipelines.cli import app
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.settings import settings
from pipelines.extracts import IntakeFiles
from tests.intake.conftest import Intake
from tests.unit.onboard_files import MARK, csv_bytes
from tests.unit.test_onboard_columns import REGISTER

runner = CliRunner()
PLACE = "oxford/hmo_licence"
NEW_LAYOUT = REGISTER[:10]


def proposal(drop_id: str) -> dict:
    with IntakeFiles(drop_id).folder.read("proposal.json") as handle:
        return json.loads(handle.read())


def onboarded(*arguments: str) -> dict:
    ran = runner.invoke(app, ["onboard", *arguments, "--json"])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def test_onboard_write_then_the_night_takes_the_file(intake: Intake, tmp_path: Path):
    content = csv_bytes(NEW_LAYOUT)
    path = tmp_path / "register_2026-03-02.csv"
    path.write_bytes(content)
    rehearsed = onboarded(str(path), "--borough", "oxford", "--write")
    assert Path(rehearsed["mapping"]).is_relative_to(settings().mappings_dir)
    intake.drop(content, path.name, PLACE)
    intake.night()
    drop = intake.only()
    assert (drop.status, drop.rows_in) == ("accepted", 120)
    assert (drop.accepted, drop.quarantined) == (rehearsed["accepted"], rehearsed["quarantined"])
    assert str(drop.extract_date) == "2026-03-02"
    rows = intake.lake()
    assert len(rows) == drop.accepted
    assert {"mandatory", "additional", "selective"} == {row["licence_type"] for row in rows}


def test_a_rehearsal_stores_nothing(intake: Intake, tmp_path: Path):
    path = tmp_path / "register.csv"
    path.write_bytes(csv_bytes(NEW_LAYOUT))
    before = sorted(p for p in settings().home.rglob("*") if p.is_file() and "ledger" not in p.name)
    onboarded(str(path), "--borough", "oxford")
    assert sorted(p for p in settings().home.rglob("*") if p.is_file() and "ledger" not in p.name) == before
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(AuditEvent)) == 0
    assert intake.drops() == []


def test_a_held_drop_is_answered_with_a_proposal_and_its_name_onboards_it(intake: Intake):
    intake.drop(csv_bytes(NEW_LAYOUT), "register_2026-03-02.csv", PLACE)
    intake.night()
    held = intake.only()
    assert (held.status, held.reason) == ("held", "layout_changed")
    onboard.propose_held("oxford")
    made = proposal(held.id)
    assert {c["column"]: c["field"] for c in made["columns"]} == {heading: field for heading, _, field in NEW_LAYOUT}
    assert made["dataset"] == "hmo_licence"
    assert "licence_ref: Licence No" in made["yaml"]
    assert MARK not in json.dumps(made)
    written = onboarded(held.id, "--write")
    assert written["mapping"]
    intake.night()
    (drop,) = intake.drops()
    assert (drop.id, drop.status) == (held.id, "accepted")


def test_a_proposal_is_made_once_and_again_when_what_it_was_made_from_has_changed(intake: Intake):
    intake.drop(csv_bytes(NEW_LAYOUT), "register.csv", PLACE)
    intake.night()
    assert onboard.propose_held("oxford").counts == {"proposed": 1, "failed": 0}
    assert onboard.propose_held("oxford").outcome == "unchanged"
    folder = settings().mappings_dir / "oxford"
    folder.mkdir(parents=True)
    (folder / "hmo_licence.other.yaml").write_text("fields: {address: Somewhere}\n")
    assert onboard.propose_held("oxford").counts == {"proposed": 1, "failed": 0}


def test_nothing_held_costs_nothing(home: Path):
    assert onboard.propose_held("oxford").sentence == "nothing new"


def test_a_proposal_that_fails_never_stops_the_night(intake: Intake, monkeypatch, caplog):
    from pipelines.onboard import held

    def stumble(*_: object, **__: object) -> None:
        raise ValueError(f"a cell said {MARK}")

    intake.drop(csv_bytes(NEW_LAYOUT), "register.csv", PLACE)
    intake.night()
    monkeypatch.setattr(held, "propose", stumble)
    result = onboard.propose_held("oxford")
    assert result.counts == {"proposed": 0, "failed": 1}
    assert MARK not in caplog.text
    assert "ValueError" in caplog.text
    assert proposal(intake.only().id)["yaml"] is None


def test_a_drifted_layout_is_answered_with_the_change(intake: Intake):
    from tests.intake.conftest import HEADER, register

    intake.drop(register(60), "a.csv", PLACE)
    intake.night()
    assert intake.only().status == "accepted"
    renamed = HEADER.replace("Licence Commenced", "Licence Started").replace("Location", "Property")
    intake.drop(register(60, header=renamed), "b.csv", PLACE)
    intake.night()
    held = next(drop for drop in intake.drops() if drop.status == "held")
    onboard.propose_held("oxford")
    made = proposal(held.id)
    assert any("'Licence Commenced'" in s and "'Licence Started'" in s for s in made["changes"])
    assert len(made["changes"]) == 2
    assert len(intake.lake()) == 60  # the borough runs on its last good state meanwhile
    onboarded(held.id, "--write")
    intake.night()
    newest = next(drop for drop in intake.drops() if drop.id == held.id)
    assert newest.status == "accepted"


def test_a_layout_that_cannot_be_read_is_answered_with_the_reason(intake: Intake):
    lines = [f"{n:<10}{'A PERSON':<20}{n} EXAMPLE ROAD{'':<20}E13 2XL   C" for n in range(100, 140)]
    path = intake.drop("\r\n".join(["LICENCES", "", *lines]).encode(), "listing.csv", PLACE)
    for borough in ingest.discover():
        for stage in (ingest.admit, harmonise.harmonise, gate.gate, onboard.propose_held, publish.publish_drops):
            stage(borough)
    assert intake.only().status == "held"
    for kind in ("html", "txt"):
        told = path.with_name(f"{path.name}.receipt.{kind}").read_text()
        assert "The file is a print report" in told
        assert "Proposed mapping" not in told
        assert "EXAMPLE ROAD" not in told
