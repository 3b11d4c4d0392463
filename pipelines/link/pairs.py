"""Search for the building: candidates of every block, compared, vetoed, scored, and the likeliest held to its rivals.

Compared are addresses with the gazetteer's buildings. Which unit of the building it is, `units` decides by equality,
so no weight of any street or postcode can join two flats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.link.candidates import candidates, house, opened
from pipelines.link.features import UNIT_AS_NUMBER, UNIT_FOUND, compared, queries_of, with_rivals
from pipelines.link.places import by_distinct, sides, without_sides
from pipelines.link.spine import Spine

Floats = npt.NDArray[np.float64]
PRIOR_ADDRESSES = 2_000.0
FEW_ADDRESSES = 128
MOST_SHIFT = 5.0
OTHER_NAME = 0.6
"""Likeness of names below which a building with another name, and no number, is another building."""
UNLIKE_STREET = 0.7
LONG_STREET = 2
"""Spaces in a street of which the end may be a place."""
NAMED_IN_WORDS = 4
"""Letters of a street's name, without its type, that may be looked for among all words of a record."""
OWN_NAME = 0.9
STREET_IN_NAME = 0.85
"""Likeness from which a record's street is the name of the building."""

SAME_POSTCODE = 4.0
"""Level of the feature postcode where both sides have the same."""
SIDES_FROM = 0.4
"""Likeness of two streets' names from which it is asked whether they are the two sides of one name."""


class Scorer(Protocol):
    """What says how likely a pair is: the trained model, or Fellegi and Sunter's weights."""

    def probability(self, features: pd.DataFrame) -> Floats:
        """Probability that each pair is one building, by itself."""

    def calibrated(self, probability: Floats) -> Floats:
        """Share of such best candidates that are right."""

    @property
    def link_from(self) -> float:
        """Calibrated probability from which a building is taken."""

    @property
    def gap_from(self) -> float:
        """Distance to the second from which it is taken."""

    @property
    def review_from(self) -> float:
        """Calibrated probability from which it is worth a person's look."""

    @property
    def missing(self) -> float:
        """Share of addresses that the gazetteer does not have (`Missing`), where the scorer comes from."""


@dataclass
class Search:
    """What a search found and what it cost.

    Attributes:
        best: indexed by the address: building, probability, gap, second (building or -1), as_number (the record's
            number is a flat's), decided (near and far enough from the second), near (worth a person's look).
        contradicted: addresses whose every candidate was vetoed.
        left_out: addresses that had a block over a ceiling.
        counts: pairs, pairs_left_out.
    """

    best: pd.DataFrame
    contradicted: pd.Index[int]
    left_out: pd.Index[int]
    counts: dict[str, float] = field(default_factory=dict)


def search(addresses: pd.DataFrame, spine: Spine, scorer: Scorer, missing: Missing) -> Search:
    """The likeliest building of each address (columns `FOLDED`, words, place); `missing` is of all the area's."""
    queries = queries_of(addresses, spine)
    found = candidates(queries, spine.buildings, spine.streets.meant(queries["street"]))
    counts = {"pairs": float(len(found.pairs)), "pairs_left_out": float(found.pairs_left_out)}
    pairs = found.pairs
    features = compared(pairs, queries, spine)
    open_ = ~vetoed(pairs, features, queries, spine)
    every = pd.Index(pairs["query"].unique())
    alive = pairs.loc[open_].reset_index(drop=True)
    alive["probability"] = scorer.probability(with_rivals(alive, features.loc[open_].reset_index(drop=True)))
    alive["place_clash"] = place_clash(features.loc[open_])
    alive["mistaken"] = _only_by_mistake(alive, features.loc[open_].reset_index(drop=True), queries, spine)
    alive["as_number"] = features.loc[open_, "unit"].eq(UNIT_AS_NUMBER).to_numpy()
    best = _decided(held_to_rivals(alive, missing.shift(scorer.missing)), scorer)
    contradicted = every.difference(best.index)
    best.index = addresses.index[best.index]
    return Search(best, addresses.index[contradicted], addresses.index[found.left_out], counts)


def vetoed(pairs: pd.DataFrame, features: pd.DataFrame, queries: pd.DataFrame, spine: Spine) -> npt.NDArray[np.bool_]:
    """Pairs that cannot be one building: another number, another street, or nothing that identifies the building."""
    return (
        other_number(features)
        | (other_street(pairs, features, queries, spine) & ~mistaken_street(features))
        | other_name(features)
        | number_lost(pairs, features, queries, spine)
        | nothing_in_common(features)
    )


