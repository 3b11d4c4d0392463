"""From scores and licensing to an issued list."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.settings import settings
from pipelines.core.tables import LICENSING
from pipelines.governance import access
from pipelines.ranking import current_list, rank
from tests.unit.licensing_world import AS_OF, BOROUGH, write_properties, write_scores

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def small_capacity(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_CAPACITY", "2")
    monkeypatch.setenv("LODA_LIST_LENGTH", "3")
    settings.cache_clear()


def write_licensing(rows: dict[str, dict[str, Any]], as_of: date = AS_OF) -> None:
    usual = {"borough": BOROUGH, "as_of": as_of, "needed": "mandatory", "needed_why": "Because.", "status": "none"}
    usual |= {"status_why": "No licence.", "missing": None, "excluded_why": None}
    full = [usual | {"uprn": uprn, "building_uprn": uprn} | row for uprn, row in rows.items()]
    access.write_table("licensing", pa.Table.from_pylist(full, schema=LICENSING), borough=BOROUGH, made_from={})


def world(scores: dict[str, float], **licensing: dict[str, Any]) -> None:
    write_properties(*({"uprn": uprn} for uprn in scores))
    write_scores(scores)
    write_licensing({uprn: licensing.get(f"u{uprn}", {}) for uprn in scores})


def lists() -> list[PublishedList]:
    with transaction() as session:
        return list(session.scalars(sa.select(PublishedList).order_by(PublishedList.version)))


def uprns(list_id: str) -> list[str]:
    with transaction() as session:
        query = sa.select(ListEntry.uprn).where(ListEntry.list_id == list_id).order_by(ListEntry.rank)
        return list(session.scalars(query))


def test_without_scores_it_is_skipped() -> None:
    assert rank(BOROUGH, AS_OF).outcome == "skipped"
    write_properties({"uprn": "1"})
    write_scores({"1": 0.5}, as_of=date(2020, 1, 1))
    write_licensing({"1": {}})
    assert rank(BOROUGH, AS_OF).outcome == "skipped"


def test_the_likeliest_without_a_licence_come_first() -> None:
    world(
        {"1": 0.2, "2": 0.9, "3": 0.8, "4": 0.7, "5": 0.6, "6": 0.95, "7": 0.96, "8": 0.97, "9": 0.98},
        u6={"status": "held"},
        u7={"status": "pending"},
        u8={"status": "temporary_exemption"},
        u9={"excluded_why": "Not an HMO.", "needed": "none"},
        u4={"status": "expired"},
        u5={"needed": "none"},
    )
    result = rank(BOROUGH, AS_OF)
    issued, entries = current_list(BOROUGH)
    assert result.outcome == "made"
    assert uprns(issued.id) == ["2", "3", "4", "1"]
    assert issued.expected_hits == pytest.approx(1.7)
    assert (issued.rows, issued.capacity, issued.version, issued.model_id) == (4, 2, 1, "m1")
    assert [entry.uprn for entry in entries] == ["2", "3"], "cut at capacity"
    assert len(entries[0].reasons) == 3
    assert entries[0].address == "2 EXAMPLE ROAD, NW6 1AA"
    assert entries[0].licence_status == "no licence found"
    assert entries[0].licence_why == "Because. No licence."
    assert [entry.licence_status for entry in current_list(BOROUGH, 9)[1]][2] == "licence expired"


def test_a_list_holds_capacity_times_its_length() -> None:
    world({str(n): 0.5 for n in range(1, 20)})
    rank(BOROUGH, AS_OF)
    assert lists()[0].rows == 6


def test_ties_are_in_the_order_of_a_seeded_hash_not_of_the_uprn() -> None:
    world({str(n): 0.5 for n in range(1, 7)})
    rank(BOROUGH, AS_OF)
    first = uprns(lists()[0].id)
    assert first != sorted(first)
    write_scores({str(n): 0.5 for n in range(1, 7)}, as_of=date(2024, 6, 2))
    write_licensing({str(n): {} for n in range(1, 7)}, as_of=date(2024, 6, 2))
    rank(BOROUGH, date(2024, 6, 2))
    second = lists()[1]
    assert second.tie_seed != lists()[0].tie_seed
    assert uprns(second.id) != first, "another day, another draw"


def test_an_unchanged_rerun_issues_nothing_and_a_change_issues_a_new_version() -> None:
    world({"1": 0.5, "2": 0.4})
    assert rank(BOROUGH, AS_OF).outcome == "made"
    assert rank(BOROUGH, AS_OF).outcome == "unchanged"
    write_scores({"1": 0.5, "2": 0.6})
    assert rank(BOROUGH, AS_OF).outcome == "made"
    first, second = lists()
    assert (first.version, second.version) == (1, 2)
    assert uprns(first.id) == ["1", "2"], "a list once issued never changes"
    assert uprns(second.id) == ["2", "1"]
    assert current_list(BOROUGH)[0].id == second.id


def test_a_backfilled_day_does_not_become_the_current_list() -> None:
    world({"1": 0.5})
    rank(BOROUGH, AS_OF)
    earlier = date(2024, 5, 1)
    write_scores({"1": 0.5}, as_of=earlier)
    write_licensing({"1": {}}, as_of=earlier)
    assert rank(BOROUGH, earlier).outcome == "made"
    assert current_list(BOROUGH)[0].as_of == AS_OF


def test_a_building_stands_once() -> None:
    world(
        {"1": 0.3, "2": 0.9, "3": 0.8, "4": 0.7, "5": 0.6},
        u2={"building_uprn": "1"},
        u3={"building_uprn": "1"},
        u4={"building_uprn": "99"},
        u5={"building_uprn": "99"},
    )
    rank(BOROUGH, AS_OF)
    assert uprns(lists()[0].id) == ["4", "1"], "the building itself, else its likeliest room"


def test_a_list_and_its_entries_are_written_together_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    world({"1": 0.5})
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.ranking.issuing._with_postcode", lambda address, postcode: None)
        with pytest.raises(sa.exc.IntegrityError):
            rank(BOROUGH, AS_OF)
    assert lists() == []
    assert rank(BOROUGH, AS_OF).outcome == "made"
    assert len(uprns(lists()[0].id)) == 1


def test_an_empty_list_is_a_list() -> None:
    world({"1": 0.5}, u1={"status": "held"})
    assert rank(BOROUGH, AS_OF).outcome == "made"
    issued, entries = current_list(BOROUGH)
    assert (issued.rows, issued.expected_hits, entries) == (0, 0.0, [])


def test_no_list_is_told_in_a_sentence() -> None:
    with pytest.raises(NotFound, match="No list was issued for camden yet"):
        current_list(BOROUGH)
    with pytest.raises(NotFound, match="no borough 'atlantis'"):
        current_list("atlantis")
