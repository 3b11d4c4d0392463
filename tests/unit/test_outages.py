"""A bucket that was away: what is on record of it, and that nobody is late for days on which nobody could send."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import botocore.exceptions
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines import ingest, whole_night
from pipelines.cli import app
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import StageState
from pipelines.core.outside import Outside
from pipelines.core.settings import settings
from pipelines.governance import outages
from pipelines.governance.outages import Outage
from pipelines.publish import due, notify
from pipelines.publish.notices import sentence_of
from schemas.calendar import Beat
from tests.unit.test_notices import CAMDEN, arrive, on, state, told

__all__ = ["on"]


@pytest.fixture
def bucket(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Says whether the bucket answers."""
    own = Folder.list

    (home / "bucket").mkdir()

    def answers(yes: bool) -> None:
        def away(*_arguments: object) -> None:
            raise botocore.exceptions.EndpointConnectionError(endpoint_url="http://s3.example")

        monkeypatch.setattr(Folder, "list", own if yes else away)

    return answers


def night(*, well: bool) -> None:
    if well:
        ingest.discover()
        return
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        ingest.discover()


def test_nights_without_the_bucket_are_on_record_as_one_outage(home: Path, on, bucket) -> None:
    for day, well in (("2026-04-10", True), ("2026-04-11", False), ("2026-04-12", False), ("2026-04-14", True)):
        on(day)
        bucket(well)
        night(well=well)
        seen = outages.known()
    assert seen == (Outage(date(2026, 4, 11), date(2026, 4, 14)),)
    on("2026-05-01")
    bucket(False)
    night(well=False)
    assert outages.known()[1:] == (Outage(date(2026, 5, 1), None),)


def test_a_fault_of_the_code_is_no_outage(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Folder, "list", lambda *_: [][0])
    with pytest.raises(IndexError):
        ingest.discover()
    assert outages.known() == ()


def test_what_was_due_while_the_bucket_was_away_is_waited_for_as_much_longer(home: Path, on, bucket) -> None:
    arrive("council_tax", "2026-03-03")  # due on 3 April, waited for until 13 April
    for day in ("2026-04-12", "2026-04-13", "2026-04-14"):
        on(day)
        bucket(False)
        night(well=False)
        assert state("council_tax", day) == "due"
    on("2026-04-15")
    bucket(True)
    night(well=True)
    assert {day: state("council_tax", f"2026-04-{day}") for day in (15, 16, 17)} == {15: "due", 16: "due", 17: "late"}
    said = notify()
    assert [kind for dataset, kind, _ in told() if dataset == "council_tax"] == []
    assert "waited for up to 3 days longer" in said.sentence
    (standing,) = [s for s in due.standings(date(2026, 4, 17))[CAMDEN] if s.dataset == "council_tax"]
    assert "3 days longer than agreed" in sentence_of(standing, date(2026, 4, 17))


def test_an_outage_before_the_due_day_changes_nothing(home: Path, on, bucket) -> None:
    arrive("council_tax", "2026-03-03")
    on("2026-04-01")
    bucket(False)
    night(well=False)
    on("2026-04-03")
    bucket(True)
    night(well=True)
    assert {day: state("council_tax", f"2026-04-{day}") for day in (13, 14)} == {13: "due", 14: "late"}


def test_a_scorecard_does_not_count_days_on_which_the_bucket_was_away() -> None:
    beat = Beat(every="monthly", day=None, grace_days=0, since=None)
    arrivals = [(date(2026, 1, 1), date(2026, 1, 2)), (date(2026, 2, 1), date(2026, 2, 6))]
    assert due.days_late(beat, arrivals) == [None, 5]
    assert due.days_late(beat, arrivals, [Outage(date(2026, 2, 1), date(2026, 2, 4))]) == [None, 2]
    assert due.days_late(beat, arrivals, [Outage(date(2026, 2, 1), None)]) == [None, 0]


def test_a_bucket_that_is_not_there_is_away_and_no_empty_one(home: Path, on, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home.parent / "mounted" / "drops"
    monkeypatch.setenv("LODA_BUCKET_URL", str(place))
    settings.cache_clear()
    on("2026-04-11")
    for begin in (lambda: whole_night.run(), ingest.discover):
        with pytest.raises(Outside) as told:
            begin()
        assert str(told.value).startswith(f"The bucket, {place}, is not there: make that folder or mount its disk")
    assert outages.known() == (Outage(date(2026, 4, 11), None),)
    assert not place.exists(), "it is not for us to make a folder where a disk should be mounted"
    with transaction() as session:
        stages = {state.stage for state in session.scalars(sa.select(StageState))}
    assert stages == {outages.STAGE}, "nothing was begun"
    place.mkdir(parents=True)
    assert ingest.discover() == []
    assert outages.known()[0].back == date(2026, 4, 11)


def test_loda_run_says_before_any_stage_that_the_bucket_is_not_there(home: Path) -> None:
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 75
    assert done.stdout == ""
    assert done.stderr.startswith(f"loda: The bucket, {home / 'bucket'}, is not there")
    assert done.stderr.count("\n") == 1
    assert not (home / "published").exists()
