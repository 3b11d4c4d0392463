"""A landlord's page: homes where somebody works, counts elsewhere, and nowhere where the borough has nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import engine, transaction
from pipelines.core.ledger.models import AuditEvent, ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome
from pipelines.core.tables import LANDLORD
from pipelines.governance import access, standing
from review.pages import landlords as landlords_page
from review.queries import landlords
from tests.review.conftest import Browser
from tests.unit.licensing_world import write_dataset, write_links, write_properties

CAMDEN, BEXLEY, HACKNEY = "camden", "bexley", "hackney"
WHO, OTHER = "a9f97a120c32d393", "b000000000000000"
LATER = date(2100, 1, 1)


def issue(borough: str, version: int, day: date, *entries: tuple[str, str | None], name: str | None = None) -> None:
    """A list of (UPRN, landlord)."""
    list_id = f"{borough}-{day}-v{version}"
    with transaction() as session:
        session.add(
            PublishedList(
                id=list_id, borough=borough, as_of=day, version=version, issued_at=datetime(2026, 10, 5, tzinfo=UTC),
                model_id="m", input_hash="0", capacity=4, rows=len(entries), tie_seed=1, expected_hits=0.0,
            )
        )  # fmt: skip
        session.flush()
        session.add_all(
            ListEntry(
                list_id=list_id, rank=rank, uprn=uprn, address=f"{uprn} {borough.title()} Street", probability=0.5,
                reasons=[], licence_needed="mandatory", licence_status="none", licence_why="",
                landlord_id=landlord, landlord_name=name,
            )
            for rank, (uprn, landlord) in enumerate(entries, start=1)
        )  # fmt: skip


def found(borough: str, uprn: str, code: str, day: date = date(2026, 10, 20), **more: Any) -> None:
    with transaction() as session:
        session.add(
            Outcome(
                borough=borough, uprn=uprn, address="x", list_id=None, rank=None, found=code, visited_on=day,
                method="visit", note="a note of nobody's business", officer="O", recorded_by="O",
                recorded_at=datetime(2026, 11, 1, tzinfo=UTC), recorded_through="page", **more,
            )
        )  # fmt: skip


def hold(borough: str, **licences: str) -> None:
    """Put licences of the landlord into a borough's lake, of homes `u1=REFERENCE`; each runs on."""
    write_properties(
        *({"uprn": uprn[1:], "address": f"{uprn[1:]} {borough} road"} for uprn in licences), borough=borough
    )
    write_dataset(
        "hmo_licence",
        *(
            {
                "licence_ref": ref, "licence_type": "mandatory", "licence_status": "current", "holder_name": "N",
                "commencement_date": date(2025, 1, 1), "expiry_date": LATER,
            }
            for ref in licences.values()
        ),
        borough=borough,
    )  # fmt: skip
    write_links(*(("hmo_licence", n, uprn[1:]) for n, uprn in enumerate(licences, start=1)), borough=borough)
    rows = [
        {"borough": borough, "dataset": "hmo_licence", "record_id": n, "role": "holder", "landlord_id": WHO}
        for n in range(1, len(licences) + 1)
    ]
    table = pa.Table.from_pylist([dict.fromkeys(LANDLORD.names) | row for row in rows], schema=LANDLORD)
    access.write_table("landlord", table, borough=borough, made_from={})


@pytest.fixture
def two_boroughs(review_home: Path) -> None:
    """The landlord has two licensed homes and one of the list in camden, one of each in bexley."""
    hold(CAMDEN, u11="LIC-1", u12="LIC-2")
    hold(BEXLEY, u21="LIC-9")
    issue(CAMDEN, 1, date(2026, 9, 1), ("19", WHO), ("11", WHO))
    issue(CAMDEN, 2, date(2026, 10, 1), ("18", OTHER), ("13", WHO), ("12", WHO))
    issue(BEXLEY, 1, date(2026, 10, 1), ("22", WHO), ("29", OTHER))
    found(CAMDEN, "13", "no_access")
    found(CAMDEN, "12", "single_household", date(2026, 10, 1))
    found(CAMDEN, "12", "hmo_unlicensed", date(2026, 10, 8))
    found(CAMDEN, "11", "hmo_unlicensed", superseded_at=datetime(2026, 10, 9, tzinfo=UTC))
    found(BEXLEY, "22", "hmo_unlicensed")
    found(HACKNEY, "13", "hmo_unlicensed")


