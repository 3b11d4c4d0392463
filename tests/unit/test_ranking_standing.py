"""A list stands until something that it answers for changes, or it is too old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Erasure, LastGood, ModelVersion, PublishedList
from pipelines.core.settings import settings
from pipelines.governance import stages
from pipelines.ranking import due, rank, stands
from pipelines.ranking.standing import MADE_BY
from tests.unit.licensing_world import AS_OF, BOROUGH
from tests.unit.test_ranking import world
from tests.unit.test_ranking_settled import overrule, visit

pytestmark = pytest.mark.usefixtures("home")
NEXT = AS_OF + timedelta(days=1)


@pytest.fixture(autouse=True)
def one_list(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of `AS_OF`, made from what was there when it was found due."""
    monkeypatch.setenv("LODA_NOW", "2024-06-03T02:00:00+00:00")
    settings.cache_clear()
    world({"1": 0.9, "2": 0.8, "3": 0.7})
    stages.mark_done("link", BOROUGH, "x", {})
    assert due([BOROUGH], AS_OF) == [BOROUGH]
    rank(BOROUGH, AS_OF)
    for stage in MADE_BY:
        stages.mark_done(stage, BOROUGH, stages.state_of(stage, BOROUGH) or "x", {})
    stands(BOROUGH, AS_OF)


def test_what_nobody_changed_stands_on_the_days_after() -> None:
    assert due([BOROUGH], AS_OF) == []
    assert due([BOROUGH], NEXT) == []
    assert due([BOROUGH], AS_OF + timedelta(days=6)) == []


def test_after_the_days_that_are_set_it_is_made_anew() -> None:
    assert due([BOROUGH], AS_OF + timedelta(days=7)) == [BOROUGH]


def test_a_list_of_a_later_day_does_not_stand_for_an_earlier_one() -> None:
    assert due([BOROUGH], AS_OF - timedelta(days=1)) == [BOROUGH]


def add(row: Any) -> None:
    with transaction() as session:
        session.add(row)


def extract(borough: str, dataset: str) -> LastGood:
    came = datetime(2024, 6, 2, tzinfo=UTC)
    return LastGood(
        borough=borough, dataset=dataset, source="", drop_id="d2", lake_version=7, extract_date=AS_OF, rows=3,
        published_at=came,
    )  # fmt: skip


def another_champion() -> None:
    made = datetime(2024, 6, 2, tzinfo=UTC)
    add(ModelVersion(id="m2", status="champion", as_of=AS_OF, trained_at=made, path="m2", sha256="0" * 64))


def take_down() -> None:
    with transaction() as session:
        for issued in session.scalars(sa.select(PublishedList)):
            issued.withdrawn_at = datetime(2024, 6, 2, tzinfo=UTC)


def erase_somebody() -> None:
    add(Erasure(token="t", kind="uprn", erased_at=datetime(2024, 6, 2, tzinfo=UTC), who="A", reason="r"))


def more_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_CAPACITY", "9")
    settings.cache_clear()


CHANGES: dict[str, Callable[[], Any]] = {
    "an extract of its own": lambda: add(extract(BOROUGH, "waste")),
    "its links": lambda: stages.mark_done("link", BOROUGH, "other", {}),
    "the champion": another_champion,
    "a finding": lambda: visit("1", "not_hmo"),
    "an exclusion": lambda: overrule("2"),
    "taken down": take_down,
    "a subject erased": erase_somebody,
    "a stage's mark taken away": lambda: stages.is_done("score", BOROUGH, "other"),
    "agreements that cover another borough's extract": lambda: add(extract("bexley", "waste")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_it_answers_for_has_changed(change: Callable[[], Any]) -> None:
    change()
    assert due([BOROUGH], NEXT) == [BOROUGH]
    assert due([BOROUGH], NEXT) == [BOROUGH], "until a new list was made"


def test_its_capacity_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    more_visits(monkeypatch)
    assert due([BOROUGH], NEXT) == [BOROUGH]


def test_another_boroughs_next_extract_leaves_it_standing() -> None:
    add(extract("bexley", "waste"))
    due([BOROUGH], NEXT)
    rank(BOROUGH, AS_OF)
    stands(BOROUGH, AS_OF)
    with transaction() as session:
        session.get_one(LastGood, ("bexley", "waste", "")).lake_version = 8
    assert due([BOROUGH], NEXT) == []


def test_what_came_while_it_was_made_is_not_taken_for_done() -> None:
    add(extract(BOROUGH, "waste"))
    due([BOROUGH], AS_OF)
    add(extract(BOROUGH, "planning"))
    stands(BOROUGH, AS_OF)
    assert due([BOROUGH], NEXT) == [BOROUGH]
