"""A small synthetic London with a known truth, written straight to the lake as the stages before the model would."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.hmo import build_features, features, matrix
from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood
from pipelines.core.tables import LANDLORD, LINK, PROPERTY
from pipelines.governance import access, stages
from schemas import registry

AS_OF = date(2026, 10, 1)
CATEGORIES = np.array(["noise", "waste", "pests", "disrepair", "antisocial", "hmo_suspected", "other"])
BANDS = np.array(["before_1900", "1900_1929", "1930_1949", "1950_1966", "1967_1982", "1983_2002", "2003_on"])


def spread(table: dict[str, Any], schema: pa.Schema) -> pa.Table:
    """Columns by name, the rest of the schema null."""
    size = len(next(iter(table.values())))
    columns = []
    for column in schema:
        values = table.get(column.name)
        if values is None:
            columns.append(pa.nulls(size, column.type))
            continue
        if not isinstance(values, (list, tuple, np.ndarray, pd.Series)):
            values = [values] * size
        columns.append(pa.array(pd.Series(values, dtype=object).where(lambda v: v.notna(), None), column.type))
    return pa.table(columns, schema=schema)


@dataclass
class World:
    """Frames of every borough; `write` puts one borough's into the lake and says that its stages ran."""

    boroughs: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict)
    truth: dict[str, pd.Series] = field(default_factory=dict)
    writes: int = 0
    added: int = 0

    def write(self, borough: str, *, without: tuple[str, ...] = ()) -> None:
        self.writes += 1
        frames = self.boroughs[borough]
        links, landlords = [frames["link_extra"]], [frames["landlord"]]
        sent: list[str] = []
        for dataset in registry.contracts():
            if dataset not in frames or dataset in without:
                continue
            frame = frames[dataset]
            schema = registry.contract(dataset).arrow_schema()
            content = {name: frame[name].to_numpy(dtype=object) for name in frame.columns if name in schema.names}
            content |= {"borough": borough, "source": "main", "drop_id": f"d{self.writes}", "row_number": 1}
            access.write_dataset(dataset, spread(content, schema), borough=borough, source="main", made_from={})
            sent.append(dataset)
            if dataset != "gazetteer":
                linked = frame[frame["linked_uprn"].notna()]
                links.append(
                    pd.DataFrame(
                        {
                            "dataset": dataset, "record_id": linked["record_id"], "uprn": linked["linked_uprn"],
                            "decision": linked["decision"].fillna("linked") if "decision" in linked else "linked",
                            "reason": linked.get("reason"),
                        }
                    )
                )  # fmt: skip
        link = pd.concat(links, ignore_index=True)
        tables = (("property", PROPERTY, frames["property"]), ("link", LINK, link),
                  ("landlord", LANDLORD, pd.concat(landlords)))  # fmt: skip
        for name, schema, frame in tables:
            content = {column: frame[column].to_numpy(dtype=object) for column in frame.columns}
            access.write_table(name, spread(content | {"borough": borough}, schema), borough=borough, made_from={})
        with transaction() as session:
            for dataset in sent:
                session.merge(
                    LastGood(
                        borough=borough, dataset=dataset, source="main", drop_id=f"{dataset}-{self.writes}",
                        extract_date=AS_OF, rows=1, lake_version=1, published_at=clock.now(),
                    )
                )  # fmt: skip
        stages.mark_done("link", borough, f"link-{self.writes}", {})
        stages.mark_done("landlords", "london", f"landlords-{self.writes}", {})

    def write_all(self) -> None:
        for borough in self.boroughs:
            self.write(borough)

    def add(self, borough: str, dataset: str, uprn: str, landlord: str | None = None, **values: Any) -> int:
        """One more row; returns its record id."""
        frame = self.boroughs[borough][dataset]
        self.added += 1
        record_id = 900_000_000 + self.added
        row = pd.DataFrame([{"record_id": record_id, "linked_uprn": uprn, "address": "1 Planted Road", **values}])
        self.boroughs[borough][dataset] = pd.concat([frame, row.astype(object)], ignore_index=True)
        if landlord is not None:
            told = pd.DataFrame(
                [{"dataset": dataset, "record_id": record_id, "role": "owner", "landlord_id": landlord}]
            )
            known = self.boroughs[borough]["landlord"]
            self.boroughs[borough]["landlord"] = pd.concat([known, told], ignore_index=True)
        return record_id


