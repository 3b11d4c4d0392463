"""Addresses that wait for people, in the browser: one at a time, decided in the signed-in person's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LinkReview
from pipelines.link import Decision, link_borough
from review import policies
from review.differences import Piece, marked
from review.queries import links
from tests.review.desk import EVIL, Desk, acts, review_home, says
from tests.unit.link_lake import put
from tests.unit.review_world import BOROUGH, TWICE, gazetteer, linked, night

ODD = {"address": f"4 Example Road {EVIL}", "postcode": "N1 1AA"}
HOME = f"/links/{BOROUGH}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with review_home(tmp_path / "home") as folder:
        links._desks.clear()
        yield folder


@pytest.fixture
def street() -> Desk:
    """A street of which one address waits: it stands in the gazetteer twice, as 41 and 42."""
    put(BOROUGH, "gazetteer", gazetteer())
    assert night(TWICE, TWICE)[1000]["decision"] == Decision.REVIEW
    return Desk("data_officer", BOROUGH, name="D Officer")


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found.group(1)


def form(page: str) -> dict[str, str]:
    return {name: hidden(page, name) for name in ("key", "seen", "uprn")}


def standing() -> list[tuple[str, str, str, str]]:
    with transaction() as session:
        rows = session.scalars(sa.select(LinkReview).where(LinkReview.superseded_at.is_(None)))
        return sorted((row.verdict, row.uprn, row.who, row.note) for row in rows)


def test_an_address_and_what_it_may_be_stand_side_by_side_and_are_put_on_record(street: Desk) -> None:
    answer = street.get(HOME)
    told = says(answer)
    assert "1 of 1 · 0 decided" in told
    assert "2 records of Energy performance certificates have this address." in told
    assert "None of these 2" in told
    seen = acts("view address to decide")[-1]
    assert (seen.who, seen.about) == ("D Officer (test:data_officer)", BOROUGH)
    reads = seen.details.pop("reads")
    assert {read["table"] for read in reads} >= {"gazetteer", "epc", "link"}
    assert seen.details == {
        "records": 2, "datasets": ["epc"], "fields": ["address", "postcode", "uprn"], "properties": 2,
    }  # fmt: skip
    assert "Example" not in str([line.details for line in acts()])


def test_the_lake_is_read_once_for_many_looks(street: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    street.get(HOME)
    monkeypatch.setattr(links, "read_waiting", None)
    assert street.get(HOME).status_code == 200
    street.post_form(HOME, verdict="is_not", **form(street.get(HOME).text))
    assert standing() == [("is_not", "41", "D Officer (test:data_officer)", "")]


def test_is_is_kept_as_the_import_keeps_it_and_the_night_applies_it(street: Desk) -> None:
    page = street.get(f"{HOME}?candidate=42").text
    assert hidden(page, "uprn") == "42"
    answer = street.post_form(HOME, verdict="is", note="  asked   the street ", **form(page))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}?done=decision")
    assert standing() == [("is", "42", "D Officer (test:data_officer)", "asked the street")]
    assert acts("decide links")[-1].who == "D Officer (test:data_officer)"
    assert "Every address is decided." in says(street.get(HOME))
    assert linked()[1000]["uprn"] == "42"
    assert "No address waits for a decision." in says(street.get(HOME))


def test_is_not_shows_the_next_that_it_may_be_until_none_is_left(street: Desk) -> None:
    page = street.get(HOME).text
    answer = street.post_form(HOME, verdict="is_not", **form(page))
    following = street.get(answer.headers["location"]).text
    assert hidden(following, "uprn") == "42"
    assert "Saved." in following
    street.post_form(HOME, verdict="is_not", **form(following))
    assert [(verdict, uprn) for verdict, uprn, *_ in standing()] == [("is_not", "41"), ("is_not", "42")]
    assert "Every address is decided." in says(street.get(HOME))


def test_none_of_these_refuses_all_and_pressing_twice_changes_nothing(street: Desk) -> None:
    given = form(street.get(HOME).text)
    for _ in range(2):
        assert street.post_form(HOME, verdict="none_of_these", **given).status_code == 303
    assert [(verdict, uprn) for verdict, uprn, *_ in standing()] == [("is_not", "41"), ("is_not", "42")]
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(LinkReview)) == 2


def test_of_two_people_the_second_is_told(street: Desk) -> None:
    given = form(street.get(HOME).text)
    Desk("analyst", BOROUGH, name="An Analyst").post_form(HOME, verdict="is_not", **given)
    answer = street.post_form(HOME, verdict="is", **given)
    assert answer.status_code == 422
    assert policies.DECIDED_MEANWHILE in says(answer)
    assert [verdict for verdict, *_ in standing()] == ["is_not"]


def test_another_property_may_be_named_if_the_gazetteer_has_it(street: Desk) -> None:
    given = form(street.get(HOME).text)
    for typed in ("", "7", "x", "9" * 400, "1.0E+11", "=60"):
        answer = street.post_form(HOME, verdict="other", other=typed, note="kept", **given)
        assert answer.status_code == 422, typed
        assert ">kept</textarea>" in answer.text
        assert "Error: Which property is this?" in says(answer)
    assert standing() == []
    assert street.post_form(HOME, verdict="other", other=" 60 ", **given).status_code == 303
    assert [(verdict, uprn) for verdict, uprn, *_ in standing()] == [("is", "60")]


def test_rubbish_decides_nothing(street: Desk) -> None:
    given = form(street.get(HOME).text)
    tries: list[tuple[dict[str, str], int]] = [
        ({**given, "verdict": "perhaps"}, 422),
        ({**given, "verdict": "is", "note": "n" * 501}, 422),
        ({**given, "verdict": "is", "uprn": EVIL}, 422),
        ({**given, "verdict": "is", "seen": "-1"}, 422),
        ({**given, "verdict": "is", "seen": "9" * 400}, 422),
        ({**given, "verdict": "is", "key": "k" + "0" * 400}, 409),
        ({**given, "verdict": "is", "csrf": "of another"}, 403),
    ]
    for fields, status in tries:
        answer = street.post(HOME, data={"csrf": street.csrf, **fields})
        assert answer.status_code == status, fields
        assert EVIL not in answer.text
    assert standing() == []


def test_text_of_an_address_and_of_a_note_is_shown_as_text() -> None:
    put(BOROUGH, "gazetteer", gazetteer())
    night(ODD)
    desk = Desk("data_officer", BOROUGH)
    page = desk.get(HOME).text
    assert EVIL not in page
    assert "script" in page.lower()
    desk.post_form(HOME, verdict="is", note=f"=1+1 {EVIL}", **form(page))
    page = desk.get(f"{HOME}/decisions").text
    assert EVIL not in page
    assert "=1+1 &lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_decision_is_taken_back_once_with_a_reason(street: Desk) -> None:
    street.post_form(HOME, verdict="is", **form(street.get(HOME).text))
    answer = street.post_form(f"{HOME}/decisions/1/withdraw", reason="  ")
    assert answer.status_code == 422
    assert 'href="#reason-1"' in answer.text
    answer = street.post_form(f"{HOME}/decisions/1/withdraw", reason="the wrong row")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}/decisions?done=withdrawn")
    assert standing() == []
    assert "Holds no longer" in says(street.get(f"{HOME}/decisions"))
    assert street.post_form(f"{HOME}/decisions/1/withdraw", reason="again").status_code == 409
    for number in ("9" * 400, "x", "-1", "0"):
        assert street.post_form(f"{HOME}/decisions/{number}/withdraw", reason="r").status_code in (404, 409)
    assert "0 decided" in says(street.get(HOME))


def test_who_may_not_see_it_sees_nothing(street: Desk) -> None:
    assert Desk("engineer", "london").get(HOME).status_code == 403
    assert Desk("data_officer", "hackney").get(HOME).status_code == 404
    assert Desk("data_officer", "hackney").post_form(HOME, verdict="is", key="k").status_code == 404
    answer = Desk("data_officer", "hackney").get("/links/hackney")
    assert answer.status_code == 404
    assert "hackney has no gazetteer" in says(answer)


def test_a_new_night_is_seen_and_an_address_that_waits_no_longer_is_told(street: Desk) -> None:
    given = form(street.get(HOME).text)
    put(BOROUGH, "gazetteer", gazetteer("42"), drop="g2")
    link_borough(BOROUGH)
    assert "That address does not wait any more" in says(street.get(f"{HOME}?at={given['key']}"))
    assert street.post_form(HOME, verdict="is", **given).status_code == 409


def test_only_what_differs_is_marked() -> None:
    left, right = marked("FLAT 1, 36 HIGH RD, LONDON  NW5 1AA", "36 High Road, London NW5 1AB")
    assert [piece.text for piece in left if piece.differs] == ["FLAT 1", "1AA"]
    assert [piece.text for piece in right if piece.differs] == ["1AB"]
    assert "".join(piece.text for piece in left) == "FLAT 1, 36 HIGH RD, LONDON  NW5 1AA"
    assert marked("", "") == ([], [])
    assert marked("a", "") == ([Piece("a", True)], [])
