"""How much landlords have in each borough, as far as agreements let an analyst see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from models.hmo import sources
from models.hmo.days import day_number
from models.hmo.landlords import Holdings
from models.hmo.why_records import ROLE
from pipelines.governance import access

OF = ("council_tax", "hmo_licence")
COUNTED = ("properties", "licences", "in_force")


def by_borough(holdings: Holdings, ids: Sequence[str], as_of: date) -> dict[str, list[dict[str, Any]]]:
    """For each landlord what there is in each borough on a day, by what was known by its end.

    Args:
        holdings: of all boroughs.
        ids: landlords' identifiers; one that nothing is known of is left out.
        as_of: the day.

    Returns:
        By identifier, boroughs in their order: borough, properties (buildings that the landlord is liable for or
        holds a licence of on the day, flats of one building counted once), licences (all that were known), in_force.
    """
    held, day = holdings.held, day_number(as_of)
    wanted = pd.Index(holdings.ids).get_indexer(pd.Index(pd.unique(np.asarray(ids, dtype=object))))
    mine = np.isin(held.landlord, wanted[wanted >= 0]) & (held.known <= day) & (held.start <= day)
    borough = holdings.place_borough[held.place]
    mine &= _seen(holdings.boroughs)[held.licence.astype(np.int64), borough]
    now = held.end >= day
    rows = pd.DataFrame(
        {
            "landlord": held.landlord,
            "borough": borough,
            "properties": np.where(now, held.place, -1),
            "licences": held.licence,
            "in_force": held.licence & now,
        }
    )[mine]
    grouped = rows.groupby(["landlord", "borough"])
    counts = grouped[["licences", "in_force"]].sum()
    live = rows[rows["properties"] >= 0]
    counts["properties"] = live.groupby(["landlord", "borough"])["properties"].nunique().reindex(counts.index).fillna(0)
    found: dict[str, list[dict[str, Any]]] = {}
    for (landlord, place), own in counts.astype(int).iterrows():
        told = {"borough": holdings.boroughs[place], **{name: int(own[name]) for name in COUNTED}}
        found.setdefault(holdings.ids[landlord], []).append(told)
    return found


def _seen(boroughs: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether an analyst may see council tax (first row) and licences (second) of each borough."""
    return np.array(
        [[access.refusal(b, dataset, sources.PURPOSE, role=ROLE) is None for b in boroughs] for dataset in OF]
    ).reshape(len(OF), len(boroughs))
