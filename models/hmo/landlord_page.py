"""One landlord as an officer may see it: properties, roles and licences across boroughs, as agreements allow."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from models.hmo import sources
from models.hmo.days import day_number
from models.hmo.ties import LINKED
from models.hmo.why_records import ROLE
from models.hmo.why_register import COLUMNS, LICENCE, states, told
from pipelines.core import clock
from pipelines.core.errors import NotFound
from pipelines.core.tables import LANDLORD, PROPERTY
from pipelines.governance import access
from pipelines.governance.reads import reading

TAX = "council_tax"
LIABLE = ("record_id", "liability_start", "liability_end")
NAMES = {"holder": "holder_name", "manager": "manager_name"}
ROLES = {"holder": "licence holder", "manager": "manager", "owner": "liable owner"}
"""Why a record makes somebody a landlord, in words."""
WHO = pa.schema([LANDLORD.field(name) for name in ("borough", "dataset", "record_id", "role")])
PLACE = pa.schema([PROPERTY.field(name) for name in ("borough", "uprn", "address", "postcode")])


def landlord(landlord_id: str, on: date | None = None) -> dict[str, Any]:
    """What one landlord has, read from the lake by its identifier alone. That it was read is put on record.

    A line of the audit log of its own: never call it inside an open transaction of the ledger.

    Args:
        landlord_id: as `ListEntry.landlord_id` has it.
        on: the day on which a licence or liability is in force or over; None for today.

    Returns:
        Plain JSON: `id`; `names`, as public registers write them and agreements let an analyst see them; `boroughs`, in
        order, each with `borough`, `unplaced` (how many records are tied to no property) and `properties` by address,
        each with `uprn`, `address`, `postcode`, `roles` (in words), `licences` (newest first: what
        `why_register.COLUMNS` names and `state`, days ISO 8601) and `liable` (newest first: `from`, `until`,
        `in_force`); `withheld`, why records of a borough are not shown, a sentence each.

    Raises:
        NotFound: there is no such landlord, or not any more.
    """
    with reading("landlord page", "london"):
        who = access.read_table("landlord", WHO, among={"landlord_id": [landlord_id]}).to_pandas()
        if who.empty:
            raise NotFound("There is no landlord of this number any more: begin again at an entry of a list.")
        pairs = who[["borough", "dataset"]].drop_duplicates().itertuples(index=False, name=None)
        refusals = {pair: access.refusal(pair[0], pair[1], sources.PURPOSE, role=ROLE) for pair in sorted(pairs)}
        seen = pd.MultiIndex.from_frame(who[["borough", "dataset"]]).map(lambda pair: refusals[pair] is None)
        mine, day = who[seen.to_numpy(bool)], on or clock.today()
        each = [_borough(str(slug), own, day) for slug, own in mine.groupby("borough")]
    return {
        "id": landlord_id,
        "names": sorted({name for _, names in each for name in names}),
        "boroughs": [borough for borough, _ in each],
        "withheld": sorted({refusal for refusal in refusals.values() if refusal is not None}),
    }


def _borough(slug: str, own: pd.DataFrame, on: date) -> tuple[dict[str, Any], set[str]]:
    """What the landlord has in one borough, and the names there. `own` are the records that may be seen."""
    records = own["record_id"].unique().tolist()
    links = access.read_table("link", LINKED, boroughs=[slug], among={"record_id": records})
    ties = sources.accepted(links).select(["dataset", "record_id", "uprn"]).to_pandas()
    tied = own.merge(ties, on=["dataset", "record_id"], how="left")
    uprns = tied["uprn"].dropna().unique().tolist()
    places = access.read_table("property", PLACE, boroughs=[slug], among={"uprn": uprns}).to_pylist()
    placed = tied[tied["uprn"].isin([place["uprn"] for place in places])]
    licences, names = _licences(slug, own[own["dataset"] == LICENCE], on)
    liable = _liabilities(slug, own[own["dataset"] == TAX], on)
    properties = []
    for place in sorted(places, key=lambda place: (place["address"] or "", place["uprn"])):
        mine = placed[placed["uprn"] == place["uprn"]]
        keys = mine["record_id"].unique().tolist()
        properties.append(
            {
                **place,
                "roles": [words for role, words in ROLES.items() if (mine["role"] == role).any()],
                "licences": _newest([licences[key] for key in keys if key in licences]),
                "liable": _newest([liable[key] for key in keys if key in liable]),
            }
        )
    unplaced = len(set(records) - set(placed["record_id"]))
    return {"borough": slug, "unplaced": unplaced, "properties": properties}, names


def _newest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["from"] or "", reverse=True)


def _licences(slug: str, own: pd.DataFrame, on: date) -> tuple[dict[int, dict[str, Any]], set[str]]:
    """The landlord's licences by record id, and the names under which the register has the landlord."""
    columns = [*dict.fromkeys(["record_id", *COLUMNS[LICENCE].values(), *NAMES.values(), "known_since"])]
    rows = access.read_dataset(
        LICENCE,
        boroughs=[slug],
        purpose=sources.PURPOSE,
        columns=columns,
        role=ROLE,
        records=own["record_id"].unique().tolist(),
    )
    found = {}
    for row, state in zip(rows.to_pylist(), states(rows, None, day_number(on)), strict=True):
        own_words = {name: _plain(value) for name, value in told(LICENCE, row).items() if name in COLUMNS[LICENCE]}
        found[row["record_id"]] = own_words | {"state": state}
    register = {row["record_id"]: row for row in rows.to_pylist()}
    roles = own[["record_id", "role"]].itertuples(index=False, name=None)
    names = {register[record][NAMES[role]] for record, role in roles if record in register}
    return found, {name for name in names if name}


def _liabilities(slug: str, own: pd.DataFrame, on: date) -> dict[int, dict[str, Any]]:
    """What the landlord is or was liable for, by record id."""
    records = own["record_id"].unique().tolist()
    rows = access.read_dataset(
        TAX, boroughs=[slug], purpose=sources.PURPOSE, columns=LIABLE, role=ROLE, records=records
    )
    return {
        row["record_id"]: {
            "from": _plain(row["liability_start"]),
            "until": _plain(row["liability_end"]),
            "in_force": row["liability_end"] is None or row["liability_end"] >= on,
        }
        for row in rows.to_pylist()
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