def shown(browser: Browser, borough: str = CAMDEN, landlord: str = WHO) -> str:
    answer = browser.get(f"/landlords/{borough}/{landlord}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


def figures(text: str) -> list[str]:
    """The figures of each borough in which the reader works: homes, licences, on the list, unlicensed HMOs."""
    return re.findall(r"<dd>([^<]+)</dd>", text)


def test_homes_where_one_works_and_counts_elsewhere(people: Callable[..., Browser], two_boroughs: None) -> None:
    text = shown(people("analyst", CAMDEN))
    assert figures(text) == ["3", "2", "2", "1"]
    rows = re.findall(r'<a class="govuk-link" href="/properties/camden/(\d+)">', text)
    assert rows == ["13", "12"], "what stands on the newest list, in its order"
    assert "11 camden road" in text, "a licensed home that is on no list"
    assert "19 Camden Street" not in text, "an older list does not count"
    assert "18 Camden Street" not in text, "nor another landlord's home"
    assert "Place 2, visit first" in text
    assert "LIC-2" in text
    assert "in force" in text
    assert "Unlicensed HMO" in text
    assert "nobody's business" not in text
    elsewhere = text[text.index("Elsewhere in London") :]
    assert re.findall(r"<t[hd][^>]*>([^<]+)</t[hd]>", elsewhere)[-5:] == ["Bexley", "2", "1", "1", "1"]
    for told in ("bexley road", "Bexley Street", "LIC-9", "/properties/bexley"):
        assert told not in text


def test_who_works_in_both_sees_both(people: Callable[..., Browser], two_boroughs: None) -> None:
    text = shown(people("manager", CAMDEN, BEXLEY), BEXLEY)
    assert text.index('id="in-bexley"') < text.index('id="in-camden"'), "the borough that was asked for first"
    assert "21 bexley road" in text
    assert "22 Bexley Street" in text
    assert "Nothing is known of this landlord in" in text


def test_a_data_officer_elsewhere_sees_counts_there(people: Callable[..., Browser], two_boroughs: None) -> None:
    """A role in the borough that may not see landlords is none for this page."""
    from review.identity import sessions

    browser = people(None)
    browser.hold(sessions.begin("t", "T", {CAMDEN: ["analyst"], BEXLEY: ["data_officer"]}, "oidc"))
    text = shown(browser)
    assert "bexley road" not in text
    assert "Bexley" in text
    assert browser.get(f"/landlords/{BEXLEY}/{WHO}").status_code == 403


def test_where_the_borough_has_nothing_there_is_no_page(people: Callable[..., Browser], two_boroughs: None) -> None:
    answers = {
        people("analyst", HACKNEY).get(f"/landlords/{HACKNEY}/{WHO}").text.replace("hackney", ""),
        people("analyst", HACKNEY).get(f"/landlords/{HACKNEY}/nobody").text.replace("hackney", ""),
    }
    said = {re.search(r"There is no such landlord[^<]*", text)[0] for text in answers}  # type: ignore[index]
    assert said == {landlords_page.NOT_HERE}, "known elsewhere or nowhere is told alike"
    assert people("analyst", HACKNEY).get(f"/landlords/{CAMDEN}/{WHO}").status_code == 404


@pytest.mark.parametrize(
    "rubbish", ["9" * 400, "<script>alert(1)</script>", "%00", "..%2f..%2fledger.db", "' OR 1=1 --", "%25", "é"]
)
def test_rubbish_is_nowhere(people: Callable[..., Browser], two_boroughs: None, rubbish: str) -> None:
    answer = people("analyst", CAMDEN).get(f"/landlords/{CAMDEN}/{rubbish}")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


def test_text_of_registers_is_escaped(people: Callable[..., Browser], review_home: Path) -> None:
    issue(CAMDEN, 1, date(2026, 10, 1), ("13", WHO), name="<script>alert(1)</script> & Sons")
    text = shown(people("analyst", CAMDEN))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons</h1>" in text


def test_what_agreements_hide_is_not_shown(
    people: Callable[..., Browser], two_boroughs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = access.refusal

    def no_visits_of_bexley(borough: str, dataset: str, purpose: Any, **more: Any) -> str | None:
        return "No." if (borough, dataset) == (BEXLEY, "inspection") else real(borough, dataset, purpose, **more)

    monkeypatch.setattr(access, "refusal", no_visits_of_bexley)
    text = shown(people("analyst", CAMDEN))
    elsewhere = text[text.index("Elsewhere in London") :]
    assert re.findall(r"<t[hd][^>]*>([^<]+)</t[hd]>", elsewhere)[-5:] == ["Bexley", "2", "1", "1", "not shown"]
    gone = standing.list_refusal
    monkeypatch.setattr(standing, "list_refusal", lambda slug: "Gone." if slug == BEXLEY else gone(slug))
    text = shown(people("analyst", CAMDEN))
    elsewhere = text[text.index("Elsewhere in London") :]
    assert re.findall(r"<t[hd][^>]*>([^<]+)</t[hd]>", elsewhere)[-5:] == ["Bexley", "1", "1", "not shown", "not shown"]
    monkeypatch.setattr(standing, "list_refusal", lambda _: "An agreement has ended.")
    answer = people("analyst", CAMDEN).get(f"/landlords/{CAMDEN}/{WHO}")
    assert answer.status_code == 404
    assert "An agreement has ended." in answer.text


def test_a_list_that_was_taken_down_does_not_count(people: Callable[..., Browser], two_boroughs: None) -> None:
    with transaction() as session:
        session.execute(
            sa.update(PublishedList).where(PublishedList.version == 2).values(withdrawn_at=datetime.now(UTC))
        )
        assert [(own.borough, own.uprn) for own in landlords.placed(session, WHO)] == [
            (BEXLEY, "22"), (CAMDEN, "19"), (CAMDEN, "11"),
        ]  # fmt: skip


def test_looking_is_on_record(people: Callable[..., Browser], two_boroughs: None) -> None:
    shown(people("analyst", CAMDEN, name="Ann Analyst"))
    with transaction() as session:
        line = session.scalars(sa.select(AuditEvent).where(AuditEvent.what == "view landlord")).one()
    assert (line.who, line.about) == ("Ann Analyst (test:analyst)", f"{CAMDEN}/{WHO}")
    assert {read["table"] for read in line.details.pop("reads")} == {"landlord", "link", "property", "hmo_licence"}
    assert line.details == {"boroughs": [CAMDEN], "homes": 3}


def test_the_number_of_queries_does_not_grow_with_the_homes(people: Callable[..., Browser], review_home: Path) -> None:
    def counted(browser: Browser) -> int:
        seen: list[str] = []

        def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        sa.event.listen(engine(), "before_cursor_execute", note)
        try:
            shown(browser)
        finally:
            sa.event.remove(engine(), "before_cursor_execute", note)
        return len(seen)

    browser = people("analyst", CAMDEN)
    issue(CAMDEN, 1, date(2026, 10, 1), ("1", WHO))
    few = counted(browser)
    issue(CAMDEN, 2, date(2026, 10, 2), *((str(n), WHO) for n in range(1, 400)))
    assert counted(browser) == few
    assert "And 199 more homes." in shown(browser)
