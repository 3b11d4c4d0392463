"""Intake in the browser: receipts, decisions about held drops, check and drop, layouts to confirm."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from pipelines import onboard
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, GateDecision
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from review import policies
from review.settings import review_settings
from tests.intake.conftest import Intake
from tests.intake.gate_world import TODAY, as_csv, know, licences
from tests.review.desk import EVIL, Desk, acts, review_home, says
from tests.unit.onboard_files import MARK, csv_bytes
from tests.unit.test_onboard_columns import REGISTER

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


def folder() -> Path:
    return Path(settings().bucket_url) / "drops" / PLACE


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


# --- check and drop ---


def file(content: bytes, name: str = "register_2026-09-30.csv") -> dict[str, object]:
    return {"file": (name, content, "text/csv")}


def test_a_check_answers_as_the_night_would_and_stores_nothing(officer: Desk) -> None:
    know(BOROUGH, "hmo_licence")
    rows = licences(BOROUGH, 30)
    rows[3]["address"] = EVIL
    rows[4]["address"] = ""
    before = sorted(path for path in settings().home.rglob("*") if path.is_file())
    answer = officer.post_form(f"{HOME}/check", files=file(as_csv(rows)), dataset="hmo_licence")
    assert answer.status_code == 200
    assert "This is a check. Nothing was stored, and nobody else was told." in says(answer)
    assert EVIL not in answer.text
    assert "rows in the file 30" in says(answer)
    rows_back = officer.post_form(f"{HOME}/check", files=file(as_csv(rows)), dataset="hmo_licence", act="rows")
    assert rows_back.headers["content-type"].startswith("text/csv")
    assert "_how_to_fix" in rows_back.text
    assert sorted(path for path in settings().home.rglob("*") if path.is_file()) == before
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Drop)) == 0


def test_a_check_of_nothing_is_told(officer: Desk) -> None:
    empty = officer.post_form(f"{HOME}/check", files=file(b""), dataset="hmo_licence")
    assert "The file is empty (0 bytes)." in says(empty)
    for files, fields in ((None, {"dataset": "hmo_licence"}), (file(b"a"), {"dataset": "../x"}), (file(b"a"), {})):
        answer = officer.post_form(f"{HOME}/check", files=files, **fields)
        assert answer.status_code == 422
        assert "There is a problem" in says(answer)


def test_a_file_is_dropped_where_the_night_finds_it_and_never_over_another(officer: Desk, bucket: Intake) -> None:
    know(BOROUGH, "hmo_licence")
    content = as_csv(licences(BOROUGH, 30))
    answer = officer.post_form(f"{HOME}/upload", files=file(content), dataset="hmo_licence")
    assert answer.status_code == 303
    assert "done=dropped" in answer.headers["location"]
    assert "drops/camden/hmo_licence/register_2026-09-30.csv" in says(officer.get(answer.headers["location"]))
    again = officer.post_form(f"{HOME}/upload", files=file(content), dataset="hmo_licence")
    assert "done=there" in again.headers["location"]
    other = officer.post_form(f"{HOME}/upload", files=file(as_csv(licences(BOROUGH, 31))), dataset="hmo_licence")
    assert "name=register_2026-09-30-2.csv" in other.headers["location"]
    assert sorted(path.name for path in folder().iterdir()) == ["register_2026-09-30-2.csv", "register_2026-09-30.csv"]
    assert (folder() / "register_2026-09-30.csv").read_bytes() == content
    lines = acts("drop extract")
    assert [(line.who, line.about, line.details["dataset"]) for line in lines] == [
        (OFFICER, BOROUGH, "hmo_licence")
    ] * 2
    bucket.night()
    assert {drop.rows_in for drop in bucket.drops()} == {30, 31}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../../../etc/cron.d/x.csv", "x.csv"),
        ("..\\..\\hackney\\epc\\x.csv", "x.csv"),
        ("/abs/olute.csv", "olute.csv"),
        (".hidden.csv", "hidden.csv"),
        ("~$open.csv", "open.csv"),
        ("a\x01b<script>.csv", "ab script.csv"),
        ("zwei\u202efdp.csv", "zweifdp.csv"),
        ("Größe 1.csv", "Größe 1.csv"),
        ("n" * 400 + ".csv", "n" * 168 + ".csv"),
        ("=cmd|x.csv", "=cmd x.csv"),
    ],
)
def test_a_name_is_made_safe(given: str, kept: str) -> None:
    from pipelines.ingest.dropping import safe_name

    assert safe_name(given) == kept
    assert safe_name(kept) == kept


@pytest.mark.parametrize("name", ["...", "/", "x.csv.receipt.json", "x.csv.part", "NOTICES.html", ".csv", "x.exe", "x"])
def test_a_name_that_no_drop_can_have_is_refused(officer: Desk, name: str) -> None:
    answer = officer.post_form(f"{HOME}/upload", files=file(b"a,b\n1,2\n", name), dataset="hmo_licence")
    assert answer.status_code == 422
    assert "There is a problem" in says(answer)
    assert not folder().exists()


def test_a_file_that_is_too_large_is_refused_while_it_arrives(officer: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_REVIEW_MAX_UPLOAD_MIB", "1")
    review_settings.cache_clear()
    huge = b"x" * (3 << 20)
    for page in ("upload", "check"):
        answer = officer.post_form(f"{HOME}/{page}", files=file(huge), dataset="hmo_licence")
        assert answer.status_code == 413
        assert "The file is larger than 1 MiB, the most that can be sent here" in says(answer)
    fields = officer.post_form(f"{HOME}/upload", dataset="hmo_licence", note=huge.decode())
    assert fields.status_code == 413
    assert not folder().exists()
    assert acts("drop extract") == []


def test_who_may_look_may_not_therefore_drop() -> None:
    for role in ("engineer", "governance"):
        desk = Desk(role, BOROUGH)
        assert desk.get(HOME).status_code == 200
        assert desk.get(f"{HOME}/upload").status_code == 403
        assert desk.post_form(f"{HOME}/upload", files=file(b"a"), dataset="hmo_licence").status_code == 403
        assert desk.post_form(f"{HOME}/check", files=file(b"a"), dataset="hmo_licence").status_code == 403
    assert not folder().exists()


# --- layouts ---


@pytest.fixture
def unknown(bucket: Intake) -> Drop:
    """A register in a layout that nobody has described, with the night's proposal."""
    columns = [(EVIL if heading == "Property Postcode" else heading, *rest) for heading, *rest in REGISTER[:10]]
    bucket.drop(csv_bytes(columns), "register.csv", PLACE)
    bucket.night()
    onboard.propose_held(BOROUGH)
    drop = bucket.only()
    assert drop.status == "held"
    return drop


