"""A property's page and its forms: what is recorded is kept with its history, and the second officer is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.ledger.officers import Outcome, Override, PropertyCase
from tests.review.conftest import Browser
from tests.review.listed import AS_OF, issue, let_analysts_name_landlords, uprn_of

HOME = f"/properties/camden/{uprn_of(3)}"
FOUND = {"found": "single_household", "method": "visit", "officer": "A Example", "note": ""}


def parts(name: str, day: date) -> dict[str, str]:
    """A day as the form's three fields."""
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}


def outcome(**changed: str) -> dict[str, str]:
    """The fields of an outcome."""
    return {**FOUND, **parts("visited", AS_OF), "version": "0", **changed}


@pytest.fixture
def analyst(people: Callable[..., Browser]) -> Browser:
    """An analyst of Camden, whose list of 30 homes was issued."""
    let_analysts_name_landlords()
    issue()
    issue("bexley", homes=3, first=500)
    return people("analyst", "camden")


def kept() -> list[Outcome]:
    """Outcomes in the ledger."""
    with transaction() as session:
        return list(session.scalars(sa.select(Outcome).order_by(Outcome.number)))


def test_the_page_says_why_and_what_stands_behind(analyst: Browser) -> None:
    text = analyst.get(HOME).text
    for said in (
        "a lead to check, not a finding",
        "How many live there",
        "raises strongly",
        "4 surnames among electors",
        "Housing Act 2004 s.55",
        "SR-3",
        "Its address is the same.",
        "About 99 in 100 sure.",
        "Example Lettings 3 Ltd",
        "version 1: place 3",
    ):
        assert said in text, said
    assert "0.87" not in text


@pytest.mark.parametrize("uprn", [uprn_of(999), "1" * 400, "0", "x", "%00", "..%2F..", uprn_of(500), "1%0a2"])
def test_ids_of_nothing_and_of_other_boroughs_are_not_there(analyst: Browser, uprn: str) -> None:
    for path in ("", "/outcome", "/plan", "/override", "/outcomes/1"):
        answer = analyst.get(f"/properties/camden/{uprn}{path}")
        assert answer.status_code == 404, path
        assert "Bexley" not in answer.text
    assert analyst.get(f"/properties/bexley/{uprn_of(500)}").status_code == 404


def test_an_outcome_is_recorded_corrected_and_keeps_its_history(analyst: Browser) -> None:
    answer = analyst.post_form(f"{HOME}/outcome", **outcome(note="=cmd|' /C calc'!A0 <b>three bells</b>"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}?done=outcome")
    text = analyst.get(f"{HOME}?done=outcome").text
    assert "The outcome is saved" in text
    assert "&lt;b&gt;three bells&lt;/b&gt;" in text
    first = kept()[0]
    assert (first.list_id, first.rank, first.officer) == (f"camden-{AS_OF}-v1", 3, "A Example")
    form = analyst.get(f"{HOME}/outcomes/{first.number}").text
    assert re.search(r'value="single_household"[^>]*checked', form)
    assert (
        analyst.post_form(f"{HOME}/outcomes/{first.number}", **outcome(found="empty", version="1")).status_code == 303
    )
    before, after = kept()
    assert before.superseded_by == after.number
    assert after.corrects == before.number
    assert "corrected since" in analyst.get(HOME).text
    again = analyst.post_form(f"{HOME}/outcomes/{first.number}", **outcome(found="not_hmo", version="2"))
    assert again.status_code == 422
    assert "was corrected before" in again.text
    with transaction() as session:
        acts = list(session.scalars(sa.select(AuditEvent.what).order_by(AuditEvent.number)))
        told = [str(event.details) for event in session.scalars(sa.select(AuditEvent))]
    assert acts.count("record outcome") == 1
    assert acts.count("correct outcome") == 1
    assert not [one for one in told if "bells" in one]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"found": ""}, "Choose what was found."),
        ({"found": "castle"}, "Choose what was found."),
        ({"officer": " "}, "Say who the officer is."),
        ({"note": "a" * 2001}, "keep it to 2,000"),
        ({"visited-day": "31", "visited-month": "2"}, "must be a real date"),
        ({"visited-year": "12026"}, "must be a real date"),
        ({"visited-day": "", "visited-month": "", "visited-year": ""}, "Enter the day of the visit."),
        (parts("visited", date(2026, 9, 29)), "before the list"),
        (parts("visited", date(2900, 1, 1)), "in the future"),
        ({"method": "desk", "found": "no_access"}, "A desk check goes to no door"),
        ({"version": "one"}, "The form is damaged"),
    ],
)
def test_a_wrong_outcome_is_told_at_its_field_and_what_was_typed_stays(
    analyst: Browser, changed: dict[str, str], said: str
) -> None:
    answer = analyst.post_form(f"{HOME}/outcome", **outcome(**{"note": "three bells", **changed}))
    assert answer.status_code == 422
    assert "<title>Error: Record what was found" in answer.text
    assert said in answer.text
    assert "There is a problem" in answer.text
    assert changed.get("note", "three bells")[:11] in answer.text
    assert kept() == []


