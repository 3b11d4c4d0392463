"""What officers recorded comes into the lake as visits, and goes with corrections, erasures and withdrawals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from pipelines import night
from pipelines.casework import take_in
from pipelines.casework.outcomes import correct
from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood, ListEntry, ModelVersion
from pipelines.core.tables import PROPERTY
from pipelines.governance import access, enforcement, erasure, erasure_search, retention
from pipelines.governance.stages import drops_behind
from pipelines.governance.subjects import property_subject
from pipelines.governance.withdrawing import withdraw
from pipelines.ingest.second_look import to_look_at_again
from pipelines.publish import drops, due
from schemas import registry
from tests.unit.casework_world import CAMDEN, LIST, NOW, TODAY, UPRNS, recorded, two_lists
from tests.unit.governed_world import stored

CANARY = "ZEBRAFINCH slammed the door"
COLUMNS = registry.contract("inspection").arrow_schema().names


@pytest.fixture(autouse=True)
def _world(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", NOW)
    two_lists()
    spine = [{"borough": CAMDEN, "uprn": u, "address": f"{u} NEW ROAD", "postcode": "NW1 1AA"} for u in UPRNS[:5]]
    access.write_table("property", pa.Table.from_pylist(spine, schema=PROPERTY), borough=CAMDEN, made_from={})


def visits() -> list[dict[str, Any]]:
    rows = access.read_dataset("inspection", boroughs=[CAMDEN], purpose="hmo_detection").to_pylist()
    return sorted(rows, key=lambda row: row["row_number"])


def last_good() -> LastGood | None:
    with transaction() as session:
        return session.get(LastGood, (CAMDEN, "inspection", "review"))


def test_outcomes_that_stand_are_visits_as_the_contract_has_them() -> None:
    recorded(UPRNS[2], list_id=LIST, note=CANARY, officer=CANARY)
    recorded(UPRNS[5], list_id=LIST, found="no_access")
    recorded(UPRNS[0], found="empty")
    recorded(UPRNS[1], found="wrong_address")
    recorded(UPRNS[1], found="hmo_licensed", method="desk")
    made = night.outcomes(CAMDEN)
    assert (made.outcome, made.counts) == ("made", {"rows": 3, "left_out": 2})
    by_list, drawn, unasked = visits()
    assert by_list | {"record_id": 0} == {
        **dict.fromkeys(COLUMNS),
        "borough": CAMDEN,
        "source": "review",
        "drop_id": "camden-inspection-review",
        "row_number": 1,
        "record_id": 0,
        "inspection_ref": "REVIEW-1",
        "address": f"{UPRNS[2]} NEW ROAD",
        "postcode": "NW1 1AA",
        "uprn": UPRNS[2],
        "visit_date": date(2026, 11, 18),
        "visit_reason": "list",
        "access": "gained",
        "finding": "hmo_unlicensed",
        "known_since": TODAY,
    }
    assert (drawn["visit_reason"], drawn["access"], drawn["finding"]) == ("control", "no_access", None)
    assert (drawn["address"], drawn["postcode"]) == ("4 Example Road, London, SE15 4QL", None), "as it was listed"
    assert (unasked["visit_reason"], unasked["finding"]) == (None, "empty")
    assert len({row["record_id"] for row in visits()}) == 3
    assert "ZEBRAFINCH" not in f"{visits()}{made}"


def test_every_row_keeps_its_contract() -> None:
    recorded(UPRNS[2], list_id=LIST)
    recorded(UPRNS[5], found="no_access")
    night.outcomes(CAMDEN)
    contract = registry.contract("inspection")
    for row in visits():
        assert all(row[name] is not None for name in contract.required)
        for field in contract.fields:
            assert row[field.name] is None or not field.codes or row[field.name] in field.codes


def test_a_record_has_the_number_that_harmonising_would_give_it() -> None:
    from pipelines.harmonise.records import hash_columns

    recorded()
    night.outcomes(CAMDEN)
    (row,) = visits()
    key = pa.table({"inspection_ref": ["REVIEW-1"]})
    assert row["record_id"] == hash_columns(key, "camden|inspection|review")[0]


def test_nothing_is_done_twice_and_later_stages_notice_what_is_new() -> None:
    assert night.outcomes(CAMDEN).outcome == "unchanged"
    assert night.boroughs_with_outcomes() == []
    recorded()
    assert night.boroughs_with_outcomes() == [CAMDEN]
    assert night.outcomes(CAMDEN).outcome == "made"
    before = drops_behind([CAMDEN])
    assert [row[:4] for row in before] == [[CAMDEN, "inspection", "review", "camden-inspection-review"]]
    assert night.outcomes(CAMDEN).outcome == "unchanged"
    assert drops_behind([CAMDEN]) == before
    recorded(UPRNS[3])
    assert night.outcomes(CAMDEN).outcome == "made"
    assert drops_behind([CAMDEN]) != before


def test_the_night_speaks_up_to_the_day_on_which_the_newest_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    monkeypatch.setenv("LODA_NOW", "2026-11-25T01:00:00+00:00")
    night.outcomes(CAMDEN)
    assert night.resolve_as_of(None) == TODAY


def test_a_correction_takes_the_place_of_what_was_in_the_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    first = recorded(UPRNS[2], list_id=LIST)
    night.outcomes(CAMDEN)
    monkeypatch.setenv("LODA_NOW", "2026-11-22T10:00:00+00:00")
    said: dict[str, Any] = {"borough": CAMDEN, "visited_on": first.visited_on, "method": "visit", "officer": "Ola"}
    with transaction() as session:
        second = correct(session, first.number, found="single_household", recorded_by="Ben", **said)
    assert night.outcomes(CAMDEN).outcome == "made"
    (row,) = visits()
    assert (row["finding"], row["known_since"]) == ("single_household", date(2026, 11, 22))
    assert (row["inspection_ref"], row["visit_reason"]) == ("REVIEW-2", "list")
    with transaction() as session:
        correct(session, second.number, found="wrong_address", recorded_by="Ben", **said)
    assert night.outcomes(CAMDEN).outcome == "made"
    assert visits() == []
    assert last_good() is None
    assert night.outcomes(CAMDEN).outcome == "unchanged"


def test_an_entry_that_is_gone_with_its_list_is_still_a_visit_because_of_a_list() -> None:
    recorded(UPRNS[5], list_id=LIST)
    with transaction() as session:
        session.execute(sa.delete(ListEntry))
    night.outcomes(CAMDEN)
    assert visits()[0]["visit_reason"] == "list"


def _model(trained: str) -> None:
    at = datetime.fromisoformat(trained).replace(tzinfo=UTC)
    with transaction() as session:
        session.add(ModelVersion(id=f"m{trained}", as_of=TODAY, trained_at=at, status="champion", path="", sha256=""))


def test_a_challenger_is_due_when_outcomes_came_in_since_the_newest_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert night.training_is_due(), "there is no model at all"
    _model("2026-11-19T04:00:00")
    assert not night.training_is_due()
    recorded()
    assert not night.training_is_due(), "it is not in the lake yet"
    monkeypatch.setenv("LODA_NOW", "2026-11-21T01:00:00+00:00")
    night.outcomes(CAMDEN)
    assert night.training_is_due()
    _model("2026-11-21T04:00:00")
    assert not night.training_is_due()
    night.outcomes(CAMDEN)
    assert not night.training_is_due(), "nothing new came in"


# --- a source that came from no drop ---


def test_a_drop_of_the_boroughs_own_system_leaves_them_where_they_are() -> None:
    from pipelines.core.ledger.models import Drop

    recorded()
    night.outcomes(CAMDEN)
    drops._retire_other_sources(Drop(id="d", borough=CAMDEN, dataset="inspection"), "main")
    assert last_good() is not None
    assert len(visits()) == 1


def test_no_mapping_may_take_their_source() -> None:
    own = registry.own_mappings(CAMDEN, "inspection")[0]
    faults = own.model_copy(update={"source": "review"}).faults(registry.contract("inspection"))
    assert any("what officers record" in fault for fault in faults)


def test_no_stage_takes_them_for_a_drop() -> None:
    recorded()
    night.outcomes(CAMDEN)
    assert due.standings(TODAY) == {}, "they neither begin a borough's sharing nor count as its extract"
    assert to_look_at_again() == []
    assert retention.due().counts == {"drops": 0, "lists": 0, "datasets": 0, "decisions": 0, "officers": 0}
    retention.apply_retention()
    assert len(visits()) == 1


# --- governance ---


def test_erasing_a_property_takes_its_rows_and_the_next_night_brings_none_back() -> None:
    recorded(UPRNS[2], list_id=LIST)
    recorded(UPRNS[3])
    night.outcomes(CAMDEN)
    found = erasure_search.find(property_subject(f"uprn:{UPRNS[2]}"), lambda _drop: iter(()))
    assert (found.counts()["rows"], found.counts()["outcomes"], found.counts()["plans"]) == (1, 1, 1)
    erasure.erase(found, "Gil", "asked")
    assert [row["uprn"] for row in visits()] == [UPRNS[3]]
    night.outcomes(CAMDEN)
    assert [row["uprn"] for row in visits()] == [UPRNS[3]]


def test_without_an_agreement_nothing_is_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    monkeypatch.setenv("LODA_NOW", "2060-01-01T10:00:00+00:00")
    assert night.outcomes(CAMDEN).outcome == "skipped"
    assert stored("harmonised/inspection", CAMDEN) == 0
    with pytest.raises(ConfigurationError):
        access.write_dataset("inspection", _one_row(), borough=CAMDEN, source="review", made_from={})


def _one_row() -> pa.Table:
    row = {"borough": CAMDEN, "source": "review", "drop_id": "x", "row_number": 1, "record_id": 1}
    return pa.Table.from_pylist([row], schema=registry.contract("inspection").arrow_schema())


@pytest.mark.parametrize("dataset", ["inspection", "gazetteer"])
def test_withdrawn_inspections_go_from_ledger_and_lake(dataset: str) -> None:
    recorded()
    night.outcomes(CAMDEN)
    for agreement in registry.agreements():
        if agreement.names(CAMDEN, dataset, london=True):
            withdraw(agreement.id, "Gil", "no longer", (CAMDEN,), (dataset,))
    assert enforcement.apply_agreements().counts["withdrawn"] == 1
    with transaction() as session:
        assert session.scalars(sa.select(take_in.Outcome)).all() == []
    if dataset == "inspection":
        assert stored("harmonised/inspection", CAMDEN) == 0
        assert last_good() is None
    night.outcomes(CAMDEN)
    assert stored("harmonised/inspection", CAMDEN) == 0
    assert enforcement.apply_agreements().outcome == "unchanged"
