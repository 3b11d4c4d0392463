"""The audit log in the browser: newest first, filtered, of one's own boroughs, and whether it can be believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import engine, transaction
from pipelines.governance import audit
from review.queries import audit_log
from review.queries.audit_log import Asked
from tests.review.desk import EVIL, Desk, review_home, says


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with review_home(tmp_path / "home") as folder:
        yield folder


def note(what: str, about: str, who: str = "B Example", **details: object) -> None:
    audit.note(what=what, about=about, who=who, details=details)


@pytest.fixture
def log() -> None:
    note("release held drop", "camden-hmo_licence-0123456789ab", rows=40)
    note("publish list", "hackney-2026-09-30-v1")
    note("read", "london", reads=[{"table": "link", "boroughs": ["camden", "hackney"], "rows": 7}])
    note("mapping saved", "camden/hmo_licence", dataset="hmo_licence")
    note("promote model", "hmo-2026", who="C Example")
    note("decide links", "hackney", note="camden")


def shown(desk: Desk, query: str = "") -> list[str]:
    """Acts of the lines on a page, but those of looking at the log."""
    answer = desk.get(f"/audit{query}")
    assert answer.status_code == 200
    acts = [part.split("</strong>")[0] for part in answer.text.split('data-label="Act"><strong>')[1:]]
    return [act for act in acts if act != "read audit log"]


@pytest.mark.usefixtures("log")
def test_lines_stand_newest_first_and_are_found_by_act_subject_person_and_day() -> None:
    desk = Desk("governance", "london")
    assert shown(desk) == [
        "sign in", "decide links", "promote model", "mapping saved", "read", "publish list", "release held drop",
    ]  # fmt: skip
    assert shown(desk, "?what=LINK") == ["decide links"]
    assert shown(desk, "?about=camden") == ["mapping saved", "release held drop"]
    assert shown(desk, "?who=c+example") == ["promote model"]
    assert shown(desk, "?since=2100-01-01") == []
    assert len(shown(desk, "?until=2100-01-01&since=2000-01-01")) == 7
    assert shown(desk, "?what=100%25") == []
    assert shown(desk, "?before=3") == ["publish list", "release held drop"]


@pytest.mark.usefixtures("log")
def test_a_borough_sees_lines_about_itself_and_no_others() -> None:
    desk = Desk("governance", "camden")
    assert shown(desk) == ["mapping saved", "read", "release held drop"]
    assert "You see what was done about Camden." in says(desk.get("/audit"))
    # A word of another borough's line is no borough.
    assert shown(Desk("governance", "bexley")) == []


def test_older_lines_are_a_page_further_also_where_most_are_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "AT_ONCE", 4)
    for number in range(9):
        note(f"act {number}", "camden" if number % 3 == 0 else "hackney", boroughs_named="camden")
    with transaction() as session:
        first, older = audit_log.lines(session, Asked(), ["camden"], 2)
        assert ([line.what for line in first], older) == (["act 6", "act 3"], True)
        rest, more = audit_log.lines(session, Asked(before=first[-1].number), ["camden"], 2)
        assert ([line.what for line in rest], more) == (["act 0"], False)


def test_a_changed_line_and_a_cut_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "CHECKED_AT_ONCE", 2)
    desk = Desk("governance", "london")
    for number in range(4):
        note(f"act {number}", "camden")
    assert "The log is sound 5 lines" in says(desk.get("/audit"))
    note("one more", "camden")
    assert "The log is sound 7 lines" in says(desk.get("/audit"))
    with engine().begin() as connection:  # as somebody with the database's own rights could
        triggers = connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
        for name in list(triggers):
            connection.execute(sa.text(f"DROP TRIGGER {name}"))
        connection.execute(sa.text("UPDATE loda_audit_event SET about = 'bexley' WHERE number = 3"))
    assert "Line 3 was changed after it was written." in says(desk.get("/audit?check=all"))
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE loda_audit_event SET about = 'camden' WHERE number = 3"))
        connection.execute(sa.text("DELETE FROM loda_audit_event WHERE number > 4"))
    told = says(desk.get("/audit?check=all"))
    assert "The log ends at line 4, but the anchor knows of line 9: its end was cut off." in told


def test_text_of_a_line_is_shown_as_text() -> None:
    note(EVIL, EVIL, who=EVIL, reason=EVIL)
    page = Desk("governance", "london").get("/audit").text
    assert EVIL not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4


@pytest.mark.parametrize("query", ["?since=31-12-2026", "?until=" + "9" * 400, "?since=2026-02-01&until=2026-01-01"])
def test_a_day_that_is_none_is_told(query: str) -> None:
    answer = Desk("governance", "london").get(f"/audit{query}")
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text.replace("\n", "").replace("  ", "")


def test_a_number_that_is_none_and_a_text_of_any_length_change_nothing() -> None:
    desk = Desk("governance", "london")
    for query in ("?before=x", "?before=" + "9" * 400, "?before=-1"):
        assert shown(desk, query) == ["sign in"]
    assert shown(desk, "?what=" + "%" * 5_000) == []


def test_nobody_else_reads_it() -> None:
    assert Desk("analyst", "camden").get("/audit").status_code == 403
    assert Desk("data_officer", "london").get("/audit").status_code == 403
