"""Who holds what across London: the landlord's other buildings that no single borough sees.

A landlord's place is a building (the parent UPRN where there is one), not a flat, so that
"elsewhere" can never be the next flat of the same house or a licence of the whole building.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo import sources
from models.hmo.days import NEVER, Floats, Ints, Mask, days_column, event_days
from models.hmo.elsewhere import (
    BUILDINGS,
    COMPLAINTS,
    COMPLAINTS_SHARED,
    EXPIRED,
    LICENCES,
    LICENCES_SHARED,
    NOTICES,
    Day,
    OwnLandlord,
)
from models.hmo.records import UprnPlaces
from models.hmo.sources import blank_to_null
from pipelines.core.tables import LANDLORD, PROPERTY
from pipelines.governance import access
from schemas import registry

DATASETS = ("council_tax", "hmo_licence", "service_request")
"""What a landlord is known by, and what is told of the landlord's buildings."""

LIABLE_LANDLORDS = ("owner", "company")
TOLD_DAYS = 3 * 365
LAPSE_DAYS = 5 * 365
"""A licence that ran out longer ago says little of how its building is let."""

MOST_DAYS = 6
"""Days of which what all landlords had is kept: as many as training looks at, borough by borough."""

NOTICE = "notice"
MANAGER = "manager"
"""Who manages for others is not their landlord."""


@dataclass(frozen=True)
class Held:
    """Spells during which landlords answered for buildings; days as numbers, the last one included."""

    landlord: Ints
    place: Ints
    licence: Mask
    start: Ints
    end: Ints
    known: Ints


@dataclass(frozen=True)
class Told:
    """Complaints at landlords' buildings; `notice` is the day on which one was closed with a notice, else `NEVER`."""

    place: Ints
    day: Ints
    known: Ints
    notice: Ints


@dataclass(frozen=True)
class Holdings:
    """All boroughs' landlords, their buildings and the complaints there.

    `places` are the buildings' UPRNs, `place_borough` counts `boroughs`, `records` has the landlords of council tax
    records by borough and record id. `shared` is by dataset and borough the day on which its first row was known.
    `ids` are the landlords' identifiers in the order of their positions; `days` keeps what was worked out for the
    `MOST_DAYS` that were asked for last.
    """

    landlords: int
    boroughs: tuple[str, ...]
    places: pa.Array
    place_borough: Ints
    records: dict[str, pd.Series[int]]
    held: Held
    told: Told
    shared: dict[str, Ints]
    ids: tuple[str, ...] = ()
    days: dict[int, Day] = field(default_factory=dict, repr=False, compare=False)

    def place_of(self, uprns: pa.ChunkedArray) -> Ints:
        """Position of each building, -1 where no landlord ever had it."""
        return self._by_uprn.positions(uprns)

    @cached_property
    def _by_uprn(self) -> UprnPlaces:
        return UprnPlaces.of(pa.chunked_array([self.places]))

    def landlord_of(self, borough: str, record_ids: Ints) -> Ints:
        """Position of the landlord behind each council tax record of a borough, -1: none."""
        known = self.records.get(borough)
        if known is None:
            return np.full(len(record_ids), -1, dtype=np.int64)
        found = known.index.get_indexer(pd.Index(record_ids))
        return np.where(found >= 0, known.to_numpy()[found], -1).astype(np.int64)

    def elsewhere(self, landlord: Ints, place: Ints, borough: str, day: int) -> OwnLandlord:
        """What landlords had on a day at other buildings than each property's own.

        Args:
            landlord: the landlord of each property, -1: none.
            place: its building, -1 where no landlord ever had it.
            borough: the borough of all of them.
            day: what was known by its end counts, and nothing that happened after it.
        """
        own = self.boroughs.index(borough) if borough in self.boroughs else -1
        return self._on(day).of_homes(landlord, place, own)

    def _on(self, day: int) -> Day:
        """What all landlords had on a day, worked out the first time that a borough asks."""
        if day not in self.days:
            if len(self.days) == MOST_DAYS:
                del self.days[next(iter(self.days))]
            self.days[day] = self._made(day)
        return self.days[day]

    def _made(self, day: int) -> Day:
        size, held = max(len(self.places), 1), self.held
        known = (held.landlord >= 0) & (held.known <= day) & (held.start <= day)
        pair = held.landlord * size + held.place
        live = known & (held.end >= day)
        pairs = np.unique(pair[live])
        licensed = np.isin(pairs, pair[live & held.licence])
        # A licence that ran out at a building that the landlord still answers for, and that has no new one.
        ran_out = known & held.licence & (held.end < day) & (held.end >= day - LAPSE_DAYS)
        expired = np.isin(pairs, pair[ran_out]) & ~licensed
        where = pairs % size
        told, notices = self._told(where, day)
        shared = {
            name: np.append(first, NEVER)[self.place_borough[where]] <= day for name, first in self.shared.items()
        }
        worth = {
            BUILDINGS: np.ones(len(pairs)),
            LICENCES: licensed.astype(float),
            EXPIRED: expired.astype(float),
            LICENCES_SHARED: shared["hmo_licence"],
            COMPLAINTS: told,
            NOTICES: notices,
            COMPLAINTS_SHARED: shared["service_request"],
        }
        return Day.of(pairs, size, self.landlords, self.place_borough, worth)

    def _told(self, where: Ints, day: int) -> tuple[Floats, Floats]:
        """Complaints of 3 years at buildings, and how many of them had led to a notice by the day."""
        told, size = self.told, max(len(self.places), 1)
        recent = (told.known <= day) & (told.day <= day) & (told.day > day - TOLD_DAYS)
        noticed = recent & (told.notice <= day)
        counts = (np.bincount(told.place[which], minlength=size)[where] for which in (recent, noticed))
        complaints, notices = (found.astype(float) for found in counts)
        return complaints, notices


