"""Rules that change while a drop is on its way: by one state of them it is read, judged and published, or again."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines import gate, harmonise, ingest, publish
from pipelines.core.errors import HeldDrop
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import DropProfile
from pipelines.core.settings import settings
from pipelines.publish import notify
from schemas import registry
from tests.intake.conftest import HEADER, Intake, register
from tests.newer_code import add_a_field

OTHER_HEADER = HEADER.replace("Location", "Where it is")
Save = Callable[..., None]


@pytest.fixture
def save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Save:
    """Save a mapping of Oxford's register with some words replaced, as `<dataset>[.<layout>].yaml`."""
    folder = tmp_path / "mappings" / "oxford"
    folder.mkdir(parents=True)
    monkeypatch.setenv("LODA_MAPPINGS_DIR", str(folder.parent))
    settings.cache_clear()
    text = (registry.FOLDER / "mappings/oxford/hmo_licence.yaml").read_text()

    def made(name: str, old: str, new: str) -> None:
        (folder / name).write_text(text.replace(old, new))
        registry.clear()

    return made


def test_a_mapping_saved_while_its_drop_is_read_is_used_the_next_night(
    intake: Intake, save: Save, monkeypatch: pytest.MonkeyPatch
):
    module = sys.modules["pipelines.harmonise.stage"]
    real = module.open_drop

    def just_too_late(drop):
        try:
            return real(drop)
        except HeldDrop:
            save("hmo_licence.other.yaml", "Location", "Where it is")
            raise

    intake.drop(register(5, header=OTHER_HEADER))
    with monkeypatch.context() as patch:
        patch.setattr(module, "open_drop", just_too_late)
        intake.night()
    assert intake.only().status == "held"
    assert intake.night() == ["oxford"]
    assert intake.only().status == "accepted"
    assert len(intake.lake()) == 5


@pytest.mark.parametrize("before", [gate.gate, publish.publish_drops], ids=["gate", "publish"])
def test_what_was_read_by_rules_that_changed_is_not_published_and_read_again(
    before: Callable[[str], object], intake: Intake, save: Save
):
    intake.drop(register(5), "register 2024-05-01.csv")
    intake.night()
    intake.drop(register(6), "register 2024-06-01.csv")
    said = []
    for stage in (ingest.admit, harmonise.harmonise, gate.gate, publish.publish_drops):
        if stage is before:
            save("hmo_licence.yaml", "HMOLIC: mandatory", "HMOLIC: additional")
        said.append(stage("oxford"))
    assert "1 read by rules that have changed since" in said[-1 if before is publish.publish_drops else -2].sentence
    assert said[-1].counts["published"] == 0
    assert len(intake.lake()) == 5, "the extract of before stays in use"
    assert {row["licence_type"] for row in intake.lake()} == {"mandatory"}
    notify(waiting=ingest.discover())
    assert not (intake.bucket / "drops" / "oxford" / "NOTICES.json").exists(), "oxford is told nothing meanwhile"
    ingest.admit("oxford")
    with transaction() as session:
        figures = set(session.scalars(sa.select(DropProfile.drop_id)))
    assert figures == {intake.drops()[0].id}, "what was never in the lake is no history to judge by"
    assert intake.night() == ["oxford"]
    assert [drop.status for drop in intake.drops()] == ["superseded", "accepted"]
    assert {row["licence_type"] for row in intake.lake()} == {"additional"}
    assert len(intake.lake()) == 6
    assert intake.night() == []


@pytest.mark.parametrize("before", [gate.gate, publish.publish_drops], ids=["gate", "publish"])
def test_a_contract_with_a_field_more_lets_no_stage_stumble(
    before: Callable[[str], object], intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    deployed = tmp_path / "schemas"
    shutil.copytree(registry.FOLDER, deployed, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setattr(registry, "FOLDER", deployed)
    contract = deployed / "contracts" / "hmo_licence.odcs.yaml"
    intake.drop(register(5))
    try:
        for stage in (ingest.admit, harmonise.harmonise, gate.gate, publish.publish_drops):
            if stage is before:
                add_a_field(contract)
                registry.clear()
            stage("oxford")
        assert intake.lake() == []
        assert intake.night() == ["oxford"]
        assert intake.only().status == "accepted"
        assert {row["of_newer_code"] for row in intake.lake()} == {None}
        assert len(intake.lake()) == 5
    finally:
        monkeypatch.undo()
        registry.clear()
