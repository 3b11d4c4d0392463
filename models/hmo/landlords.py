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
from models.hmo.records import UprnPlaces, positions
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


@dataclass(frozen=True)
class _Places:
    """Buildings of the spine: where each UPRN stands in it, and the number of its building, whose UPRNs are `names`."""

    by_uprn: UprnPlaces
    number: Ints
    names: pa.Array

    @classmethod
    def read(cls, boroughs: list[str]) -> _Places:
        schema = pa.schema([PROPERTY.field(name) for name in ("uprn", "parent_uprn")])
        spine = access.read_table("property", schema, boroughs=boroughs)
        place = pc.coalesce(blank_to_null(spine["parent_uprn"]), spine["uprn"])
        encoded = place.combine_chunks().dictionary_encode()
        number = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(UprnPlaces.of(spine["uprn"]), number, encoded.dictionary)

    def of(self, uprns: pa.ChunkedArray) -> Ints:
        """The building of each UPRN, which is unique in the country; -1 where no borough has it."""
        at = self.by_uprn.positions(uprns)
        return np.append(self.number, -1)[at]


def read(boroughs: list[str]) -> Holdings:
    """Read the landlords of these boroughs, one pass over each table."""
    names = pa.chunked_array([pa.array(sorted(boroughs), pa.string())])
    landlord, ids = _landlords(boroughs, names)
    places = _Places.read(boroughs)
    links = sources.links(boroughs, DATASETS)
    linked = pd.DataFrame(
        {
            "borough": positions(links["borough"], names),
            "dataset": positions(links["dataset"], pa.chunked_array([pa.array(DATASETS)])),
            "record_id": links["record_id"].to_numpy(),
            "place": places.of(links["uprn"]),
        }
    )
    del links
    linked = linked[linked["place"] >= 0]
    shared: dict[str, pd.Series[int]] = {}
    held = []
    for dataset in ("council_tax", "hmo_licence"):
        own = landlord[landlord["dataset"] == DATASETS.index(dataset)]
        placed = _placed(dataset, boroughs, names, linked[linked["record_id"].isin(own["record_id"])], shared)
        held.append(placed.merge(own, on=["borough", "record_id"]).assign(licence=dataset == "hmo_licence"))
    spells = pd.concat(held, ignore_index=True)
    # Complaints matter only where some landlord's building is.
    told = _placed("service_request", boroughs, names, linked[linked["place"].isin(spells["place"])], shared)
    return _assembled(spells, told, landlord, shared, names=names, ids=ids, places=places.names)


def _landlords(boroughs: list[str], names: pa.ChunkedArray) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Whose each record is, as numbers (borough, dataset, record_id, landlord), and the landlords in their order."""
    schema = pa.schema([LANDLORD.field(name) for name in ("borough", "dataset", "record_id", "role", "landlord_id")])
    rows = access.read_table("landlord", schema, boroughs=boroughs)
    rows = rows.filter(pc.not_equal(rows["role"], MANAGER))
    frame = pd.DataFrame(
        {
            "borough": positions(rows["borough"], names),
            "dataset": positions(rows["dataset"], pa.chunked_array([pa.array(DATASETS)])),
            "record_id": rows["record_id"].to_numpy(),
        }
    )
    first = ~frame.duplicated()
    found = rows["landlord_id"].filter(pa.array(first))
    ids = pc.unique(found.drop_null()).sort()
    return frame[first].assign(landlord=positions(found, pa.chunked_array([ids]))), tuple(ids.to_pylist())


def _placed(
    dataset: str,
    boroughs: list[str],
    names: pa.ChunkedArray,
    linked: pd.DataFrame,
    shared: dict[str, pd.Series[int]],
) -> pd.DataFrame:
    """Rows of a dataset among these links: borough, record id, place, and start, end and known as day numbers.

    Of council tax only what owners and companies are liable for; the end of a complaint is when it was closed with a
    notice. Into `shared` goes by borough the day on which the first row of the dataset was known.
    """
    contract = registry.contract(dataset)
    end = {"council_tax": "liability_end", "hmo_licence": "expiry_date", "service_request": "closed_date"}[dataset]
    extra = {"council_tax": ["liable_party"], "service_request": ["request_outcome"]}.get(dataset, [])
    columns = list(dict.fromkeys(["borough", "record_id", contract.event_time, end, contract.known_since, *extra]))
    rows = access.read_dataset(dataset, boroughs=boroughs, purpose=sources.PURPOSE, columns=columns)
    borough = positions(rows["borough"], names)
    known = days_column(rows[contract.known_since])
    start = event_days(rows[contract.event_time], rows[contract.known_since])
    moment: pd.Series[int] = pd.Series(np.maximum(start, known), dtype="int64")
    shared[dataset] = moment.groupby(borough).min()
    frame = pd.DataFrame(
        {
            "borough": borough,
            "record_id": rows["record_id"].to_numpy(),
            "start": start,
            "end": days_column(rows[end]),
            "known": known,
        }
    )
    if dataset == "service_request":
        notice = pc.fill_null(pc.equal(rows["request_outcome"], NOTICE), False).to_numpy()
        frame["end"] = np.where(notice, frame["end"], NEVER)
    if dataset == "council_tax":
        frame = frame[pc.is_in(rows["liable_party"], pa.array(LIABLE_LANDLORDS)).to_numpy()]
    own = linked.loc[linked["dataset"] == DATASETS.index(dataset), ["borough", "record_id", "place"]]
    return frame.merge(own.drop_duplicates(["borough", "record_id"]), on=["borough", "record_id"])


def _assembled(
    spells: pd.DataFrame,
    told: pd.DataFrame,
    landlord: pd.DataFrame,
    shared: dict[str, pd.Series[int]],
    *,
    names: pa.ChunkedArray,
    ids: tuple[str, ...],
    places: pa.Array,
) -> Holdings:
    used = np.unique(spells["place"])
    ordered = used[pc.sort_indices(places.take(pa.array(used))).to_numpy()]
    position = np.full(len(places), -1, dtype=np.int64)
    position[ordered] = np.arange(len(ordered))
    own = np.unique(spells["borough"])
    borough_of = spells.drop_duplicates("place").set_index("place")["borough"].reindex(ordered)
    liable = landlord[landlord["dataset"] == DATASETS.index("council_tax")]
    return Holdings(
        landlords=len(ids),
        boroughs=tuple(names.take(pa.array(own)).to_pylist()),
        places=places.take(pa.array(ordered)),
        place_borough=np.searchsorted(own, borough_of).astype(np.int64),
        records={
            names[int(borough)].as_py(): liable[liable["borough"] == borough].set_index("record_id")["landlord"]
            for borough in np.unique(liable["borough"])
        },
        held=Held(
            spells["landlord"].to_numpy(dtype=np.int64),
            position[spells["place"]],
            spells["licence"].to_numpy(dtype=bool),
            *(spells[name].to_numpy(dtype=np.int64) for name in ("start", "end", "known")),
        ),
        told=Told(
            position[told["place"]],
            *(told[name].to_numpy(dtype=np.int64) for name in ("start", "known", "end")),
        ),
        shared={
            dataset: np.asarray(first.reindex(own).fillna(NEVER), dtype=np.int64) for dataset, first in shared.items()
        },
        ids=ids,
    )
