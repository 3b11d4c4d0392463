"""`loda_ingest` run through Airflow itself, over stages that do nothing, fail, or find nothing new."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipelines.core.errors import HeldDrop
from pipelines.core.types import StageResult

pytestmark = pytest.mark.usefixtures("airflow_database")


def run(bag: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
    """State of a whole run, states by task and borough, and what passed through XCom."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    dag_run = bag.dags["loda_ingest"].test()
    states = {}
    for instance in dag_run.get_task_instances():
        label = f"[{instance.rendered_map_index}]" if instance.map_index >= 0 else ""
        states[f"{instance.task_id}{label}"] = str(instance.state)
    with create_session() as session:
        rows = session.query(XComModel).filter(XComModel.run_id == dag_run.run_id).all()
        passed = {f"{row.task_id}[{row.map_index}]/{row.key}": row.value for row in rows}
    return str(dag_run.state), states, passed


def events() -> int:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    with create_session() as session:
        return int(session.query(AssetEvent).count())


def test_one_failing_borough_stops_neither_the_others_nor_the_asset(bag: Any, night: ModuleType) -> None:
    canary = "Zebedee Canary"
    sound = night.harmonise

    def harmonise(borough: str) -> StageResult:
        if borough == "camden":
            raise HeldDrop("layout_changed", "The drop of camden is held: its headings have changed.")
        if borough == "hackney":
            raise ValueError(canary)
        return sound(borough)

    night.harmonise = harmonise  # type: ignore[attr-defined]
    before = events()
    state, states, passed = run(bag)

    assert states["intake.publish[barnet]"] == "success"
    assert states["intake.harmonise[camden]"] == states["intake.harmonise[hackney]"] == "failed"
    assert sum(s == "upstream_failed" for s in states.values()) == 6
    assert states["announce_harmonised"] == "success"
    assert events() == before + 1
    assert state == states["conclude_ingest"] == "failed"

    assert canary not in json.dumps(passed)
    for place, value in passed.items():
        content = json.loads(value) if isinstance(value, str) else value
        assert place.split("/")[1] in {"return_value", "skipmixin_key"}, place
        if place.startswith("intake."):
            assert set(content) == {"stage", "borough", "outcome", "sentence", "counts"}
        assert len(json.dumps(content)) < 1000


def test_nothing_new_changes_nothing_and_says_so(bag: Any, night: ModuleType) -> None:
    def publish_drops(borough: str) -> StageResult:
        return StageResult("publish_drops", borough, "unchanged", "Nothing new.")

    night.publish_drops = publish_drops  # type: ignore[attr-defined]
    before = events()
    state, states, _ = run(bag)
    assert states["announce_harmonised"] == "skipped"
    assert states["conclude_ingest"] == "success"
    assert state == "success"
    assert events() == before


def test_no_borough_with_anything_new(bag: Any, night: ModuleType) -> None:
    def discover() -> list[str]:
        return []

    night.discover = discover  # type: ignore[attr-defined]
    state, states, _ = run(bag)
    assert states["announce_harmonised"] == "skipped"
    assert states["intake.admit"] == "skipped"
    assert state == "success"


def test_boroughs_that_cannot_be_listed_fail_the_run(bag: Any, night: ModuleType, tmp_path: Path) -> None:
    def discover() -> list[str]:
        raise HeldDrop("x", "The bucket has a fault.")

    night.discover = discover  # type: ignore[attr-defined]
    state, states, _ = run(bag)
    assert states["announce_harmonised"] == "skipped"
    assert state == states["conclude_ingest"] == "failed"


def test_what_may_no_longer_be_used_is_announced_though_nothing_new_came(bag: Any, night: ModuleType) -> None:
    def agreements() -> StageResult:
        return StageResult("agreements", "london", "made", "Rows of camden were let go.")

    night.agreements = agreements  # type: ignore[attr-defined]
    night.discover = list  # type: ignore[attr-defined]
    before = events()
    _, states, _ = run(bag)
    assert states["announce_harmonised"] == "success"
    assert events() == before + 1


def test_what_officers_recorded_comes_in_though_no_file_did(bag: Any, night: ModuleType) -> None:
    night.discover = list  # type: ignore[attr-defined]
    night.boroughs_with_outcomes = lambda: ["camden", "hackney"]  # type: ignore[attr-defined]
    sound = night.outcomes

    def outcomes(borough: str) -> StageResult:
        if borough == "hackney":
            raise HeldDrop("x", "The lake has a fault.")
        return sound(borough)

    night.outcomes = outcomes  # type: ignore[attr-defined]
    before = events()
    state, states, _ = run(bag)
    assert states["outcomes[camden]"] == states["announce_harmonised"] == "success"
    assert states["outcomes[hackney]"] == "failed"
    assert events() == before + 1
    assert state == states["conclude_ingest"] == "failed"