def other_number(features: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Two house numbers, neither within the other's range."""
    return features["number"].eq(0).to_numpy()


def other_street(
    pairs: pd.DataFrame, features: pd.DataFrame, queries: pd.DataFrame, spine: Spine
) -> npt.NDArray[np.bool_]:
    """The gazetteer has the record's street under that very name, and the building stands in another.

    Not where what was read as the street is the building's name, nor where the record names the building's street too.
    """
    from pipelines.link.comparators import similarity

    query, building = pairs["query"].to_numpy(), pairs["building"].to_numpy()
    said, there = queries["street_number"].to_numpy()[query], spine.buildings["street_number"].to_numpy()[building]
    also = features["street_within"].ge(1.0) & (
        spine.buildings["stem"].str.len().to_numpy()[building] >= NAMED_IN_WORDS
    )
    differ = queries["street_known"].to_numpy()[query] & (there >= 0) & (said != there) & ~also.to_numpy()
    some = np.flatnonzero(differ)
    street, name = queries["joined"].to_numpy()[query[some]], spine.buildings["name_written"].to_numpy()[building[some]]
    named = (name != "") & (similarity(street, name) >= STREET_IN_NAME)
    differ[some[named]] = False
    # A building's own name and its own postcode outweigh a street that somebody mistook.
    own = features[["name", "name_stem"]].min(axis=1).ge(OWN_NAME) & features["postcode"].eq(4)
    differ &= ~own.to_numpy()
    # "Church Road" for "Church Street" is another street, whether the gazetteer has both or not; in one postcode, where
    # there is no Church Road
    stems = spine.streets.table["stem"].value_counts()
    only = queries["stem"].map(stems).fillna(0).le(1).to_numpy()[query]
    slip = features["postcode"].eq(4) & ~queries["street_known"].to_numpy()[query] & only
    other_kind = features["street_kind"].eq(0) & features["street_stem"].ge(1.0) & ~slip
    # North and South of one name are two streets, however alike they are written.
    near = np.flatnonzero(features["street_stem"].ge(SIDES_FROM).to_numpy())
    contrary = np.zeros(len(pairs), dtype=bool)
    one, two = queries["street"].iloc[query[near]], spine.buildings["street"].iloc[building[near]]
    level = sides(one, two)
    contrary[near] = level == 2
    # "8 Meridian Road" in a postcode of Meridian Road North: people decide, though there is a Meridian Road elsewhere.
    same = without_sides(one).to_numpy() == without_sides(two).to_numpy()
    here = features["postcode"].to_numpy()[near] >= SAME_POSTCODE
    differ[near[(level == 1) & same & here]] = False
    contrary |= _other_beginning(queries["street"].iloc[query], spine.buildings["street"].iloc[building])
    return np.asarray(differ | other_kind.to_numpy() | contrary | unlike_street(features))


def mistaken_street(features: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Postcode, number (or name) and flat are the building's, and the record's street is none of that postcode.

    Then either the street is wrong or the postcode is, so that people may be asked; it is never taken.
    """
    name = features[["name", "name_stem", "name_within"]].max(axis=1).ge(OWN_NAME)
    same = features["postcode"].ge(SAME_POSTCODE) & features["unit"].eq(UNIT_FOUND)
    return np.array(same & (features["number"].ge(2) | name) & ~features["street_here"].ge(1))


def _only_by_mistake(
    pairs: pd.DataFrame, features: pd.DataFrame, queries: pd.DataFrame, spine: Spine
) -> npt.NDArray[np.bool_]:
    """Pairs that stand only if the record's street is a mistake."""
    mistaken = mistaken_street(features)
    mistaken[mistaken] = other_street(pairs.loc[mistaken], features.loc[mistaken], queries, spine)
    return mistaken


def _other_beginning(one: pd.Series[str], two: pd.Series[str]) -> npt.NDArray[np.bool_]:
    """Long texts that are alike but for the first word: another street, and the same place runs on behind it."""
    from pipelines.link.comparators import similarity

    spaces = [by_distinct(side, lambda street: street.str.count(" ")) for side in (one, two)]
    long = ((spaces[0] >= LONG_STREET) & (spaces[1] >= LONG_STREET)).nonzero()[0]
    first = [side.iloc[long].str.replace(r" .*$", "", regex=True).to_numpy() for side in (one, two)]
    out = np.zeros(len(one), dtype=bool)
    out[long] = similarity(first[0], first[1]) < UNLIKE_STREET
    return out


def unlike_street(features: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Both sides name a street, the two are nothing like each other, and no building's name speaks for the pair."""
    # Of stems: "Cedar Road" and "Alder Road" are alike in most of their letters.
    street = features[["street_stem", "street_within"]].max(axis=1).lt(UNLIKE_STREET)
    name = features[["name", "name_stem", "name_within"]].max(axis=1).ge(OWN_NAME)
    return np.asarray(features["street"].notna() & street & ~name)


def place_clash(features: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Both sides name a place, no word of which is the other's, and no postcode speaks for the pair."""
    clash = features["place"].eq(0) & features["place_used"].eq(0)
    return np.asarray(clash & ~features["postcode"].ge(2))


def other_name(features: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Two names without a number on both sides, and not alike."""
    best = features[["name", "name_stem", "name_within"]].max(axis=1)
    return (features["number"].isna() & features["name"].notna() & best.lt(OTHER_NAME)).to_numpy()


def number_lost(
    pairs: pd.DataFrame, features: pd.DataFrame, queries: pd.DataFrame, spine: Spine
) -> npt.NDArray[np.bool_]:
    """A number in a street of the gazetteer, and a building that has a name, not the street's, in place of a number."""
    query = pairs["query"].to_numpy()
    plain = ((queries["name_written"] == "") & (queries["street_number"] >= 0)).to_numpy()[query]
    numberless = features["number_given"].eq(1) & features["number_known"].eq(0) & features["unit"].ne(UNIT_AS_NUMBER)
    other = (
        queries["joined"].to_numpy()[query] != spine.buildings["name_written"].to_numpy()[pairs["building"].to_numpy()]
    )
    return np.asarray(plain & other & numberless.to_numpy())


def nothing_in_common(features: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Neither number nor name nor unit is the building's."""
    name = features[["name", "name_stem", "name_within"]].max(axis=1).ge(OTHER_NAME)
    unit = features["unit"].isin([UNIT_FOUND, UNIT_AS_NUMBER])
    return (~features["number"].ge(1) & ~name & ~unit).to_numpy()


@dataclass(frozen=True)
class Missing:
    """How much of what an area's records name its gazetteer does not have: of `known` addresses, `missing`."""

    known: int
    missing: int

    def __str__(self) -> str:
        return f"{self.missing} of {self.known}"

    @classmethod
    def of(cls, addresses: pd.DataFrame, spine: Spine) -> Missing:
        """Counted over addresses in a street of the gazetteer that give one number: is there that number in it?

        In steps, so that a few new addresses change nothing: of few addresses nothing, else a whole per cent.
        """
        street = spine.streets.number(addresses["street"])
        plain = (street >= 0) & (addresses["low"] >= 0).to_numpy() & (addresses["low"] == addresses["high"]).to_numpy()
        known = int(plain.sum())
        if known < FEW_ADDRESSES:
            return cls(0, 0)
        asked = pd.Series(house(street[plain], addresses["low"].to_numpy()[plain]))
        there = opened(spine.buildings.assign(at=spine.buildings["street_number"], row=spine.buildings.index))["key"]
        size = 1 << (known.bit_length() - 1)
        return cls(size, round(round(float((~asked.isin(there)).mean()), 2) * size))

    def shift(self, usual: float) -> float:
        """How much likelier a right candidate is here than where a scorer comes from: an odds ratio.

        Gazetteers differ: one lacks a twentieth of what records name, another a third. The share is held to the usual
        one by `PRIOR_ADDRESSES`, so that a small or new area is judged as the average one is.
        """
        share = (self.missing + PRIOR_ADDRESSES * usual) / (self.known + PRIOR_ADDRESSES)
        ratio = ((1 - share) / share) / ((1 - usual) / usual)
        return float(np.clip(ratio, 1 / MOST_SHIFT, MOST_SHIFT))


def held_to_rivals(alive: pd.DataFrame, shift: float = 1.0) -> pd.DataFrame:
    """The likeliest candidate of each query, given that one of them or none is right.

    Args:
        alive: columns query, building, probability (of the pair by itself), and others that are handed on.
        shift: see `Missing.shift`.

    Returns:
        Indexed by query: building, share (of the odds of all candidates and of none), second (building or -1), gap
        (to the second's share), and the other columns.
    """
    odds = alive["probability"].clip(1e-9, 1 - 1e-9)
    odds = shift * odds / (1 - odds)
    total = odds.groupby(alive["query"]).transform("sum")
    order = alive.assign(share=odds / (1 + total))
    order = order.iloc[np.lexsort((order["building"], -order["share"], order["query"]))]
    rank = order.groupby("query").cumcount()
    best = order.loc[rank == 0].set_index("query")
    second = order.loc[rank == 1].set_index("query")
    out = best.drop(columns=["probability"])
    out["second"] = second["building"].reindex(best.index).fillna(-1).astype(np.int64)
    out["gap"] = best["share"] - second["share"].reindex(best.index).fillna(0.0)
    return out


def _decided(best: pd.DataFrame, scorer: Scorer) -> pd.DataFrame:
    out = best.assign(probability=scorer.calibrated(best["share"].to_numpy()))
    out["decided"] = (out["probability"] >= scorer.link_from) & (out["gap"] >= scorer.gap_from)
    out["decided"] &= ~out["place_clash"] & ~out["mistaken"]
    out["near"] = ~out["decided"] & (out["probability"] >= scorer.review_from)
    out["gap"] = out["gap"].clip(upper=out["probability"])
    return out
