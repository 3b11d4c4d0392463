"""What is compared of an address and a building: one row a pair, numbers that rise with agreement, NaN where missing.

None of them looks at a unit's likeness. That the building has the unit, or not, says which building is meant;
which unit of it, `units` decides by equality.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.places import BUILDING, UNIT, stem_and_type, unit_key, without_kind, written_out
from pipelines.link.spine import Spine, street_postcode
from pipelines.link.streets import joined

CHUNK = 1_000_000
RISING = (
    *("number", "street", "street_stem", "street_kind", "street_within", "name", "name_stem", "name_within"),
    *("postcode", "words_explained", "words_used", "place", "place_used"),
    *("street_lead", "name_lead", "postcode_lead", "words_explained_lead", "words_used_lead", "place_lead"),
)
"""Features of which more never speaks against a link."""
LEADS = tuple(name.removesuffix("_lead") for name in RISING if name.endswith("_lead"))
"""Features of which the distance to the best other candidate of the same address is one of its own."""
GIVEN = ("rivals", "street_spread", "number_given", "number_known", "postcode_known", "street_here", "unit")
FEATURES = (*RISING, *GIVEN)
ALONE = tuple(name for name in FEATURES if name != "rivals" and not name.endswith("_lead"))
NEAR_STREET = 0.8
MOST_RIVALS = 10.0
UNIT_NONE, UNIT_OPEN, UNIT_FOUND, UNIT_UNDIVIDED, UNIT_STRANGE, UNIT_AS_NUMBER = range(6)
"""Of `unit`: neither side has one; the building has, the record does not say; the building has the record's; it has
none; it has others; the record's number is a flat's number in a building without a number."""

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def queries_of(addresses: pd.DataFrame, spine: Spine) -> pd.DataFrame:
    """Addresses (`FOLDED`, words) with the columns that comparison needs, default integer index."""
    out = addresses[[*UNIT, *BUILDING, "has_unit", "name_written", "words", "place"]].reset_index(drop=True).copy()
    out["stem"], out["type"] = stem_and_type(out["street"])
    out["joined"] = joined(out["street"])
    out["name_stem"] = without_kind(out["name"])
    out["words_written"] = written_out(out["words"])
    out["street_number"] = spine.streets.number(out["street"])
    out["street_known"] = out["street"].isin(spine.whole.streets)
    return out


def compared(pairs: pd.DataFrame, queries: pd.DataFrame, spine: Spine) -> pd.DataFrame:
    """The features of pairs (columns query and building) but for those of rivals, in chunks of `CHUNK` pairs."""
    parts = [_compared(pairs.iloc[at : at + CHUNK], queries, spine) for at in range(0, len(pairs), CHUNK)]
    if not parts:
        return pd.DataFrame({name: np.zeros(0, np.float32) for name in ALONE})
    return pd.concat(parts, ignore_index=True)


def with_rivals(pairs: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """All `FEATURES`: how each pair stands to the others of its address that no veto took out.

    The only "12 Mill Lane" of a borough, misspelt, is one thing; one of five is another.
    """
    query = pairs["query"].to_numpy()
    first = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.zeros(0, np.int64)
    group = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(query)]))
    out = features.copy()
    near = (features["number"].ge(1) & features["street"].ge(NEAR_STREET)) | features["name"].ge(NEAR_STREET)
    count = np.bincount(group, weights=near, minlength=len(first))
    out["rivals"] = np.minimum(count[group] - near.to_numpy(), MOST_RIVALS).astype(np.float32)
    for name in LEADS:
        values = features[name].fillna(0).to_numpy()
        out[f"{name}_lead"] = _lead(values, group, first)
    return out[list(FEATURES)]


def _lead(values: Floats, group: Ints, first: Ints) -> Floats:
    """Distance of each value to the highest other one of its group; to zero where it is alone. Groups lie together."""
    if not len(values):
        return values
    best = np.maximum.reduceat(values, first)[group]
    at_best = values == best
    times = np.bincount(group, weights=at_best)[group]
    second = np.maximum.reduceat(np.where(at_best, 0.0, values).astype(np.float32), first)[group]
    return (values - np.where(at_best & (times < 2), second, best)).astype(np.float32)


def _compared(pairs: pd.DataFrame, queries: pd.DataFrame, spine: Spine) -> pd.DataFrame:
    import recordlinkage

    from pipelines.link import comparators as own

    compare = recordlinkage.Compare(n_jobs=1)
    number = ["low", "high", "suffix"]
    compare.add(own.Number(number, number, label="number"))
    compare.add(own.Likeness("joined", "joined", label="street"))
    compare.add(own.Likeness("stem", "stem", label="street_stem"))
    compare.add(own.SameKind("type", "type", label="street_kind"))
    compare.add(own.Within("words_written", "stem", label="street_within"))
    compare.add(own.Likeness("name_written", "name_written", label="name"))
    compare.add(own.Likeness("name_stem", "name_stem", label="name_stem"))
    compare.add(own.Within("words_written", "name_stem", label="name_within"))
    compare.add(own.Postcode("postcode", "postcode", label="postcode"))
    index = pd.MultiIndex.from_arrays([pairs["query"], pairs["building"]])
    made = compare.compute(index, queries, spine.buildings).reset_index(drop=True)
    query, building = pairs["query"].to_numpy(), pairs["building"].to_numpy()
    made["words_explained"], made["words_used"] = shared_words(
        query, building, queries["words"], spine.buildings["words"]
    )
    made["street_spread"] = spine.buildings["street_spread"].to_numpy(np.float32)[building]
    made["place"], made["place_used"] = shared_words(query, building, queries["place"], spine.buildings["place"])
    made["number_given"] = (queries["low"].to_numpy()[query] >= 0).astype(np.float32)
    made["number_known"] = (spine.buildings["low"].to_numpy()[building] >= 0).astype(np.float32)
    made["postcode_known"] = _known_postcode(queries, spine)[query]
    made["street_here"] = _street_here(queries, spine)[query]
    made["unit"] = unit_fit(query, building, queries, spine)
    features: pd.DataFrame = made[list(ALONE)].astype(np.float32)
    return features


def _known_postcode(queries: pd.DataFrame, spine: Spine) -> Floats:
    there = queries["postcode"].isin(spine.whole.postcodes).to_numpy(dtype=np.float32)
    return np.where(queries["postcode"] == "", np.nan, there).astype(np.float32)


def _street_here(queries: pd.DataFrame, spine: Spine) -> Floats:
    """Whether the gazetteer has the record's street in the record's own postcode."""
    known = (queries["street_number"] >= 0) & (queries["postcode"] != "")
    there = street_postcode(queries).isin(spine.whole.street_postcodes)
    return np.where(known, there, np.nan).astype(np.float32)


def unit_fit(query: Ints, building: Ints, queries: pd.DataFrame, spine: Spine) -> Floats:
    """How the record's unit stands to those of each building."""
    units = spine.buildings["units"].to_numpy()[building]
    asks = queries["has_unit"].to_numpy()[query]
    found = np.zeros(len(query), dtype=bool)
    for key, known in spine.unit_keys.items():
        asked = unit_key(queries, key)
        mine = asked.to_numpy()[query]
        some = np.flatnonzero(mine != "")
        found[some] |= (pd.Series(building[some]).astype(str) + "|" + mine[some]).isin(known).to_numpy()
    as_number = queries["low"].astype(str).where(queries["low"] >= 0, "").to_numpy()[query]
    numberless = spine.buildings["low"].to_numpy()[building] < 0
    # "The Flat, 41 Glynne Court" is number 41 of the court as much as "41 Glynne Court" is.
    bare = ((queries["identifier"] == "") & (queries["floor"] == "") & (queries["room"] == "")).to_numpy()[query]
    flat = (as_number != "") & numberless & (~asks | bare)
    some = np.flatnonzero(flat)
    at = pd.Series(building[some]).astype(str) + "|" + as_number[some] + "|"
    flat[some] = at.isin(spine.unit_keys["number"]).to_numpy()
    fit = np.where(asks, np.where(found, UNIT_FOUND, np.where(units == 0, UNIT_UNDIVIDED, UNIT_STRANGE)), UNIT_NONE)
    fit = np.where(~asks & (units > 0), UNIT_OPEN, fit)
    return np.where(flat, UNIT_AS_NUMBER, fit).astype(np.float32)


