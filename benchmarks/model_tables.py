"""Synthetic tables of a borough for the benchmarks of the model, made column by column as the lake would hold them.

Sizes are of London; values are drawn at random, so that nothing can be said of how right a model is. The same seed and
sizes give the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.hmo.days import day_number
from models.hmo.sources import COLUMNS, GAZETTEER, SPINE, UNKNOWN_UNIT, Tables
from pipelines.core.tables import LANDLORD
from pipelines.governance import access
from schemas import registry

SHARES = {
    "service_request": 0.22, "waste": 0.16, "council_tax": 0.30, "electoral": 0.16, "benefits": 0.03, "epc": 0.09,
    "planning": 0.03, "social_housing": 0.006, "hmo_licence": 0.002, "licence_application": 0.001, "inspection": 0.001,
}  # fmt: skip
"""Which part of a borough's rows is of which dataset."""

HISTORY = 5 * 365
LINKED = 0.97


def tables(borough: str, number: int, dwellings: int, rows: int, as_of: Any) -> Tables:
    """`models.hmo.sources.Tables` of one borough with so many homes and rows of all datasets together."""
    rng = np.random.default_rng(number)
    today = day_number(as_of)
    first = 10_000_000 * (number + 1)
    uprn = pc.cast(pa.array(np.arange(first, first + dwellings)), pa.string())
    found: Tables = {"property": _spine(borough, number, uprn, dwellings, rng), "gazetteer": _gazetteer(borough, uprn)}
    links = []
    for dataset, share in SHARES.items():
        size = max(int(rows * share), 50)
        found[dataset] = _dataset(borough, dataset, size, number, today, rng)
        linked = np.flatnonzero(rng.random(size) < LINKED)
        # A small part of the homes has most of what happens.
        skew = 1 if dataset in ("electoral", "benefits", "council_tax", "social_housing") else 2
        home = (rng.random(len(linked)) ** skew * dwellings).astype(np.int64)
        links.append(
            pa.table(
                {
                    "borough": pa.repeat(pa.scalar(borough, pa.string()), len(linked)),
                    "dataset": pa.repeat(pa.scalar(dataset, pa.string()), len(linked)),
                    "record_id": found[dataset]["record_id"].take(pa.array(linked)),
                    "uprn": pa.chunked_array([uprn.take(pa.array(home))]),
                    "unit": pa.array(rng.random(len(linked)) < 0.02),
                }
            )
        )
    found["link"] = pa.concat_tables(links)
    return found


