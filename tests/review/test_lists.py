"""The list page: filters that hold and cannot be broken, one order, files that are safe to open, nothing given away."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from pipelines.casework import outcomes, overrides, planning
from pipelines.core import clock
from pipelines.core.ledger import engine
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, ListEntry, PublishedList
from review import exports, rounds, words
from review.filters import Filters
from review.queries import lists
from tests.review.conftest import Browser
from tests.review.listed import AS_OF, issue, let_analysts_name_landlords, uprn_of
from tests.unit.agreed import agree

PLACE = re.compile(r'<a class="govuk-link" href="/properties/camden/(\d+)">')


def shown(browser: Browser, query: str = "") -> list[str]:
    """UPRNs of a page of the list, in its order."""
    answer = browser.get(f"/lists/camden?{query}")
    assert answer.status_code == 200, answer.text
    return PLACE.findall(answer.text)


@pytest.fixture
def analyst(people: Callable[..., Browser]) -> Browser:
    """An analyst of Camden, whose list of 30 homes was issued."""
    let_analysts_name_landlords()
    issue()
    return people("analyst", "camden")


def test_the_list_shows_its_day_its_capacity_and_that_it_is_a_lead(analyst: Browser) -> None:
    text = analyst.get("/lists/camden").text
    assert words.LEAD in text
    assert "30 September 2026, version 1, made with model hmo-test" in text
    assert "Of the first 10 homes about 5 are expected to be HMOs" in text
    assert "1 to 25 of 30 homes" in text
    assert "Here end the 10 visits" in text


def test_no_page_or_file_tells_which_entries_were_drawn_at_random(analyst: Browser) -> None:
    with transaction() as session:
        issued = session.scalars(sa.select(PublishedList)).one()
        rows = lists.entries(session, issued, Filters(), AS_OF, None).rows
        drawn = set(session.scalars(sa.select(ListEntry.rank).where(ListEntry.control_slot.is_not(None))))
    assert drawn == {5, 15, 25}
    assert not {"probability", "control_slot", "control_inclusion"} & set(vars(rows[0]))
    table = exports.table(rows, issued)
    assert not [name for name in table.columns if "prob" in name or "control" in name]
    # The band is by place alone: an entry drawn at random has that of its neighbours.
    assert [row.band for row in rows] == ["top"] * 5 + ["high"] * 5 + ["next"] * 10 + ["reserve"] * 10
    entries = analyst.get("/lists/camden").text.split('<li class="app-entry">')[1:]
    tags = [re.findall(r"<[^>]*>", re.sub(r"\d+", "", entry)) for entry in entries]
    assert tags[4] == tags[3], "an entry drawn at random is made like the one before it"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("search=7+example+road", [7, 17, 27]),
        ("search=100000012", [12]),
        ("search=NW17AB", [27]),
        ("search=nw1+7ab", [27]),
        ("search=lettings&band=top", [1, 2, 3, 4, 5]),
        ("band=high", [6, 7, 8, 9, 10]),
        ("scheme=mandatory&band=top", [3]),
        ("ward=Farnstoke+North&search=Road", [*range(2, 31, 3)]),
        ("landlord=landlord-2&band=top", [2]),
        ("status=done", []),
        ("search=%25", []),
        ("search=_", []),
        ("search=%27+OR+1%3D1+--", []),
    ],
)
def test_filters(analyst: Browser, query: str, expected: list[int]) -> None:
    assert shown(analyst, query) == [uprn_of(number) for number in expected]


def test_status_officer_and_orders(analyst: Browser) -> None:
    with transaction() as session:
        own = {"borough": "camden", "method": "visit", "officer": "A Example", "recorded_by": "A Example"}
        for number, found in ((4, "hmo_unlicensed"), (9, "no_access")):
            outcomes.record(session, uprn=uprn_of(number), found=found, visited_on=AS_OF, list_id=_name(), **own)
        today, new = clock.today(), {"borough": "camden", "who": "m", "expected_version": 0}
        planning.plan(session, uprn=uprn_of(20), assigned_to="B Example", planned_for=today, **new)
        until = today + timedelta(days=30)
        overrides.add(session, uprn=uprn_of(30), kind="first", reason="fire risk", expires_on=until, **new)
    assert shown(analyst, "status=done") == [uprn_of(4)]
    assert shown(analyst, "status=no_access") == [uprn_of(9)]
    assert shown(analyst, "status=planned") == [uprn_of(20)]
    assert shown(analyst, "officer=B+Example") == [uprn_of(20)]
    assert uprn_of(4) not in shown(analyst, "status=to_visit")
    assert shown(analyst, "sort=planned")[:3] == [uprn_of(20), uprn_of(1), uprn_of(2)]
    assert shown(analyst, "sort=visited")[:3] == [uprn_of(4), uprn_of(9), uprn_of(1)]
    assert shown(analyst, "sort=ward")[:2] == [uprn_of(2), uprn_of(5)]
    text = analyst.get("/lists/camden?page=2").text
    assert "Visit first" in text
    assert "Unlicensed HMO" in analyst.get("/lists/camden").text
    assert "1 of them has been visited" in text


def _name() -> str:
    return f"camden-{AS_OF}-v1"


def test_what_changed_since_the_list_before(people: Callable[..., Browser]) -> None:
    issue(as_of=date(2026, 9, 29), homes=10, first=3)
    issue(version=2)
    analyst = people("analyst", "camden")
    text = analyst.get("/lists/camden?search=100000001").text
    assert re.search(r'app-change">\s*new', text)
    moved = analyst.get(f"/lists/camden?search={uprn_of(5)}").text
    assert "down </span>2" in moved
    assert shown(analyst, "new_since=2026-09-29&band=top") == [uprn_of(1), uprn_of(2)]
    assert len(shown(analyst, "new_since=2026-09-28")) == 25


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=" + "9" * 400,
        "page=x",
        "band=../../etc",
        "status=%00",
        "sort=probability",
        "new_since=2026-13-45",
        "ward=%3Cscript%3Ealert(1)%3C/script%3E",
        "search=" + "a" * 5000,
        "search=%F0%9F%8F%A0%00%0d%0a",
        "unknown=1&band=",
        "page=99",
    ],
)
def test_tampered_filters_are_left_out_or_find_nothing(analyst: Browser, query: str) -> None:
    answer = analyst.get(f"/lists/camden?{query}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "Not understood and left out" in answer.text or "No homes" in answer.text or "of 30 homes" in answer.text


def test_text_of_scripts_and_formulas_is_shown_and_exported_as_text(people: Callable[..., Browser]) -> None:
    evil = "=HYPERLINK(1)<script>alert(1)</script>"
    let_analysts_name_landlords()
    issue(address=evil, ward="@SUM(1)", landlord_name="-2+3", reasons=[evil, "+1", "ok"])
    analyst = people("analyst", "camden")
    for path in ("", "/map", "/round"):
        text = analyst.get(f"/lists/camden{path}").text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text
    rows = list(csv.DictReader(io.StringIO(analyst.get("/lists/camden/export.csv").content.decode("utf-8-sig"))))
    first = rows[0]
    for name in ("address", "ward", "landlord", "reason_1", "reason_2"):
        assert first[name].startswith("'"), name
    assert next(iter(first)) == "uprn"
    book = analyst.get("/lists/camden/export.xlsx")
    assert book.content[:2] == b"PK"
    assert "spreadsheetml" in book.headers["content-type"]


def test_files_hold_what_was_asked_for_with_list_and_model_and_are_on_record(analyst: Browser) -> None:
    content = analyst.get("/lists/camden/export.csv?band=top").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["place"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert {(row["list_date"], row["list_version"], row["model"]) for row in rows} == {("2026-09-30", "1", "hmo-test")}
    with transaction() as session:
        last = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.number.desc()).limit(1)).one()
    assert (last.what, last.about) == ("export list as CSV", _name())
    assert last.details == {"rows": 5, "of": 5, "filters": ["band"], "page": 1}
    assert last.who.startswith("analyst of the tests")


def test_the_number_of_queries_does_not_grow_with_the_rows(analyst: Browser) -> None:
    counted: list[str] = []
    sa.event.listen(engine.engine(), "before_cursor_execute", lambda *given: counted.append(given[2]))
    numbers = []
    shown(analyst)  # what a list says for good is asked once
    for query in ("band=top", "status=to_visit"):
        counted.clear()
        shown(analyst, query)
        numbers.append(len([statement for statement in counted if not statement.startswith("PRAGMA")]))
    assert numbers[0] == numbers[1]
    assert numbers[1] < 40


def test_map_and_round_hold_the_same_homes(analyst: Browser) -> None:
    found = analyst.get("/lists/camden/map.json?band=top").json()["features"]
    assert [one["properties"]["uprn"] for one in found] == [uprn_of(number) for number in range(1, 6)]
    lon, lat = found[0]["geometry"]["coordinates"]
    assert (round(lon, 1), round(lat, 1)) == (-0.1, 51.5)
    assert set(found[0]["properties"]) == {"rank", "uprn", "address", "ward", "band", "status", "href"}
    text = analyst.get("/lists/camden/round").text
    assert "Round of 10 homes" in text
    assert "Example Road NW1" in text


def test_a_round_goes_by_street_and_number() -> None:
    def row(rank: int, address: str) -> lists.Row:
        nothing: list[None] = [None] * 11
        return lists.Row(rank, str(rank), address, None, "top", [], "none", "", *nothing)

    rows = [
        row(1, "12 High Street, London, NW1 1AA"),
        row(2, "3 Elm Lane, London, NW5 2BB"),
        row(3, "Flat 2, 4-6 High Street, London, NW1 1AB"),
        row(4, "The Old Mill, London"),
    ]
    assert [(where, [own.rank for own in part]) for where, part in rounds.by_street(rows)] == [
        ("Elm Lane NW5", [2]),
        ("High Street NW1", [3, 1]),
        ("Old Mill", [4]),
    ]


def test_a_list_that_comes_while_a_page_is_open_is_told_and_the_old_one_stays_as_it_was(analyst: Browser) -> None:
    before = shown(analyst)
    issue(version=2, first=11)
    assert shown(analyst) == [uprn_of(number) for number in range(11, 36)]
    kept = analyst.get(f"/properties/camden/{before[0]}").text
    assert "Not on the present list" in kept
    with transaction() as session:
        old = session.scalars(sa.select(ListEntry.uprn).where(ListEntry.list_id == _name()).order_by(ListEntry.rank))
        assert list(old)[:25] == before


def test_landlords_are_named_only_while_the_agreement_lets_analysts_see_them(analyst: Browser) -> None:
    assert "Example Lettings 1 Ltd" in analyst.get("/lists/camden").text
    agree()
    for path in ("/lists/camden", "/lists/camden/export.csv", f"/properties/camden/{uprn_of(1)}"):
        assert "Lettings" not in analyst.get(path).text, path
    assert shown(analyst, "search=lettings") == []


def test_no_list_is_said_in_a_sentence(people: Callable[..., Browser]) -> None:
    answer = people("analyst", "camden").get("/lists/camden")
    assert answer.status_code == 404
    assert "No list was issued for Camden yet" in answer.text