def all_words(frame: pd.DataFrame) -> pd.Series[str]:
    """All that is neither unit nor number."""
    return frame["words"] + " " + frame["place"]


def shared_words(query: Ints, building: Ints, left: pd.Series[str], right: pd.Series[str]) -> tuple[Floats, Floats]:
    """Shares of the record's and of the building's words that are in the other, rare words weighing more.

    `query` and `building` are positions in `left` and `right`; one row a pair.
    """
    asked, where = np.unique(query, return_inverse=True)
    known, place = np.unique(building, return_inverse=True)
    a, b, weight = _weighed(left.iloc[asked], right.iloc[known], right)
    shared = np.asarray(a[where].multiply(b[place]).dot(weight)).ravel()
    total_a, total_b = np.asarray(a.dot(weight)).ravel()[where], np.asarray(b.dot(weight)).ravel()[place]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (shared / total_a).astype(np.float32), (shared / total_b).astype(np.float32)


def _weighed(
    left: pd.Series[str], right: pd.Series[str], every: pd.Series[str]
) -> tuple[Any, Any, npt.NDArray[np.float64]]:
    """Words of both sides as sparse rows of ones, and the weight of each word: how seldom buildings have it."""
    columns = [pc.split_pattern(pa.array(side, pa.string()), " ") for side in (left, right, every)]
    words = pa.chunked_array([column.values for column in columns]).dictionary_encode().combine_chunks()
    codes = words.indices.to_numpy(zero_copy_only=False)
    size = len(words.dictionary)
    blank = pc.index(words.dictionary, pa.scalar("")).as_py()
    starts = np.cumsum([0, *(len(column.values) for column in columns)])
    rows = [_rows(c, codes[s : s + len(c.values)], size) for c, s in zip(columns, starts, strict=False)]
    seen = np.asarray(rows[2].sum(axis=0)).ravel()
    weight = np.log((1 + len(every)) / (1 + seen))
    if blank >= 0:
        weight[blank] = 0.0
    return rows[0], rows[1], weight


def _rows(lists: pa.ListArray, codes: Ints, size: int) -> Any:
    from scipy.sparse import csr_matrix

    offsets = lists.offsets.to_numpy()
    made = csr_matrix((np.ones(len(codes), np.float32), codes.copy(), offsets - offsets[0]), shape=(len(lists), size))
    made.sum_duplicates()
    made.data[:] = 1.0
    return made
