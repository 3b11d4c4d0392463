"""The API at homes that stood on no list: as the form takes an outcome there, with the same checks and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from pipelines.core.ledger.engine import transaction
from pipelines.governance import audit
from review.identity import tokens
from review.identity.person import Person, Role
from tests.review.conftest import Browser
from tests.review.listed import AS_OF, uprn_of
from tests.review.test_homes import CAMDEN, HOME, outcome, world
from tests.review.test_properties import kept

ROOT = f"/api/v1/boroughs/{CAMDEN}"
SENT = {"uprn": "901", "found": "hmo_licensed", "visited_on": AS_OF.isoformat(), "officer": "Ola Officer"}
BY = Person("m", "M Example", {CAMDEN: frozenset({Role.MANAGER})}, "key")


@pytest.fixture
def program(app: FastAPI, review_home: Any) -> Browser:
    """A program with an analyst's key, in the borough of `test_homes`."""
    world()
    key = tokens.give(CAMDEN, "case system", str(Role.ANALYST), 30, BY)
    return Browser(app, headers={"Authorization": f"Bearer {key}"})


def test_what_is_known_of_the_home_is_read_as_its_page_has_it(program: Browser) -> None:
    home = program.get(f"{ROOT}/homes/901").json()
    assert (home["address"], home["ward"], home["version"]) == ("901 Delancey <b>Mews</b>, NW1 7AA", "Kilburn", 0)
    assert home["known"]["licensing"]["needed_why"] == "Five persons (s.55)."
    assert [record["reference"] for record in home["known"]["records"]] == ["SR-77"]
    assert isinstance(home["known"]["records"][0]["record_id"], str)
    assert not {"place", "priority", "reasons", "probability"} & {*home, *home["known"]}
    assert "N Holder" not in str(home)
    with transaction() as session:
        (line,) = audit.lines(session, what="read property by API")
    assert (line.about, line.details["list"], line.details["records"]) == ("camden/901", None, 2)
    assert {read["table"] for read in line.details["reads"]} >= {"property", "link", "hmo_licence", "licensing"}


def test_an_outcome_is_recorded_where_no_list_led(program: Browser) -> None:
    answer = program.post(f"{ROOT}/outcomes", json=SENT | {"note": "three bells"})
    assert answer.status_code == 201, answer.text
    (made,) = kept()
    assert (made.uprn, made.list_id, made.rank, made.recorded_through) == ("901", None, None, "api")
    assert made.address == "901 Delancey <b>Mews</b>, NW1 7AA"
    home = program.get(f"{ROOT}/homes/901").json()
    assert (home["outcomes"], home["version"]) == ([answer.json()], 1)
    with transaction() as session:
        (line,) = audit.lines(session, what="record outcome")
        assert audit.lines(session, what="read") == []
    assert [read["table"] for read in line.details["reads"]] == ["property"]


def test_the_same_outcome_sent_twice_with_the_version_is_recorded_once(
    program: Browser, people: Callable[..., Browser]
) -> None:
    sent = SENT | {"version": program.get(f"{ROOT}/homes/901").json()["version"]}
    assert [program.post(f"{ROOT}/outcomes", json=sent).status_code for _ in range(2)] == [201, 409]
    # The form of a page that was opened before is told, too.
    assert people("analyst", CAMDEN).post_form(f"{HOME}/outcome", **outcome(version="0")).status_code == 409
    assert len(kept()) == 1


def test_a_listed_home_has_a_version_as_well(program: Browser) -> None:
    sent = SENT | {"uprn": uprn_of(3), "version": program.get(f"{ROOT}/properties/{uprn_of(3)}").json()["version"]}
    assert [program.post(f"{ROOT}/outcomes", json=sent).status_code for _ in range(2)] == [201, 409]
    assert program.get(f"{ROOT}/properties/{uprn_of(3)}").json()["version"] == 1


def test_without_a_version_a_second_visit_on_the_day_is_recorded(program: Browser) -> None:
    assert [program.post(f"{ROOT}/outcomes", json=SENT).status_code for _ in range(2)] == [201, 201]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ({"found": "castle"}, {"found": "castle"}),
        ({"method": "telepathy"}, {"method": "telepathy"}),
        ({"method": "desk", "found": "no_access"}, {"method": "desk", "found": "no_access"}),
        ({"visited-year": "2999"}, {"visited_on": "2999-09-30"}),
        ({"visited-year": "1999"}, {"visited_on": "1999-09-30"}),
        ({"visited-day": "31", "visited-month": "2"}, {"visited_on": "2026-02-31"}),
        ({"officer": " "}, {"officer": " "}),
        ({"officer": "x" * 121}, {"officer": "x" * 121}),
        ({"note": "x" * 2_001}, {"note": "x" * 2_001}),
        ({"version": "-1"}, {"version": -1}),
        ({"version": "7"}, {"version": 7}),
    ],
)
def test_what_the_form_refuses_the_api_refuses(
    program: Browser, people: Callable[..., Browser], typed: dict[str, str], sent: dict[str, Any]
) -> None:
    form = people("analyst", CAMDEN).post_form(f"{HOME}/outcome", **outcome(**typed))
    answer = program.post(f"{ROOT}/outcomes", json=SENT | sent)
    assert {form.status_code, answer.status_code} <= {409, 422}, (form.status_code, answer.text)
    assert kept() == []


@pytest.mark.parametrize("uprn", ["77", "12345", "999999999999"])
def test_a_home_of_another_borough_or_of_none_takes_nothing(program: Browser, uprn: str) -> None:
    assert program.get(f"{ROOT}/homes/{uprn}").status_code == 404
    answer = program.post(f"{ROOT}/outcomes", json=SENT | {"uprn": uprn})
    assert answer.status_code == 409
    assert "Delancey" not in answer.text
    assert kept() == []


def test_a_list_that_led_nowhere_near_is_refused(program: Browser) -> None:
    answer = program.post(f"{ROOT}/outcomes", json=SENT | {"list_id": f"camden-{AS_OF}-v1"})
    assert (answer.status_code, kept()) == (409, [])
    assert "leave the list out" in answer.json()["error"]


def test_a_home_of_a_list_is_read_among_the_properties(program: Browser) -> None:
    answer = program.get(f"{ROOT}/homes/{uprn_of(3)}")
    assert answer.status_code == 404
    assert "among the properties" in answer.json()["error"]


def test_where_an_agreement_has_ended_nothing_is_read_or_recorded(
    program: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.governance.standing.list_refusal", lambda _borough: "An agreement has ended.")
    for answer in (
        program.get(f"{ROOT}/homes/901"),
        program.post(f"{ROOT}/outcomes", json=SENT),
        program.post(f"{ROOT}/outcomes", json=SENT | {"uprn": uprn_of(3)}),
    ):
        assert answer.status_code == 404
        assert "An agreement has ended." in answer.json()["error"]
    assert kept() == []


def test_where_nothing_may_be_kept_the_api_keeps_nothing(program: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.casework.rules.why_erased", lambda _session, _uprn: "It was erased.")
    answer = program.post(f"{ROOT}/outcomes", json=SENT)
    assert (answer.status_code, answer.json()["error"], kept()) == (409, "It was erased.", [])
