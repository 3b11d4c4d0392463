"""A home that stood on no list: found by its address, seen, visited after a complaint, and a label as any other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from models.hmo import labels
from pipelines.casework import take_in
from pipelines.core.ledger.engine import transaction
from pipelines.core.tables import LICENSING
from pipelines.governance import access, audit
from tests.review.conftest import Browser
from tests.review.listed import AS_OF, issue, uprn_of
from tests.review.test_properties import kept, outcome
from tests.unit.licensing_world import _table, write_dataset, write_links, write_properties

CAMDEN, HOME = "camden", "/homes/camden/901"


def world() -> None:
    """Camden, whose gazetteer has homes that its list has not; 901 has a licence and a complaint."""
    issue()
    write_properties(
        {"uprn": "901", "address": "901 Delancey <b>Mews</b>", "postcode": "NW1 7AA", "ward_name": "Kilburn"},
        {"uprn": "902", "address": "902 Delancey Mews", "postcode": "NW1 7AA"},
        {"uprn": uprn_of(3), "address": "3 Example Road"},
    )
    write_properties({"uprn": "77", "address": "77 Delancey Mews"}, borough="bexley")
    write_dataset(
        "hmo_licence",
        {
            "licence_ref": "LIC-1", "licence_type": "mandatory", "licence_status": "current", "holder_name": "N Holder",
            "commencement_date": date(2025, 1, 1), "expiry_date": date(2100, 1, 1),
        },
    )  # fmt: skip
    write_dataset(
        "service_request",
        {"request_ref": "SR-77", "request_category": "noise", "received_date": date(2025, 5, 1)},
        {"request_ref": "SR-78", "request_category": "noise", "received_date": date(2025, 5, 1)},
    )
    write_links(("hmo_licence", 1, "901"), ("service_request", 1, "901"), ("service_request", 2, "902"))
    told = {
        "borough": CAMDEN, "uprn": "901", "as_of": AS_OF, "needed": "mandatory", "needed_why": "Five persons (s.55).",
        "status": "held", "status_why": "Licence LIC-1 is in force.", "missing": "", "excluded_why": "",
    }  # fmt: skip
    access.write_table("licensing", _table(LICENSING, [told]), borough=CAMDEN, made_from={})


@pytest.fixture
def analyst(people: Callable[..., Browser]) -> Browser:
    """An analyst of Camden."""
    world()
    return people("analyst", CAMDEN)


def test_the_list_leads_to_homes_that_are_not_on_it(analyst: Browser) -> None:
    text = analyst.get("/lists/camden?search=delancey+mews").text
    assert "Not on this list: look for it among all homes of Camden" in text
    assert 'href="/homes/camden?search=delancey%20mews"' in text
    found = analyst.get("/homes/camden?search=delancey mews").text
    assert "2 homes" in found
    assert found.count("Not on a list: open its page") == 2
    assert 'href="/homes/camden/902"' in found
    assert "<b>Mews" not in found
    listed = analyst.get(f"/homes/camden?search={uprn_of(3)}").text
    assert f'href="/properties/camden/{uprn_of(3)}"' in listed
    assert "On a list: open its entry" in listed


@pytest.mark.parametrize("text", ["901", "nw17aa", "NW1 7AA", "delancey, 901", "DELANCEY"])
def test_a_home_is_found_by_words_postcode_and_uprn(analyst: Browser, text: str) -> None:
    assert 'href="/homes/camden/901"' in analyst.get("/homes/camden", params={"search": text}).text


@pytest.mark.parametrize("text", ["9" * 400, "90", "%", "_", "77", "Delancey 77", "é" * 300, "\x00", "' OR 1=1 --"])
def test_what_nothing_fits_is_told_and_finds_nothing_elsewhere(analyst: Browser, text: str) -> None:
    answer = analyst.get("/homes/camden", params={"search": text})
    assert answer.status_code == 200
    assert "/homes/camden/9" not in answer.text
    assert "77 Delancey" not in answer.text


def test_the_page_says_what_is_known_and_that_there_is_no_place(analyst: Browser) -> None:
    text = analyst.get(HOME).text
    for said in (
        "901 Delancey &lt;b&gt;Mews&lt;/b&gt;, NW1 7AA",
        "On no list",
        "Kilburn",
        "Five persons (s.55).",
        "Licence LIC-1 is in force.",
        "in force",
        "SR-77",
        "Not visited yet",
        f"as of {AS_OF.day} September 2026",
    ):
        assert said in text, said
    for never in ("SR-78", "N Holder", "Place ", "probab", "refuse"):
        assert never not in text, never
    with transaction() as session:
        (line,) = audit.lines(session, what="view property")
    assert (line.about, line.details["list"], line.details["records"]) == ("camden/901", None, 2)
    assert {read["table"] for read in line.details["reads"]} >= {"property", "link", "hmo_licence", "licensing"}


@pytest.mark.parametrize("uprn", ["1" * 400, "0", "x", "%00", "..%2F..", "77", "12345", "1%0a2", "9.01", "٩٠١"])
def test_ids_of_nothing_and_of_other_boroughs_are_not_there(analyst: Browser, uprn: str) -> None:
    for path in ("", "/outcome", "/outcomes/1"):
        answer = analyst.get(f"/homes/camden/{uprn}{path}")
        assert answer.status_code == 404, path
        assert "Delancey" not in answer.text
    assert analyst.post_form(f"/homes/camden/{uprn}/outcome", **outcome()).status_code == 404
    assert analyst.get("/homes/bexley/77").status_code == 404
    assert kept() == []


def test_a_home_of_a_list_is_shown_as_its_entry(analyst: Browser) -> None:
    for path in ("", "/outcome", "/outcomes/1"):
        answer = analyst.get(f"/homes/camden/{uprn_of(3)}{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/properties/camden/{uprn_of(3)}{path}")
    told = analyst.get("/properties/camden/901")
    assert told.status_code == 404
    assert "not on the list" in told.text


def test_a_visit_after_a_complaint_is_recorded_corrected_and_becomes_a_label(analyst: Browser) -> None:
    answer = analyst.post_form(f"{HOME}/outcome", **outcome(found="hmo_licensed", note="three bells"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}?done=outcome")
    first = kept()[0]
    assert (first.uprn, first.list_id, first.rank) == ("901", None, None)
    assert first.address == "901 Delancey <b>Mews</b>, NW1 7AA"
    text = analyst.get(f"{HOME}?done=outcome").text
    assert "The outcome is saved" in text
    assert "three bells" in text
    assert f'href="{HOME}/outcomes/{first.number}"' in text
    assert "checked" in analyst.get(f"{HOME}/outcomes/{first.number}").text
    late = analyst.post_form(f"{HOME}/outcome", **outcome())
    assert late.status_code == 409
    done = analyst.post_form(f"{HOME}/outcomes/{first.number}", **outcome(found="hmo_unlicensed", version="1"))
    assert done.status_code == 303
    assert take_in.take_in(CAMDEN).counts["rows"] == 1
    columns = ["uprn", "visit_reason", "finding", "access"]
    rows = access.read_dataset("inspection", boroughs=[CAMDEN], purpose="hmo_detection", columns=columns)
    assert rows.to_pylist() == [
        {"uprn": "901", "visit_reason": None, "finding": "hmo_unlicensed", "access": "gained"}
    ]  # fmt: skip
    assert rows["finding"][0].as_py() in labels.FOUND_HMO


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"found": ""}, "Choose what was found."),
        ({"officer": " "}, "Say who the officer is."),
        ({"visited-year": "1999"}, "before 2000"),
        ({"visited-day": "31", "visited-month": "2"}, "must be a real date"),
        ({"method": "desk", "found": "no_access"}, "A desk check goes to no door"),
    ],
)
def test_a_wrong_outcome_is_told_at_its_field(analyst: Browser, changed: dict[str, str], said: str) -> None:
    answer = analyst.post_form(f"{HOME}/outcome", **outcome(**{"note": "three bells", **changed}))
    assert answer.status_code == 422
    assert said in answer.text
    assert "three bells" in answer.text
    assert kept() == []


def test_where_an_agreement_has_ended_no_home_is_shown(analyst: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.governance.standing.list_refusal", lambda _borough: "An agreement has ended.")
    for path in ("/homes/camden?search=delancey", HOME, f"{HOME}/outcome"):
        answer = analyst.get(path)
        assert answer.status_code == 404
        assert "An agreement has ended." in answer.text
        assert "Delancey" not in answer.text


def test_without_a_search_nothing_is_read(analyst: Browser) -> None:
    assert analyst.get("/homes/camden").status_code == 200
    with transaction() as session:
        assert audit.lines(session, what="search homes") == []
        assert audit.lines(session, what="read") == []
