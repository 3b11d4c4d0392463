"""A record of several flats of one building ("Flats 1-6, 12 High Street"): the units that it is of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.link.places import FLAT_LIKE
from pipelines.link.spine import Spine

MOST = 200
"""Flats of one run beyond which it is no list of flats but a slip."""
RUN = r"^(?P<low>[0-9]+|[A-Z])-(?P<high>[0-9]+|[A-Z])$"
COLUMNS = ["query", "uprn", "identifier", "complete"]


def units_in_range(queries: pd.DataFrame, spine: Spine) -> pd.DataFrame:
    """The gazetteer's units that a run of flats names, one row a unit.

    Args:
        queries: columns building (position in `spine.buildings`) and units, as the parser gives them: `1-6` for
            each number from 1 to 6, `A-D` for each letter, `1+2` for each that is named, empty for no run.
        spine: the gazetteer.

    Returns:
        Rows with the columns query (index of `queries`), uprn, identifier, and complete: whether the gazetteer has
        every unit of the run, each under one UPRN. Sorted by query and by the order of the run. A unit that is not
        one of the run, or that lies in another building, is never among them.
    """
    wanted = _named(queries)
    rows = spine.rows
    flat = rows["kind"].isin(FLAT_LIKE) & (rows["identifier"] != "") & (rows["room"] == "")
    units = rows.loc[rows["live"] & flat, ["building", "identifier", "uprn", "rank"]]
    units = units.sort_values(["building", "identifier", "rank", "uprn"]).drop_duplicates(["building", "uprn"])
    found = wanted.merge(units, on=["building", "identifier"], how="left")
    once = found.groupby(["query", "place"])["uprn"].transform("count") == 1
    found["complete"] = once.groupby(found["query"]).transform("all")
    found = found.loc[found["uprn"].notna()].sort_values(["query", "place", "uprn"])
    return found[COLUMNS].reset_index(drop=True)


def _named(queries: pd.DataFrame) -> pd.DataFrame:
    """Each unit of each run: query, building, identifier and its place in the run."""
    asked = queries.loc[queries["units"] != "", ["building", "units"]].rename_axis("query").reset_index()
    run = asked["units"].str.extract(RUN)
    letters = run["low"].str.match(r"^[A-Z]$").eq(True) & run["high"].str.match(r"^[A-Z]$").eq(True)
    figures = run["low"].str.match(r"^[0-9]+$").eq(True) & run["high"].str.match(r"^[0-9]+$").eq(True)
    codes = run.where(figures, run.apply(lambda end: end.where(letters, "A").map(ord).astype(str)), axis=0)
    low, high = (codes[end].where(figures | letters, "0").astype(np.int64) for end in ("low", "high"))
    size = (high - low + 1).where(figures | letters, 0)
    size = size.where((size > 0) & (size <= MOST), 0)
    at = np.repeat(asked.index.to_numpy(), size)
    place = np.arange(len(at)) - np.repeat((size.cumsum() - size).to_numpy(), size)
    value = pd.Series(low.to_numpy()[at] + place, dtype=np.int64)
    text = value.astype(str).mask(letters.to_numpy()[at], value.clip(0, 0x10FFFF).map(chr))
    ranged = asked.loc[at, ["query", "building"]].reset_index(drop=True).assign(identifier=text, place=place)
    listed = asked.loc[asked["units"].str.contains("+", regex=False)].copy()
    listed["identifier"] = listed["units"].str.split("+")
    listed = listed.explode("identifier").drop_duplicates(["query", "identifier"])
    listed["place"] = listed.groupby("query").cumcount()
    return pd.concat([ranged, listed[["query", "building", "identifier", "place"]]], ignore_index=True)
