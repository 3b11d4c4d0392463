"""A record of several flats of one building ("Flats 1-6, 12 High Street"): the units that it is of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.link.places import BUILDING, FLAT_LIKE
from pipelines.link.records import Records
from pipelines.link.spine import Spine
from pipelines.link.verdicts import CERTAIN
from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage

MOST = 200
"""Flats of one run beyond which it is no list of flats but a slip."""
RUN = r"^(?P<low>[0-9]+|[A-Z])-(?P<high>[0-9]+|[A-Z])$"
COLUMNS = ["query", "uprn", "identifier", "complete"]


def linked_units(made: pd.DataFrame, records: Records, spine: Spine) -> pd.DataFrame:
    """Verdicts of records of several units, one row a unit, in the building of the record's own verdict.

    None for a record whose building is in doubt, about which people decided, or which is tied to a unit outside its
    run.

    Args:
        made: a verdict with a stage for each record, in the order of `records.rows`.
        records: the records.
        spine: the gazetteer.

    Returns:
        Rows with the columns of `made`, indexed by the record, which may have several, in the order of records and
        of their runs; and replaces: whether they say all that the record's own verdict says.
    """
    units = records.addresses["units"]
    asked = np.flatnonzero(records.rows["address"].isin(units.index[units != ""]).to_numpy())
    told = made.iloc[asked].set_axis(asked)
    told = told.loc[told["stage"] != str(LinkStage.REVIEWED)]
    addresses = records.addresses.loc[records.rows["address"].to_numpy()[told.index]].set_axis(told.index)
    tied = told["decision"].isin([str(Decision.LINKED), str(Decision.PARENT)])
    queries = addresses[["units"]].assign(building=_building(told, addresses, spine))
    found = units_in_range(queries.loc[queries["building"] >= 0], spine)
    # Of a flat under two UPRNs nothing says which is meant.
    found = found.loc[~found.duplicated(["query", "identifier"], keep=False)]
    record = found["query"].to_numpy()
    flats = spine.rows.loc[spine.rows["has_unit"], "uprn"]
    own = told["uprn"].where((told["decision"] == str(Decision.LINKED)) & told["uprn"].isin(flats), "")
    own_found = (found["uprn"] == own.loc[record].to_numpy()).groupby(record).transform("any").to_numpy(bool)
    out = told.loc[record].assign(
        uprn=found["uprn"].to_numpy(),
        decision=str(Decision.LINKED),
        reason=str(LinkReason.UNIT_RANGE),
        level=str(Level.UNIT),
        replaces=found["complete"].to_numpy(bool) | own_found | ~tied.loc[record].to_numpy(),
    )
    for column in ("probability", "gap"):
        out[column] = out[column].where(tied.loc[record].to_numpy(), CERTAIN)
    return out.loc[own_found | (own.loc[record] == "").to_numpy()]


def _building(told: pd.DataFrame, addresses: pd.DataFrame, spine: Spine) -> pd.Series[int]:
    """Position of the building of each verdict, -1 where it is in doubt."""
    rows = spine.rows.drop_duplicates("uprn").set_index("uprn")["building"]
    tied = told["decision"].isin([str(Decision.LINKED), str(Decision.PARENT)])
    at = told["uprn"].where(tied, "").map(rows).fillna(-1).astype(np.int64)
    same = _by_key(addresses, spine)
    # A parent may stand elsewhere than its units do ("12-14 High Street" over "Flat 1, 12 High Street").
    held = same.map(spine.buildings["parent"]).fillna("")
    below = spine.buildings.loc[spine.buildings["units"] > 0, "parent"]
    alone = pd.Series(below.index, index=below.to_numpy()).loc[lambda s: ~s.index.duplicated(keep=False)]
    bare = tied & ~at.map(spine.buildings["units"]).gt(0)
    at = at.mask(bare, told["uprn"].map(alone).fillna(-1)).mask(bare & (held == told["uprn"]), same)
    parentless = told["reason"] == str(LinkReason.BUILDING_WITHOUT_PARENT)
    return at.mask(parentless, same).astype(np.int64)


def _by_key(addresses: pd.DataFrame, spine: Spine) -> pd.Series[int]:
    """Position of the building with the number (or, without one, the name), street and postcode of each address."""
    there = spine.buildings.loc[spine.buildings["postcode"] != "", BUILDING].reset_index(names="at")
    asked = addresses[BUILDING].reset_index(names="record")
    for side in (there, asked):
        side["name"] = side["name"].where(side["low"] < 0, "")
    there = there.loc[(there["low"] >= 0) | (there["name"] != "")].drop_duplicates(BUILDING, keep=False)
    return asked.merge(there, on=BUILDING).set_index("record")["at"].reindex(addresses.index).fillna(-1).astype(int)


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
