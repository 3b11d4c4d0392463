"""Who is champion, and the way back: one step at a time, in a person's name, never to a file that was changed."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from typer.testing import CliRunner

from models.hmo import model_file, registry, rollback
from models.hmo.model_file import UntrustedModel
from pipelines.cli import app
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.ledger.engine import alembic_config, engine, transaction, upgrade
from pipelines.core.ledger.models import AuditEvent, ModelVersion

WHY = "finds more"


@pytest.fixture
def models(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four models of the ledger with files of their own; `a` came first. Opening checks the hash alone."""
    whole = model_file.load

    def checked(version: ModelVersion) -> object:
        path = home / version.path
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == version.sha256:
            return object()
        return whole(version)

    monkeypatch.setattr(model_file, "load", checked)
    (home / "models").mkdir()
    for name in "abcd":
        (home / "models" / f"{name}.skops").write_bytes(name.encode())
        registry.record(
            ModelVersion(
                id=name,
                as_of=date(2026, 1, 1),
                trained_at=datetime(2026, 1, 1, tzinfo=UTC),
                path=f"models/{name}.skops",
                sha256=hashlib.sha256(name.encode()).hexdigest(),
                hashes={},
                metrics={},
            )
        )
    return list("abcd")


def statuses() -> dict[str, str]:
    with transaction() as session:
        return dict(session.execute(sa.select(ModelVersion.id, ModelVersion.status)).all())


def champion() -> str:
    found = registry.champion()
    assert found is not None
    return found.id


def test_rolling_back_brings_the_champion_before_and_retires_the_one_left(models: list[str]):
    registry.promote("b", "A Person", WHY)
    result = rollback("B Person", "fewer hits")
    assert result.sentence == "a is the champion again and b is retired, rolled back by B Person."
    assert statuses() == {"a": "champion", "b": "retired", "c": "challenger", "d": "challenger"}
    chosen = registry.version("a")
    assert (chosen.promoted_by, chosen.promotion_reason) == ("B Person", "fewer hits")
    with transaction() as session:
        told = session.scalars(sa.select(AuditEvent).where(AuditEvent.what == "rollback model")).one()
    assert (told.who, told.about, told.details) == ("B Person", "a", {"reason": "fewer hits", "before": "b"})


def test_rolling_back_again_goes_further_back_and_never_forth(models: list[str]):
    for name in "bcd":
        registry.promote(name, "A Person", WHY)
    went = [rollback("A Person", WHY) and champion() for _ in range(3)]
    assert went == ["c", "b", "a"]
    with pytest.raises(NotFound, match="no champion before this one"):
        rollback("A Person", WHY)
    assert champion() == "a"


def test_after_a_rollback_the_next_promotion_is_taken_back_alone(models: list[str]):
    registry.promote("b", "A Person", WHY)
    registry.promote("c", "A Person", WHY)
    rollback("A Person", WHY)
    registry.promote("d", "A Person", WHY)
    rollback("A Person", WHY)
    assert champion() == "b", "c was left before: it does not come back"
    registry.promote("c", "A Person", "mended")
    rollback("A Person", WHY)
    rollback("A Person", WHY)
    assert champion() == "a"
    told = [(change.act, change.before, change.model_id) for change in registry.changes()]
    assert told == [
        ("first", None, "a"),
        ("promote", "a", "b"),
        ("promote", "b", "c"),
        ("rollback", "c", "b"),
        ("promote", "b", "d"),
        ("rollback", "d", "b"),
        ("promote", "b", "c"),
        ("rollback", "c", "b"),
        ("rollback", "b", "a"),
    ]


def test_a_first_model_has_none_before_it(models: list[str]):
    with pytest.raises(NotFound, match="'loda model promote' makes one"):
        rollback("A Person", WHY)


@pytest.mark.parametrize(("who", "reason"), [("", "why"), (" ", "why"), ("A Person", "  ")])
def test_nobody_rolls_back_without_a_name_and_a_reason(models: list[str], who: str, reason: str):
    registry.promote("b", "A Person", WHY)
    with pytest.raises(ConfigurationError, match="named person with a reason"):
        rollback(who, reason)
    assert champion() == "b"


def test_the_file_is_verified_first_and_nothing_changes_if_it_is_not_sound(models: list[str], home: Path):
    registry.promote("b", "A Person", WHY)
    before = len(registry.changes())
    (home / "models" / "a.skops").write_bytes(b"changed")
    with pytest.raises(UntrustedModel, match="not the one that was trained"):
        rollback("A Person", WHY)
    (home / "models" / "a.skops").unlink()
    with pytest.raises(NotFound, match="is gone"):
        rollback("A Person", WHY)
    assert champion() == "b"
    assert len(registry.changes()) == before


def test_one_command_rolls_back_and_errors_are_sentences(models: list[str]):
    run = CliRunner()
    registry.promote("b", "A Person", WHY)
    done = run.invoke(app, ["model", "rollback", "--who", "A Person", "--reason", "fewer hits"])
    assert (done.exit_code, done.stdout) == (0, "a is the champion again and b is retired, rolled back by A Person.\n")
    again = run.invoke(app, ["model", "rollback", "--who", "A Person", "--reason", "fewer hits"])
    assert again.exit_code != 0
    assert again.stderr.startswith("loda: There is no champion before this one")


def test_a_ledger_from_before_gets_its_sequence_from_what_is_known(models: list[str]):
    registry.promote("b", "A Person", "better")
    command.downgrade(alembic_config(), "0004")
    assert "loda_model_change" not in sa.inspect(engine()).get_table_names()
    columns = {column["name"] for column in sa.inspect(engine()).get_columns("loda_list_entry")}
    assert "control_slot" not in columns
    upgrade()
    told = [(change.act, change.before, change.model_id, change.who) for change in registry.changes()]
    assert told == [("promote", None, "a", registry.FIRST), ("promote", "a", "b", "A Person")]
    rollback("A Person", WHY)
    assert champion() == "a"


def test_who_decided_before_another_champion_is_told(models):
    registry.promote("b", "B Example", WHY, instead_of="a")
    with pytest.raises(registry.ChampionChanged, match="Meanwhile b was made the champion by B Example"):
        registry.promote("c", "C Example", WHY, instead_of="a")
    with pytest.raises(registry.ChampionChanged, match="look at the models anew"):
        registry.rollback("C Example", WHY, instead_of="a")
    assert champion() == "b"
    registry.rollback("C Example", WHY, instead_of="b")
    assert champion() == "a"


def test_where_a_rollback_leads_is_known_before(models):
    assert registry.goes_back_to() is None
    for name in "bc":
        registry.promote(name, "B Example", WHY)
    assert registry.goes_back_to() == "b"
    registry.rollback("B Example", WHY)
    assert registry.goes_back_to() == "a"
