"""What officers record goes with a property, is blanked of a person's name, and is deleted when its time is over."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.casework import imports, overrides, planning
from pipelines.casework.outcomes import correct
from pipelines.casework.rules import NotAllowedNow
from pipelines.casework.versions import ChangedMeanwhile
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.ledger.officers import Outcome, OutcomeFile, Override, PropertyCase
from pipelines.governance import erasure, erasure_search, retention
from pipelines.governance.subjects import person_subject, property_subject
from tests.unit.casework_world import CAMDEN, HACKNEY, NOW, TODAY, UPRNS, recorded, two_lists

WHO = "Ada Analyst (ada)"
UNTIL = date(2027, 3, 1)


@pytest.fixture(autouse=True)
def _world(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", NOW)
    two_lists()


def overrule(uprn: str = UPRNS[2], **given: Any) -> Override:
    said: dict[str, Any] = {"borough": CAMDEN, "uprn": uprn, "kind": "exclude", "reason": "known to us"}
    with transaction() as session:
        return overrides.add(session, **said | {"expires_on": UNTIL, "who": WHO, "expected_version": None} | given)


def plan(uprn: str = UPRNS[2], **given: Any) -> PropertyCase:
    said: dict[str, Any] = {"borough": CAMDEN, "uprn": uprn, "assigned_to": "Ola", "planned_for": TODAY, "who": WHO}
    with transaction() as session:
        return planning.plan(session, **said | {"expected_version": None} | given)


def rows(table: Any) -> list[Any]:
    with transaction() as session:
        return list(session.scalars(sa.select(table)))


def erased(subject: Any) -> dict[str, int]:
    found = erasure_search.find(subject, lambda _drop: iter(()))
    erasure.erase(found, "Gil", "asked")
    return found.counts()


# --- overrides and plans ---


def test_an_override_holds_until_its_day_or_until_it_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    made = overrule()
    assert made.address == "1 Example Road, London, SE15 4QL"
    with transaction() as session:
        assert [row.number for row in overrides.in_force(session, CAMDEN)] == [made.number]
        assert overrides.in_force(session, HACKNEY) == []
    monkeypatch.setenv("LODA_NOW", f"{UNTIL}T10:00:00+00:00")
    with transaction() as session:
        assert overrides.at(session, CAMDEN, UPRNS[2]) is not None, "the day itself is in"
    monkeypatch.setenv("LODA_NOW", "2027-03-02T10:00:00+00:00")
    with transaction() as session:
        assert overrides.at(session, CAMDEN, UPRNS[2]) is None
        with pytest.raises(NotAllowedNow, match="ended by itself"):
            overrides.end(session, made.number, borough=CAMDEN, who=WHO, expected_version=None)


def test_an_override_is_ended_once_and_in_its_own_borough() -> None:
    made = overrule()
    with transaction() as session, pytest.raises(NotFound):
        overrides.end(session, made.number, borough=HACKNEY, who=WHO, expected_version=None)
    with transaction() as session:
        ended = overrides.end(session, made.number, borough=CAMDEN, who="Ben", expected_version=1)
        assert (ended.ended_by, overrides.in_force(session, CAMDEN)) == ("Ben", [])
    with pytest.raises(NotAllowedNow, match="ended before"), transaction() as session:
        overrides.end(session, made.number, borough=CAMDEN, who=WHO, expected_version=None)
    assert overrule(kind="first").number == 2, "another may follow"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "burn"}, "Say how the list is outranked"),
        ({"reason": "  "}, "Give the reason"),
        ({"reason": "x" * 501}, "more than 500 letters"),
        ({"expires_on": TODAY}, "must lie in the future"),
        ({"expires_on": date(2027, 11, 22)}, "within a year"),
        ({"uprn": "77"}, "stood on no list"),
    ],
)
def test_an_override_keeps_its_rules(given: dict[str, Any], said: str) -> None:
    with pytest.raises(NotAllowedNow, match=said):
        overrule(**given)
    assert rows(Override) == []


def test_a_property_has_one_override_at_a_time() -> None:
    overrule()
    with pytest.raises(NotAllowedNow, match="until 1 March 2027 already"):
        overrule(kind="last")
    with pytest.raises(ChangedMeanwhile, match="outranked the list"):
        overrule(kind="last", expected_version=0)


def test_plans_keep_their_rules() -> None:
    assert plan(assigned_to="  Ola   Officer ").assigned_to == "Ola Officer"
    assert plan(assigned_to="", planned_for=None).assigned_to is None
    for given, said in (
        ({"planned_for": date(2026, 11, 19)}, "has passed"),
        ({"planned_for": date(2027, 12, 1)}, "within a year"),
        ({"assigned_to": "x" * 121}, "more than 120 letters"),
        ({"uprn": "77"}, "stood on no list"),
    ):
        with pytest.raises(NotAllowedNow, match=said):
            plan(**given)


def test_a_round_is_planned_whole_or_not_at_all() -> None:
    recorded(UPRNS[3])
    seen = {UPRNS[2]: 0, UPRNS[3]: 0}
    said: dict[str, Any] = {"borough": CAMDEN, "assigned_to": "Ola", "planned_for": TODAY, "who": WHO}
    with pytest.raises(ChangedMeanwhile), transaction() as session:
        planning.plan_round(session, versions_seen=seen, **said)
    assert [case.assigned_to for case in rows(PropertyCase)] == [None]
    with transaction() as session:
        assert planning.plan_round(session, versions_seen=seen | {UPRNS[3]: 1}, **said) == 2
        assert planning.officers(session, CAMDEN) == ["Ola"]
    for wrong in ({}, dict.fromkeys((str(n) for n in range(1, 202)), 0)):
        with pytest.raises(NotAllowedNow), transaction() as session:
            planning.plan_round(session, versions_seen=wrong, **said)


# --- erasure ---


def test_a_property_goes_with_outcomes_history_overrides_and_plans() -> None:
    first = recorded(UPRNS[2])
    with transaction() as session:
        said: dict[str, Any] = {"borough": CAMDEN, "visited_on": TODAY, "method": "visit", "officer": "Ola"}
        correct(session, first.number, found="empty", recorded_by=WHO, **said)
    overrule()
    plan()
    recorded(UPRNS[3])
    counts = erased(property_subject(f"uprn:{UPRNS[2]}"))
    assert (counts["outcomes"], counts["overrides"], counts["plans"]) == (2, 1, 1)
    assert [outcome.uprn for outcome in rows(Outcome)] == [UPRNS[3]]
    assert rows(Override) == []
    assert [case.uprn for case in rows(PropertyCase)] == [UPRNS[3]]


def test_a_persons_name_is_blanked_out_of_notes_and_reasons() -> None:
    recorded(UPRNS[2], note="Mrs Zelda Quillfeather opened\nand left")
    recorded(UPRNS[3], note="a locksmith opened")
    overrule(reason="Zelda Quillfeather is in hospital")
    counts = erased(person_subject(["Zelda Quillfeather"]))
    assert counts["notes_of_officers_that_are_blanked"] == 2
    assert [outcome.note for outcome in rows(Outcome)] == ["", "a locksmith opened"]
    assert [made.reason for made in rows(Override)] == [""]


def test_a_person_who_is_meant_at_one_property_is_blanked_there_only() -> None:
    recorded(UPRNS[2], note="Zelda Quillfeather opened")
    recorded(UPRNS[3], note="Zelda Quillfeather opened")
    assert erased(person_subject(["Zelda Quillfeather"], UPRNS[2]))["notes_of_officers_that_are_blanked"] == 1
    assert [outcome.note for outcome in rows(Outcome)] == ["", "Zelda Quillfeather opened"]


# --- retention ---


def test_what_stands_is_kept_and_what_is_history_goes_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = recorded(UPRNS[2])
    with transaction() as session:
        said: dict[str, Any] = {"borough": CAMDEN, "visited_on": TODAY, "method": "visit", "officer": "Ola"}
        correct(session, first.number, found="empty", recorded_by=WHO, **said)
    overrule(UPRNS[3])
    plan(UPRNS[4])
    path = tmp_path / "visits.csv"
    path.write_text(f"uprn,outcome,visited_on\n{UPRNS[5]},empty,2026-11-18\n")
    imports.take(path, CAMDEN, WHO)
    days = retention.retention_days(CAMDEN, "inspection")
    assert retention.due().counts["officers"] == 0
    later = date.fromordinal(UNTIL.toordinal() + days + 2)
    monkeypatch.setenv("LODA_NOW", f"{later}T10:00:00+00:00")
    made = retention.apply_retention()
    assert made.counts["officers"] >= 5
    assert [(outcome.uprn, outcome.superseded_at) for outcome in rows(Outcome)] == [(UPRNS[2], None), (UPRNS[5], None)]
    assert rows(Override) == []
    assert {case.uprn for case in rows(PropertyCase)} == {UPRNS[2], UPRNS[5]}
    assert rows(OutcomeFile) == []
    (line,) = [line for line in rows(AuditEvent) if line.what == "delete officers' records past retention"]
    assert line.details == {"outcomes": 1, "overrides": 1, "plans": 2, "files": 1}
    assert retention.due().counts["officers"] == 0
