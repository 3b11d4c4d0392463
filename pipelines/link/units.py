"""Which unit of a building that has been found. Equality of parts only: no similarity ever joins two units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz.distance import OSA, Prefix
from rapidfuzz.process import cpdist

from pipelines.link.address.words import OUTHOUSES
from pipelines.link.places import UNIT, units_agree
from pipelines.link.spine import Spine
from pipelines.link.unit_rules import OF_A_UNIT, OTHERWISE, RULES, Rule, key_of
from pipelines.link.verdicts import together, verdicts
from pipelines.link.vocabulary import Decision, Level, LinkReason

SAME_NAME = 0.8
"""OSA similarity from which two names of buildings or shops are one name."""

OF_A_PROPERTY = [
    *UNIT,
    "has_unit",
    "from_suffix",
    "low",
    "name",
    "name_written",
    "building",
    "uprn",
    "rank",
    "is_parent",
]
"""What is asked of a property here."""


def resolve(queries: pd.DataFrame, spine: Spine) -> pd.DataFrame:
    """Decide on the unit within the building of each query.

    Args:
        queries: columns `FOLDED`, building, probability (that it is this building), gap, runner_up; one row an address.
        spine: the gazetteer.

    Returns:
        Verdicts, one for each query.
    """
    if queries.empty:
        return together([])
    meant = spine.rows["live"] & spine.rows["building"].isin(queries["building"].unique())
    candidates = spine.rows[OF_A_PROPERTY].loc[meant]
    units = candidates.loc[candidates["has_unit"]]
    plain = candidates.loc[~candidates["has_unit"]]
    asks = queries["has_unit"]
    buildings = spine.buildings.assign(twice=_twice(plain, spine.buildings), lone=_lone(candidates))
    return together(
        [
            _without_unit(queries.loc[~asks], plain, units, buildings),
            _with_unit(queries.loc[asks], units, buildings),
        ]
    )


def _twice(plain: pd.DataFrame, buildings: pd.DataFrame) -> pd.Series[bool]:
    """Buildings whose own row stands twice in the gazetteer, with nothing to say which is meant."""
    own = plain.loc[~plain["is_parent"] & (plain["name"] == "") & (plain["low"] >= 0)]
    times = own.groupby("building")["uprn"].nunique().reindex(buildings.index).fillna(0)
    return (times > 1) & buildings["parent"].isin(own["uprn"])


def _lone(candidates: pd.DataFrame) -> pd.Series[str]:
    """By building: the only property there, if it has no unit of its own."""
    distinct = candidates[["building", "uprn"]].drop_duplicates()
    one = distinct.loc[~distinct["building"].duplicated(keep=False)].set_index("building")["uprn"]
    return one.loc[~one.index.isin(candidates.loc[candidates["has_unit"], "building"])]


def _with_unit(queries: pd.DataFrame, units: pd.DataFrame, buildings: pd.DataFrame) -> pd.DataFrame:
    if queries.empty:
        return together([])
    left, right = queries[OF_A_UNIT], units[OF_A_UNIT]
    parts: list[pd.DataFrame] = []
    for rule in RULES:
        if left.empty:
            break
        right = right.loc[right["building"].isin(left["building"])]
        verdict = _choose(queries, _fits(left, right, rule.key), units, rule)
        parts.append(verdict)
        left = left.loc[~left.index.isin(verdict.index)]
    if left.empty:
        return together(parts)
    rest = queries.loc[left.index]
    # An upper and a lower maisonette, two penthouses with numbers: the bare word is one of them.
    kinds = pd.MultiIndex.from_frame(units[["building", "kind"]])
    word = rest["kind"].isin(["MAISONETTE", "PENTHOUSE"]) & (rest[["identifier", "floor", "room"]] == "").all(axis=1)
    storeys = rest["building"].isin(units.loc[units["floor"] != "", "building"]) & (rest["kind"] == "MAISONETTE")
    word &= storeys | pd.MultiIndex.from_frame(rest[["building", "kind"]]).isin(kinds)
    unsure = verdicts(
        rest.index[word],
        Decision.REVIEW,
        LinkReason.SEVERAL_UNITS_FIT,
        probability=rest.loc[word, "probability"] / 2,
        runner_up=rest.loc[word, "building"].map(buildings["parent"]),
    )
    return together([*parts, unsure, _rolled_up(rest.loc[~word], buildings)])


def _without_unit(
    queries: pd.DataFrame, plain: pd.DataFrame, units: pd.DataFrame, buildings: pd.DataFrame
) -> pd.DataFrame:
    """No unit given: the parent of several units, the house itself, or the only unit there is."""
    if queries.empty:
        return together([])
    called = _called(queries, pd.concat([plain, units]))
    queries = queries.loc[~queries.index.isin(called.index)]
    count = queries["building"].map(buildings["units"])
    several = queries.loc[count >= 2]
    house = queries.loc[count < 2]
    pairs = _pairs(house, plain)
    same = Rule("house", LinkReason.SAME_BUILDING_AND_UNIT, 1.0)
    outhouse, shop = _outhouses(house, pairs, plain), _shops(house, pairs, plain, units, buildings)
    behind = house.loc[house.index.isin(outhouse)]
    doubt = house.loc[house.index.isin(shop.index)]
    either = verdicts(
        doubt.index,
        Decision.REVIEW,
        LinkReason.SEVERAL_UNITS_FIT,
        probability=doubt["probability"] / 2,
        runner_up=shop.reindex(doubt.index),
    )
    aside = together([_to_parent(behind, buildings, LinkReason.UNIT_NOT_IN_GAZETTEER), either])
    house = house.loc[~house.index.isin(aside.index)]
    found = _choose(house, pairs.loc[pairs["query"].isin(house.index)], plain, same)
    rest = house.loc[~house.index.isin(found.index)]
    # Shops change their names, and people name their houses: the only property at a number is meant all the same.
    sole = rest.loc[(rest["low"] >= 0) & (rest["building"].map(buildings["lone"]).fillna("") != "")]
    renamed = verdicts(
        sole.index,
        Decision.LINKED,
        LinkReason.SAME_BUILDING_AND_UNIT,
        uprn=sole["building"].map(buildings["lone"]),
        level=Level.UNIT,
        probability=sole["probability"] * OTHERWISE,
        gap=sole["gap"] * OTHERWISE,
        runner_up=sole["runner_up"],
    )
    rest = rest.loc[~rest.index.isin(sole.index)]
    own = units.loc[~units["from_suffix"]].drop_duplicates("building").set_index("building")["uprn"]
    only = rest.loc[(rest["building"].map(buildings["units"]) == 1) & rest["building"].isin(own.index)]
    # The house itself may be missing from the gazetteer, so that its annexe or the flat above it is all there is.
    lone = verdicts(
        only.index,
        Decision.REVIEW,
        LinkReason.ONLY_UNIT_IN_BUILDING,
        probability=only["probability"] / 2,
        gap=only["gap"] / 2,
        runner_up=only["building"].map(own),
    )
    nothing = rest.loc[~rest.index.isin(only.index)]
    return together(
        [
            called,
            aside,
            found,
            renamed,
            lone,
            _to_parent(several, buildings, LinkReason.NO_UNIT_GIVEN),
            _no_parent(nothing, buildings),
        ]
    )


def _outhouses(house: pd.DataFrame, pairs: pd.DataFrame, plain: pd.DataFrame) -> pd.Index[int]:
    """A coach house behind a number, where the gazetteer has only the house in front."""
    named = house.index[house["name"].isin(OUTHOUSES) & (house["low"] >= 0)]
    own = pairs.loc[plain["name"].reindex(pairs["row"]).ne("").to_numpy(), "query"]
    return named.intersection(pd.Index(pairs["query"])).difference(pd.Index(own))


def _shops(
    house: pd.DataFrame, pairs: pd.DataFrame, plain: pd.DataFrame, units: pd.DataFrame, buildings: pd.DataFrame
) -> pd.Series[str]:
    """By query: a shop with a name at its number, where a flat is there too and the record names neither."""
    at = plain.reindex(pairs["row"])[["name", "low", "building", "uprn"]]
    bare = house["name"].reindex(pairs["query"]).eq("").to_numpy()
    flats = [*units.loc[~units["from_suffix"], "building"], *buildings.index[buildings["flat_so_numbered"]]]
    shop = bare & at["name"].ne("").to_numpy() & at["low"].ge(0).to_numpy() & at["building"].isin(flats).to_numpy()
    own = pairs.loc[bare & at["name"].eq("").to_numpy(), "query"]
    found = pd.Series(at["uprn"].to_numpy(), index=pairs["query"].to_numpy())[shop]
    found = found.loc[~found.index.isin(own)]
    return found.loc[~found.index.duplicated()]


def _called(queries: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """No unit given, but a name that one property of a numbered building has and no other: that property."""
    left = queries.loc[(queries["name_written"] != "") & (queries["building"].isin(rows["building"]))]
    right = rows.loc[(rows["name_written"] != "") & (rows["low"] >= 0)]
    if left.empty or right.empty:
        return together([])
    pairs = _pairs(left, right)
    one = pairs.assign(uprn=right.loc[pairs["row"], "uprn"].to_numpy()).drop_duplicates(["query", "uprn"])
    one = one.loc[~one["query"].duplicated(keep=False)]
    # The last flat that the gazetteer has of a building is not the building.
    one = one.loc[~right.loc[one["row"], "has_unit"].to_numpy()]
    return _choose(left, one[["query", "row"]], right, Rule("named", LinkReason.SAME_BUILDING_AND_UNIT, OTHERWISE))


def _rolled_up(queries: pd.DataFrame, buildings: pd.DataFrame) -> pd.DataFrame:
    """A unit that the gazetteer does not have goes to the building; a letter behind the number does not."""
    if queries.empty:
        return together([])
    lettered = queries.loc[queries["from_suffix"]]
    review = verdicts(
        lettered.index,
        Decision.REVIEW,
        LinkReason.SUFFIX_NOT_IN_GAZETTEER,
        probability=lettered["probability"] / 2,
        runner_up=lettered["building"].map(buildings["parent"]),
    )
    rest = queries.loc[~queries["from_suffix"]]
    twice = rest["building"].map(buildings["twice"]).astype(bool)
    which = verdicts(
        rest.index[twice],
        Decision.REVIEW,
        LinkReason.TWICE_IN_GAZETTEER,
        probability=rest.loc[twice, "probability"] / 2,
        runner_up=rest.loc[twice, "building"].map(buildings["parent"]),
    )
    rest = rest.loc[~twice]
    # A room of a hostel that has a name and a number lies in the one property that is there.
    return together([review, which, _to_parent(rest, buildings, LinkReason.UNIT_NOT_IN_GAZETTEER)])


def _to_parent(queries: pd.DataFrame, buildings: pd.DataFrame, reason: LinkReason) -> pd.DataFrame:
    if queries.empty:
        return together([])
    parent = queries["building"].map(buildings["parent"])
    lone = queries["building"].map(buildings["lone"]).fillna("")
    parent = parent.where((parent != "") | (queries["room"] == ""), lone)
    has = queries.loc[parent != ""]
    made = verdicts(
        has.index,
        Decision.PARENT,
        reason,
        uprn=parent.loc[has.index],
        level=Level.BUILDING,
        probability=has["probability"],
        gap=has["gap"],
        runner_up=has["runner_up"],
    )
    return together([made, _no_parent(queries.loc[parent == ""], buildings)])


def _no_parent(queries: pd.DataFrame, buildings: pd.DataFrame) -> pd.DataFrame:
    """People decide; the building's only property is shown to them."""
    if queries.empty:
        return together([])
    return verdicts(
        queries.index,
        Decision.REVIEW,
        LinkReason.BUILDING_WITHOUT_PARENT,
        probability=queries["probability"] / 2,
        runner_up=queries["building"].map(buildings["lone"]).fillna(""),
    )


