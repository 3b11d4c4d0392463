"""How the platform is, in the browser; and the word for a monitor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.core import clock
from pipelines.core.ledger.engine import engine, transaction
from pipelines.core.ledger.models import Drop, LastGood, ModelVersion, PublishedList, StageState
from pipelines.core.settings import settings
from review.queries import health
from review.queries.health import Disk
from tests.review.desk import EVIL, Desk, review_home, says

NOW = clock.now()


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with review_home(tmp_path / "home", LODA_REVIEW_AIRFLOW_URL="http://127.0.0.1:8080") as folder:
        yield folder


def drop(number: int, reason: str, borough: str = "camden") -> Drop:
    return Drop(
        id=f"{borough}-waste-{number}", borough=borough, dataset="waste", path=f"drops/{borough}/waste/{number}.csv",
        sha256=str(number), size_bytes=1, received_at=NOW, extract_date=date(2026, 9, 1), status="held", reason=reason,
        rows_in=0, accepted=0, quarantined=0, hashes={},
    )  # fmt: skip


def good(borough: str, ago: timedelta) -> LastGood:
    return LastGood(
        borough=borough, dataset="gazetteer", source="main", drop_id="g", extract_date=date(2026, 9, 1), rows=1,
        lake_version=1, published_at=NOW - ago,
    )  # fmt: skip


def linked(borough: str, ago: timedelta) -> StageState:
    return StageState(
        stage="link", borough=borough, input_hash="x", made_at=NOW - ago, summary={"records": 11_166.0, "review": 28}
    )


def fill(*rows: object) -> None:
    with transaction() as session:
        session.add_all(rows)


def test_an_empty_platform_says_so() -> None:
    told = says(Desk("engineer", "london").get("/health"))
    assert "Nothing needs an engineer" in told
    assert "No night has made anything yet." in told
    assert "No list has been issued yet." in told


def test_stages_held_drops_lists_and_models_are_told() -> None:
    issued = PublishedList(
        id="camden-1", borough="camden", as_of=date(2026, 9, 30), version=2, issued_at=NOW, model_id="m",
        input_hash="x", capacity=20, rows=200, tie_seed=1, expected_hits=1.0, files={},
        withdrawn_at=NOW, withdrawn_why=EVIL,
    )  # fmt: skip
    model = ModelVersion(
        id="hmo-7",
        as_of=date(2026, 9, 30),
        trained_at=NOW,
        status="champion",
        path="p",
        sha256="s",
        hashes={},
        metrics={},
    )
    fill(
        drop(1, "row_count_fell"),
        drop(2, "platform_fault"),
        good("camden", timedelta(2)),
        linked("camden", timedelta(1)),
    )
    fill(issued, model)
    answer = Desk("engineer", "london").get("/health")
    told = says(answer)
    assert "1 thing needs an engineer" in told
    assert "Camden: 1 drop is held for a fault of the platform." in told
    assert "Camden : 2" in told
    assert "11,166 records, 28 wait for people" in told
    assert "24 hours" in told
    assert "Champion: hmo-7" in told
    assert "Taken down" in told
    assert EVIL not in answer.text
    assert 'href="http://127.0.0.1:8080"' in answer.text


def test_links_that_are_older_than_an_extract_and_a_borough_never_linked_need_an_engineer() -> None:
    fill(good("camden", timedelta(hours=1)), linked("camden", timedelta(1)), good("hackney", timedelta(1)))
    told = says(Desk("engineer", "london").get("/health"))
    assert "2 things need an engineer" in told
    assert "Camden: an extract came in after the links were last made." in told
    assert "Hackney: there is a gazetteer, and its records were never linked." in told


def test_a_full_disk_needs_an_engineer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_disk", lambda: Disk(5, 100))
    assert "Only 5% of the disk is free." in says(Desk("engineer", "london").get("/health"))


def test_it_is_for_engineers_of_the_whole_platform() -> None:
    assert Desk("engineer", "camden").get("/health").status_code == 403
    assert Desk("governance", "london").get("/health").status_code == 403


def test_a_monitor_is_told_one_word_and_no_more() -> None:
    desk = Desk("analyst", "camden")
    desk.cookies.clear()
    answer = desk.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    engine().dispose()
    ledger = settings().home / "ledger.db"
    ledger.rename(ledger.with_suffix(".away"))
    answer = desk.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
    ledger.write_bytes(b"no database" * 1_000)
    assert desk.get("/healthz").status_code == 503


def test_a_writer_does_not_keep_the_monitor_waiting() -> None:
    desk = Desk("analyst", "camden")
    desk.cookies.clear()
    with transaction():
        assert desk.get("/healthz").status_code == 200