def _spine(borough: str, number: int, uprn: pa.Array, size: int, rng: np.random.Generator) -> pa.Table:
    position = np.arange(size)
    shell = (position % 12 == 0) & (position + 6 < size)
    # A shell and the five homes after it are one building; the rest are houses.
    in_building = position % 12 < 6
    parent = np.where(in_building & ~shell & (position // 12 * 12 + 6 < size), position // 12 * 12, -1)
    building = np.where(parent >= 0, parent, position)
    street = position // 40
    side = int(np.ceil(np.sqrt(size / 12)))
    at = position // 12
    columns: dict[str, Any] = {
        "borough": pa.repeat(pa.scalar(borough, pa.string()), size),
        "uprn": uprn,
        "parent_uprn": uprn.take(pa.array(parent, mask=parent < 0)),
        "building_key": _text("b", building),
        "street_key": _text(f"s{number // 2} ", street),
        "lsoa_code": _text("E", position // 700),
        "blpu_class": pa.array(np.where(shell, "PP", np.where(parent >= 0, "RD06", "RD04"))),
        # Squares side by side, so that most boroughs have four neighbours.
        "easting": 500_000.0 + 40.0 * (number % 6 * side + at % side),
        "northing": 160_000.0 + 40.0 * (number // 6 * side + at // side),
        "storeys": rng.integers(1, 6, size),
    }
    return pa.table({name: columns[name] for name in SPINE})


def _text(prefix: str, numbers: np.ndarray[Any, Any]) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pc.cast(pa.array(numbers), pa.string()), "")


def _gazetteer(borough: str, uprn: pa.Array) -> pa.Table:
    size = len(uprn)
    date = pa.date32()
    columns = {
        "borough": pa.repeat(pa.scalar(borough, pa.string()), size),
        "uprn": uprn,
        "logical_status": pa.repeat(pa.scalar("1", pa.string()), size),
        "start_date": pa.repeat(pa.scalar(10_000, pa.int32()), size).cast(date),
        "end_date": pa.nulls(size, date),
        "known_since": pa.repeat(pa.scalar(10_100, pa.int32()), size).cast(date),
    }
    return pa.table({name: columns[name] for name in GAZETTEER})


def _dataset(borough: str, dataset: str, size: int, number: int, today: int, rng: np.random.Generator) -> pa.Table:
    contract = registry.contract(dataset)
    counted = dataset in ("electoral", "benefits")
    back = rng.choice([40, 400, 760], size) if counted else rng.integers(1, HISTORY, size)
    event = today - back
    columns: dict[str, Any] = {
        "borough": pa.repeat(pa.scalar(borough, pa.string()), size),
        "record_id": np.arange(size) + 100_000_000 * (number + 1) + 5_000_000 * list(SHARES).index(dataset),
        contract.event_time: pa.array(event.astype(np.int32)).cast(pa.date32()),
    }
    if contract.known_since != contract.event_time:
        columns[contract.known_since] = pa.array((event + 5).astype(np.int32)).cast(pa.date32())
    for name in COLUMNS[dataset]:
        field = contract.by_name[name]
        empty = rng.random(size) < 0.1
        if field.type == "date":
            later = (event + rng.integers(10, 700, size)).astype(np.int32)
            columns[name] = pa.array(later, mask=empty).cast(pa.date32())
        elif field.codes:
            columns[name] = pa.array(np.array(sorted(field.codes)).take(rng.integers(len(field.codes), size=size)))
        else:
            columns[name] = pa.array(rng.integers(1, 9, size).astype(float), mask=empty)
    if dataset == "social_housing":
        columns["social_until"] = pa.nulls(size, pa.date32())
    return pa.table(columns)


def keep(folder: Path, made: Tables) -> None:
    """Put a borough's tables into its folder as the lake would hold them, with whose its council tax records are."""
    folder.mkdir(parents=True)
    link = made["link"]
    reason = pc.if_else(link["unit"], UNKNOWN_UNIT, "same_address")
    link = link.append_column("decision", pa.repeat(pa.scalar("linked"), link.num_rows)).append_column("reason", reason)
    for name, table in {**made, "link": link, "landlord": _landlord(made["council_tax"])}.items():
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=128 * 1024)


def _landlord(liable: pa.Table) -> pa.Table:
    """Of the liable parties, which are drawn evenly here, a fifth: about as many as own what they do not live in."""
    party, record_id = liable["liable_party"], liable["record_id"].to_numpy()
    owns = pc.and_(pc.is_in(party, pa.array(["owner", "company"])), pa.array(record_id % 5 == 0))
    own = liable.filter(owns)
    size = own.num_rows
    columns = {
        "borough": own["borough"],
        "dataset": pa.repeat(pa.scalar("council_tax"), size),
        "record_id": own["record_id"],
        "role": pa.repeat(pa.scalar("owner"), size),
        "landlord_id": _text("l", own["record_id"].to_numpy() // 7 % 250_000),
    }
    return pa.table({name: columns.get(name, pa.nulls(size, LANDLORD.field(name).type)) for name in LANDLORD.names})


@contextmanager
def lake(folder: Path) -> Iterator[None]:
    """Have what stages read come from the folders of the boroughs."""

    def read(name: str, boroughs: Sequence[str], columns: Sequence[str], among: Any = None) -> pa.Table:
        filters = [(column, "in", list(values)) for column, values in (among or {}).items()] or None
        paths = [folder / borough / f"{name}.parquet" for borough in boroughs]
        return pa.concat_tables([pq.read_table(path, columns=list(columns), filters=filters) for path in paths])

    def read_table(table: str, schema: pa.Schema, *, boroughs: Sequence[str], among: Any = None) -> pa.Table:
        return read(table, boroughs, schema.names, among)

    def read_dataset(dataset: str, *, boroughs: Sequence[str], purpose: str, columns: Sequence[str]) -> pa.Table:
        return read(dataset, boroughs, columns)

    with mock.patch.multiple(access, read_table=read_table, read_dataset=read_dataset):
        yield
