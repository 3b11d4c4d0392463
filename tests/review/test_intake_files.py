"""A file checked or dropped in the browser, and a layout confirmed there: by the code of the night."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from pipelines import onboard
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop
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


def folder() -> Path:
    return Path(settings().bucket_url) / "drops" / PLACE


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


def test_where_the_bucket_is_not_there_nothing_is_dropped_and_no_folder_made(
    officer: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    share = tmp_path / "share"
    monkeypatch.setenv("LODA_BUCKET_URL", str(share))
    settings.cache_clear()
    answer = officer.post_form(f"{HOME}/upload", files=file(as_csv(licences(BOROUGH, 30))), dataset="hmo_licence")
    assert answer.status_code == 503
    assert "Nothing that you sent was kept: send it again later." in says(answer)
    assert str(share) not in answer.text
    assert "make that folder or mount its disk, or correct LODA_BUCKET_URL" in caplog.text
    assert not share.exists()
    assert acts("drop extract") == []
    share.mkdir()
    again = officer.post_form(f"{HOME}/upload", files=file(as_csv(licences(BOROUGH, 30))), dataset="hmo_licence")
    assert again.status_code == 303
    assert (share / "drops" / PLACE / "register_2026-09-30.csv").exists()


def test_where_the_disk_is_full_nothing_is_dropped_and_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    officer = Desk("data_officer", BOROUGH, failing=False)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pipelines.ingest.dropping.Folder.write", full)
    answer = officer.post_form(f"{HOME}/upload", files=file(as_csv(licences(BOROUGH, 30))), dataset="hmo_licence")
    assert answer.status_code == 503
    assert "is full" in says(answer)
    assert acts("drop extract") == []


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