def read(boroughs: list[str]) -> Holdings:
    """Read the landlords of these boroughs, one pass over each table."""
    schema = pa.schema([LANDLORD.field(name) for name in ("borough", "dataset", "record_id", "role", "landlord_id")])
    landlord = access.read_table("landlord", schema, boroughs=boroughs).to_pandas()
    landlord = landlord[landlord["role"] != MANAGER].drop_duplicates(["borough", "dataset", "record_id"])
    links = sources.links(boroughs, DATASETS)
    spine = access.read_table(
        "property", pa.schema([PROPERTY.field(name) for name in ("uprn", "parent_uprn")]), boroughs=boroughs
    )
    spine = spine.append_column("place", pc.coalesce(blank_to_null(spine["parent_uprn"]), spine["uprn"]))
    records = pa.array(landlord["record_id"].unique(), pa.int64())
    shared: dict[str, pd.Series[int]] = {}
    held = [
        _placed(dataset, boroughs, records, links, spine, shared)
        .merge(landlord[landlord["dataset"] == dataset], on=["borough", "record_id"])
        .assign(licence=dataset == "hmo_licence")
        for dataset in ("council_tax", "hmo_licence")
    ]
    spells = pd.concat(held, ignore_index=True)
    # Complaints matter only where some landlord's building is.
    near = spine.filter(pc.is_in(spine["place"], pa.array(spells["place"].unique(), pa.string())))
    told = links.filter(pc.equal(links["dataset"], "service_request"))
    told = told.filter(pc.is_in(told["uprn"], near["uprn"]))
    wanted = pc.unique(told["record_id"])
    placed = _placed("service_request", boroughs, wanted, told, near, shared)
    return _assembled(spells, placed, landlord, shared)


