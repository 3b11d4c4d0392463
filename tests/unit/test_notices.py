"""Calendars, and what a borough is told when: in time, due soon, late, missing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines import ingest
from pipelines.cli import app
from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood, Notice
from pipelines.publish import due, notify
from schemas import lint, registry
from schemas.calendar import GRACE_DAYS, Beat, calendar

CAMDEN = "camden"


def beat(every: str, day: str | int | None = None, grace_days: int = 0) -> Beat:
    return Beat.model_validate({"every": every, "day": day, "grace_days": grace_days, "since": None})


@pytest.mark.parametrize(
    ("every", "day", "last", "due"),
    [
        ("daily", None, "2026-03-01", "2026-03-02"),
        ("weekly", None, "2026-03-01", "2026-03-08"),
        ("monthly", None, "2026-01-31", "2026-02-28"),
        ("quarterly", None, "2026-11-30", "2027-02-28"),
        ("yearly", None, "2024-02-29", "2025-02-28"),
        # made a little before its day, it is the extract of that day
        ("weekly", "monday", "2026-03-06", "2026-03-16"),
        ("weekly", "Monday", "2026-03-04", "2026-03-09"),
        ("monthly", 5, "2026-02-28", "2026-04-05"),
        ("monthly", 5, "2026-03-06", "2026-04-05"),
        ("monthly", 31, "2026-01-31", "2026-02-28"),
        ("quarterly", 5, "2026-01-05", "2026-04-05"),
        ("yearly", "30 April", "2026-04-28", "2027-04-30"),
        ("yearly", "30 April", "2025-05-02", "2026-04-30"),
    ],
)
def test_due_day(every: str, day: str | int | None, last: str, due: str) -> None:
    assert beat(every, day).due_after(date.fromisoformat(last)) == date.fromisoformat(due)


def test_every_due_day_lies_ahead() -> None:
    start = date(2024, 1, 1)
    for every, day in [
        ("daily", None),
        ("weekly", "friday"),
        ("monthly", 30),
        ("quarterly", 1),
        ("yearly", "29 February"),
    ]:
        for offset in range(0, 800, 7):
            last = start + timedelta(days=offset)
            assert beat(every, day).due_after(last) > last


def write_calendar(home: Path, text: str, borough: str = CAMDEN) -> None:
    path = home / "calendars" / f"{borough}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("datasets: {waste: {every: weekly, day: 5}}", "no day of a weekly calendar"),
        ("datasets: {waste: {every: monthly, day: friday}}", "no day of a monthly calendar"),
        ("datasets: {waste: {every: yearly, day: 31 April}}", "no day of a yearly calendar"),
        ("datasets: {waste: {every: hourly}}", "faulty at 'datasets.waste.every'"),
        ("datasets: {rubbish: {every: weekly}}", "'rubbish', which is no dataset"),
        ("datasets: {waste: {grace_days: -1}}", "grace_days"),
        ("surprise: 1", "surprise"),
    ],
)
def test_faulty_calendar_is_told_in_a_sentence(home: Path, text: str, told: str) -> None:
    write_calendar(home, text)
    with pytest.raises(ConfigurationError) as caught:
        calendar(CAMDEN)
    assert told in str(caught.value)
    assert lint._calendars() == [str(caught.value)]


def test_own_calendar_lies_over_the_committed_one(home: Path) -> None:
    assert calendar("oxford").beat(registry.contract("hmo_licence")) is None, (
        "nobody promised to send a public register"
    )
    write_calendar(home, "datasets: {hmo_licence: {expected: true, grace_days: 2}}", "oxford")
    found = calendar("oxford").beat(registry.contract("hmo_licence"))
    assert found is not None
    assert (found.every, found.grace_days) == ("weekly", 2)


def arrive(
    dataset: str,
    extract: str,
    *,
    borough: str = CAMDEN,
    source: str = "main",
    status: str = "accepted",
    good: bool = True,
) -> None:
    """A drop as the ledger has it, made and arrived on one day."""
    day = date.fromisoformat(extract)
    drop = f"{borough}-{dataset}-{source}-{extract}-{status}"
    with transaction() as session:
        session.add(
            Drop(
                id=drop,
                borough=borough,
                dataset=dataset,
                source=source,
                path=f"drops/{borough}/{dataset}/{extract}.csv",
                sha256=drop.ljust(64, "0")[:64],
                size_bytes=1,
                received_at=datetime(day.year, day.month, day.day, 20, tzinfo=UTC),
                extract_date=day,
                status=status,
                sentence="The headings differ." if status == "held" else None,
                lake_version=1 if good else None,
            )
        )
        if good:
            session.merge(
                LastGood(
                    borough=borough,
                    dataset=dataset,
                    source=source,
                    drop_id=drop,
                    extract_date=day,
                    rows=10,
                    lake_version=1,
                    published_at=datetime(day.year, day.month, day.day, 21, tzinfo=UTC),
                )
            )


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch):
    def set_day(day: str) -> None:
        monkeypatch.setenv("LODA_NOW", f"{day}T02:00:00+00:00")

    return set_day


def told() -> list[tuple[str, str, str]]:
    with transaction() as session:
        rows = session.scalars(sa.select(Notice).order_by(Notice.made_at, Notice.dataset)).all()
    return [(row.dataset, row.kind, row.due.isoformat()) for row in rows]


def state(dataset: str, day: str, borough: str = CAMDEN) -> str:
    (found,) = [s for s in due.standings(date.fromisoformat(day))[borough] if s.dataset == dataset]
    return found.state


def test_a_monthly_extract_from_in_time_to_late(home: Path) -> None:
    arrive("council_tax", "2026-03-03")
    days = {
        "2026-03-28": "in_time",
        "2026-03-29": "due_soon",
        "2026-04-03": "due_soon",
        "2026-04-04": "due",
        "2026-04-13": "due",
        "2026-04-14": "late",
        "2027-01-01": "late",
    }
    assert {day: state("council_tax", day) for day in days} == days


def test_a_daily_export_may_miss_a_long_weekend(home: Path) -> None:
    arrive("service_request", "2026-04-02")  # Thursday before Easter; the next export is on Tuesday
    assert state("service_request", "2026-04-07") == "due"
    assert state("service_request", "2026-04-08") == "late"
    assert GRACE_DAYS["daily"] == 4


def test_nobody_is_reminded_of_a_weekly_job(home: Path) -> None:
    arrive("hmo_licence", "2026-03-02")
    assert {state("hmo_licence", f"2026-03-{day:02d}") for day in range(2, 10)} == {"in_time"}


def test_nothing_is_expected_of_a_borough_that_has_not_begun(home: Path) -> None:
    arrive("council_tax", "2026-03-03")
    arrive("council_tax", "2026-03-03", borough="hackney", status="refused", good=False)
    assert set(due.standings(date(2026, 6, 1))) == {CAMDEN}, "a stray file begins nothing"


def without_a_mapping() -> tuple[str, str]:
    """A London borough and a dataset that it does not share."""
    london = [slug for slug, borough in registry.boroughs().items() if borough.london]
    return next((slug, d) for slug in london for d in registry.contracts() if not registry.own_mappings(slug, d))


def test_what_a_borough_does_not_share_is_not_expected(home: Path) -> None:
    borough, dataset = without_a_mapping()
    arrive("council_tax", "2026-03-03", borough=borough)
    expected = {s.dataset for s in due.standings(date(2026, 6, 1))[borough]}
    assert dataset not in expected
    assert "hmo_licence" in expected, "it has a mapping"


def test_what_was_shared_by_template_is_expected_again(home: Path) -> None:
    borough, dataset = without_a_mapping()
    arrive(dataset, "2026-03-03", borough=borough)
    assert dataset in {s.dataset for s in due.standings(date(2026, 3, 4))[borough]}


def test_without_an_agreement_nothing_is_expected(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive("council_tax", "2026-03-03")
    monkeypatch.setattr(due.access, "allowed", lambda _b, dataset, *_: dataset == "council_tax")
    assert {s.dataset for s in due.standings(date(2026, 6, 1))[CAMDEN]} == {"council_tax"}


def test_a_first_extract_has_a_month_and_its_grace(home: Path) -> None:
    arrive("council_tax", "2026-03-03")
    assert state("hmo_licence", "2026-04-02") == "in_time"
    assert state("hmo_licence", "2026-04-06") == "due"
    assert state("hmo_licence", "2026-04-07") == "missing"


def test_the_calendar_says_since_when_how_often_and_what_not(home: Path) -> None:
    write_calendar(
        home,
        "since: 2026-05-01\n"
        "datasets: {council_tax: {every: quarterly, day: 5, grace_days: 3}, waste: {expected: false}}",
    )
    assert due.standings(date(2026, 4, 30)) == {}
    arrive("council_tax", "2026-04-04")
    found = {s.dataset: s for s in due.standings(date(2026, 7, 8))[CAMDEN]}
    assert "waste" not in found
    assert (found["council_tax"].due, found["council_tax"].late_from) == (date(2026, 7, 5), date(2026, 7, 9))
    assert found["council_tax"].state == "due"
    assert found["gazetteer"].state == "missing"


def test_a_dataset_of_two_extracts_is_as_late_as_the_older(home: Path) -> None:
    arrive("hmo_licence", "2026-03-02", source="hmo")
    arrive("hmo_licence", "2026-04-20", source="selective")
    (found,) = [s for s in due.standings(date(2026, 4, 21))[CAMDEN] if s.dataset == "hmo_licence"]
    assert found.state == "late"
    assert found.in_use is not None
    assert (found.in_use.source, found.sources) == ("hmo", 2)


def only_council_tax(home: Path) -> None:
    others = [d for d in registry.contracts() if d != "council_tax"]
    write_calendar(home, "datasets: {" + ", ".join(f"{d}: {{expected: false}}" for d in others) + "}")


def test_each_due_day_is_told_once_and_again_while_it_lasts(home: Path, on) -> None:
    only_council_tax(home)
    arrive("council_tax", "2026-03-03")
    made = []
    for day in (
        "2026-03-20",
        "2026-03-29",
        "2026-03-30",
        "2026-04-05",
        "2026-04-14",
        "2026-04-15",
        "2026-05-13",
        "2026-05-14",
    ):
        on(day)
        made.append(notify().counts["new"])
    assert made == [0, 1, 0, 0, 1, 0, 0, 1]
    assert told() == [
        ("council_tax", "due_soon", "2026-04-03"),
        ("council_tax", "late", "2026-04-03"),
        ("council_tax", "late", "2026-05-03"),
    ]


def test_a_borough_whose_files_were_not_taken_in_is_told_nothing(home: Path, on) -> None:
    only_council_tax(home)
    arrive("council_tax", "2026-03-03")
    on("2026-04-14")
    assert notify(waiting=[CAMDEN]).counts == {"new": 0, "late": 0, "missing": 0, "due_soon": 0, "boroughs": 0}
    assert told() == []
    assert notify().counts["new"] == 1


def test_the_notice_says_since_when_and_what_stands_meanwhile(home: Path, on) -> None:
    only_council_tax(home)
    arrive("council_tax", "2026-03-03")
    arrive("council_tax", "2026-04-04", status="held", good=False)
    on("2026-04-14")
    result = notify()
    assert result.outcome == "made"
    assert "1 late, 0 missing" in result.sentence
    folder = home / "bucket" / "drops" / CAMDEN
    content = json.loads((folder / "NOTICES.json").read_text())
    (notice,) = content["notices"]
    assert notice["kind"] == "late"
    for words in (
        "the extract due on 3 April 2026 has not arrived and is late since 14 April 2026",
        "extract of 3 March 2026 stays in use",
        "it was 42 days old",
        "arrived on 4 April 2026 was held: The headings differ.",
    ):
        assert words in notice["sentence"]
    page = (folder / "NOTICES.html").read_text()
    assert notice["sentence"] in page
    assert f"drops/{CAMDEN}/council_tax/" in page


def test_the_page_changes_with_the_state_and_not_with_the_day(home: Path, on) -> None:
    only_council_tax(home)
    arrive("council_tax", "2026-03-03")
    page = home / "bucket" / "drops" / CAMDEN / "NOTICES.html"
    on("2026-04-14")
    assert notify().outcome == "made"
    late = page.read_bytes()
    on("2026-04-15")
    assert notify().outcome == "unchanged"
    assert page.read_bytes() == late
    page.unlink()
    assert notify().outcome == "made", "it is put back"
    assert page.read_bytes() == late
    arrive("council_tax", "2026-04-15")
    assert notify().outcome == "made"
    assert "Nothing is late, and nothing is due soon." in page.read_text()


def test_the_night_does_not_take_in_what_it_wrote(home: Path, on) -> None:
    arrive("council_tax", "2026-03-03")
    with transaction() as session:
        session.execute(sa.update(Drop).values(receipt_delivered=True, hashes={"deleted": "x"}))
    on("2026-06-01")
    notify()
    assert (home / "bucket" / "drops" / CAMDEN / "NOTICES.html").exists()
    assert ingest.discover() == []


def test_loda_notices(home: Path, on) -> None:
    only_council_tax(home)
    on("2026-04-14")
    assert "Nothing is late" in CliRunner().invoke(app, ["notices"]).output
    arrive("council_tax", "2026-03-03")
    shown = CliRunner().invoke(app, ["notices", "--json"])
    assert shown.exit_code == 0
    (row,) = json.loads(shown.output)
    assert (row["borough"], row["dataset"], row["state"], row["age_days"]) == (CAMDEN, "council_tax", "late", 42)
    assert row["in_use"]["extract_date"] == "2026-03-03"
    assert "late since 14 April 2026" in CliRunner().invoke(app, ["notices"]).output
    assert told() == [], "looking tells nobody"
    assert CliRunner().invoke(app, ["notices", "--borough", "atlantis"]).exit_code == 66
