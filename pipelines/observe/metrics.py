"""What an operator watches, worked out from the ledger at the end of a night and sent by OpenTelemetry (OTLP/HTTP).

Off unless `LODA_METRICS_URL` or OpenTelemetry's own variables name a collector. Every metric is a gauge: what stands
now, by borough, dataset or both. Counts of rows and shares, nothing of any person or property.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.errors import LodaError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.lists import newest_list
from pipelines.core.ledger.models import Drop, DropStatus, LastGood, StageState
from pipelines.core.settings import settings
from pipelines.core.tables import LINK_REPORT
from pipelines.core.types import StageResult
from pipelines.governance import access
from pipelines.observe import deadline

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader

LONDON = "london"
SECONDS = 10.0
ITS_OWN = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
NAMES: dict[str, tuple[str, str]] = {
    "loda.rows.accepted": ("{row}", "Rows of the newest finished drop that are in use"),
    "loda.rows.quarantined": ("{row}", "Rows of the newest finished drop that are not used"),
    "loda.last_good.age": ("d", "Days since the extract date of the oldest source of a dataset in use"),
    "loda.drops.held": ("{drop}", "Drops that wait for a person"),
    "loda.match.rate": ("1", "Share of a dataset's records that are tied to a property"),
    "loda.list.size": ("{property}", "Properties on the list that stands"),
    "loda.list.late": ("min", "Minutes since the deadline for a list that is not out; 0 where it is"),
    "loda.drift.moved": ("{feature}", "Features that moved since the champion was trained"),
    "loda.drift.largest": ("1", "Largest population stability index of a borough's features"),
}
"""Every metric with its unit and what it is."""


@dataclass(frozen=True)
class Figure:
    """One value of a metric."""

    name: str
    value: float
    borough: str
    dataset: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """What tells it apart."""
        return {"borough": self.borough, **({"dataset": self.dataset} if self.dataset else {})}


class MetricsNotSent(LodaError):
    """The collector did not take the metrics. Nothing of the night depends on it."""

    exit_code = 75


def is_on() -> bool:
    """Whether a collector is named."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return bool(settings().metrics_url or any(os.environ.get(name) for name in ITS_OWN))


def figures() -> list[Figure]:
    """Every metric as the ledger and the reports of links have it now."""
    return [*_rows(), *_ages(), *_held(), *_match_rates(), *_lists(), *_drift()]


def _rows() -> Iterator[Figure]:
    own = (Drop.borough, Drop.dataset)
    last = sa.func.row_number().over(partition_by=own, order_by=(Drop.finished_at.desc(), Drop.id.desc()))
    finished = (
        sa.select(*own, Drop.status, Drop.accepted, Drop.quarantined, last.label("last"))
        .where(Drop.finished_at.is_not(None), Drop.status != DropStatus.DUPLICATE.value)
        .subquery()
    )
    with transaction() as session:
        drops = session.execute(sa.select(finished).where(finished.c.last == 1)).all()
    for drop in drops:
        used = drop.accepted if drop.status in (DropStatus.ACCEPTED.value, DropStatus.SUPERSEDED.value) else 0
        yield Figure("loda.rows.accepted", used, drop.borough, drop.dataset)
        yield Figure("loda.rows.quarantined", drop.quarantined, drop.borough, drop.dataset)


def _ages() -> Iterator[Figure]:
    oldest = sa.select(LastGood.borough, LastGood.dataset, sa.func.min(LastGood.extract_date))
    with transaction() as session:
        found = session.execute(oldest.group_by(LastGood.borough, LastGood.dataset)).all()
    for borough, dataset, day in found:
        yield Figure("loda.last_good.age", (clock.today() - day).days, borough, dataset)


def _held() -> Iterator[Figure]:
    held = sa.func.sum(sa.case((Drop.status == DropStatus.HELD.value, 1), else_=0))
    with transaction() as session:
        found = session.execute(sa.select(Drop.borough, held).group_by(Drop.borough)).all()
    for borough, number in found:
        yield Figure("loda.drops.held", int(number), borough)


def _match_rates() -> Iterator[Figure]:
    rows = access.read_table("link_report", LINK_REPORT, among={"group": ["all"]}).to_pandas()
    rows = rows.loc[rows["records"] > access.SUPPRESSION_THRESHOLD]
    rates = (rows["linked"] + rows["parent"]) / rows["records"]
    for borough, dataset, rate in zip(rows["borough"], rows["dataset"], rates, strict=True):
        yield Figure("loda.match.rate", float(rate), str(borough), str(dataset))


def _lists() -> Iterator[Figure]:
    now = clock.now()
    late = {one.borough for one in deadline.not_out()}
    with transaction() as session:
        boroughs = sorted(
            session.scalars(sa.select(LastGood.borough).where(LastGood.dataset == "gazetteer").distinct())
        )
        lists = {borough: newest_list(session, borough) for borough in boroughs}
    for borough, issued in lists.items():
        yield Figure("loda.list.size", issued.rows if issued is not None else 0, borough)
        yield Figure("loda.list.late", deadline.minutes_late(now) if borough in late else 0.0, borough)


def _drift() -> Iterator[Figure]:
    with transaction() as session:
        states = session.scalars(sa.select(StageState).where(StageState.stage == "score")).all()
    for state in states:
        kept: dict[str, Any] = state.summary.get("drift") or {}
        if kept.get("compared"):
            yield Figure("loda.drift.moved", len(kept["alerts"]), state.borough)
            yield Figure("loda.drift.largest", max(one["psi"] for one in kept["features"].values()), state.borough)


def record(found: Sequence[Figure], reader: MetricReader) -> bool:
    """Hand figures to a reader as gauges and let it take them; returns whether it took them in time."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource

    service = os.environ.get("OTEL_SERVICE_NAME", "loda")
    provider = MeterProvider([reader], resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    meter = provider.get_meter("pipelines.observe.metrics")
    gauges = {name: meter.create_gauge(name, unit=unit, description=what) for name, (unit, what) in NAMES.items()}
    for one in found:
        gauges[one.name].set(one.value, one.attributes)
    return provider.force_flush(SECONDS * 1000)


def measure() -> StageResult:
    """Send what stands to the collector. Counts: `figures`.

    Raises:
        MetricsNotSent: the collector did not take them.
    """
    if not is_on():
        return StageResult("measure", LONDON, "skipped", "No collector is set, so nothing is measured.")
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult

    found, reader = figures(), InMemoryMetricReader()
    record(found, reader)
    data = reader.get_metrics_data()
    if data is None:
        return StageResult("measure", LONDON, "unchanged", "There is nothing to measure yet.", {"figures": 0.0})
    exporter = OTLPMetricExporter(endpoint=settings().metrics_url or None, timeout=SECONDS)
    try:
        taken = exporter.export(data, timeout_millis=SECONDS * 1000)
    finally:
        exporter.shutdown()
    if taken is not MetricExportResult.SUCCESS:
        raise MetricsNotSent(
            "The collector did not take the night's metrics; check LODA_METRICS_URL or OTEL_EXPORTER_OTLP_ENDPOINT."
        )
    return StageResult("measure", LONDON, "made", f"{len(found)} figures sent.", {"figures": float(len(found))})
