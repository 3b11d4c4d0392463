"""The exact stages: an address that is a property's own to the letter, with its postcode or without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipelines.link.features import all_words, shared_words
from pipelines.link.spine import Spine
from pipelines.link.verdicts import CERTAIN, together, verdicts
from pipelines.link.vocabulary import Decision, Level, LinkReason

if TYPE_CHECKING:
    from pipelines.link.cascade import Notes

ALL_WORDS = 0.999
OF_A_TEXT = ["canonical", "postcode", "words", "uprn", "rank", "is_parent"]
"""What is asked of a property that is found by its text."""
LOST_COMMA = r"^([A-Z]+) ([0-9]+[A-Z]?)\|\|\|"


def exact(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """Canonical address and postcode of one property."""
    known = spine.rows["live"] & (spine.rows["canonical"] != "") & (spine.rows["postcode"] != "")
    there = spine.rows[OF_A_TEXT].loc[known]
    key = ["canonical", "postcode"]
    found = by_key(addresses, there, key, LinkReason.EXACT_ADDRESS_AND_POSTCODE)
    # "FLAT 74 HIGH ST" without a comma may be the only flat at number 74: so it is where the gazetteer has one.
    rest = addresses.loc[~addresses.index.isin(found.index) & addresses["canonical"].str.match(LOST_COMMA)].copy()
    rest["canonical"] = rest["canonical"].str.replace(LOST_COMMA, r"\1|\2||", regex=True)
    second = by_key(rest, there, key, LinkReason.EXACT_ADDRESS_AND_POSTCODE)
    return together([found, second, _lettered(rest.loc[~rest.index.isin(second.index)], there)])


def _lettered(addresses: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """`FLAT 12A COBDEN RD` is the flat 12A, where the gazetteer has it; `FLAT 12` may be a flat of any house there."""
    if addresses.empty:
        return together([])
    asked = addresses.assign(
        canonical=addresses["canonical"].str.replace(r"^[A-Z]+\|([0-9]+[A-Z]?)\|", r"|\1|", regex=True)
    )
    found = by_key(asked, there, ["canonical", "postcode"], LinkReason.UNIT_WRITTEN_OTHERWISE)
    letter = asked["canonical"].reindex(found.index).str.match(r"^\|[0-9]+[A-Z]\|").astype(bool)
    near = found.loc[~letter]
    would = near["uprn"].where(near["uprn"] != "", near["runner_up"])
    review = verdicts(near.index, Decision.REVIEW, LinkReason.NEAR_MATCH, probability=0.5, gap=0.0, runner_up=would)
    return together([found.loc[letter], review])


def exact_address(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """Canonical address of one property of the borough, whatever the postcode.

    Without a postcode, the number must stand in that street of one postcode only. With one, not where the gazetteer
    has the street in that postcode, or in its district while the match lies in another: two streets of one name,
    or a number that the gazetteer writes as a range, are likelier than a wrong postcode.
    """
    known = spine.rows["live"] & (spine.rows["canonical"] != "") & (spine.rows["street"] != "")
    rows = spine.rows[[*OF_A_TEXT, "low", "name", "street", "place", "building"]].loc[known]
    once = rows.loc[~rows["canonical"].duplicated(keep=False) & ((rows["low"] >= 0) | (rows["name"] != ""))]
    addresses = addresses.loc[addresses["canonical"].isin(once["canonical"])]
    if addresses.empty:
        return together([])
    line = ["low", "name", "street"]
    where = rows.loc[rows["street"].isin(addresses["street"]), [*line, "postcode"]]
    where = where.assign(name=where["name"].where(where["low"] < 0, "")).drop_duplicates()
    postcodes = where.groupby(line, sort=False)["postcode"].size().rename("postcodes").reset_index()
    there = once[["canonical", "postcode"]].rename(columns={"postcode": "there"})
    found = addresses.reset_index(names="address").merge(there, on="canonical")
    found["name"] = found["name"].where(found["low"] < 0, "")
    found = found.merge(postcodes, on=line, how="left").set_index("address")
    district, other = found["postcode"].str[:-4], found["there"].str[:-4]
    near = rows.loc[rows["street"].isin(found["street"]), ["street", "postcode"]].drop_duplicates()
    in_district = (found["street"] + "|" + district).isin(near["street"] + "|" + near["postcode"].str[:-4])
    in_postcode = (found["street"] + "|" + found["postcode"]).isin(near["street"] + "|" + near["postcode"])
    elsewhere = (other != "") & (found["there"] != found["postcode"])
    known_elsewhere = found["postcode"].isin(rows["postcode"]) & (district != other)
    # A place that the record names and the property does not have: another street of that name.
    position = addresses.index.get_indexer(found.index)
    at = pd.Index(once["canonical"]).get_indexer(pd.Index(found["canonical"]))
    explained, _ = shared_words(position, at, all_words(addresses), all_words(once))
    _, named = shared_words(position, at, addresses["place"], once["place"])
    spread = once["building"].map(spine.buildings["street_spread"]).to_numpy()[at]
    # Without postcode and locality, a High Street may be that of another place, though only one has this number.
    unsaid = (spread > 1) & (named < ALL_WORDS)
    barred = (explained < ALL_WORDS) | np.where(
        found["postcode"] == "",
        (found["postcodes"].fillna(1) > 1) | unsaid,
        elsewhere & (in_postcode | (in_district & (district != other)) | known_elsewhere),
    )
    return by_key(addresses.loc[found.index[~barred]], once, ["canonical"], LinkReason.EXACT_ADDRESS_UNIQUE)


def by_key(addresses: pd.DataFrame, rows: pd.DataFrame, key: list[str], reason: LinkReason) -> pd.DataFrame:
    """Verdicts for the addresses that agree with a property in all of `key`; people are asked where several do."""
    some = rows.loc[rows["canonical"].isin(addresses["canonical"]), [*key, "uprn", "rank", "is_parent"]]
    if some.empty:
        return together([])
    group = some.groupby(key, sort=False).ngroup().to_numpy()
    # The spine is sorted by UPRN, and this sort is stable.
    order = np.lexsort((some["rank"], group))
    group, rank = group[order], some["rank"].to_numpy()[order]
    first = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    lowest = np.repeat(rank[first], np.diff(np.r_[first, len(rank)]))
    best = some.iloc[order[first]].assign(times=np.add.reduceat((rank == lowest).astype(np.int64), first))
    found = addresses[key].reset_index(names="address").merge(best, on=key).set_index("address")
    one, several = found.loc[found["times"] == 1], found.loc[found["times"] > 1]
    unit, parent = one.loc[~one["is_parent"]], one.loc[one["is_parent"]]
    sure = [
        verdicts(some.index, decision, why, uprn=some["uprn"], level=level, probability=CERTAIN, gap=CERTAIN)
        for some, decision, why, level in (
            (unit, Decision.LINKED, reason, Level.UNIT),
            (parent, Decision.PARENT, LinkReason.NO_UNIT_GIVEN, Level.BUILDING),
        )
    ]
    return together(
        [
            *sure,
            verdicts(
                several.index,
                Decision.REVIEW,
                LinkReason.TWICE_IN_GAZETTEER,
                probability=1 / several["times"],
                runner_up=several["uprn"],
            ),
        ]
    )
