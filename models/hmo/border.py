"""What lies across a borough's boundary: homes, complaints and licences that the borough itself cannot see.

Read once for all boroughs, and only for homes that have another borough's home close by or in
the same street. Each borough's part of it comes under that borough's own agreements: what
they do not cover was never read.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo import sources
from models.hmo.days import NEVER, Floats, Ints, Mask, days_column, event_days
from models.hmo.records import of_uprns, positions
from models.hmo.sources import HMO_LICENCES, RESIDENTIAL, blank_to_null
from pipelines.core.tables import PROPERTY
from pipelines.governance import access
from schemas import registry

DATASETS = ("gazetteer", "service_request", "hmo_licence")
REACH = 150.0
"""Metres within which homes are neighbours."""

SPINE = ("borough", "uprn", "parent_uprn", "street_key", "blpu_class", "easting", "northing")
SUSPECTED = "hmo_suspected"
STRAY = 0.01
"""Share of the oldest rows that say nothing of how far back a history reaches."""

NEXT = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]


@dataclass(frozen=True)
class Homes:
    """Homes beside a boundary; `building` numbers buildings, days are numbers."""

    borough: Ints
    building: Ints
    east: Floats
    north: Floats
    started: Ints
    ended: Ints
    known: Ints

    def __len__(self) -> int:
        return len(self.borough)

    def take(self, which: Ints) -> Homes:
        """The homes at these positions."""
        return Homes(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    def standing(self, day: int) -> Mask:
        """Which of them stood on a day, as was known by then."""
        begun = (self.started <= day) | (self.started == NEVER)
        return np.asarray(begun & (self.ended > day) & (self.known <= day), dtype=bool)


@dataclass(frozen=True)
class Events:
    """Complaints or licences at homes (`home`: position); `suspected` marks reports of a suspected HMO.

    `history` has all rows of each borough, not only those at these homes: events in their order, and the day from which
    each could be known. It tells since when a borough shared the dataset, and how far back that reaches.
    """

    home: Ints
    day: Ints
    known: Ints
    until: Ints
    suspected: Mask
    history: tuple[tuple[Ints, Ints], ...]

    def since(self, borough: int, day: int) -> int:
        """From when on a borough's history reaches, as far as was known by a day; `NEVER` if it shared nothing yet."""
        events, moments = self.history[borough]
        seen = events[moments <= day]
        return int(seen[int(len(seen) * STRAY)]) if len(seen) else NEVER

    def of(self, new_place: Ints) -> Events:
        """Those at the homes that have a new position, -1 for none."""
        home = new_place[self.home]
        kept = home >= 0
        return Events(
            home[kept], self.day[kept], self.known[kept], self.until[kept], self.suspected[kept], self.history
        )


@dataclass(frozen=True)
class Across:
    """What one borough has across its boundary; `street` is the borough's own number of the same street, -1: none."""

    homes: Homes
    street: Ints
    complaints: Events
    licences: Events