def sent(page: str) -> dict[str, str]:
    """The form of a layout as it stands on its page."""
    found = {"made_from": re.findall(r'name="made_from" value="([^"]*)"', page)[0]}
    for name, body in re.findall(r'<select[^>]*name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.findall(r'<option value="([^"]*)" selected', body)
        found[name] = chosen[0] if chosen else re.findall(r'<option value="([^"]*)"', body)[0]
    return found


def saved() -> list[Path]:
    return sorted((settings().mappings_dir / BOROUGH).glob("*.yaml"))


def test_a_layout_is_confirmed_as_a_person_put_it_right_and_the_night_reads_by_it(
    officer: Desk, unknown: Drop, bucket: Intake
) -> None:
    assert "10 columns" in says(officer.get(f"{HOME}/mappings"))
    there = f"{HOME}/mappings/{unknown.id}"
    answer = officer.get(there)
    assert EVIL not in answer.text
    assert MARK not in answer.text
    given = sent(answer.text)
    place = next(n for n, (heading, *_) in enumerate(REGISTER[:10]) if heading == "Max Households")
    given[f"column-{place}"] = "-"
    tried = officer.post_form(there, **given, act="try")
    assert tried.status_code == 200
    assert "of 120 rows would be accepted" in says(tried)
    assert saved() == []
    answer = officer.post_form(there, **given, act="confirm")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}/mappings?done=mapping")
    (path,) = saved()
    content = yaml.safe_load(path.read_text())
    assert content["ignore"]["Max Households"] == "a person said that it is not wanted"
    assert content["fields"]["postcode"] == EVIL
    (line,) = acts("mapping saved")
    assert (line.who, line.about) == (OFFICER, f"{BOROUGH}/{path.stem}")
    again = officer.post_form(there, **given, act="confirm")
    assert again.status_code == 422
    assert policies.KNOWN_LAYOUT in says(again)
    assert saved() == [path]
    bucket.night()
    assert bucket.only().status == "accepted"
    assert officer.get(there).status_code == 404


def test_a_layout_that_cannot_be_used_is_not_saved_and_says_why(officer: Desk, unknown: Drop) -> None:
    there = f"{HOME}/mappings/{unknown.id}"
    given = sent(officer.get(there).text)
    address = next(n for n, (heading, *_) in enumerate(REGISTER[:10]) if heading == "Property Address")
    answer = officer.post_form(there, **{**given, f"column-{address}": "-"}, act="confirm")
    assert answer.status_code == 422
    assert "and no row can be used without it" in says(answer)
    answer = officer.post_form(there, **{**given, f"column-{address}": "no_such_field"}, act="confirm")
    assert "Choose what &#39;Property Address&#39; is" in answer.text
    answer = officer.post_form(there, **{**given, "made_from": "old"}, act="confirm")
    assert answer.status_code == 409
    assert saved() == []


def test_engineers_see_a_layout_and_confirm_none(unknown: Drop) -> None:
    engineer = Desk("engineer", BOROUGH)
    there = f"{HOME}/mappings/{unknown.id}"
    page = engineer.get(there)
    assert page.status_code == 200
    assert "<select" not in page.text
    assert engineer.post_form(there, act="confirm").status_code == 403
