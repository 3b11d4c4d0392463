"""What is really so on the last day: the answers that no borough has."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.demo.world.buildings import FORMS
from pipelines.demo.world.designations import LICENCE_TYPES, MANDATORY, NONE, Scheme, required
from pipelines.demo.world.gazetteer import HISTORICAL, Extra
from pipelines.demo.world.landlords import names
from pipelines.demo.world.licences import Licences
from pipelines.demo.world.lives import LIFESTYLES, LODGERS, PRIVATE, SHARERS, TENURES, Lives
from pipelines.demo.world.rows import coded, whole
from pipelines.demo.world.spec import NEVER, Ints, WorldSpec, dates
from pipelines.demo.world.stock import KINDS, Stock
from pipelines.demo.world.text import Text


def property_truth(
    stock: Stock, lives: Lives, licences: Licences, schemes: list[Scheme], extra: Extra, spec: WorldSpec
) -> pd.DataFrame:
    """One row a property that stands on the last day; `kind` tells dwellings from shells, shops and rooms.

    `licensable` is the licence that the law asks for that day or "none", `licence_held` the one in force or "none",
    `licensed` whether the one held is the one asked for (missing where none is).
    """
    day = spec.until_day
    who = np.arange(stock.dwellings)
    hmo, tenure = lives.hmo_at(day), lives.tenure_at(day)
    needed = required(lives, schemes, stock.ward, day, who)
    held = np.full(stock.dwellings, NONE)
    mine = np.flatnonzero(licences.in_force(day))
    held[licences.dwelling[mine]] = licences.kind[mine]
    enough = (held == needed) | ((held == MANDATORY) & (needed != NONE))
    let = ((tenure == PRIVATE) | hmo) & (lives.owner >= 0)
    owner = np.full(stock.dwellings, None, dtype=object)
    if let.any():
        owner[let] = lives.landlords.landlord_id[lives.owner[let]]
    homes = np.where(lives.lifestyle == SHARERS, 2, np.where(lives.lifestyle == LODGERS, lives.adults - 1, 1))
    table = pd.DataFrame(
        {
            "uprn": stock.uprn[: stock.dwellings],
            "kind": "dwelling",
            "is_hmo": hmo,
            "hmo_since": dates(np.where(hmo, lives.hmo_from, NEVER)),
            "occupants": whole(np.where(hmo, lives.sharers, lives.persons)),
            "households": whole(np.where(hmo, lives.groups, np.maximum(homes, 1))),
            "licensable": coded(LICENCE_TYPES, needed),
            "licence_held": coded(LICENCE_TYPES, held),
            "licensed": pd.arrays.BooleanArray(enough & (needed != NONE), needed == NONE),
            "tenure": coded(TENURES, tenure),
            "building_form": coded(FORMS, stock.form),
            "lifestyle": np.where(hmo, "sharers", coded(LIFESTYLES, lives.lifestyle)),
            "landlord_id": owner,
        },
        copy=False,
    )
    table = table[lives.built <= day]
    return pd.concat([table, _others(stock, extra, table, day)], ignore_index=True)


def _others(stock: Stock, extra: Extra, like: pd.DataFrame, day: int) -> pd.DataFrame:
    """Rows of the shells, shops and rooms: no HMO in themselves."""
    rest = np.arange(stock.dwellings, len(stock.uprn))
    rest = rest[stock.buildings.built[stock.building[rest]] <= day]
    more = np.flatnonzero((extra.kind != HISTORICAL) & (extra.start <= day))
    form = np.concatenate([stock.building[rest], extra.building[more]])
    kind: Ints = np.concatenate([stock.kind[rest], extra.kind[more]])
    found = pd.DataFrame(
        {
            "uprn": np.concatenate([stock.uprn[rest], extra.uprn[more]]),
            "kind": coded(KINDS, kind),
            "is_hmo": np.zeros(len(kind), dtype=np.bool_),
            "licensable": "none",
            "licence_held": "none",
            "building_form": coded(FORMS, stock.buildings.form[form]),
        }
    )
    return found.reindex(columns=like.columns).astype(like.dtypes.to_dict())


def landlord_truth(lives: Lives, spec: WorldSpec) -> pd.DataFrame:
    """One row a landlord with a property here: what it is called, how it behaves, what it lets on the last day."""
    landlords = lives.landlords
    count = len(landlords)
    everybody = np.arange(count)
    hmo = lives.hmo_at(spec.until_day)
    let = ((lives.tenure_at(spec.until_day) == PRIVATE) | hmo) & (lives.owner >= 0)
    shared = let & hmo
    kinds: Text = np.where(landlords.company, "company", "person").astype(object)
    return pd.DataFrame(
        {
            "landlord_id": landlords.landlord_id,
            "kind": kinds,
            "name": names(landlords, everybody, np.zeros(count, dtype=np.int64)),
            "address": landlords.address,
            "compliance": np.round(landlords.compliance, 3),
            "properties": np.bincount(lives.owner[let], minlength=count),
            "hmos": np.bincount(lives.owner[shared], minlength=count),
        }
    )
