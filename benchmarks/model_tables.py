"""Synthetic tables of a borough for the benchmarks of the model, made column by column as the lake would hold them.

Sizes are of London; values are drawn at random, so that nothing can be said of how right a model is. The same seed and
sizes give the same tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo.border import Border, Events, Homes, beside_a_boundary
from models.hmo.days import NEVER, day_number
from models.hmo.landlords import Held, Holdings, Told
from models.hmo.sources import COLUMNS, GAZETTEER, HMO_LICENCES, SPINE, Tables
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


def pooled(made: dict[str, pa.Table], spine: pa.Table) -> tuple[Holdings, Border]:
    """Landlords and boundaries of all boroughs, from rows with a UPRN by dataset (`made`)."""
    names = sorted(pc.unique(spine["borough"]).to_pylist())
    place = pc.coalesce(spine["parent_uprn"], spine["uprn"])
    frame = pd.DataFrame({"uprn": spine["uprn"].to_pandas(), "place": place.to_pandas()})
    held = made["council_tax"].to_pandas().merge(frame, on="uprn")
    held["landlord"] = held["record_id"] // 7 % max(len(held) // 4, 1)
    codes, places = pd.factorize(held["place"], sort=True)
    told = made["service_request"].to_pandas().merge(frame, on="uprn")
    at = pd.Index(places).get_indexer(pd.Index(told["place"]))
    told, at = told[at >= 0], at[at >= 0]
    boroughs = pd.Index(names)
    borough_of = held.drop_duplicates("place").set_index("place")["borough"].reindex(places)
    holdings = Holdings(
        landlords=int(held["landlord"].max()) + 1,
        boroughs=tuple(names),
        places=pa.array(places, pa.string()),
        place_borough=boroughs.get_indexer(pd.Index(borough_of)).astype(np.int64),
        records={
            str(name): pd.Series(part["landlord"].to_numpy(), index=part["record_id"])
            for name, part in held.drop_duplicates("record_id").groupby("borough")
        },
        held=Held(
            held["landlord"].to_numpy(dtype=np.int64), codes.astype(np.int64), (held["record_id"] % 50 == 0).to_numpy(),
            held["day"].to_numpy(dtype=np.int64), np.full(len(held), NEVER), held["known"].to_numpy(dtype=np.int64),
        ),
        told=Told(
            at.astype(np.int64), told["day"].to_numpy(np.int64), told["known"].to_numpy(np.int64),
            np.where(told["record_id"] % 9 == 0, told["day"] + 20, NEVER),
        ),
        shared={name: np.zeros(len(names), dtype=np.int64) for name in made},
    )  # fmt: skip
    return holdings, _border(made, spine, names)


def _border(made: dict[str, pa.Table], spine: pa.Table, names: list[str]) -> Border:
    beside = spine.filter(pa.array(beside_a_boundary(spine)))
    size = beside.num_rows
    index = pd.Index(beside["uprn"].to_pandas())
    place = pc.dictionary_encode(pc.coalesce(beside["parent_uprn"], beside["uprn"]).combine_chunks()).indices
    homes = Homes(
        pd.Index(names).get_indexer(pd.Index(beside["borough"].to_pandas())).astype(np.int64),
        place.to_numpy().astype(np.int64), beside["easting"].to_numpy(), beside["northing"].to_numpy(),
        np.full(size, 10_000), np.full(size, NEVER), np.full(size, 10_100),
    )  # fmt: skip

    def events(dataset: str) -> Events:
        rows = made[dataset].to_pandas()
        by_borough = (rows[rows["borough"] == name].sort_values("day") for name in names)
        history = tuple((part["day"].to_numpy(), part["known"].to_numpy()) for part in by_borough)
        at = index.get_indexer(pd.Index(rows["uprn"]))
        rows, at = rows[at >= 0], at[at >= 0]
        day, known = rows["day"].to_numpy(dtype=np.int64), rows["known"].to_numpy(dtype=np.int64)
        return Events(at, day, known, day + HISTORY, (rows["code"] == "hmo_suspected").to_numpy(), history)

    return Border(tuple(names), homes, beside["street_key"], events("service_request"), events("hmo_licence"))


def told_of(found: Tables, dataset: str) -> pa.Table:
    """Rows of a dataset with the UPRN that they are linked to, of the columns that `pooled` wants."""
    contract = registry.contract(dataset)
    link = found["link"].filter(pc.equal(found["link"]["dataset"], dataset)).select(["record_id", "uprn"])
    rows, code = found[dataset], {"service_request": "request_category", "hmo_licence": "licence_type"}.get(dataset)
    kept = pa.table(
        {
            "borough": rows["borough"],
            "record_id": rows["record_id"],
            "day": rows[contract.event_time].cast(pa.int32()).cast(pa.int64()),
            "known": rows[contract.known_since].cast(pa.int32()).cast(pa.int64()),
            "code": rows[code or "liable_party"],
        }
    )
    if dataset == "council_tax":
        # Of the liable parties, which are drawn evenly here, a fifth: about as many as own what they do not live in.
        kept = kept.filter(pc.is_in(kept["code"], pa.array(["owner", "company"])))
        kept = kept.filter(pa.array(kept["record_id"].to_numpy() % 5 == 0))
    if dataset == "hmo_licence":
        kept = kept.filter(pc.is_in(kept["code"], pa.array(HMO_LICENCES)))
    return kept.join(link, "record_id", join_type="inner")
