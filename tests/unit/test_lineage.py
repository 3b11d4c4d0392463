"""Lineage events of real stages: their names, versions and counts are the lake's and the receipts'."""

from __future__ import annotations

import hashlib
import json
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import night
from pipelines.core import lake
from pipelines.core.errors import NotFound
from pipelines.core.settings import settings
from pipelines.observe import lineage, lineage_datasets
from schemas import registry
from tests.intake.conftest import Intake, register, row
from tests.lineage_receiver import receiver
from tests.unit.licensing_world import AS_OF, BOROUGH
from tests.unit.test_ranking import world

OURS = ("LODA_LINEAGE_FILE", "OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE_DISABLED", lineage.PARENT)
STAGES = (night.admit, night.harmonise, night.gate, night.publish_drops)


@pytest.fixture(autouse=True)
def afresh(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    (home / "bucket").mkdir()
    monkeypatch.setattr(lineage, "_away", False)
    lineage._client.cache_clear()
    yield
    lineage._client.cache_clear()


@pytest.fixture
def events(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    path = home / "lineage.jsonl"
    monkeypatch.setenv("LODA_LINEAGE_FILE", str(path))
    settings.cache_clear()
    return lambda: [json.loads(line) for line in path.read_text().splitlines()]


def dropped(home: Path) -> Intake:
    intake = Intake(Path(settings().bucket_url))
    broken = row(21, start="no day")
    intake.drop(register(20) + broken.encode() + b"\n", name="Ms Secret Name.csv")
    return intake


def through() -> None:
    for stage in STAGES:
        stage("oxford")


def test_events_of_the_intake_say_what_the_receipt_and_the_lake_say(home: Path, events: Any) -> None:
    intake = dropped(home)
    through()
    found = events()
    assert [(e["eventType"], e["job"]["name"]) for e in found] == [
        (kind, f"{stage.__name__}.oxford") for stage in STAGES for kind in ("START", "COMPLETE")
    ]
    drop = intake.only()
    assert drop.accepted > 0
    last = found[-1]
    (source,) = last["inputs"]
    assert source["namespace"] == "file"
    assert source["name"].endswith("/drops/oxford/hmo_licence")
    assert source["inputFacets"]["inputStatistics"]["rowCount"] == drop.rows_in == 21
    assert source["facets"]["version"]["datasetVersion"] == drop.sha256
    (table,) = last["outputs"]
    assert table["name"] == f"{settings().lake_url}/harmonised/hmo_licence"
    assert table["facets"]["version"]["datasetVersion"] == str(drop.lake_version)
    assert lake.version_of("harmonised/hmo_licence") == drop.lake_version
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == drop.accepted
    names = [field["name"] for field in table["facets"]["schema"]["fields"]]
    assert names == registry.contract("hmo_licence").arrow_schema().names
    columns = table["facets"]["columnLineage"]["fields"]
    assert columns["address"]["inputFields"][0]["field"] == "Location"
    assert "Secret" not in json.dumps(found)
    assert "Example Road" not in json.dumps(found)


def test_a_run_has_one_id_from_start_to_end_and_its_parent(home: Path, events: Any) -> None:
    with lineage.dag_run("default", "loda_ingest", datetime(2026, 3, 10, 1, tzinfo=UTC), 0):
        night.admit("oxford")
        night.gate("oxford")
    night.publish_drops("oxford")
    found = events()
    assert found[0]["run"]["runId"] == found[1]["run"]["runId"] != found[2]["run"]["runId"]
    parents = [event["run"]["facets"].get("parent") for event in found]
    assert parents[4:] == [None, None]
    assert {parent["job"]["name"] for parent in parents[:4]} == {"loda_ingest"}
    assert len({parent["run"]["runId"] for parent in parents[:4]}) == 1


@pytest.mark.parametrize(
    ("cleared", "expected"),
    [(0, "019cd542-0680-7e34-ae02-b5ea6a4b5852"), (1, "019cd542-0680-7467-8e9f-27abd0e0a1ad")],
)
def test_a_run_of_a_dag_has_the_id_that_airflows_provider_gives_it(
    home: Path, events: Any, cleared: int, expected: str
) -> None:
    """What `build_dag_run_ol_run_id` of apache-airflow-providers-openlineage 2.20.3 answered."""
    with lineage.dag_run("default", "loda_ingest", datetime(2026, 3, 10, 1, tzinfo=UTC), cleared):
        night.admit("oxford")
    parent = events()[0]["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == expected
    assert (parent["job"]["namespace"], parent["job"]["name"]) == ("default", "loda_ingest")


def test_a_namespace_may_be_an_address(home: Path, events: Any) -> None:
    with lineage.dag_run("https://airflow.example", "loda_link", datetime(2026, 3, 10, tzinfo=UTC), 0):
        night.admit("oxford")
    assert events()[0]["run"]["facets"]["parent"]["job"]["namespace"] == "https://airflow.example"


def test_a_list_is_a_dataset_where_it_is_issued_and_where_it_is_published(home: Path, events: Any) -> None:
    world({"100000000001": 0.9, "100000000002": 0.8})
    night.rank(BOROUGH, AS_OF)
    night.publish_lists(BOROUGH)
    _, ranked, _, published = events()
    (issued,) = ranked["outputs"]
    assert issued["name"] == f"{home}/ledger.db/loda_list_entry/{BOROUGH}"
    assert issued["facets"]["version"]["datasetVersion"] == f"{BOROUGH}-{AS_OF}-v1"
    assert issued["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert {"uprn", "rank", "probability"} <= {field["name"] for field in issued["facets"]["schema"]["fields"]}
    (source,), (files,) = published["inputs"], published["outputs"]
    assert (source["name"], source["facets"]["version"]) == (issued["name"], issued["facets"]["version"])
    folder = Path(settings().published_url) / BOROUGH
    assert files["name"] == str(folder)
    current = json.loads((folder / "current.json").read_text())
    manifest = folder / current["version"] / "manifest.json"
    assert files["facets"]["version"]["datasetVersion"] == hashlib.sha256(manifest.read_bytes()).hexdigest()
    counted = files["outputFacets"]["outputStatistics"]
    sizes = [path.stat().st_size for path in manifest.parent.iterdir()]
    assert (counted["rowCount"], counted["fileCount"], counted["size"]) == (2, 4, sum(sizes))
    night.rank(BOROUGH, AS_OF)
    night.publish_lists(BOROUGH)
    assert [event["outputs"] for event in events()[4:] if event["eventType"] == "COMPLETE"] == [[], []]


def test_the_ledger_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_LEDGER_URL", "postgresql+psycopg://loda_app:S3CRET@postgres.example:5433/loda")
    settings.cache_clear()
    assert lineage_datasets.ledger_place("loda_list_entry/camden") == (
        "postgres://postgres.example:5433",
        "loda.loda_list_entry/camden",
    )


def test_a_night_without_airflow_is_the_parent_of_its_stages(home: Path, events: Any) -> None:
    with lineage.whole_night():
        night.admit("oxford")
    first, admit, _, last = events()
    assert (first["eventType"], last["eventType"], first["job"]["name"]) == ("START", "COMPLETE", "night.london")
    assert admit["run"]["facets"]["parent"]["run"]["runId"] == first["run"]["runId"] == last["run"]["runId"]


@pytest.mark.parametrize(
    ("error", "told"),
    [(ValueError("Ms Secret Name"), "It met ValueError."), (NotFound("There is no list."), "There is no list.")],
)
def test_a_failure_is_an_event_without_foreign_text(home: Path, events: Any, error: Exception, told: str) -> None:
    @lineage.observed
    def rank(borough: str) -> None:
        raise error

    with pytest.raises(type(error)):
        rank("camden")
    assert [event["eventType"] for event in events()] == ["START", "FAIL"]
    assert events()[1]["run"]["facets"]["errorMessage"]["message"] == told


def test_nothing_is_made_unless_a_receiver_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def emit(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(lineage, "_emit", emit)
    assert night.admit("oxford").stage == "admit"
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    assert night.admit("oxford").stage == "admit"


def test_a_receiver_over_http_gets_what_the_file_would(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as received:
        monkeypatch.setenv("OPENLINEAGE_URL", received.url)
        night.admit("oxford")
    assert [event["eventType"] for event in received.events] == ["START", "COMPLETE"]


def test_a_receiver_that_is_away_is_told_once_and_holds_up_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{port}")
    caplog.set_level(logging.WARNING, "pipelines.observe.lineage")
    intake = dropped(home)
    through()
    assert intake.only().accepted > 0
    assert sum("Lineage events are not received" in message for message in caplog.messages) == 1
