"""A named person releases or refuses a held drop: once, with a reason, audited, and told in the receipt."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines import gate
from pipelines.cli import app
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import (
    AuditEvent,
    Drop,
    DropProfile,
    DropStatus,
    GateDecision,
    LastGood,
    QualityMeasure,
)
from pipelines.core.settings import settings
from pipelines.gate.decisions import NOT_FOR_A_PERSON, NotDecided, held
from pipelines.governance import audit
from schemas import registry
from tests.intake.conftest import Intake
from tests.intake.gate_world import TODAY, drop_of, know, licences, send

WHO, WHY = "A Example", "the register was cleaned"


@pytest.fixture(autouse=True)
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", f"{TODAY.isoformat()}T20:00:00+00:00")
    monkeypatch.setattr("pipelines.gate.stage.check_rows", lambda *_: [])


@pytest.fixture
def fallen(intake: Intake) -> Drop:
    """A register that lost 80% of its rows and is held for it."""
    know("camden", "hmo_licence")
    send(intake, licences("camden", 200), TODAY - timedelta(days=7))
    path = send(intake, licences("camden", 40))
    intake.night()
    drop = drop_of(intake, path)
    assert (drop.status, drop.reason) == ("held", "row_count_fell")
    return drop


def now(drop: Drop) -> Drop:
    with transaction() as session:
        return session.get_one(Drop, drop.id)


def loda(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_a_released_drop_is_published_by_the_next_night(intake: Intake, fallen: Drop):
    assert gate.release(fallen.id, f"  {WHO} ", WHY) == "camden"
    assert now(fallen).status == DropStatus.RECEIVED.value
    assert intake.night() == ["camden"]
    released = now(fallen)
    assert (released.status, released.accepted, released.quarantined) == ("accepted", 40, 0)
    assert len(intake.lake(borough="camden")) == 40
    receipt = released.receipt
    assert receipt is not None
    assert receipt["reason"] == "released_by_person"
    assert receipt["sentence"] == (
        "Released by A Example on 30 September 2026: the register was cleaned. It had been held: 40 usable rows after "
        "200 in the last accepted extract, a fall of 80%; more than 50% holds the drop."
    )
    beside = json.loads((intake.bucket / f"{fallen.path}.receipt.json").read_text())
    assert beside["sentence"] == receipt["sentence"]
    with transaction() as session:
        assert session.get(DropProfile, fallen.id) is not None, "a released drop is history for the next"
        assert session.query(QualityMeasure).filter_by(drop_id=fallen.id).count()


def test_a_decision_is_audited_in_the_same_transaction(fallen: Drop, monkeypatch: pytest.MonkeyPatch):
    def broken(*_args, **_kwargs) -> None:
        raise RuntimeError("the log is full")

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.governance.audit.record", broken)
        with pytest.raises(RuntimeError, match="the log is full"):
            gate.release(fallen.id, WHO, WHY)
    assert now(fallen).status == "held"
    with transaction() as session:
        assert session.get(GateDecision, fallen.id) is None
    gate.release(fallen.id, WHO, WHY)
    with transaction() as session:
        (line,) = session.scalars(sa.select(AuditEvent).where(AuditEvent.about == fallen.id)).all()
        assert (line.who, line.what) == (WHO, "release held drop")
        assert line.details == {"held_for": "row_count_fell", "reason": WHY, "rows": 40}
        assert audit.verify(session) is None


def test_a_refused_drop_stays_refused_whatever_changes(intake: Intake, fallen: Drop, monkeypatch: pytest.MonkeyPatch):
    gate.refuse(fallen.id, WHO, "a test export")
    intake.night()
    refused = now(fallen)
    assert (refused.status, refused.reason) == ("refused", "refused_by_person")
    assert refused.receipt is not None
    assert refused.receipt["sentence"].startswith(
        "Refused by A Example on 30 September 2026: a test export. It had been held: 40 usable rows after 200"
    )
    assert len(intake.lake(borough="camden")) == 200
    monkeypatch.setenv("LODA_MAX_ROW_FALL_SHARE", "0.99")  # what it was held for would not hold it any more
    settings.cache_clear()
    registry.clear()
    intake.night()
    assert now(fallen).status == "refused"
    assert len(intake.lake(borough="camden")) == 200


def test_the_same_bytes_again_stay_refused(intake: Intake, fallen: Drop):
    gate.refuse(fallen.id, WHO, "a test export")
    intake.night()
    send(intake, licences("camden", 40), TODAY, name="again")
    intake.night()
    assert now(fallen).status == "refused"
    (again,) = [drop for drop in intake.drops() if "again-" in drop.path]
    assert (again.status, again.duplicate_of) == ("duplicate", fallen.id)
    assert "refused" in str(again.sentence)


def test_a_release_survives_a_second_look(intake: Intake, fallen: Drop, monkeypatch: pytest.MonkeyPatch):
    gate.release(fallen.id, WHO, WHY)
    intake.night()
    monkeypatch.setenv("LODA_MAX_QUARANTINED_SHARE", "0.3")
    settings.cache_clear()
    intake.night()
    again = now(fallen)
    assert (again.status, again.reason) == ("accepted", "released_by_person")
    assert WHO in str(again.sentence)


def test_a_limit_mended_before_the_release_needs_none(intake: Intake, fallen: Drop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_MAX_ROW_FALL_SHARE", "0.9")
    settings.cache_clear()
    intake.night()
    assert (now(fallen).status, now(fallen).reason) == ("accepted", None)
    with pytest.raises(NotDecided, match="is accepted, not held"):
        gate.release(fallen.id, WHO, WHY)


@pytest.mark.parametrize(("who", "why"), [("", WHY), ("  ", WHY), (WHO, ""), (WHO, " \n"), ("x" * 121, WHY)])
def test_who_and_why_are_asked_for(fallen: Drop, who: str, why: str):
    with pytest.raises(NotDecided, match=r"^Give the "):
        gate.release(fallen.id, who, why)
    assert now(fallen).status == "held"


def test_a_drop_is_decided_once(intake: Intake, fallen: Drop):
    gate.refuse(fallen.id, WHO, "a test export")
    for decide in (gate.release, gate.refuse):
        with pytest.raises(NotDecided, match="was refused by A Example on 30 September 2026; a drop is decided once"):
            decide(fallen.id, "B Other", "changed my mind")


def test_a_drop_that_is_not_there(fallen: Drop):
    with pytest.raises(NotFound, match="There is no drop 'camden-nothing'"):
        gate.release("camden-nothing", WHO, WHY)


@pytest.mark.parametrize("reason", sorted(NOT_FOR_A_PERSON))
def test_what_nobody_may_lift_says_what_to_do_instead(fallen: Drop, reason: str):
    with transaction() as session:
        session.get_one(Drop, fallen.id).reason = reason
    with pytest.raises(NotDecided, match="cannot be released") as told:
        gate.release(fallen.id, WHO, WHY)
    assert NOT_FOR_A_PERSON[reason] in str(told.value)
    (waiting,) = held()
    assert (waiting.releasable, waiting.instead) == (False, NOT_FOR_A_PERSON[reason])
    gate.refuse(fallen.id, WHO, "not worth a mapping")
    assert now(fallen).status == "refused"


def test_every_hold_that_is_not_for_a_person_is_an_issue_type():
    for issue_type in NOT_FOR_A_PERSON:
        assert registry.issue_types()[issue_type].severity == "critical"


def test_a_later_extract_makes_a_release_pointless(intake: Intake, fallen: Drop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_NOW", f"{(TODAY + timedelta(days=7)).isoformat()}T20:00:00+00:00")
    send(intake, licences("camden", 201), TODAY + timedelta(days=7))
    intake.night()
    with pytest.raises(NotDecided, match="A later extract, of 07 October 2026, is in place"):
        gate.release(fallen.id, WHO, WHY)


def test_a_drop_whose_rows_are_in_use_cannot_be_refused(intake: Intake, fallen: Drop):
    with transaction() as session:
        session.get_one(LastGood, ("camden", "hmo_licence", "main")).drop_id = fallen.id
    with pytest.raises(NotDecided, match="its rows are in use"):
        gate.refuse(fallen.id, WHO, WHY)


# --- the command ---


def test_the_command_lists_releases_and_publishes_at_once(intake: Intake, fallen: Drop):
    listed = loda("gate", "list")
    assert listed.exit_code == 0
    assert fallen.id in listed.stdout
    assert "a fall of 80%" in listed.stdout
    assert f"loda gate release {fallen.id}" in listed.stdout
    (row,) = json.loads(loda("gate", "list", "--borough", "camden", "--json").stdout)
    assert (row["drop"], row["held_for"], row["releasable"]) == (fallen.id, "row_count_fell", True)
    done = loda("gate", "release", fallen.id, "--who", WHO, "--reason", WHY, "--now", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["status"] == "accepted"
    assert len(intake.lake(borough="camden")) == 40
    assert loda("gate", "list").stdout == "No drop is held.\n"
    (decided,) = json.loads(loda("gate", "list", "--decided", "--json").stdout)
    assert (decided["decision"], decided["who"], decided["status"]) == ("release", WHO, "accepted")
    assert "released by A Example" in loda("gate", "list", "--decided").stdout


def test_the_command_refuses(fallen: Drop):
    done = loda("gate", "refuse", fallen.id, "--who", WHO, "--reason", "a test export")
    assert done.exit_code == 0
    assert "is refused." in done.stdout
    assert "a test export" in done.stdout
    again = loda("gate", "refuse", fallen.id, "--who", WHO, "--reason", "a test export")
    assert again.exit_code == 1
    assert again.stderr.startswith("loda: Drop")
    assert "decided once" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("release", "no-such-drop", "--who", WHO, "--reason", WHY), 66, "There is no drop 'no-such-drop'"),
        (("list", "--borough", "atlantis"), 66, "There is no borough 'atlantis'"),
        (("release", "x", "--who", "  ", "--reason", WHY), 1, "Give the name"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(home, arguments: tuple[str, ...], code: int, said: str):
    done = loda("gate", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_before_the_first_night(tmp_path, monkeypatch):
    monkeypatch.setenv("LODA_HOME", str(tmp_path / "fresh"))
    settings.cache_clear()
    done = loda("gate", "list")
    settings.cache_clear()
    assert done.exit_code == 66
    assert "No night has run here yet" in done.stderr
