"""Candidate pairs: which buildings an address is compared with, block by block, under ceilings.

Blocks, each a pass of its own over `recordlinkage.Index`:

- `postcode`: the buildings of the same postcode;
- `place`: the same house number in a street that the text may mean, in any postcode;
- `street`: without a house number, the buildings of that street in the same outward code;
- `name`: the first letters of a building's name, the whole of it where many begin like that;
- `word`: a word that is rare in the gazetteer, with the same house number, or alone where there is no number: finds
  what was read into the wrong parts, or written in another order.

What more buildings share than an address may be compared with opens nothing, so that pairs grow with the addresses
and not with their product: in all of London, a `12 Church Road` without more is any of dozens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.features import all_words

PAIRS_A_BLOCK = 250_000
PAIRS_IN_ALL = 40_000_000
LONGEST_RANGE = 8
"""A range opens the blocks of at most this many of its numbers."""
HOUSES = 1_000_000
"""More than the highest house number."""
NAME_LETTERS = 6
WORD_LETTERS = 4
SHARED_BY = 40
"""Buildings that may share a number in a street of one name, a name, or a word (with the number, if there is one)."""


@dataclass(frozen=True)
class Candidates:
    """Pairs to compare, and what was over a ceiling.

    Attributes:
        pairs: columns query and building (positions), each pair once.
        left_out: queries that have a block over a ceiling.
        pairs_left_out: how many pairs those blocks hold.
    """

    pairs: pd.DataFrame
    left_out: npt.NDArray[np.int64]
    pairs_left_out: int


def candidates(queries: pd.DataFrame, buildings: pd.DataFrame, meant: pd.DataFrame) -> Candidates:
    """Pairs of every block.

    Args:
        queries: addresses with `BUILDING`, name_written; default integer index.
        buildings: the spine's buildings; default integer index.
        meant: streets that the queries' texts may mean, as `Streets.meant` gives them.
    """
    said = queries[["street"]].rename_axis("query").reset_index().merge(meant, left_on="street", right_on="text")
    said = said[["query", "street_y"]].rename(columns={"street_y": "at"})
    found, over, number = [], [], 0
    for (left, right), most in (
        (_by_postcode(queries, buildings), PAIRS_A_BLOCK),
        (_by_place(queries, buildings, said), SHARED_BY),
        (_by_street(queries, buildings, said), PAIRS_A_BLOCK),
        (_by_name(queries, buildings), SHARED_BY),
        (_by_word(queries, buildings), SHARED_BY),
    ):
        pairs, left_out, count = _block(left, right, most)
        found.append(pairs)
        over.append(left_out)
        number += count
    both = pd.concat(found, ignore_index=True)
    # One number a pair: to sort those takes a tenth of the time.
    once = np.unique(both["query"].to_numpy() * len(buildings) + both["building"].to_numpy())
    query, building = np.divmod(once, max(len(buildings), 1))
    every = pd.DataFrame({"query": query, "building": building})
    return Candidates(every, np.unique(np.concatenate(over)), number)


def _by_postcode(queries: pd.DataFrame, buildings: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return _keyed(queries.index, queries["postcode"]), _keyed(buildings.index, buildings["postcode"])


def _by_place(queries: pd.DataFrame, buildings: pd.DataFrame, said: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    numbers = (
        queries.loc[said["query"], ["low", "high"]].reset_index(drop=True).assign(at=said["at"], row=said["query"])
    )
    known = buildings[["low", "high"]].assign(at=buildings["street_number"], row=buildings.index)
    left, right = (opened(side.loc[(side["low"] >= 0) & (side["at"] >= 0)]) for side in (numbers, known))
    return left, right


def opened(numbers: pd.DataFrame) -> pd.DataFrame:
    """Each row once for each number of its range: columns row and key, the street's number (`at`) and the house's."""
    low = numbers["low"].to_numpy()
    wide = numbers["high"].to_numpy() - low
    step = np.where(wide % 2 == 0, 2, 1)
    times = np.clip(wide // step + 1, 0, LONGEST_RANGE)
    nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    number = np.repeat(low, times) + nth * np.repeat(step, times)
    key = house(np.repeat(numbers["at"].to_numpy(), times), number)
    return pd.DataFrame({"row": np.repeat(numbers["row"].to_numpy(), times), "key": key})


def house(street: npt.NDArray[np.int64], number: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A street's number and a house's as one number."""
    return street.astype(np.int64) * HOUSES + number


