"""How much landlords have in each borough, as far as agreements let an analyst see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo import sources
from models.hmo.days import NEVER, day_number, days_column
from models.hmo.landlords import Holdings
from models.hmo.why_records import ROLE
from pipelines.core.tables import LANDLORD
from pipelines.governance import access

OF = ("council_tax", "hmo_licence")
ENDED = ("revoked", "surrendered", "superseded", "expired")
"""States in the register after which a licence is not in force, whatever its term."""


def by_borough(holdings: Holdings, ids: Sequence[str], as_of: date) -> dict[str, list[dict[str, Any]]]:
    """For each landlord what there is in each borough on a day, by what was known by its end.

    Args:
        holdings: of all boroughs.
        ids: landlords' identifiers; one that nothing is known of is left out.
        as_of: the day.

    Returns:
        By identifier, boroughs in their order: borough; properties, buildings that the landlord is liable for or has
        had licensed for a term that is not over, flats of one building counted once; licences, all that were known;
        in_force, those of them in force.
    """
    held, day = holdings.held, day_number(as_of)
    wanted = pd.Index(holdings.ids).get_indexer(pd.Index(pd.unique(np.asarray(ids, dtype=object))))
    mine = np.isin(held.landlord, wanted[wanted >= 0])
    mine &= (held.known <= day) & (held.start <= day) & (held.end >= day)
    borough = holdings.place_borough[held.place]
    seen = {dataset: [_is_seen(slug, dataset) for slug in holdings.boroughs] for dataset in OF}
    at = borough[mine]
    may = np.where(held.licence[mine], np.array(seen["hmo_licence"], bool)[at], np.array(seen["council_tax"], bool)[at])
    rows = pd.DataFrame({"landlord": held.landlord[mine], "borough": at, "place": held.place[mine]})[may]
    rows["landlord"] = np.array(holdings.ids, dtype=object)[rows["landlord"]]
    rows["borough"] = np.array(holdings.boroughs, dtype=object)[rows["borough"]]
    properties = rows.groupby(["landlord", "borough"])["place"].nunique().rename("properties")
    licences = _licences(
        [slug for slug, may in zip(holdings.boroughs, seen["hmo_licence"], strict=True) if may], ids, as_of
    )
    counts = pd.concat([properties, licences], axis=1).fillna(0).astype(int).sort_index()
    found: dict[str, list[dict[str, Any]]] = {}
    for own in counts.rename_axis(["landlord", "borough"]).reset_index().to_dict("records"):
        found.setdefault(own.pop("landlord"), []).append({str(name): value for name, value in own.items()})
    return found


def _is_seen(borough: str, dataset: str) -> bool:
    return access.refusal(borough, dataset, sources.PURPOSE, role=ROLE) is None


def _licences(boroughs: list[str], ids: Sequence[str], as_of: date) -> pd.DataFrame:
    """How many licences landlords hold or held, and how many of them are in force: by landlord and borough."""
    schema = pa.schema([LANDLORD.field(name) for name in ("borough", "dataset", "record_id", "role", "landlord_id")])
    who = access.read_table("landlord", schema, boroughs=boroughs, among={"landlord_id": list(ids)})
    who = who.filter(pc.and_(pc.equal(who["dataset"], "hmo_licence"), pc.equal(who["role"], "holder")))
    records = pc.unique(who["record_id"]).to_pylist()
    columns = ("borough", "record_id", "licence_status", "commencement_date", "expiry_date", "known_since")
    register = access.read_dataset(
        "hmo_licence", boroughs=boroughs, purpose=sources.PURPOSE, columns=columns, role=ROLE, records=records
    )
    day = day_number(as_of)
    start, end = days_column(register["commencement_date"]), days_column(register["expiry_date"])
    known = (days_column(register["known_since"]) <= day) & ((start <= day) | (start == NEVER))
    ended = pc.fill_null(pc.is_in(register["licence_status"], pa.array(ENDED)), False).to_numpy()
    frame = register.select(["borough", "record_id"]).to_pandas().assign(in_force=(end >= day) & ~ended)[known]
    own = who.select(["borough", "record_id", "landlord_id"]).to_pandas().drop_duplicates()
    grouped = frame.merge(own, on=["borough", "record_id"]).groupby(["landlord_id", "borough"])["in_force"]
    counts: pd.DataFrame = grouped.agg(licences="size", in_force="sum").rename_axis(["landlord", "borough"])
    return counts
