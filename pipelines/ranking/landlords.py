"""Who stands behind a listed property: the holder of its licence, else the owner who is liable for its council tax."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.tables import LANDLORD, LINK
from pipelines.governance import access
from schemas.agreement import Role

PURPOSE: access.Purpose = "hmo_detection"
ROLE: Role = "analyst"
TIED = ("linked", "parent")


class Way(NamedTuple):
    """How a dataset tells a property's landlord: in which role, from when to when, and the name where it is public."""

    dataset: str
    role: str
    start: str
    end: str
    name: str | None
    in_force: bool


WAYS = (
    # A licence that ran out still tells who let the house.
    Way("hmo_licence", "holder", "commencement_date", "expiry_date", "holder_name", False),
    Way("council_tax", "owner", "liability_start", "liability_end", None, True),
)
"""The first that there is counts."""


def beside(borough: str, listed: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The list with `landlord_id` and `landlord_name`, null where none is known by the day or may not be shown.

    Of several records of one kind the last that began counts; those of the property itself before its building's. A
    name is shown only where the borough's public register of licences has it and an analyst may see it. `listed` has
    the columns uprn and parent_uprn.
    """
    places = pd.concat(
        [
            pd.DataFrame({"uprn": listed["uprn"], "place": listed["uprn"], "of_building": False}),
            pd.DataFrame({"uprn": listed["uprn"], "place": listed["parent_uprn"], "of_building": True}),
        ]
    )
    places = places[places["place"].fillna("") != ""]
    found = [_known(way, borough, places, as_of).assign(way=number) for number, way in enumerate(WAYS)]
    every = pd.concat([part for part in found if len(part)] or found)
    order = ["of_building", "way", "start", "record_id"]
    first = every.sort_values(order, ascending=[True, True, False, True], na_position="last").drop_duplicates("uprn")
    told = first.set_index("uprn")[["landlord_id", "landlord_name"]].reindex(listed["uprn"])
    landlord, name = (told[column].to_numpy(dtype=object) for column in ("landlord_id", "landlord_name"))
    return listed.assign(landlord_id=landlord, landlord_name=name)


def _known(way: Way, borough: str, places: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Landlords by one way: uprn, of_building, record_id, start, landlord_id, landlord_name."""
    rows = _tied(way, borough, places)
    columns = ["record_id", way.start, way.end, "known_since", *([way.name] if way.name else [])]
    read = access.read_dataset(way.dataset, boroughs=[borough], purpose=PURPOSE, columns=columns, role=ROLE)
    read = read.filter(pc.is_in(read["record_id"], pa.array(rows["record_id"].unique(), pa.int64())))
    day = pa.scalar(as_of, pa.date32())
    known = pc.and_(pc.less_equal(read["known_since"], day), pc.fill_null(pc.less_equal(read[way.start], day), True))
    if way.in_force:
        known = pc.and_(known, pc.fill_null(pc.greater_equal(read[way.end], day), True))
    read = read.filter(known)
    told = pd.DataFrame({"record_id": read["record_id"].to_numpy()})
    told["start"] = pd.to_datetime(read[way.start].to_pandas())
    told["landlord_name"] = read[way.name].to_pandas().astype(object) if way.name else None
    known_of: pd.DataFrame = rows.merge(told, on="record_id")
    return known_of


def _tied(way: Way, borough: str, places: pd.DataFrame) -> pd.DataFrame:
    """Records that are tied to these places and have a landlord: uprn, of_building, record_id, landlord_id."""
    of = pa.array(places["place"].unique(), pa.string())
    links = access.read_table("link", LINK, boroughs=[borough]).select(["dataset", "record_id", "uprn", "decision"])
    chosen = pc.and_(pc.equal(links["dataset"], way.dataset), pc.is_in(links["decision"], pa.array(TIED)))
    links = links.filter(pc.and_(chosen, pc.is_in(links["uprn"], of)))
    links = links.select(["record_id", "uprn"]).to_pandas().rename(columns={"uprn": "place"})
    landlord = access.read_table("landlord", LANDLORD, boroughs=[borough])
    landlord = landlord.filter(
        pc.and_(pc.equal(landlord["dataset"], way.dataset), pc.equal(landlord["role"], way.role))
    )
    named = landlord.select(["record_id", "landlord_id"]).to_pandas().drop_duplicates("record_id")
    tied = links.merge(named, on="record_id").merge(places, on="place")
    found: pd.DataFrame = tied.drop(columns="place").drop_duplicates(["uprn", "record_id"])
    return found
