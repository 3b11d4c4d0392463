"""A real run of a DAG with real stages: what a lineage server is told, and under which run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.uuid import generate_static_uuid

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood
from pipelines.core.settings import settings
from pipelines.observe import lineage
from tests.lineage_receiver import Received, receiver
from tests.unit.test_publish_lists import BOROUGH, issue

pytestmark = pytest.mark.usefixtures("airflow_database")


@pytest.fixture
def received(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    for name in ("LODA_LINEAGE_FILE", "OPENLINEAGE_CONFIG", "OPENLINEAGE_DISABLED", "OPENLINEAGE_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(lineage.PARENT, raising=False)
    monkeypatch.setattr(lineage, "_away", False)
    lineage._client.cache_clear()
    with receiver() as told:
        monkeypatch.setenv("OPENLINEAGE_URL", told.url)
        settings.cache_clear()
        yield told
    lineage._client.cache_clear()


def listed() -> str:
    """A list of a borough that has a spine, as a night leaves it before it is published."""
    moment = datetime(2024, 6, 1, tzinfo=UTC)
    spine = {"dataset": "gazetteer", "source": "s", "drop_id": "d", "extract_date": date(2024, 6, 1), "rows": 2}
    with transaction() as session:
        session.add(LastGood(borough=BOROUGH, lake_version=1, published_at=moment, **spine))
    return issue()


@pytest.mark.parametrize(
    "logical_date", [None, datetime(2026, 3, 10, 1, tzinfo=UTC)], ids=["by an asset", "by the clock"]
)
def test_a_stage_is_part_of_the_run_of_its_dag(bag: Any, received: Received, logical_date: datetime | None) -> None:
    """A run that an asset started has no logical date; it is known by the moment after which it could run."""
    issued = listed()
    run = bag.dags["loda_publish"].test(logical_date=logical_date)
    assert (str(run.state), run.logical_date) == ("success", logical_date)
    assert [event["eventType"] for event in received.events] == ["START", "COMPLETE"]
    # As apache-airflow-providers-openlineage 2.20.3 works it out for every task and for the run itself.
    key = f"default.loda_publish.{run.clear_number}"
    expected = generate_static_uuid(instant=run.logical_date or run.run_after, data=key.encode())
    for event in received.events:
        assert event["job"]["name"] == f"publish_lists.{BOROUGH}"
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == str(expected)
        assert (parent["job"]["namespace"], parent["job"]["name"]) == ("default", "loda_publish")
    last = received.events[-1]
    assert last["inputs"][0]["facets"]["version"]["datasetVersion"] == issued
    assert last["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