def quiet_home(world: World, borough: str) -> str:
    """A home of the cohort with no complaint and no answer."""
    frames = world.boroughs[borough]
    busy = set(frames["service_request"]["linked_uprn"]) | set(frames["social_housing"]["linked_uprn"])
    busy |= set(frames["hmo_licence"]["linked_uprn"]) | set(frames["inspection"]["linked_uprn"])
    spine = frames["property"]
    free = spine[spine["parent_uprn"].isna() & spine["blpu_class"].isin(["RD02", "RD03", "RD04"])]
    return next(uprn for uprn in free["uprn"] if uprn not in busy)


def features_of(borough: str, as_of: date = AS_OF) -> pd.DataFrame:
    """The borough's matrix, made anew from the lake, by UPRN."""
    result = build_features(borough, as_of)
    assert result.outcome == "made", result.sentence
    table = access.read_table("matrix", matrix.MATRIX, boroughs=[borough])
    return table.to_pandas().set_index("uprn").sort_index()[list(features.NAMES)]


def day(back: int) -> date:
    return AS_OF - timedelta(days=back)


def days(rng: np.random.Generator, size: int, back: int) -> np.ndarray:
    """Days of the last `back` days before AS_OF, as dates."""
    return np.array([AS_OF - timedelta(days=int(n)) for n in rng.integers(1, back, size)], dtype=object)


def later(dates: np.ndarray, by: int) -> np.ndarray:
    return np.array([d + timedelta(days=by) for d in dates], dtype=object)


def make(boroughs: tuple[str, ...] = ("camden", "hackney"), dwellings: int = 1500, seed: int = 7) -> World:
    world = World()
    for number, borough in enumerate(boroughs):
        _borough(world, borough, number + 1, dwellings, np.random.default_rng(seed + number))
    return world


