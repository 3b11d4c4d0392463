"""What visits found is recorded, corrected and kept; two officers at one property do not overwrite each other."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.casework import outcomes, overrides, planning, versions
from pipelines.casework.outcomes import correct, history
from pipelines.casework.places import Place
from pipelines.casework.rules import NotAllowedNow
from pipelines.casework.versions import ChangedMeanwhile
from pipelines.casework.words import FOUND_HINTS, FOUND_WORDS, KIND_HINTS, KIND_WORDS, METHOD_WORDS, Found, Kind, Method
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.ledger.officers import Outcome, Override, PropertyCase
from pipelines.governance import audit, erasure, erasure_search
from pipelines.governance.subjects import property_subject
from schemas import registry
from tests.unit.casework_world import CAMDEN, HACKNEY, LIST, LIST_DAY, NOW, TODAY, UPRNS, recorded, two_lists

BY = "Ada Analyst (ada)"
OTHER = "Ben Brook (ben)"
CANARY = "Mrs Winterbottom slammed the door"


@pytest.fixture(autouse=True)
def _world(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", NOW)
    two_lists()


def corrected(number: int, **given: Any) -> Outcome:
    said: dict[str, Any] = {
        "borough": CAMDEN,
        "found": "single_household",
        "visited_on": date(2026, 11, 18),
        "method": "visit",
        "officer": "Ola Officer",
        "recorded_by": OTHER,
    }
    with transaction() as session:
        return correct(session, number, **said | given)


def version(uprn: str = UPRNS[2]) -> int:
    with transaction() as session:
        return versions.version_of(session, CAMDEN, uprn)


def lines(what: str) -> list[AuditEvent]:
    with transaction() as session:
        return audit.lines(session, what=what)


def test_every_code_has_words_and_findings_are_the_contracts() -> None:
    assert set(FOUND_WORDS) == set(FOUND_HINTS) == set(Found)
    assert set(METHOD_WORDS) == set(Method)
    assert set(KIND_WORDS) == set(KIND_HINTS) == set(Kind)
    codes = registry.contract("inspection").by_name["finding"].codes or {}
    assert set(Found) - {"no_access", "wrong_address"} == set(codes)


def test_an_outcome_has_the_address_and_rank_of_the_list_that_led_there() -> None:
    made = recorded(list_id=LIST, note="  first floor\r\nfive doors \x07 ")
    assert (made.address, made.rank, made.attempt) == ("1 Example Road, London, SE15 4QL", 1, None)
    assert made.note == "first floor\nfive doors"
    assert version() == 1


def test_without_a_list_the_newest_one_gives_the_address() -> None:
    made = recorded()
    assert (made.list_id, made.rank, made.address) == (None, None, "1 Example Road, London, SE15 4QL")


def test_a_property_on_no_list_is_taken_as_the_gazetteer_has_it() -> None:
    with pytest.raises(NotAllowedNow, match="not in its gazetteer"):
        recorded("5999")
    made = recorded("5999", place=Place(CAMDEN, "5999", "1 New Street"))
    assert made.address == "1 New Street"
    with pytest.raises(NotAllowedNow, match="not in its gazetteer"):
        recorded("6000", place=Place(CAMDEN, "5999", "1 New Street"))
    with pytest.raises(NotAllowedNow, match="not in its gazetteer"):
        recorded("5999", borough=HACKNEY, place=Place(CAMDEN, "5999", "1 New Street"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"visited_on": date(2026, 11, 21)}, "in the future"),
        ({"visited_on": date(2026, 11, 9), "list_id": LIST}, "before the list's day, 10 November 2026"),
        ({"visited_on": date(1999, 12, 31)}, "before 2000"),
        ({"found": "a_palace"}, "Say what was found"),
        ({"method": "telepathy"}, "Say how it was found out"),
        ({"method": "desk", "found": "no_access"}, "goes to no door"),
        ({"note": "x" * 2001}, "The note has 2,001 letters"),
        ({"officer": " "}, "Say who the officer is"),
        ({"officer": "x" * 121}, "more than 120 letters"),
        ({"uprn": "1" * 400}, "That is no UPRN"),
        ({"uprn": "012"}, "That is no UPRN"),
        ({"borough": "atlantis"}, "no such borough"),
        ({"borough": HACKNEY}, "stood on no list of this borough"),
        ({"list_id": "camden-2026-01-01-v9"}, "no such list in this borough"),
        ({"list_id": LIST, "uprn": UPRNS[0]}, "not on that list"),
    ],
)
def test_a_rule_stops_what_cannot_be_and_nothing_is_kept(given: dict[str, Any], said: str) -> None:
    with pytest.raises(NotAllowedNow, match=said):
        recorded(**given)
    with transaction() as session:
        assert session.scalars(sa.select(Outcome)).all() == []
        assert session.scalars(sa.select(PropertyCase)).all() == []
        assert session.scalars(sa.select(AuditEvent)).all() == []


def test_the_day_of_the_list_and_today_are_days_of_visits() -> None:
    assert recorded(visited_on=LIST_DAY, list_id=LIST).visited_on == LIST_DAY
    assert recorded(visited_on=TODAY, list_id=LIST).visited_on == TODAY


def test_visits_at_which_nobody_opens_are_counted_in_a_row() -> None:
    tries = [
        recorded(found=found, visited_on=date(2026, 11, day)).attempt
        for day, found in (
            (10, "no_access"),
            (11, "wrong_address"),
            (12, "no_access"),
            (14, "empty"),
            (15, "no_access"),
        )
    ]
    assert tries == [1, None, 2, None, 1]
    assert recorded(found="no_access", visited_on=date(2026, 11, 13)).attempt == 3
    assert recorded(UPRNS[3], found="no_access").attempt == 1


def test_a_corrected_try_counts_no_more() -> None:
    first = recorded(found="no_access", visited_on=date(2026, 11, 10))
    corrected(first.number, visited_on=date(2026, 11, 10))
    assert recorded(found="no_access").attempt == 1


def test_a_correction_takes_the_place_and_keeps_history() -> None:
    before = recorded(list_id=LIST)
    after = corrected(before.number, note="the wrong file")
    assert (after.corrects, after.list_id, after.rank, after.address) == (before.number, LIST, 1, before.address)
    with transaction() as session:
        kept = history(session, CAMDEN, UPRNS[2])
        assert [row.number for row in kept] == [after.number, before.number]
        assert kept[1].superseded_by == after.number
        assert kept[1].superseded_at is not None
        assert kept[1].found == "hmo_unlicensed"
        assert [row.number for row in outcomes.standing(session, CAMDEN, UPRNS[2])] == [after.number]
    with pytest.raises(NotAllowedNow, match="corrected before"):
        corrected(before.number)


@pytest.mark.parametrize("number", [0, -1, 4711, int("9" * 400)])
def test_there_is_no_correcting_what_is_not_there(number: int) -> None:
    with pytest.raises(NotFound, match="no such outcome"):
        corrected(number)


def test_another_boroughs_outcome_is_none() -> None:
    made = recorded()
    with pytest.raises(NotFound, match="no such outcome"):
        corrected(made.number, borough=HACKNEY)


def test_of_two_officers_the_second_is_told_who_did_what_and_when() -> None:
    recorded(expected_version=0)
    with pytest.raises(ChangedMeanwhile, match=r"Ada Analyst \(ada\) recorded an outcome at this property on 20 Nov"):
        recorded(expected_version=0, recorded_by=OTHER)
    assert recorded(expected_version=1, recorded_by=OTHER).number == 2
    with transaction() as session, pytest.raises(ChangedMeanwhile, match=r"Ben Brook \(ben\) recorded"):
        planning.plan(
            session, borough=CAMDEN, uprn=UPRNS[2], assigned_to="C", planned_for=None, who="C", expected_version=1
        )


def test_who_is_told_hears_of_plans_overrides_and_corrections_too(monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"borough": CAMDEN, "uprn": UPRNS[2], "expected_version": None}

    def told() -> str:
        with transaction() as session:
            return str(versions.changed_since(session, CAMDEN, UPRNS[2], 99))

    number = recorded().number
    monkeypatch.setenv("LODA_NOW", "2026-11-20T10:01:00+00:00")
    corrected(number)
    assert "Ben Brook (ben) corrected an outcome" in told()
    monkeypatch.setenv("LODA_NOW", "2026-11-20T10:02:00+00:00")
    with transaction() as session:
        planning.plan(session, **place, assigned_to="Ola", planned_for=TODAY, who="Cy")
    assert "Cy changed the plan of this property on 20 November 2026 at 10:02" in told()
    monkeypatch.setenv("LODA_NOW", "2026-11-20T10:03:00+00:00")
    with transaction() as session:
        made = overrides.add(session, **place, kind="first", reason="r", expires_on=date(2027, 1, 1), who="Di")
    assert "Di outranked the list" in told()
    monkeypatch.setenv("LODA_NOW", "2026-11-20T10:04:00+00:00")
    with transaction() as session:
        overrides.end(session, made.number, borough=CAMDEN, who="Ed", expected_version=None)
    assert "Ed ended what outranked the list" in told()


def test_a_write_that_is_told_so_leaves_what_is_there_as_it_is() -> None:
    recorded()
    with pytest.raises(ChangedMeanwhile):
        recorded(UPRNS[3], expected_version=7)
    assert version(UPRNS[3]) == 0
    assert version() == 1


def test_every_write_has_its_line_and_no_line_has_what_was_written() -> None:
    made = recorded(note=CANARY, officer=CANARY)
    corrected(made.number, note=CANARY, officer=CANARY)
    with transaction() as session:
        planning.plan(
            session, borough=CAMDEN, uprn=UPRNS[2], assigned_to=CANARY, planned_for=TODAY, who=BY, expected_version=2
        )
        overrides.add(
            session,
            borough=CAMDEN,
            uprn=UPRNS[2],
            kind="exclude",
            reason=CANARY,
            expires_on=date(2027, 1, 1),
            who=BY,
            expected_version=3,
        )
        every = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.number)).all()
    assert [line.what for line in every] == ["record outcome", "correct outcome", "plan visit", "outrank list"]
    assert {line.about for line in every} == {f"{CAMDEN}/{UPRNS[2]}"}
    assert [line.who for line in every] == [BY, OTHER, BY, BY]
    assert not [line for line in every if "Winterbottom" in f"{line.about}{line.details}{line.what}"]
    assert lines("record outcome")[0].details["found"] == "hmo_unlicensed"


def test_a_visit_that_was_made_is_no_longer_planned() -> None:
    def planned(uprn: str, day: date) -> None:
        with transaction() as session:
            planning.plan(
                session, borough=CAMDEN, uprn=uprn, assigned_to="Ola", planned_for=day, who=BY, expected_version=None
            )

    def plan_of(uprn: str) -> date | None:
        with transaction() as session:
            return session.get_one(PropertyCase, (CAMDEN, uprn)).planned_for

    planned(UPRNS[2], date(2026, 11, 20))
    recorded(visited_on=TODAY, found="no_access")
    assert plan_of(UPRNS[2]) is None
    planned(UPRNS[3], date(2026, 11, 25))
    recorded(UPRNS[3], visited_on=TODAY, found="no_access")
    assert plan_of(UPRNS[3]) == date(2026, 11, 25)
    recorded(UPRNS[3], visited_on=TODAY)
    assert plan_of(UPRNS[3]) is None


def test_nothing_is_kept_about_an_erased_property() -> None:
    erasure.erase(erasure_search.find(property_subject(f"uprn:{UPRNS[2]}"), lambda _drop: iter(())), "Gil", "asked")
    with pytest.raises(NotAllowedNow, match="erased"):
        recorded(place=Place(CAMDEN, UPRNS[2], "1 Example Road"))
    assert recorded(UPRNS[3]).number == 1


def test_nothing_is_kept_where_no_agreement_covers_inspections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", "2060-01-01T10:00:00+00:00")
    with pytest.raises(NotAllowedNow, match="nothing that visits found may be kept"):
        recorded()
    with transaction() as session:
        assert session.scalars(sa.select(Override)).all() == []