def test_two_officers_at_one_property_the_second_is_told_and_nothing_is_lost(
    analyst: Browser, people: Callable[..., Browser]
) -> None:
    other = people("manager", "camden")
    assert other.post_form(f"{HOME}/outcome", **outcome(found="hmo_unlicensed")).status_code == 303
    answer = analyst.post_form(f"{HOME}/outcome", **outcome(note="three bells"))
    assert answer.status_code == 409
    assert "manager of the tests" in answer.text
    assert "three bells" in answer.text
    assert [one.found for one in kept()] == ["hmo_unlicensed"]
    version = re.search(r'name="version" value="(\d+)"', answer.text)
    assert version is not None
    again = analyst.post_form(f"{HOME}/outcome", **outcome(note="three bells", version=version[1]))
    assert again.status_code == 303
    assert len(kept()) == 2


def test_no_access_counts_its_tries(analyst: Browser) -> None:
    for version, tries in enumerate((1, 2, 3)):
        analyst.post_form(f"{HOME}/outcome", **outcome(found="no_access", version=str(version)))
        assert kept()[-1].attempt == tries
    assert "No access, try 3" in analyst.get(HOME).text


def test_a_plan_is_kept_and_taken_away(analyst: Browser) -> None:
    later = clock.today() + timedelta(days=3)
    sent = {"officer": "B Example", **parts("planned", later), "version": "0"}
    assert analyst.post_form(f"{HOME}/plan", **sent).status_code == 303
    assert "Assigned to B Example" in analyst.get(HOME).text
    past = analyst.post_form(f"{HOME}/plan", **{**sent, **parts("planned", date(2020, 1, 1)), "version": "1"})
    assert past.status_code == 422
    assert "has passed" in past.text
    empty = {"officer": "", "planned-day": "", "planned-month": "", "planned-year": "", "version": "1"}
    assert analyst.post_form(f"{HOME}/plan", **empty).status_code == 303
    with transaction() as session:
        case = session.scalars(sa.select(PropertyCase)).one()
    assert (case.assigned_to, case.planned_for) == (None, None)


def test_a_home_is_excluded_until_a_day_and_that_can_be_ended(analyst: Browser) -> None:
    until = clock.today() + timedelta(days=90)
    sent = {"kind": "exclude", "reason": "care home <i>", **parts("until", until), "version": "0"}
    assert analyst.post_form(f"{HOME}/override", **sent).status_code == 303
    assert "care home &lt;i&gt;" in analyst.get(HOME).text
    twice = analyst.post_form(f"{HOME}/override", **{**sent, "version": "1"})
    assert twice.status_code == 422
    assert "already" in twice.text
    with transaction() as session:
        made = session.scalars(sa.select(Override)).one()
    assert analyst.post_form(f"{HOME}/override/end", number=str(made.number), version="1").status_code == 303
    late = analyst.post_form(f"{HOME}/override/end", number=str(made.number), version="2")
    assert late.status_code == 422
    assert "ended before" in late.text
    for changed, said in (
        ({"kind": "burn"}, "Choose what is to happen."),
        ({"reason": ""}, "Give the reason"),
        (parts("until", clock.today() + timedelta(days=900)), "within a year"),
        (parts("until", clock.today()), "must lie in the future"),
    ):
        answer = analyst.post_form(f"{HOME}/override", **{**sent, "version": "2", **changed})
        assert answer.status_code == 422
        assert said in answer.text


def test_the_database_away_is_said_and_nothing_is_half_kept(analyst: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.core.ledger.officers import Outcome as Table

    def away(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("server closed the connection, A Example"))

    monkeypatch.setattr("pipelines.casework.outcomes.audit.record", away)
    answer = analyst.post_form(f"{HOME}/outcome", **outcome())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert "A Example" not in answer.text
    monkeypatch.undo()
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Table)) == 0
