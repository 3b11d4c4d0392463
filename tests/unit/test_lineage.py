"""Lineage events of real stages: their names, versions and counts are the lake's and the receipts'."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines import night
from pipelines.core import lake
from pipelines.core.errors import NotFound
from pipelines.core.settings import settings
from pipelines.observe import lineage
from schemas import registry
from tests.intake.conftest import Intake, register, row

OURS = ("LODA_LINEAGE_FILE", "OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE_DISABLED", lineage.PARENT)
STAGES = (night.admit, night.harmonise, night.gate, night.publish_drops)


@pytest.fixture(autouse=True)
def afresh(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*OURS, "AIRFLOW_CTX_DAG_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
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


def test_a_run_has_one_id_from_start_to_end_and_its_parent(
    home: Path, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "loda_ingest")
    monkeypatch.setenv("AIRFLOW_CTX_DAG_RUN_ID", "scheduled__2026-03-10")
    night.admit("oxford")
    night.gate("oxford")
    found = events()
    assert found[0]["run"]["runId"] == found[1]["run"]["runId"] != found[2]["run"]["runId"]
    parents = [event["run"]["facets"]["parent"] for event in found]
    assert {parent["job"]["name"] for parent in parents} == {"loda_ingest"}
    assert len({parent["run"]["runId"] for parent in parents}) == 1


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
    got: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{server.server_port}")
        night.admit("oxford")
    finally:
        server.shutdown()
        server.server_close()
    assert [event["eventType"] for event in got] == ["START", "COMPLETE"]


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
