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
from models.hmo.days import Floats, Ints, Mask, Texts, days_column, event_days
from models.hmo.sources import blank_to_null
from pipelines.core.tables import LANDLORD, PROPERTY
from pipelines.governance import access
from schemas import registry

DATASETS = ("council_tax", "hmo_licence", "service_request")
"""What a landlord is known by, and what is told of the landlord's buildings."""

LIABLE_LANDLORDS = ("owner", "company")
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
class OwnLandlord:
    """What each property's landlord has elsewhere; NaN where no landlord is known."""

    buildings: Floats
    boroughs: Floats
    licences: Floats
    complaints: Floats


@dataclass(frozen=True)
class Holdings:
    """All boroughs' landlords, their buildings and the complaints there."""

    landlords: int
    places: pd.Index[str]
    place_borough: Ints
    records: dict[str, pd.Series[int]]
    held: Held
    complaint_place: Ints
    complaint_day: Ints
    complaint_known: Ints

    def place_of(self, uprns: Texts) -> Ints:
        """Position of each building, -1 where no landlord ever had it."""
        return self.places.get_indexer(pd.Index(uprns)).astype(np.int64)

    def landlord_of(self, borough: str, record_ids: Ints) -> Ints:
        """Position of the landlord behind each council tax record of a borough, -1: none."""
        known = self.records.get(borough)
        if known is None:
            return np.full(len(record_ids), -1, dtype=np.int64)
        found = known.index.get_indexer(pd.Index(record_ids))
        return np.where(found >= 0, known.to_numpy()[found], -1).astype(np.int64)

    def elsewhere(self, landlord: Ints, place: Ints, day: int) -> OwnLandlord:
        """What the landlords of properties had on a day at other buildings than the property's own (`place`)."""
        held, size = self.held, max(len(self.places), 1)
        live = (held.landlord >= 0) & (held.known <= day) & (held.start <= day) & (held.end >= day)
        pairs, where = np.unique(held.landlord[live] * size + held.place[live], return_inverse=True)
        licensed = np.bincount(where, weights=held.licence[live], minlength=len(pairs)) > 0
        recent = (self.complaint_known <= day) & (self.complaint_day <= day) & (self.complaint_day > day - 3 * 365)
        told = np.bincount(self.complaint_place[recent], minlength=size).astype(float)[pairs % size]
        who = pairs // size
        known = landlord >= 0
        wanted = np.where(known, landlord, 0)
        wanted_pair = wanted * size + np.where(place >= 0, place, 0)
        at = np.searchsorted(pairs, wanted_pair)
        at = np.minimum(at, max(len(pairs) - 1, 0))
        own = (place >= 0) & (pairs[at] == wanted_pair) if len(pairs) else np.zeros(len(landlord), dtype=bool)

        def others(weights: Floats) -> Floats:
            total = np.bincount(who, weights=weights, minlength=self.landlords + 1)[wanted]
            mine = weights[at] * own if len(pairs) else np.zeros(len(landlord))
            return np.where(known, total - mine, np.nan)

        return OwnLandlord(
            buildings=others(np.ones(len(pairs))),
            boroughs=self._other_boroughs(who, pairs % size, wanted, place, known),
            licences=others(licensed.astype(float)),
            complaints=others(told),
        )

    def _other_boroughs(self, who: Ints, places: Ints, wanted: Ints, place: Ints, known: Mask) -> Floats:
        """Boroughs of each landlord besides the property's own."""
        size = int(self.place_borough.max(initial=0)) + 1
        pairs = np.unique(who * size + self.place_borough[places])
        count = np.bincount(pairs // size, minlength=self.landlords + 1)[wanted].astype(float)
        own_borough = self.place_borough[place] if len(self.place_borough) else place
        inside = np.isin(wanted * size + own_borough, pairs) & (place >= 0)
        return np.where(known, count - inside, np.nan)


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
    held = [
        _placed(dataset, boroughs, records, links, spine)
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
    return _assembled(spells, _placed("service_request", boroughs, wanted, told, near), landlord)


def _placed(dataset: str, boroughs: list[str], records: pa.Array, links: pa.Table, spine: pa.Table) -> pd.DataFrame:
    """Rows of a dataset with these record ids and a building: borough, record id, start, end and known as day numbers.

    Of council tax only what owners and companies are liable for.
    """
    contract = registry.contract(dataset)
    end = {"council_tax": "liability_end", "hmo_licence": "expiry_date"}.get(dataset, contract.event_time)
    extra = ["liable_party"] if dataset == "council_tax" else []
    columns = list(dict.fromkeys(["borough", "record_id", contract.event_time, end, contract.known_since, *extra]))
    rows = access.read_dataset(dataset, boroughs=boroughs, purpose="hmo_detection", columns=columns)
    rows = rows.filter(pc.is_in(rows["record_id"], records))
    if extra:
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
    unique = place.drop_duplicates(["borough", "record_id"])
    return frame.merge(unique[["borough", "record_id", "place"]], on=["borough", "record_id"])


def _assembled(spells: pd.DataFrame, told: pd.DataFrame, landlord: pd.DataFrame) -> Holdings:
    place_codes, places = pd.factorize(spells["place"], sort=True)
    landlords = pd.Index(sorted(landlord["landlord_id"].dropna().unique()), dtype=object)
    borough_of = spells.drop_duplicates("place").set_index("place")["borough"].reindex(places)
    liable = landlord[landlord["dataset"] == "council_tax"]
    return Holdings(
        places=pd.Index(places, dtype=object),
        place_borough=np.asarray(pd.factorize(borough_of)[0], dtype=np.int64),
        landlords=len(landlords),
        records={
            str(borough): pd.Series(landlords.get_indexer(pd.Index(part["landlord_id"])), index=part["record_id"])
            for borough, part in liable.groupby("borough")
        },
        held=Held(
            landlords.get_indexer(pd.Index(spells["landlord_id"])).astype(np.int64),
            place_codes.astype(np.int64),
            spells["licence"].to_numpy(dtype=bool),
            spells["start"].to_numpy(dtype=np.int64),
            spells["end"].to_numpy(dtype=np.int64),
            spells["known"].to_numpy(dtype=np.int64),
        ),
        complaint_place=pd.Index(places).get_indexer(pd.Index(told["place"])).astype(np.int64),
        complaint_day=told["start"].to_numpy(dtype=np.int64),
        complaint_known=told["known"].to_numpy(dtype=np.int64),
    )
