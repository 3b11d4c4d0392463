"""Metrics: what the ledger says, over a reader and over a real connection; the dashboard asks for what there is."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood, ModelVersion, PublishedList, StageState
from pipelines.core.settings import settings
from pipelines.core.tables import LINK_REPORT
from pipelines.governance import access
from pipelines.observe import metrics

DASHBOARD = Path(__file__).resolve().parents[2] / "ops" / "dashboard.json"
AT = datetime(2026, 3, 10, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def afresh(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*metrics.ITS_OWN, "LODA_METRICS_URL", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LODA_NOW", "2026-03-10T06:30:00+00:00")


@pytest.fixture
def stood(home: Path) -> None:
    """Camden with an accepted and a held drop, a list that is out of date, links, drift."""
    dropped = {"borough": "camden", "dataset": "waste", "sha256": "", "size_bytes": 1, "extract_date": date(2026, 3, 1)}
    last = {"source": "s", "drop_id": "one", "extract_date": date(2026, 3, 1), "rows": 9, "lake_version": 1}
    with transaction() as session:
        for name, status, day in (("one", "accepted", 9), ("two", "held", 8)):
            at = datetime(2026, 3, day, tzinfo=UTC)
            counts = {"rows_in": 10, "accepted": 7, "quarantined": 3}
            session.add(Drop(id=name, path=name, received_at=at, finished_at=at, status=status, **counts, **dropped))
        session.add(LastGood(borough="camden", dataset="gazetteer", published_at=AT, **last))
        listed = {"as_of": date(2026, 3, 1), "version": 1, "model_id": "m", "input_hash": "", "capacity": 5, "rows": 50}
        out = {"issued_at": AT, "tie_seed": 1, "expected_hits": 1.0, "published_at": AT}
        session.add(PublishedList(id="camden-v1", borough="camden", **listed, **out))
        model = {"as_of": date(2026, 1, 1), "trained_at": AT, "path": "", "sha256": ""}
        session.add(ModelVersion(id="m", status="champion", **model))
        drift = {"compared": 2, "alerts": ["One moved."], "features": {"a": {"psi": 0.1}, "b": {"psi": 0.31}}}
        session.add(StageState(stage="score", borough="camden", input_hash="", made_at=AT, summary={"drift": drift}))
    counted = {"group": "all", "value": "all", "review": 5, "none": 5}
    rows = [
        {"borough": "camden", "dataset": "waste", "records": 100, "linked": 80, "parent": 10, **counted},
        {"borough": "camden", "dataset": "epc", "records": 7, "linked": 7, "parent": 0, **counted},
    ]
    access.write_table("link_report", pa.Table.from_pylist(rows, schema=LINK_REPORT), borough="camden", made_from={})


EXPECTED = {
    ("loda.rows.accepted", "waste"): 7,
    ("loda.rows.quarantined", "waste"): 3,
    ("loda.last_good.age", "gazetteer"): 9,
    ("loda.drops.held", ""): 1,
    ("loda.match.rate", "waste"): 0.9,
    ("loda.list.size", ""): 50,
    ("loda.list.late", ""): 30,
    ("loda.drift.moved", ""): 1,
    ("loda.drift.largest", ""): 0.31,
}


def points(resource_metrics: Any) -> dict[tuple[str, str], float]:
    """Values by name and dataset, as a reader has them."""
    found = {}
    for scope in resource_metrics[0].scope_metrics:
        for metric in scope.metrics:
            for point in metric.data.data_points:
                assert point.attributes["borough"] == "camden"
                found[metric.name, point.attributes.get("dataset", "")] = point.value
    return found


def test_a_reader_gets_what_the_ledger_says(stood: None) -> None:
    reader = InMemoryMetricReader()
    assert metrics.record(metrics.figures(), reader)
    data = reader.get_metrics_data()
    assert data is not None
    assert points(data.resource_metrics) == pytest.approx(EXPECTED)
    assert {name for name, _ in EXPECTED} == set(metrics.NAMES)


def test_a_match_rate_of_few_records_is_not_given(stood: None) -> None:
    assert "epc" not in {figure.dataset for figure in metrics.figures()}


class Collector(BaseHTTPRequestHandler):
    """Keeps what is posted to `/v1/metrics`."""

    got: list[tuple[str, bytes]] = []

    def do_POST(self) -> None:
        self.got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[str]:
    Collector.got.clear()
    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("setting", ["LODA_METRICS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_a_collector_gets_it_over_http(
    stood: None, collector: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, f"{collector}/v1/metrics" if setting.startswith("LODA") else collector)
    settings.cache_clear()
    assert metrics.measure().counts == {"figures": len(EXPECTED)}
    ((path, body),) = Collector.got
    assert path == "/v1/metrics"
    (told,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
    assert {a.key: a.value.string_value for a in told.resource.attributes}["service.name"] == "loda"
    sent = {m.name: m.gauge.data_points[0] for scope in told.scope_metrics for m in scope.metrics}
    assert set(sent) == set(metrics.NAMES)
    assert sent["loda.match.rate"].as_double == pytest.approx(0.9)


def test_nothing_is_measured_without_a_collector(stood: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert metrics.measure().outcome == "skipped"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert metrics.measure().outcome == "skipped"


def test_a_collector_that_is_away_is_told_in_one_sentence(stood: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setattr(metrics, "SECONDS", 1.0)
    monkeypatch.setenv("LODA_METRICS_URL", f"http://127.0.0.1:{port}/v1/metrics")
    settings.cache_clear()
    with pytest.raises(metrics.MetricsNotSent, match="LODA_METRICS_URL"):
        metrics.measure()


def in_prometheus(name: str) -> str:
    """What Prometheus calls a gauge that comes by OTLP without suffixes for units."""
    return name.replace(".", "_")


def test_every_query_of_the_dashboard_names_a_metric_that_is_sent_and_every_metric_is_shown() -> None:
    board = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert queries
    asked = [set(re.findall(r"\bloda_[a-z_]+", query)) for query in queries]
    assert all(asked)
    assert set().union(*asked) == {in_prometheus(name) for name in metrics.NAMES}


def test_panels_of_the_dashboard_lie_apart_and_have_names_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    for key in ("id", "title"):
        assert len({panel[key] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