def _borough(world: World, borough: str, number: int, n: int, rng: np.random.Generator) -> None:
    uprn = np.array([str(number * 10_000_000 + i + 1) for i in range(n)], dtype=object)
    storeys = rng.integers(1, 5, n)
    rooms = rng.integers(2, 9, n)
    band = rng.integers(0, 7, n)
    private = rng.random(n) < 0.35
    odds = -5.0 + 0.5 * (storeys >= 3) + 0.35 * (rooms - 4) + 2.2 * private + 0.5 * (band < 2)
    hmo = rng.random(n) < 1 / (1 + np.exp(-odds))
    world.truth[borough] = pd.Series(hmo, index=uprn)
    klass = rng.choice(["RD02", "RD03", "RD04", "RD06"], n)
    # The first fiftieth are shells, each with the next two homes as its flats.
    klass[: n // 50] = "PP"
    parent = np.full(n, None, dtype=object)
    children = slice(n // 50, 3 * (n // 50))
    parent[children] = np.repeat(uprn[: n // 50], 2)
    klass[children] = "RD06"
    shells = klass == "PP"
    hmo = hmo & ~shells
    street = np.arange(n) // 25
    frames: dict[str, pd.DataFrame] = {}
    address = [f"{i} Example Road" for i in range(n)]
    frames["property"] = pd.DataFrame(
        {
            "uprn": uprn, "parent_uprn": parent, "address": address, "blpu_class": klass, "storeys": storeys,
            "building_key": np.where(pd.isna(parent), uprn, parent), "street_key": [f"s{s}" for s in street],
            "lsoa_code": [f"E{s // 10}" for s in street], "units_in_building": 1,
            # Strips side by side, so that the streets of one borough go on in the next.
            "easting": 530_000.0 + 260 * number + 10 * (np.arange(n) % 25), "northing": 180_000.0 + 40 * street,
        }
    )  # fmt: skip
    frames["gazetteer"] = pd.DataFrame(
        {
            "record_id": np.arange(n), "uprn": uprn, "address": address, "logical_status": "1",
            "blpu_class": klass, "start_date": date(2000, 1, 1), "known_since": date(2001, 1, 1),
        }
    )  # fmt: skip
    at = rng.permutation(n)[: int(n * 0.7)]
    lodged = days(rng, len(at), 3000)
    frames["epc"] = pd.DataFrame(
        {
            "linked_uprn": uprn[at], "certificate_ref": [f"c{i}" for i in at], "property_type": "house",
            "built_form": "mid_terrace", "transaction_type": "other", "energy_rating": "D",
            "tenure": np.where(private[at], "rental_private", "owner_occupied"), "age_band": BANDS[band[at]],
            "floor_area": rooms[at] * 18.0, "habitable_rooms": rooms[at], "lodgement_date": lodged,
            "known_since": lodged,
        }
    )  # fmt: skip
    people = np.where(hmo, rng.integers(3, 8, n), rng.integers(1, 4, n))
    counts = []
    for back in range(0, 1100, 180):
        counted = AS_OF - timedelta(days=back + 20)
        names = np.where(hmo, np.maximum(people - rng.integers(0, 2, n), 1), 1 + (rng.random(n) < 0.2))
        counts.append(
            pd.DataFrame(
                {
                    "linked_uprn": uprn, "electors": people, "surnames": np.minimum(names, people),
                    "joined_12_months": np.where(hmo, rng.integers(0, 4, n), rng.random(n) < 0.1),
                    "snapshot_date": counted, "known_since": counted + timedelta(days=5),
                }
            )
        )  # fmt: skip
    frames["electoral"] = pd.concat(counts, ignore_index=True)
    frames["benefits"] = frames["electoral"][["linked_uprn", "snapshot_date", "known_since"]].assign(
        benefit_claims=0, benefit_private_rent_claims=0
    )
    frames["council_tax"] = _council_tax(rng, uprn, hmo, private)
    frames["landlord"] = _landlords(rng, frames["council_tax"])
    rate = np.where(hmo, 0.9, 0.2)
    where = np.repeat(np.arange(n), rng.poisson(rate))
    received = days(rng, len(where), 1500)
    frames["service_request"] = pd.DataFrame(
        {
            "linked_uprn": uprn[where], "request_category": rng.choice(CATEGORIES, len(where)),
            "received_date": received, "closed_date": later(received, 30), "request_outcome": "advice",
            "known_since": later(received, 1),
        }
    )  # fmt: skip
    where = np.repeat(np.arange(n), rng.poisson(np.where(hmo, 0.6, 0.2)))
    moment = days(rng, len(where), 900)
    frames["waste"] = pd.DataFrame(
        {"linked_uprn": uprn[where], "waste_kind": rng.choice(["bulky", "fly_tip"], len(where)),
         "event_date": moment, "known_since": moment}
    )  # fmt: skip
    at = np.flatnonzero(hmo & (rng.random(n) < 0.05))
    moment = days(rng, len(at), 3000)
    frames["planning"] = pd.DataFrame(
        {"linked_uprn": uprn[at], "planning_kind": "change_of_use_hmo", "received_date": moment, "known_since": moment}
    )
    at = np.flatnonzero(~shells & (rng.random(n) < 0.05))
    frames["social_housing"] = pd.DataFrame(
        {"linked_uprn": uprn[at], "social_landlord": "council", "known_since": date(2010, 1, 1)}
    )
    _answers(rng, frames, uprn, hmo, rate)
    start = number * 1_000_000_000
    for dataset, frame in frames.items():
        if dataset not in ("property", "gazetteer", "landlord"):
            ids = frame["record_id"] if "record_id" in frame else np.arange(len(frame)) + start
            frames[dataset] = frame.assign(address="1 Example Road", record_id=ids)
    frames["link_extra"] = pd.DataFrame({"dataset": [], "record_id": [], "uprn": [], "decision": [], "reason": []})
    world.boroughs[borough] = frames


def _council_tax(rng: np.random.Generator, uprn: np.ndarray, hmo: np.ndarray, private: np.ndarray) -> pd.DataFrame:
    n = len(uprn)
    where = np.repeat(np.arange(n), 1 + rng.poisson(np.where(hmo, 2.5, np.where(private, 1.2, 0.3))))
    start = days(rng, len(where), 2200)
    frame = pd.DataFrame({"at": where, "liability_start": start}).sort_values(["at", "liability_start"])
    following = frame.groupby("at")["liability_start"].shift(-1)
    frame["liability_end"] = [f - timedelta(days=1) if isinstance(f, date) and f == f else None for f in following]
    owner = np.where(hmo, 0.55, np.where(private, 0.08, 0.0))[frame["at"]]
    frame["liable_party"] = np.where(rng.random(len(frame)) < owner, "owner", "occupier")
    frame["discount"] = np.where(rng.random(len(frame)) < 0.3, "spd", "none")
    frame["exemption_class"] = np.where((rng.random(len(frame)) < 0.1) & hmo[frame["at"]], "N", None)
    frame["band"] = "D"
    frame["linked_uprn"] = uprn[frame["at"]]
    frame["account_ref"] = [f"{i:032x}" for i in range(len(frame))]
    frame["known_since"] = later(frame["liability_start"].to_numpy(), 14)
    return frame.drop(columns="at").reset_index(drop=True)


def _landlords(rng: np.random.Generator, council_tax: pd.DataFrame) -> pd.DataFrame:
    start = 0
    council_tax["record_id"] = np.arange(len(council_tax)) + start
    owners = council_tax[council_tax["liable_party"] == "owner"]
    return pd.DataFrame(
        {
            "dataset": "council_tax", "record_id": owners["record_id"], "role": "owner",
            "landlord_id": [f"L{k}" for k in rng.integers(0, max(len(owners) // 3, 1), len(owners))],
        }
    )  # fmt: skip


def _answers(rng: np.random.Generator, frames: dict[str, pd.DataFrame], uprn: Any, hmo: Any, rate: Any) -> None:
    n = len(uprn)
    at = np.flatnonzero(hmo & (rng.random(n) < 0.35))
    begun = days(rng, len(at), 1000)
    frames["hmo_licence"] = pd.DataFrame(
        {"linked_uprn": uprn[at], "licence_ref": [f"l{i}" for i in at], "licence_type": "mandatory",
         "licence_status": "current", "commencement_date": begun, "expiry_date": later(begun, 1826),
         "known_since": later(begun, 3)}
    )  # fmt: skip
    applied = later(begun, -60)
    frames["licence_application"] = pd.DataFrame(
        {"linked_uprn": uprn[at], "application_ref": [f"a{i}" for i in at], "application_kind": "new",
         "application_status": "granted", "received_date": applied, "known_since": applied}
    )  # fmt: skip
    at = np.flatnonzero(rng.random(n) < np.where(hmo, 0.3, 0.06))
    visited = days(rng, len(at), 720)
    inside = rng.random(len(at)) < 0.75
    finding = np.where(hmo[at], "hmo_unlicensed", "single_household").astype(object)
    finding[~inside] = None
    frames["inspection"] = pd.DataFrame(
        {"linked_uprn": uprn[at], "inspection_ref": [f"i{i}" for i in at], "visit_date": visited,
         "visit_reason": "complaint", "access": np.where(inside, "gained", "no_access"), "finding": finding,
         "known_since": later(visited, 7)}
    )  # fmt: skip
