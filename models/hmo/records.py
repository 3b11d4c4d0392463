"""Rows of one dataset as arrays, tied to the places in the spine that their links name."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo.days import Floats, Ints, Mask, days_column, event_days
from models.hmo.sources import COLUMNS
from schemas import registry

FINDING = "finding"


@dataclass(frozen=True)
class Records:
    """Rows of one dataset in the order of property, event and record id.

    `row` is the position of the property in the spine, -1 where no link was accepted. A record of several flats has a
    row for each; its numbers, and what a visit found, are of them all together, so that they are missing there.
    `unit` marks records of a flat or room that the gazetteer lacks.
    """

    row: Ints
    record_id: Ints
    event: Ints
    known: Ints
    unit: Mask
    days: dict[str, Ints] = field(default_factory=dict)
    numbers: dict[str, Floats] = field(default_factory=dict)
    codes: dict[str, Ints] = field(default_factory=dict)
    meanings: dict[str, dict[str, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.row)

    def take(self, which: npt.NDArray[np.generic]) -> Records:
        """The rows of a mask or of an order."""
        return Records(
            self.row[which],
            self.record_id[which],
            self.event[which],
            self.known[which],
            self.unit[which],
            {name: values[which] for name, values in self.days.items()},
            {name: values[which] for name, values in self.numbers.items()},
            {name: values[which] for name, values in self.codes.items()},
            self.meanings,
        )

    def has(self, column: str, *codes: str) -> Mask:
        """Which rows hold one of these codes."""
        meanings = self.meanings[column]
        # The last place is for -1, what holds no code.
        wanted = np.zeros(len(meanings) + 1, dtype=bool)
        wanted[[meanings[code] for code in codes if code in meanings]] = True
        return np.asarray(wanted[self.codes[column]], dtype=bool)


@dataclass(frozen=True)
class Links:
    """Accepted links of one dataset in the order of record id and place: place in the spine, or -1, and `unit`."""

    record_id: Ints
    row: Ints
    unit: Mask


def links_by_dataset(rows: pa.Table, uprns: pa.ChunkedArray) -> dict[str, Links]:
    """The links of each dataset; `uprns` are the spine's, in its order."""
    encoded = pc.dictionary_encode(rows["dataset"].combine_chunks())
    codes = encoded.indices.to_numpy()
    record_id = rows["record_id"].to_numpy().astype(np.int64)
    row = of_uprns(rows["uprn"], uprns)
    unit = rows["unit"].to_numpy().astype(bool)
    found = {}
    for code, name in enumerate(encoded.dictionary.to_pylist()):
        own = np.flatnonzero(codes == code)
        found[name] = _in_order(record_id[own], row[own], unit[own])
    return found


def _in_order(record_id: Ints, row: Ints, unit: Mask) -> Links:
    order = np.argsort(record_id)  # four times as fast as a stable sort, which only equal ones need
    if (np.diff(record_id[order]) == 0).any():
        order = np.lexsort((row, record_id))
        again = (np.diff(record_id[order]) == 0) & (np.diff(row[order]) == 0)
        order = order[np.concatenate([[True], ~again])]
    return Links(record_id[order], row[order], unit[order])


def of_uprns(wanted: pa.ChunkedArray, among: pa.ChunkedArray) -> Ints:
    """`positions` of UPRNs, compared as the numbers that they are: ten times as fast as text."""
    return UprnPlaces.of(among).positions(wanted)


@dataclass(frozen=True)
class UprnPlaces:
    """UPRNs in which others are looked up: `numbers`, None if one of them is text, and where each first stands."""

    among: pa.ChunkedArray
    numbers: pd.Index[int] | None
    first: Ints

    @classmethod
    def of(cls, among: pa.ChunkedArray) -> UprnPlaces:
        """The places of these UPRNs."""
        known = _as_numbers(among)
        if known is None:
            return cls(among, None, np.empty(0, dtype=np.int64))
        distinct, first = np.unique(known, return_index=True)
        return cls(among, pd.Index(distinct), first)

    def positions(self, wanted: pa.ChunkedArray) -> Ints:
        """Where each UPRN first stands, -1 where it is missing or is not there."""
        asked = None if self.numbers is None else _as_numbers(wanted)
        if self.numbers is None or asked is None:
            return positions(wanted, self.among)
        at = self.numbers.get_indexer(pd.Index(asked))
        return np.where((at >= 0) & (asked >= 0), np.append(self.first, -1)[at], -1).astype(np.int64)


def _as_numbers(uprns: pa.ChunkedArray) -> Ints | None:
    try:
        return np.asarray(pc.fill_null(pc.cast(uprns, pa.int64()), -1).to_numpy(), dtype=np.int64)
    except pa.ArrowInvalid:
        return None


def positions(wanted: pa.ChunkedArray, among: pa.ChunkedArray) -> Ints:
    """Where each value first stands among others, -1 where it is missing or is not there."""
    found = pc.index_in(wanted, value_set=among.combine_chunks(), skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)


def _tied(record_id: Ints, links: Links | None) -> tuple[Ints, Ints, Mask, Mask]:
    """For each record and each property that it is tied to: the record's place, the property's, `unit`, if it has more.

    `record_id` ascends. A record without a link is there once, with -1.
    """
    if links is None or not len(record_id) or not len(links.record_id):
        none = np.zeros(len(record_id), dtype=bool)
        return np.arange(len(record_id)), np.full(len(record_id), -1, dtype=np.int64), none, none
    first, end = (np.searchsorted(links.record_id, record_id, side) for side in ("left", "right"))
    times = np.maximum(end - first, 1)
    at = np.repeat(np.arange(len(record_id)), times)
    link = first[at] + np.arange(len(at)) - np.repeat(np.cumsum(times) - times, times)
    linked = end[at] > first[at]
    row = np.where(linked, np.append(links.row, -1)[link], -1)
    return at, row, linked & np.append(links.unit, False)[link], times[at] > 1


def made_from(dataset: str, table: pa.Table, links: Links | None) -> Records:
    """Records of a dataset from its table, columns as `sources.COLUMNS` names them."""
    contract = registry.contract(dataset)
    record_id = table["record_id"].to_numpy().astype(np.int64)
    event, known = event_days(table[contract.event_time], table[contract.known_since]), table[contract.known_since]
    # Looked for in their order, record ids are found sooner, and records with one event and property keep that order.
    order = np.argsort(record_id)
    if (np.diff(record_id[order]) == 0).any():
        order = np.argsort(record_id, kind="stable")
    tied, row, unit, several = _tied(record_id[order], links)
    at = order[tied]
    placed = np.argsort((row + 1 << 33) + event[at], kind="stable")
    at, several = at[placed], several[placed]
    made = Records(row[placed], record_id[at], event[at], days_column(known)[at], unit[placed])
    for name in COLUMNS[dataset]:
        kind = contract.by_name[name].type
        if kind == "date":
            made.days[name] = days_column(table[name])[at]
        elif kind == "string":
            encoded = pc.dictionary_encode(table[name].combine_chunks())
            codes = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)[at]
            made.codes[name] = np.where(several, -1, codes) if name == FINDING else codes
            made.meanings[name] = {code: number for number, code in enumerate(encoded.dictionary.to_pylist())}
        else:
            numbers = table[name].cast(pa.float64()).to_pandas().to_numpy(dtype=float)[at]
            made.numbers[name] = np.where(several, np.nan, numbers)
    return made
