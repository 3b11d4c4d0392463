"""Datasets of lineage events: drops as the ledger counts them, tables of the lake, lists and models as touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    dataset_version_dataset,
    documentation_dataset,
    input_statistics_input_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)

from pipelines.core import clock
from pipelines.core.lake_use import LEDGER, Kept, Touched, Use
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.core.settings import settings
from schemas import registry

TAKES = {
    "harmonise": DropStatus.RECEIVED.value,
    "gate": DropStatus.HARMONISED.value,
    "publish_drops": DropStatus.GATED.value,
}
"""The state in which a stage of the intake finds the drops that it works on."""
HARMONISED = "harmonised/"


@dataclass(frozen=True)
class Before:
    """What stood before a stage began, so that it can be told what it worked on."""

    stage: str
    borough: str
    at: datetime
    drops: tuple[str, ...]

    @classmethod
    def of(cls, stage: str, borough: str) -> Before:
        """As it stands now."""
        if stage not in TAKES:
            return cls(stage, borough, clock.now(), ())
        wanted = sa.select(Drop.id).where(Drop.borough == borough, Drop.status == TAKES[stage])
        with transaction() as session:
            return cls(stage, borough, clock.now(), tuple(session.scalars(wanted)))


def of(before: Before, use: Use) -> tuple[list[InputDataset], list[OutputDataset]]:
    """Inputs and outputs of a stage that has ended."""
    drops = _drops(before)
    inputs = [_drop_input(dataset, of_one) for dataset, of_one in _by_dataset(drops).items()]
    inputs += [_table_input(touched) for touched in _last(use.read)]
    inputs += [_kept_input(kept) for kept in _newest(use.kept_read)]
    outputs = [_table_output(touched, drops) for touched in _last(use.written)]
    return inputs, outputs + [_kept_output(kept) for kept in _newest(use.kept_written)]


def place(url: str, rest: str) -> tuple[str, str]:
    """Namespace and name of something below a URL or a folder, by OpenLineage's naming rules."""
    parts = urlsplit(url)
    if len(parts.scheme) > 1 and parts.scheme != "file":
        return f"{parts.scheme}://{parts.netloc}", f"{parts.path.strip('/')}/{rest}".lstrip("/")
    return "file", f"{parts.path.rstrip('/')}/{rest}"


def ledger_place(rest: str) -> tuple[str, str]:
    """Namespace and name of something in the ledger's database, without its user and password."""
    url = sa.make_url(settings().ledger_url)
    if url.get_backend_name() == "sqlite":
        return "file", f"{url.database}/{rest}"
    return f"postgres://{url.host}:{url.port or 5432}", f"{url.database}.{rest}"


def _drops(before: Before) -> list[Drop]:
    wanted = sa.select(Drop).where(Drop.borough == before.borough).order_by(Drop.dataset, Drop.received_at)
    if before.stage == "admit":
        wanted = wanted.where(Drop.received_at >= before.at)
    elif before.drops:
        wanted = wanted.where(Drop.id.in_(before.drops))
    else:
        return []
    with transaction() as session:
        return list(session.scalars(wanted))


def _by_dataset(drops: Iterable[Drop]) -> dict[str, list[Drop]]:
    found: dict[str, list[Drop]] = {}
    for drop in drops:
        found.setdefault(drop.dataset, []).append(drop)
    return found


def _last(touched: Iterable[Touched]) -> list[Touched]:
    """The last touch of each table and partition: a table that is read twice is one input."""
    return list({(one.table, tuple(one.partition.items()), one.boroughs): one for one in touched}.values())


def _newest(kept: Iterable[Kept]) -> list[Kept]:
    return list({(one.url, one.name): one for one in kept}.values())


def _drop_place(borough: str, dataset: str) -> tuple[str, str]:
    # Without the file's name: a person may stand in it.
    return place(settings().bucket_url, f"drops/{borough}/{dataset}")


def _drop_input(dataset: str, drops: list[Drop]) -> InputDataset:
    namespace, name = _drop_place(drops[0].borough, dataset)
    statistics = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
        rowCount=sum(drop.rows_in for drop in drops),
        size=sum(drop.size_bytes for drop in drops),
        fileCount=len(drops),
    )
    version = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=drops[-1].sha256)
    return InputDataset(namespace, name, facets={"version": version}, inputFacets={"inputStatistics": statistics})


def _facets(touched: Touched) -> dict[str, Any]:
    version = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(touched.version))
    return {"version": version, "schema": _schema(touched)}


def _schema(touched: Touched) -> schema_dataset.SchemaDatasetFacet:
    """Of a harmonised dataset the contract's columns with what they mean; of another table those that were touched."""
    fields = dict(touched.columns)
    if touched.table.startswith(HARMONISED):
        schema = registry.contract(touched.table.removeprefix(HARMONISED)).arrow_schema()
        fields = {field.name: str(field.type) for field in schema}
    return schema_dataset.SchemaDatasetFacet(
        fields=[schema_dataset.SchemaDatasetFacetFields(name=name, type=kind) for name, kind in fields.items()]
    )


def _table_input(touched: Touched) -> InputDataset:
    namespace, name = place(settings().lake_url, touched.table)
    statistics = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=touched.rows)
    return InputDataset(namespace, name, facets=_facets(touched), inputFacets={"inputStatistics": statistics})


def _kept_place(kept: Kept) -> tuple[str, str]:
    return ledger_place(kept.name) if kept.url == LEDGER else place(kept.url, kept.name)


def _kept_facets(kept: Kept) -> dict[str, Any]:
    facets: dict[str, Any] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=kept.version),
        "documentation": documentation_dataset.DocumentationDatasetFacet(description=kept.about),
    }
    if kept.columns:
        fields = [schema_dataset.SchemaDatasetFacetFields(name=name, type=kind) for name, kind in kept.columns]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields)
    return facets


def _kept_input(kept: Kept) -> InputDataset:
    counted = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
        rowCount=kept.rows, size=kept.size, fileCount=kept.files
    )
    return InputDataset(*_kept_place(kept), facets=_kept_facets(kept), inputFacets={"inputStatistics": counted})


def _kept_output(kept: Kept) -> OutputDataset:
    counted = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=kept.rows, size=kept.size, fileCount=kept.files
    )
    return OutputDataset(*_kept_place(kept), facets=_kept_facets(kept), outputFacets={"outputStatistics": counted})


def _table_output(touched: Touched, drops: Iterable[Drop]) -> OutputDataset:
    namespace, name = place(settings().lake_url, touched.table)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=touched.rows)
    facets = _facets(touched)
    behind = [drop for drop in drops if touched.table == f"{HARMONISED}{drop.dataset}" and drop.mapping_name]
    columns = _column_lineage(behind[-1]) if behind else None
    if columns is not None:
        facets["columnLineage"] = columns
    return OutputDataset(namespace, name, facets=facets, outputFacets={"outputStatistics": statistics})


def _column_lineage(drop: Drop) -> column_lineage_dataset.ColumnLineageDatasetFacet | None:
    """Which columns of the drop feed which field, as its mapping says; None where the mapping is not there any more."""
    known = {mapping.name: mapping for mapping in registry.mappings(drop.borough, drop.dataset)}
    mapping = known.get(drop.mapping_name or "")
    if mapping is None:
        return None
    namespace, name = _drop_place(drop.borough, drop.dataset)
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={
            field: column_lineage_dataset.Fields(
                inputFields=[column_lineage_dataset.InputField(namespace, name, heading) for heading in how.sources]
            )
            for field, how in mapping.fields.items()
            if how.sources
        }
    )
