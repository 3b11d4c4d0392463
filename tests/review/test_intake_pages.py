"""Intake in the browser: receipts, decisions about held drops, check and drop, layouts to confirm."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, GateDecision
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from review import policies
from review.settings import review_settings
from tests.intake.conftest import Intake
from tests.intake.gate_world import TODAY
from tests.review.desk import EVIL, Desk, acts, review_home, says

BOROUGH = "camden"
HOME = f"/intake/{BOROUGH}"
PLACE = f"{BOROUGH}/hmo_licence"
OFFICER = "D Officer (test:data_officer)"
TODAY_AT = datetime(2026, 9, 30, 12, tzinfo=UTC)
RUBBISH_IDS = ["nothing", "9" * 400, "%00", "%2e%2e", "..%2F..%2Fetc%2Fpasswd", "%3Cscript%3E", "a%20b", "é"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LODA_NOW", f"{TODAY.isoformat()}T20:00:00+00:00")
    monkeypatch.setattr("pipelines.gate.stage.check_rows", lambda *_: [])
    with review_home(tmp_path / "home") as folder:
        yield folder


@pytest.fixture
def bucket() -> Intake:
    return Intake(Path(settings().bucket_url))


@pytest.fixture
def officer() -> Desk:
    return Desk("data_officer", BOROUGH, name="D Officer")


def row_of_drop(number: int, borough: str = BOROUGH, **values: object) -> Drop:
    """A drop as the ledger holds it, without any of its files."""
    held: dict[str, object] = {
        "id": f"{borough}-hmo_licence-{number:012d}", "borough": borough, "dataset": "hmo_licence", "source": "main",
        "path": f"drops/{borough}/hmo_licence/{number}.csv", "sha256": f"{number:064d}", "size_bytes": 10,
        "received_at": TODAY_AT + timedelta(minutes=number), "extract_date": TODAY, "status": "held",
        "reason": "row_count_fell", "sentence": "40 usable rows after 200.", "rows_in": 40, "accepted": 0,
        "quarantined": 40, "hashes": {}, "finished_at": TODAY_AT,
    }  # fmt: skip
    return Drop(**(held | values))


def fill(*rows: object) -> None:
    with transaction() as session:
        session.add_all(rows)


def state(drop_id: str) -> tuple[str, str | None]:
    with transaction() as session:
        found = session.get_one(Drop, drop_id)
        return found.status, found.reason


# --- the list of drops ---


def test_drops_stand_newest_first_with_their_counts_in_pages(officer: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_REVIEW_PAGE_SIZE", "2")
    review_settings.cache_clear()
    fill(*(row_of_drop(n, status="accepted", reason=None, rows_in=1_200 + n, accepted=1_199 + n) for n in range(5)))
    fill(row_of_drop(9, borough="hackney"))
    first = officer.get(HOME)
    assert "1 to 2 of 5 drops, the newest first" in says(first)
    assert re.findall(r">(\d)\.csv</a>", first.text) == ["4", "3"]
    assert "1,204" in first.text
    assert re.findall(r">(\d)\.csv</a>", officer.get(f"{HOME}?page=3").text) == ["0"]
    for page in ("4", "0", "-1", "x", "9" * 400):
        assert officer.get(f"{HOME}?page={page}").status_code == 404, page


def test_held_drops_stand_on_top_with_why_and_what_to_do(officer: Desk) -> None:
    fill(
        row_of_drop(1),
        row_of_drop(
            2, reason="platform_fault", sentence=f"Stumbled {EVIL}", path=f"drops/camden/hmo_licence/{EVIL}.csv"
        ),
        row_of_drop(3, reason="no_mapping"),
    )
    answer = officer.get(HOME)
    told = says(answer)
    assert "3 held: nothing of them is used yet" in told
    assert "40 usable rows after 200." in told
    assert "The platform stumbled over it: mend the fault, and the next night reads it." in told
    assert f'href="{HOME}/mappings/camden-hmo_licence-000000000003"' in answer.text
    assert EVIL not in answer.text


def test_the_number_of_queries_does_not_grow_with_the_drops(officer: Desk) -> None:
    from pipelines.core.ledger.engine import engine

    def asked() -> int:
        count = 0

        def one(*_: object) -> None:
            nonlocal count
            count += 1

        sa.event.listen(engine(), "before_cursor_execute", one)
        assert officer.get(HOME).status_code == 200
        sa.event.remove(engine(), "before_cursor_execute", one)
        return count

    fill(row_of_drop(1))
    asked()  # what is read once a process
    few = asked()
    fill(*(row_of_drop(n, source=f"s{n}") for n in range(2, 22)))
    assert asked() == few


def test_another_boroughs_intake_is_not_there(officer: Desk) -> None:
    fill(row_of_drop(9, borough="hackney"))
    drop = "hackney-hmo_licence-000000000009"
    for path in (
        "/intake/hackney", "/intake/atlantis", f"/intake/hackney/drops/{drop}", f"{HOME}/drops/{drop}",
        f"{HOME}/drops/{drop}/rows.csv", f"{HOME}/drops/{drop}/findings.csv", f"{HOME}/mappings/{drop}",
        "/intake/hackney/check", "/intake/hackney/upload", "/intake/hackney/scorecard",
    ):  # fmt: skip
        assert officer.get(path).status_code == 404, path
    assert officer.post_form(f"{HOME}/drops/{drop}/decision", decision="release", reason="r").status_code == 404
    assert officer.post_form(f"{HOME}/mappings/{drop}", act="confirm").status_code == 404
    assert state(drop) == ("held", "row_count_fell")


@pytest.mark.parametrize("drop", RUBBISH_IDS)
def test_a_drop_of_nothing_is_not_there(officer: Desk, drop: str) -> None:
    for path in (f"{HOME}/drops/{drop}", f"{HOME}/drops/{drop}/rows.csv", f"{HOME}/mappings/{drop}"):
        assert officer.get(path).status_code in (404, 405), path
    assert officer.post_form(f"{HOME}/drops/{drop}/decision", decision="refuse", reason="r").status_code in (404, 405)


# --- what a person decides ---

HELD = f"{BOROUGH}-hmo_licence-000000000001"
DECISION = f"{HOME}/drops/{HELD}/decision"


def test_a_held_drop_is_released_in_the_signed_in_persons_name_once(officer: Desk) -> None:
    fill(row_of_drop(1))
    assert "Release it" in says(officer.get(f"{HOME}/drops/{HELD}"))
    for _ in range(2):  # pressed twice
        answer = officer.post_form(DECISION, decision="release", reason=" the register  was cleaned ")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}/drops/{HELD}?done=released")
    assert state(HELD) == (DropStatus.RECEIVED.value, None)
    (line,) = acts("release held drop")
    assert (line.who, line.about, line.details["reason"]) == (OFFICER, HELD, "the register was cleaned")
    told = says(officer.get(f"{HOME}/drops/{HELD}"))
    assert f"Released by {OFFICER} on 30 September 2026: the register was cleaned" in told
    answer = officer.post_form(DECISION, decision="refuse", reason="I changed my mind")
    assert answer.status_code == 409
    assert "a drop is decided once" in says(answer)


def test_a_refused_drop_stays_refused(officer: Desk) -> None:
    fill(row_of_drop(1))
    assert officer.post_form(DECISION, decision="refuse", reason=EVIL).status_code == 303
    assert state(HELD) == ("refused", "refused_by_person")
    page = officer.get(f"{HOME}/drops/{HELD}").text
    assert EVIL not in page
    assert "Refused by a person" in page
    assert f'action="{DECISION}"' not in page


def test_a_form_that_is_not_whole_keeps_what_was_typed(officer: Desk) -> None:
    fill(row_of_drop(1))
    for fields in ({"reason": EVIL}, {"decision": "release"}, {"decision": "burn", "reason": "r"}):
        answer = officer.post_form(DECISION, **fields)
        assert answer.status_code == 422
        assert "<title>Error:" in " ".join(answer.text.split()).replace("<title> ", "<title>")
        assert EVIL not in answer.text
    answer = officer.post_form(DECISION, decision="refuse", reason="r" * 501)
    assert "The reason has 501 letters; give it in at most 500." in says(answer)
    assert state(HELD) == ("held", "row_count_fell")


def test_a_drop_that_nobody_may_release_is_not_released(officer: Desk) -> None:
    fill(row_of_drop(1, reason="platform_fault"))
    page = officer.get(f"{HOME}/drops/{HELD}")
    assert 'value="release"' not in page.text
    assert 'value="refuse"' in page.text
    answer = officer.post_form(DECISION, decision="release", reason="r")
    assert answer.status_code == 409
    assert "The platform stumbled over it" in says(answer)
    assert state(HELD) == ("held", "platform_fault")


def test_a_form_of_another_site_or_session_decides_nothing(officer: Desk) -> None:
    fill(row_of_drop(1))
    other = Desk("data_officer", BOROUGH, name="Another")
    fields = {"decision": "release", "reason": "r"}
    assert officer.post(DECISION, data=fields).status_code == 403
    assert officer.post(DECISION, data={**fields, "csrf": other.csrf}).status_code == 403
    foreign = officer.post(DECISION, data={**fields, "csrf": officer.csrf}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    for role in ("engineer", "governance", "analyst"):
        assert Desk(role, BOROUGH).post_form(DECISION, **fields).status_code == 403
    assert state(HELD) == ("held", "row_count_fell")


def test_while_the_night_works_a_decision_waits_and_then_says_so(
    officer: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(row_of_drop(1))
    monkeypatch.setattr(policies, "PATIENCE", 0.1)
    with exclusive(f"intake-{BOROUGH}"):
        answer = officer.post_form(DECISION, decision="release", reason="typed already")
    assert answer.status_code == 503
    assert "The night is working on this borough" in says(answer)
    assert "typed already</textarea>" in answer.text
    with transaction() as session:
        assert session.get(GateDecision, HELD) is None


# --- the receipt and its rows ---


def test_a_receipt_is_a_page_and_gives_the_rows_back(bucket: Intake) -> None:
    from tests.intake.conftest import HEADER, row

    odd = row(10, start="31/04/2024", location='"=HYPERLINK(1) <script>alert(1)</script> OX4 1AB"')
    lines = [HEADER, *(row(n) for n in range(1, 9)), row(9, location=""), odd]
    bucket.drop("\n".join(lines).encode())
    bucket.night()
    drop = bucket.only()
    officer = Desk("data_officer", "oxford", name="D Officer")
    there = f"/intake/oxford/drops/{drop.id}"
    answer = officer.get(there)
    told = says(answer)
    assert f"{drop.accepted} of 10 rows are in use." in told
    assert "Correct the rows that were set aside" in told
    assert "Must fix" in told
    assert EVIL not in answer.text
    rows = officer.get(f"{there}/rows.csv")
    assert rows.headers["content-disposition"] == "attachment; filename*=UTF-8''register.csv.quarantine.csv"
    assert rows.content == (bucket.bucket / f"{drop.path}.quarantine.csv").read_bytes()
    assert "\n=HYPERLINK" not in rows.text
    (line,) = acts("download rows to correct")
    assert (line.who, line.about) == (OFFICER, drop.id)
    assert line.details == {"dataset": "hmo_licence", "rows": drop.quarantined, "fields": "all"}

    engineer = Desk("engineer", "oxford")
    hidden = engineer.get(there)
    shown = {one["example"] for one in (drop.receipt or {})["findings"] if one["example"]}
    assert shown, "there is a cell to be hidden"
    assert all(html.escape(cell) in answer.text for cell in shown)
    assert not any(f">{html.escape(cell)}</code>" in hidden.text for cell in shown)
    assert "As data engineer you see counts" in says(hidden)
    assert engineer.get(f"{there}/rows.csv").status_code == 403
    assert len(acts("download rows to correct")) == 1

    (bucket.bucket / f"{drop.path}.quarantine.csv").write_bytes(b"corrected")
    assert officer.get(f"{there}/rows.csv").status_code == 404, "an officer's own file is not given out as ours"


def test_the_scorecard_of_a_borough_without_drops_says_so(officer: Desk) -> None:
    assert "No extract of Camden has been scored yet." in says(officer.get(f"{HOME}/scorecard"))