@dataclass(frozen=True)
class Border:
    """Homes of all boroughs beside a boundary, with their complaints and licences."""

    boroughs: tuple[str, ...]
    homes: Homes
    street_key: pa.ChunkedArray
    complaints: Events
    licences: Events

    def across(self, spine: pa.Table, street: Ints) -> Across:
        """What other boroughs have beside a borough's `spine`, whose streets are numbered by `street`."""
        borough = spine["borough"][0].as_py()
        own = self.boroughs.index(borough) if borough in self.boroughs else -1
        at = positions(self.street_key, blank_to_null(spine["street_key"]))
        same = np.where(at >= 0, np.append(street, -1)[at], -1)
        close = np.ones(len(self.homes), dtype=bool)
        for values, name in ((self.homes.east, "easting"), (self.homes.north, "northing")):
            extent = pc.min_max(spine[name]).as_py()
            if extent["min"] is not None:
                close &= (values >= extent["min"] - REACH) & (values <= extent["max"] + REACH)
        kept = np.flatnonzero((self.homes.borough != own) & (close | (same >= 0)))
        place = np.full(len(self.homes), -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        return Across(self.homes.take(kept), same[kept], self.complaints.of(place), self.licences.of(place))


def read(boroughs: list[str]) -> Border:
    """Read what lies beside the boundaries of these boroughs, one pass over each table."""
    spine = access.read_table("property", pa.schema([PROPERTY.field(name) for name in SPINE]), boroughs=boroughs)
    spine = spine.filter(pc.is_in(blank_to_null(spine["blpu_class"]), pa.array([*RESIDENTIAL, None], pa.string())))
    spine = spine.filter(pa.array(beside_a_boundary(spine)))
    place = pc.coalesce(blank_to_null(spine["parent_uprn"]), spine["uprn"])
    names = sorted(pc.unique(spine["borough"]).to_pylist())
    started, ended, known = _days_of(spine["uprn"], boroughs)
    homes = Homes(
        positions(spine["borough"], pa.chunked_array([pa.array(names, pa.string())])),
        np.asarray(pc.dictionary_encode(place.combine_chunks()).indices.to_numpy(), dtype=np.int64),
        spine["easting"].to_numpy(),
        spine["northing"].to_numpy(),
        started,
        ended,
        known,
    )
    links = sources.links(boroughs, ("service_request", "hmo_licence"))
    links = links.append_column("home", pa.array(of_uprns(links["uprn"], spine["uprn"])))
    return Border(
        tuple(names),
        homes,
        blank_to_null(spine["street_key"]),
        _events("service_request", boroughs, names, links),
        _events("hmo_licence", boroughs, names, links),
    )


def beside_a_boundary(spine: pa.Table) -> Mask:
    """Homes with another borough's home in their own or the next square of `REACH` metres, or in the same street."""
    borough = pc.dictionary_encode(spine["borough"].combine_chunks()).indices.to_numpy().astype(np.int64)
    boroughs = int(borough.max(initial=0)) + 1
    street = pc.dictionary_encode(blank_to_null(spine["street_key"]).combine_chunks()).indices
    street = pc.fill_null(street, -1).to_numpy().astype(np.int64)
    pairs = np.unique((street * boroughs + borough)[street >= 0])
    several = np.bincount(pairs // boroughs, minlength=1) > 1
    beside = np.append(several, False)[street]
    east, north = spine["easting"].to_numpy(), spine["northing"].to_numpy()
    located = np.isfinite(east) & np.isfinite(north)
    columns = np.floor(east[located] / REACH).astype(np.int64)
    rows = np.floor(north[located] / REACH).astype(np.int64)
    squares = pd.DataFrame({"x": columns, "y": rows, "borough": borough[located]})
    held = squares.drop_duplicates()
    around = pd.concat([held.assign(x=held["x"] + x, y=held["y"] + y) for x, y in NEXT]).drop_duplicates()
    several_near = around.groupby(["x", "y"]).size()
    shared = several_near.index[several_near > 1]
    near = pd.MultiIndex.from_frame(squares[["x", "y"]]).isin(shared)
    beside[np.flatnonzero(located)[near]] = True
    return np.asarray(beside, dtype=bool)


def _days_of(uprns: pa.ChunkedArray, boroughs: list[str]) -> tuple[Ints, Ints, Ints]:
    """First day, last day and known-since of each home; one that is no approved address never stood."""
    rows = access.read_dataset("gazetteer", boroughs=boroughs, purpose=sources.PURPOSE, columns=sources.GAZETTEER)
    at = of_uprns(uprns, rows["uprn"])
    approved = pc.fill_null(pc.equal(rows["logical_status"], "1"), True).to_numpy().astype(bool)
    ended = np.where(approved, days_column(rows["end_date"]), -NEVER)
    started, known = days_column(rows["start_date"]), days_column(rows["known_since"])
    return np.append(started, NEVER)[at], np.append(ended, -NEVER)[at], np.append(known, NEVER)[at]


def _events(dataset: str, boroughs: list[str], names: list[str], links: pa.Table) -> Events:
    contract = registry.contract(dataset)
    licence = dataset == "hmo_licence"
    extra = ("licence_type", "expiry_date") if licence else ("request_category",)
    columns = ("borough", "record_id", contract.event_time, contract.known_since, *extra)
    rows = access.read_dataset(dataset, boroughs=boroughs, purpose=sources.PURPOSE, columns=columns)
    known = rows[contract.known_since]
    frame = pd.DataFrame(
        {
            "borough": positions(rows["borough"], pa.chunked_array([pa.array(names, pa.string())])),
            "record_id": rows["record_id"].to_numpy(),
            "day": event_days(rows[contract.event_time], known),
            "known": days_column(known),
            "until": days_column(rows["expiry_date"]) if licence else NEVER,
            "said": rows[extra[0]].to_pandas(),
        }
    )
    frame = frame.sort_values(["borough", "day"], kind="stable")
    ends = np.searchsorted(frame["borough"].to_numpy(), np.arange(len(names) + 1))
    events, moments = frame["day"].to_numpy(), frame[["day", "known"]].to_numpy().max(axis=1, initial=-NEVER)
    history = tuple((events[a:b], moments[a:b]) for a, b in pairwise(ends))
    if licence:
        frame = frame[frame["said"].isin(HMO_LICENCES)]
    own = links.filter(pc.and_(pc.equal(links["dataset"], dataset), pc.greater_equal(links["home"], 0)))
    placed = pd.DataFrame(
        {
            "borough": positions(own["borough"], pa.chunked_array([pa.array(names, pa.string())])),
            "record_id": own["record_id"].to_numpy(),
            "home": own["home"].to_numpy(),
        }
    ).drop_duplicates()
    found = placed.merge(frame, on=["borough", "record_id"])
    home, day, since, until = (found[name].to_numpy(dtype=np.int64) for name in ("home", "day", "known", "until"))
    return Events(home, day, since, until, (found["said"] == SUSPECTED).to_numpy(dtype=bool), history)