def _pairs(
    left: pd.DataFrame, right: pd.DataFrame, asked: pd.Series[str] | None = None, known: pd.Series[str] | None = None
) -> pd.DataFrame:
    """Query and candidate (columns query, row) of one building with equal keys, if any, and no two different names."""
    on = ["building"] if asked is None else ["building", "key"]
    a, b = _to_join(left, "query", asked), _to_join(right, "row", known)
    pairs = a.merge(b, on=on) if len(a) and len(b) else pd.DataFrame({"query": a["query"][:0], "row": b["row"][:0]})
    if pairs.empty:
        return pairs[["query", "row"]]
    one, two = pairs["name_written_x"].to_numpy(), pairs["name_written_y"].to_numpy()
    return pairs.loc[one_name(one, two), ["query", "row"]].reset_index(drop=True)


def _to_join(frame: pd.DataFrame, name: str, key: pd.Series[str] | None) -> pd.DataFrame:
    columns = {name: frame.index, **{c: frame[c].to_numpy() for c in ("building", "name_written")}}
    if key is None:
        return pd.DataFrame(columns)
    made = pd.DataFrame({**columns, "key": key.to_numpy()})
    return made.loc[made["key"] != ""]


def one_name(one: npt.NDArray[np.object_], two: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Names that are alike, or one goes on where the other ends (`BETHWIN`, `BETHWINHOUSE`), or one is missing."""
    prefix = cpdist(one, two, scorer=Prefix.similarity, dtype=np.float32)
    shorter = np.minimum(np.char.str_len(one.astype(str)), np.char.str_len(two.astype(str)))
    return np.asarray((one == "") | (two == "") | alike(one, two) | ((prefix == shorter) & (shorter >= 4)))


def alike(one: npt.NDArray[np.object_], two: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Names in which there is no more than a slip of the pen."""
    return np.asarray(cpdist(one, two, scorer=OSA.normalized_similarity, dtype=np.float32) >= SAME_NAME)


def _fits(left: pd.DataFrame, right: pd.DataFrame, key: str) -> pd.DataFrame:
    """Pairs under one key of `RULES` whose units do not clash in any part that both give."""
    pairs = _pairs(left, right, key_of(left, key), key_of(right, "number" if key == "holder" else key))
    if pairs.empty:
        return pairs
    one, two = left.loc[pairs["query"]].reset_index(drop=True), right.loc[pairs["row"]].reset_index(drop=True)
    if key in ("likeness", "number", "lodging", "storey"):
        keep = units_agree(one, two)
        # "First Floor Flat, 1A" is the first floor of 1A, and no flat of 1.
        keep &= ~(one["from_suffix"] & (two["identifier"] == "")).to_numpy()
    elif key == "holder":
        keep = units_agree(one.assign(room=""), two)
    elif key == "lowest":
        keep = (one["floor"] != two["floor"]).to_numpy()
    elif key == "bedsit":
        keep = (one["kind"] != two["kind"]).to_numpy()
    else:
        return pairs
    return pairs.loc[keep].reset_index(drop=True)


def _choose(queries: pd.DataFrame, pairs: pd.DataFrame, rows: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """The only fit is the unit; of several, the one of the same name or best standing; else people decide."""
    if pairs.empty:
        return together([])
    fits = pairs.assign(
        uprn=rows.loc[pairs["row"], "uprn"].to_numpy(),
        standing=rows.loc[pairs["row"], "rank"].to_numpy()
        + 2 * (queries.loc[pairs["query"], "name"].to_numpy() != rows.loc[pairs["row"], "name"].to_numpy()),
    )
    # The spine is sorted by UPRN, so that its rows stand in for them.
    fits = fits.iloc[np.lexsort((fits["row"], fits["standing"], fits["query"]))]
    best = fits.groupby("query")["standing"].transform("min")
    equal = fits.loc[fits["standing"] == best].groupby("query")["uprn"].agg(["first", "size"])
    one, several = equal.loc[equal["size"] == 1, "first"], equal.loc[equal["size"] > 1]
    sure = queries.loc[one.index]
    twice = LinkReason.TWICE_IN_GAZETTEER if rule.key in ("whole", "house") else LinkReason.SEVERAL_UNITS_FIT
    made = verdicts(
        one.index,
        rule.decision,
        rule.reason,
        uprn=one,
        level=rule.level,
        probability=sure["probability"] * rule.certainty,
        gap=sure["gap"] * rule.certainty,
        runner_up=sure["runner_up"],
    )
    unsure = queries.loc[several.index, "probability"] / several["size"]
    return together(
        [made, verdicts(several.index, Decision.REVIEW, twice, probability=unsure, runner_up=several["first"])]
    )