def _placed(
    dataset: str,
    boroughs: list[str],
    records: pa.Array,
    links: pa.Table,
    spine: pa.Table,
    shared: dict[str, pd.Series[int]],
) -> pd.DataFrame:
    """Rows of a dataset with these record ids and a building: borough, record id, start, end and known as day numbers.

    Of council tax only what owners and companies are liable for; the end of a complaint is when it was closed with a
    notice. Into `shared` goes by borough the day on which the first row of the dataset was known.
    """
    contract = registry.contract(dataset)
    end = {"council_tax": "liability_end", "hmo_licence": "expiry_date", "service_request": "closed_date"}[dataset]
    extra = {"council_tax": ["liable_party"], "service_request": ["request_outcome"]}.get(dataset, [])
    columns = list(dict.fromkeys(["borough", "record_id", contract.event_time, end, contract.known_since, *extra]))
    rows = access.read_dataset(dataset, boroughs=boroughs, purpose=sources.PURPOSE, columns=columns)
    shared[dataset] = _first_known(rows, contract.event_time, contract.known_since)
    rows = rows.filter(pc.is_in(rows["record_id"], records))
    if dataset == "council_tax":
        rows = rows.filter(pc.is_in(rows["liable_party"], pa.array(LIABLE_LANDLORDS)))
    located = links.filter(pc.and_(pc.equal(links["dataset"], dataset), pc.is_in(links["record_id"], records)))
    # A UPRN is unique in the country, so the building is found without its borough.
    beside = spine.filter(pc.is_in(spine["uprn"], pc.unique(located["uprn"])))
    place = located.to_pandas().merge(beside.select(["uprn", "place"]).to_pandas().drop_duplicates("uprn"), on="uprn")
    known = rows[contract.known_since]
    frame = pd.DataFrame(
        {
            "borough": rows["borough"].to_pandas(),
            "record_id": rows["record_id"].to_numpy(),
            "start": event_days(rows[contract.event_time], known),
            "end": days_column(rows[end]),
            "known": days_column(known),
        }
    )
    if dataset == "service_request":
        notice = pc.fill_null(pc.equal(rows["request_outcome"], NOTICE), False).to_numpy()
        frame["end"] = np.where(notice, frame["end"], NEVER)
    unique = place.drop_duplicates(["borough", "record_id"])
    return frame.merge(unique[["borough", "record_id", "place"]], on=["borough", "record_id"])


def _first_known(rows: pa.Table, event: str, known: str) -> pd.Series[int]:
    """By borough the first day on which any row was known and had happened."""
    moment = np.maximum(event_days(rows[event], rows[known]), days_column(rows[known]))
    return pd.Series(moment).groupby(rows["borough"].to_pandas()).min()


def _assembled(
    spells: pd.DataFrame, told: pd.DataFrame, landlord: pd.DataFrame, shared: dict[str, pd.Series[int]]
) -> Holdings:
    place_codes, places = pd.factorize(spells["place"], sort=True)
    landlords = pd.Index(sorted(landlord["landlord_id"].dropna().unique()), dtype=object)
    boroughs = pd.Index(sorted(set(spells["borough"])), dtype=object)
    borough_of = spells.drop_duplicates("place").set_index("place")["borough"].reindex(places)
    liable = landlord[landlord["dataset"] == "council_tax"]
    return Holdings(
        landlords=len(landlords),
        boroughs=tuple(boroughs),
        places=pa.array(places, pa.string()),
        place_borough=boroughs.get_indexer(pd.Index(borough_of)).astype(np.int64),
        records={
            str(borough): pd.Series(landlords.get_indexer(pd.Index(part["landlord_id"])), index=part["record_id"])
            for borough, part in liable.groupby("borough")
        },
        held=Held(
            landlords.get_indexer(pd.Index(spells["landlord_id"])).astype(np.int64),
            place_codes.astype(np.int64),
            spells["licence"].to_numpy(dtype=bool),
            *(spells[name].to_numpy(dtype=np.int64) for name in ("start", "end", "known")),
        ),
        told=Told(
            pd.Index(places).get_indexer(pd.Index(told["place"])).astype(np.int64),
            *(told[name].to_numpy(dtype=np.int64) for name in ("start", "known", "end")),
        ),
        shared={
            dataset: np.asarray(first.reindex(boroughs).fillna(NEVER), dtype=np.int64)
            for dataset, first in shared.items()
        },
        ids=tuple(landlords),
    )
