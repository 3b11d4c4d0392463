"""What officers found or overruled leaves the lists to come, for as long as it should, and nobody else does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import Outcome, Override
from pipelines.core.ledger.settled import SETTLING, excluded, settled
from pipelines.core.settings import settings
from pipelines.ranking import rank
from tests.unit.licensing_world import AS_OF, BOROUGH
from tests.unit.test_ranking import lists, uprns, world

pytestmark = pytest.mark.usefixtures("home")
TODAY = date(2024, 6, 3)


@pytest.fixture(autouse=True)
def small_lists(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_CAPACITY", "4")
    monkeypatch.setenv("LODA_LIST_LENGTH", "3")
    monkeypatch.setenv("LODA_NOW", "2024-06-03T02:00:00+00:00")
    settings.cache_clear()


def visit(uprn: str, found: str, back: int = 10, **changes: Any) -> int:
    """An outcome of a visit so many days ago; returns its number."""
    usual: dict[str, Any] = {
        "borough": BOROUGH, "uprn": uprn, "address": "x", "found": found, "visited_on": TODAY - timedelta(days=back),
        "method": "visit", "note": "", "officer": "A Officer", "recorded_by": "A Officer", "recorded_at": clock.now(),
        "recorded_through": "page",
    }  # fmt: skip
    with transaction() as session:
        made = Outcome(**usual | changes)
        session.add(made)
        session.flush()
        return made.number


def overrule(uprn: str, kind: str = "exclude", days: int = 30, **changes: Any) -> None:
    usual: dict[str, Any] = {
        "borough": BOROUGH, "uprn": uprn, "address": "x", "kind": kind, "reason": "a court case", "who": "A Officer",
        "made_at": clock.now(), "expires_on": TODAY + timedelta(days=days),
    }  # fmt: skip
    with transaction() as session:
        session.add(Override(**usual | changes))


def off(days: int = 365) -> set[str]:
    with transaction() as session:
        return settled(session, BOROUGH, TODAY, days)


def listed() -> list[str]:
    assert rank(BOROUGH, AS_OF).outcome in ("made", "unchanged")
    return uprns(lists()[-1].id)


@pytest.mark.parametrize("found", SETTLING)
def test_a_finding_settles_a_property(found: str) -> None:
    visit("1", found)
    assert off() == {"1"}


@pytest.mark.parametrize("found", ["no_access", "wrong_address"])
def test_a_visit_that_found_nothing_settles_nothing(found: str) -> None:
    visit("1", found)
    assert off() == set()


def test_it_is_settled_for_a_time_and_its_last_day_counts() -> None:
    visit("1", "not_hmo", back=365)
    visit("2", "not_hmo", back=366)
    assert off() == {"1"}
    assert off(days=400) == {"1", "2"}
    assert off(days=0) == set()


def test_the_newest_standing_outcome_counts() -> None:
    visit("1", "not_hmo", back=40)
    visit("1", "no_access", back=5)
    visit("2", "no_access", back=40)
    visit("2", "not_hmo", back=5)
    visit("3", "not_hmo", superseded_at=datetime(2024, 6, 1, tzinfo=UTC), superseded_by=9)
    visit("4", "empty", back=40)
    visit("4", "wrong_address", back=5)
    visit("5", "not_hmo", borough="hackney")
    visit("6", "no_access")
    visit("6", "single_household")
    assert off() == {"2", "4", "6"}, "of one day the one that was recorded last"


def test_only_an_exclusion_in_force_excludes() -> None:
    overrule("1")
    overrule("2", "first")
    overrule("3", days=0)
    overrule("4", days=-1)
    overrule("5", ended_at=clock.now(), ended_by="A Officer")
    overrule("6", borough="hackney")
    with transaction() as session:
        assert excluded(session, BOROUGH, TODAY) == {"1", "3"}


def test_lists_issued_from_then_on_are_without_them() -> None:
    world({"1": 0.9, "2": 0.8, "3": 0.7, "4": 0.6})
    assert listed() == ["1", "2", "3", "4"]
    first = lists()[0]
    visit("1", "hmo_unlicensed")
    overrule("3")
    assert listed() == ["2", "4"]
    assert uprns(first.id) == ["1", "2", "3", "4"], "a list once issued never changes"


def test_they_come_back_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    world({"1": 0.9, "2": 0.8})
    visit("1", "not_hmo", back=10)
    overrule("2", days=3)
    assert listed() == []
    monkeypatch.setenv("LODA_NOW", "2024-06-07T02:00:00+00:00")
    assert listed() == ["2"]
    monkeypatch.setenv("LODA_REVISIT_DAYS", "5")
    settings.cache_clear()
    assert listed() == ["1", "2"]


def test_a_settled_room_takes_its_building_off_and_a_building_its_rooms() -> None:
    world(
        {"1": 0.3, "2": 0.9, "3": 0.8, "7": 0.6, "8": 0.5, "9": 0.4},
        u2={"building_uprn": "1"}, u3={"building_uprn": "1"}, u8={"building_uprn": "7"}, u9={"building_uprn": "7"},
    )  # fmt: skip
    assert listed() == ["7", "1"]
    visit("3", "not_hmo")
    assert listed() == ["7"]
    overrule("7")
    assert listed() == []
