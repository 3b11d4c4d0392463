"""Who holds what across London: the landlord's other buildings that no single borough sees.

A landlord's place is a building (the parent UPRN where there is one), not a flat, so that
"elsewhere" can never be the next flat of the same house or a licence of the whole building.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo import sources
from models.hmo.days import NEVER, Floats, Ints, Mask, days_column, event_days
from models.hmo.records import of_uprns
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
class OwnLandlord:
    """What each property's landlord has at other buildings than its own; NaN where no landlord is known.

    `*_away` is the part of it in other boroughs. Licences, complaints and what follows from them are NaN as well where
    the landlord has other buildings, but none in a borough that had shared any of them by the day.
    """

    buildings: Floats
    boroughs: Floats
    licences: Floats
    expired: Floats
    complaints: Floats
    notices: Floats
    buildings_away: Floats
    licences_away: Floats
    complaints_away: Floats


@dataclass(frozen=True)
class Holdings:
    """All boroughs' landlords, their buildings and the complaints there.

    `places` are the buildings' UPRNs, `place_borough` counts `boroughs`, `records` has the landlords of council tax
    records by borough and record id. `shared` is by dataset and borough the day on which its first row was known.
    `ids` are the landlords' identifiers in the order of their positions.
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

    def place_of(self, uprns: pa.ChunkedArray) -> Ints:
        """Position of each building, -1 where no landlord ever had it."""
        return of_uprns(uprns, pa.chunked_array([self.places]))

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
        size, held = max(len(self.places), 1), self.held
        known = (held.landlord >= 0) & (held.known <= day) & (held.start <= day)
        pair = held.landlord * size + held.place
        live = known & (held.end >= day)
        pairs = np.unique(pair[live])
        licensed = np.isin(pairs, pair[live & held.licence])
        # A licence that ran out at a building that the landlord still answers for, and that has no new one.
        ran_out = known & held.licence & (held.end < day) & (held.end >= day - LAPSE_DAYS)
        expired = np.isin(pairs, pair[ran_out]) & ~licensed
        who, where = pairs // size, pairs % size
        there = self.place_borough[where]
        own = self.boroughs.index(borough) if borough in self.boroughs else -1
        mine = np.where((landlord >= 0) & (place >= 0), landlord * size + place, -1)
        others = Others(pairs, who, self.landlords, landlord, mine)
        told, notices = self._told(where, day)
        complaints_shared = np.append(self.shared["service_request"], NEVER)[there] <= day
        licences_shared = np.append(self.shared["hmo_licence"], NEVER)[there] <= day
        away = there != own
        boroughs = np.unique(who[away] * (len(self.boroughs) + 1) + there[away]) // (len(self.boroughs) + 1)
        return OwnLandlord(
            buildings=others.sum(np.ones(len(pairs))),
            boroughs=others.of_landlord(boroughs),
            licences=others.sum(licensed, licences_shared),
            expired=others.sum(expired, licences_shared),
            complaints=others.sum(told, complaints_shared),
            notices=others.sum(notices, complaints_shared),
            buildings_away=others.sum(away),
            licences_away=others.sum(licensed & away, licences_shared & away, away),
            complaints_away=others.sum(told * away, complaints_shared & away, away),
        )

    def _told(self, where: Ints, day: int) -> tuple[Floats, Floats]:
        """Complaints of 3 years at buildings, and how many of them had led to a notice by the day."""
        told, size = self.told, max(len(self.places), 1)
        recent = (told.known <= day) & (told.day <= day) & (told.day > day - TOLD_DAYS)
        noticed = recent & (told.notice <= day)
        counts = (np.bincount(told.place[which], minlength=size)[where] for which in (recent, noticed))
        complaints, notices = (found.astype(float) for found in counts)
        return complaints, notices


@dataclass(frozen=True)
class Others:
    """Sums over what a landlord has, the property's own building left out.

    `pairs` are sorted numbers of landlord and building, `who` their landlords; `landlord` and `own` are each property's
    landlord (-1: none) and its number with its own building.
    """

    pairs: Ints
    who: Ints
    landlords: int
    landlord: Ints
    own: Ints

    def of_landlord(self, who: Ints, weights: Floats | None = None) -> Floats:
        """Sum of weights by landlord, for each property; NaN where no landlord is known."""
        total = np.bincount(who, weights=weights, minlength=self.landlords + 1).astype(float)
        return np.where(self.landlord >= 0, total[np.maximum(self.landlord, 0)], np.nan)

    def sum(self, weights: Floats | Mask, shared: Mask | None = None, among: Mask | None = None) -> Floats:
        """Sum of weights of pairs; NaN where there are others (of `among`), but none of them is `shared`."""
        found = self._sum(weights)
        if shared is not None:
            there = self._sum(np.ones(len(self.pairs)) if among is None else among)
            found[(there > 0) & (self._sum(shared) == 0)] = np.nan
        return found

    def _sum(self, weights: Floats | Mask) -> Floats:
        worth: Floats = np.asarray(weights, dtype=np.float64)
        total = self.of_landlord(self.who, worth)
        if len(self.pairs):
            at = np.minimum(np.searchsorted(self.pairs, self.own), len(self.pairs) - 1)
            total -= np.where(self.pairs[at] == self.own, worth[at], 0.0)
        return total


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