def _by_street(queries: pd.DataFrame, buildings: pd.DataFrame, said: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    asked = said.loc[(queries.loc[said["query"], "low"] < 0).to_numpy()]
    outward = queries.loc[asked["query"], "postcode"].str[:-4].to_numpy()
    left = _keyed(asked["query"], pd.Series(np.where(outward == "", "", asked["at"].astype(str) + "@" + outward)))
    area = buildings["postcode"].str[:-4]
    key = buildings["street_number"].astype(str) + "@" + area
    return left, _keyed(buildings.index, key.where((buildings["street_number"] >= 0) & (area != ""), ""))


def _by_name(queries: pd.DataFrame, buildings: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Also by what was read as the street: a building's name often stands where a street does."""
    known, begins = buildings["name_written"], buildings["name_written"].str[:NAME_LETTERS]
    times = begins.value_counts()
    common = times.index[times > SHARED_BY]

    def key(names: pd.Series[str]) -> pd.Series[str]:
        start = names.str[:NAME_LETTERS]
        return start.where(~start.isin(common), names)

    named = _keyed(queries.index, key(queries["name_written"]))
    unknown = queries.loc[queries["street_number"] < 0]
    left = pd.concat([named, _keyed(unknown.index, key(unknown["joined"]))], ignore_index=True).drop_duplicates()
    return left, _keyed(buildings.index, begins.where(~begins.isin(common), known))


def _by_word(queries: pd.DataFrame, buildings: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    asked, known = _words(queries), _words(buildings)
    left = _word_keys(asked, asked["low"] >= 0, asked["low"] < 0)
    known = known.loc[known["word"].isin(asked["word"])]
    right = _word_keys(known, known["low"] >= 0, known["word"].isin(asked.loc[asked["low"] < 0, "word"]))
    times = right["key"].value_counts()
    rare = times.index[times <= SHARED_BY]
    return left.loc[left["key"].isin(rare)], right.loc[right["key"].isin(rare)]


def _words(frame: pd.DataFrame) -> pd.DataFrame:
    """Each word of some length of each row, with the row's number."""
    lists = pc.split_pattern(pa.array(all_words(frame), pa.string()), " ")
    long = pc.greater_equal(pc.utf8_length(lists.values), WORD_LETTERS)
    rows = np.repeat(np.arange(len(frame)), np.diff(lists.offsets.to_numpy()))[long.to_numpy(zero_copy_only=False)]
    words = lists.values.filter(long).to_pandas()
    made = pd.DataFrame({"row": rows, "word": words, "low": frame["low"].to_numpy()[rows]})
    return made.drop_duplicates(["row", "word"])


def _word_keys(words: pd.DataFrame, numbered: pd.Series[bool], alone: pd.Series[bool]) -> pd.DataFrame:
    with_number, without = words.loc[numbered], words.loc[alone]
    key = with_number["word"] + "#" + with_number["low"].astype(str)
    return pd.concat([_keyed(with_number["row"], key), _keyed(without["row"], without["word"])], ignore_index=True)


def _keyed(rows: Any, key: pd.Series[Any]) -> pd.DataFrame:
    frame = pd.DataFrame({"row": np.asarray(rows), "key": key.to_numpy()})
    return frame.loc[frame["key"] != ""]


def _block(left: pd.DataFrame, right: pd.DataFrame, most: int) -> tuple[pd.DataFrame, npt.NDArray[np.int64], int]:
    """Pairs of one pass; queries of blocks over a ceiling (`most` buildings, or pairs), and the pairs of those."""
    import recordlinkage

    left, right = left.loc[left["key"].isin(right["key"])], right.loc[right["key"].isin(left["key"])]
    if left.empty:
        return (
            pd.DataFrame({"query": np.zeros(0, np.int64), "building": np.zeros(0, np.int64)}),
            np.zeros(0, np.int64),
            0,
        )
    codes, _ = pd.factorize(pd.concat([left["key"], right["key"]], ignore_index=True))
    left = pd.DataFrame({"row": left["row"].to_numpy(), "block": codes[: len(left)]})
    right = pd.DataFrame({"row": right["row"].to_numpy(), "block": codes[len(left) :]})
    per_left = left["block"].map(right["block"].value_counts()).astype(np.int64)
    keep = _under_ceilings(left["block"], per_left, most)
    indexer = recordlinkage.Index()
    indexer.block("block")
    some = left.loc[keep].reset_index(drop=True)
    made = indexer.index(some, right) if len(some) else pd.MultiIndex.from_arrays([[], []])
    pairs = pd.DataFrame(
        {
            "query": some["row"].to_numpy()[made.get_level_values(0).to_numpy().astype(np.int64)],
            "building": right["row"].to_numpy()[made.get_level_values(1).to_numpy().astype(np.int64)],
        }
    )
    return pairs, left["row"].to_numpy()[~keep], int(per_left[~keep].sum())


def _under_ceilings(block: pd.Series[int], per_left: pd.Series[int], most: int) -> npt.NDArray[np.bool_]:
    """Whether each query's block may be compared: small blocks first, until the ceiling for all is reached."""
    few = per_left <= most
    size = per_left.where(few, 0).groupby(block).sum().sort_values(kind="stable")
    fits = (size <= PAIRS_A_BLOCK) & (size.cumsum() <= PAIRS_IN_ALL)
    return np.asarray(few.to_numpy() & block.map(fits).to_numpy(dtype=bool))
