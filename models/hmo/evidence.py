"""What a borough knows about its properties, loaded once and cut to any as-of date.

Everything is numpy arrays over the borough's spine (one position a UPRN of the `property`
table), so that a matrix at one date takes tenths of a second and training can ask for
several dates of every borough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo.days import NEVER, Floats, Ints, Mask, Texts, day_number, day_of, days_column, event_days
from models.hmo.landlords import LIABLE_LANDLORDS, Holdings, OwnLandlord
from models.hmo.sources import COLUMNS, LABEL_DATASETS, Tables
from schemas import registry

FINDING = "finding"
SAME_COUNT_DAYS = 31
"""Rows counted within a month of the newest belong to the same count, ward by ward."""


@dataclass(frozen=True)
class Records:
    """Rows of one dataset in the order of property, event and record id.

    `row` is the position of the property in the spine, -1 where no link was accepted. A record of several flats has a
    row for each; its numbers, and what a visit found, are of them all together, so that they are missing there.
    """

    row: Ints
    record_id: Ints
    event: Ints
    known: Ints
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
            {name: values[which] for name, values in self.days.items()},
            {name: values[which] for name, values in self.numbers.items()},
            {name: values[which] for name, values in self.codes.items()},
            self.meanings,
        )

    def has(self, column: str, *codes: str) -> Mask:
        """Which rows hold one of these codes."""
        meanings = self.meanings[column]
        wanted = [meanings[code] for code in codes if code in meanings]
        return np.isin(self.codes[column], wanted) & (self.codes[column] >= 0)


@dataclass(frozen=True)
class Evidence:
    """All that is known of one borough; `at` cuts it to what was known by a day.

    `parent` is the position of the building in the spine (-1: none), `place` the building's
    position in the landlords' London-wide index, `landlord` the landlord behind each
    council tax record (-1: none).
    """

    borough: str
    uprns: Texts
    blpu_class: Texts
    status: Texts
    started: Ints
    ended: Ints
    known: Ints
    parent: Ints
    building: Ints
    street: Ints
    lsoa: Ints
    storeys: Floats
    place: Ints
    records: dict[str, Records]
    landlord: Ints
    holdings: Holdings | None

    def __len__(self) -> int:
        return len(self.uprns)

    def at(self, as_of: date) -> View:
        """What was known by the end of that day, and of nothing that happened after it."""
        day = day_number(as_of)
        cut, landlord = {}, self.landlord
        for dataset in sorted(set(self.records) - LABEL_DATASETS):
            records = self.records[dataset]
            keep = (records.known <= day) & (records.event <= day)
            cut[dataset] = records.take(keep)
            if dataset == "council_tax":
                landlord = self.landlord[keep]
        return View(self, as_of, day, cut, landlord)


@dataclass(frozen=True)
class View:
    """One borough's evidence at one as-of date. Arrays that its methods return run over the spine."""

    evidence: Evidence
    as_of: date
    day: int
    cut: dict[str, Records]
    landlord: Ints

    def __len__(self) -> int:
        return len(self.evidence)

    @cached_property
    def standing(self) -> Mask:
        """Which properties of the gazetteer stood on the day, as far as was known by then."""
        own = self.evidence
        approved = pd.isna(own.status) | (own.status == "1")
        begun = (own.started <= self.day) | (own.started == NEVER)
        return np.asarray(approved & begun & (own.ended > self.day) & (own.known <= self.day), dtype=bool)

    @cached_property
    def own_landlord(self) -> OwnLandlord | None:
        """What the landlord of each property has elsewhere; None if no landlords are known at all."""
        own = self.evidence
        if own.holdings is None or "council_tax" not in self.cut:
            return None
        records = self.cut["council_tax"]
        current = (self.landlord >= 0) & (records.row >= 0) & (records.days["liability_end"] >= self.day)
        current &= records.has("liable_party", *LIABLE_LANDLORDS)
        landlord = np.full(len(self), -1, dtype=np.int64)
        # In the order of their start, so that the newest liability names the landlord.
        landlord[records.row[current]] = self.landlord[current]
        return own.holdings.elsewhere(landlord, own.place, self.day)

    def shares(self, dataset: str) -> bool:
        """Whether the borough had sent anything of the dataset by the day."""
        return dataset in self.cut and len(self.cut[dataset]) > 0

    def records(self, dataset: str) -> Records:
        """Rows of a dataset that features may use.

        Raises:
            PermissionError: the dataset holds labels, which are never features.
        """
        if dataset in LABEL_DATASETS:
            raise PermissionError(f"{dataset} holds labels; no feature may read it.")
        return self.cut[dataset]

    def unknown(self) -> Floats:
        """A value for no property."""
        return np.full(len(self), np.nan)

    def tally(self, rows: Ints, weights: Floats | None = None) -> Floats:
        """How many of these positions fall on each property."""
        linked = rows >= 0
        chosen = weights[linked] if weights is not None else None
        return np.bincount(rows[linked], weights=chosen, minlength=len(self)).astype(float)

    def count(self, dataset: str, days: int, column: str = "", *codes: str) -> Floats:
        """How many rows a property has with an event in the last `days` days; NaN everywhere if not shared."""
        if not self.shares(dataset):
            return self.unknown()
        records = self.records(dataset)
        wanted = records.event > self.day - days
        if column:
            wanted &= records.has(column, *codes)
        return self.tally(records.row[wanted])

    def newest(self, dataset: str, column: str, days: int = NEVER) -> Floats:
        """The number in a property's newest row that has one, not older than `days`; NaN where there is none."""
        values = self.unknown()
        if self.shares(dataset):
            records = self.records(dataset)
            self._put_newest(values, records, records.numbers[column], days)
        return values

    def counted(self, dataset: str, column: str, days: int) -> Floats:
        """The number in the borough's newest count, not older than `days`; NaN where a property is not in it.

        A property that an earlier count had and the newest has not is not what it was.
        """
        values = self.unknown()
        if self.shares(dataset):
            records = self.records(dataset)
            since = max(int(records.event.max()) - SAME_COUNT_DAYS, self.day - days)
            self._put_newest(values, records, records.numbers[column], self.day - since)
        return values

    def newest_code(self, dataset: str, column: str, worth: dict[str, float]) -> Floats:
        """What the code in a property's newest row is worth; a code that is worth nothing counts as not recorded."""
        values = self.unknown()
        if self.shares(dataset):
            records = self.records(dataset)
            table = np.full(max([*records.meanings[column].values(), 0]) + 2, np.nan)
            for code, number in worth.items():
                if code in records.meanings[column]:
                    table[records.meanings[column][code]] = number
            self._put_newest(values, records, table[records.codes[column]], NEVER)
        return values

    def _put_newest(self, values: Floats, records: Records, found: Floats, days: int) -> None:
        usable = (records.row >= 0) & ~np.isnan(found) & (records.event > self.day - days)
        # Rows stand in the order of their events, and of several writes to one place the last one stays.
        values[records.row[usable]] = found[usable]

    def known_to(self) -> dict[str, str]:
        """The newest event of each shared dataset, ISO 8601: how far the evidence reaches."""
        return {
            dataset: day_of(records.event.max()).isoformat()
            for dataset, records in sorted(self.cut.items())
            if len(records)
        }


def load(borough: str, tables: Tables, holdings: Holdings | None) -> Evidence | None:
    """Evidence of one borough from its tables; None if it has no properties yet."""
    if not tables["property"].num_rows:
        return None
    spine = tables["property"].sort_by("uprn")
    uprns = spine["uprn"].to_pandas().to_numpy(dtype=object)
    index = pd.Index(uprns)
    links = _links(tables["link"], index)
    records = {dataset: _records(dataset, tables[dataset], links.get(dataset)) for dataset in COLUMNS}
    parents = spine["parent_uprn"].to_pandas().to_numpy(dtype=object)
    council_tax = records["council_tax"]
    status, started, ended, known = _gazetteer(tables["gazetteer"], index)
    return Evidence(
        borough=borough,
        uprns=uprns,
        blpu_class=spine["blpu_class"].to_pandas().to_numpy(dtype=object),
        parent=index.get_indexer(pd.Index(parents)).astype(np.int64),
        building=_groups(spine["building_key"], uprns),
        street=_groups(spine["street_key"], uprns),
        lsoa=_groups(spine["lsoa_code"], uprns),
        storeys=spine["storeys"].to_pandas().to_numpy(dtype=float, na_value=np.nan),
        place=holdings.place_of(np.where(pd.isna(parents), uprns, parents)) if holdings else _none(len(uprns)),
        landlord=holdings.landlord_of(borough, council_tax.record_id) if holdings else _none(len(council_tax)),
        records=records,
        holdings=holdings,
        status=status,
        started=started,
        ended=ended,
        known=known,
    )


def _none(size: int) -> Ints:
    return np.full(size, -1, dtype=np.int64)


def _groups(keys: pa.ChunkedArray, uprns: Texts) -> Ints:
    """Numbers for equal keys; a property without a key is a group of its own."""
    text = keys.to_pandas()
    keyed = text.where(text.notna() & (text != ""), pd.Series(uprns).radd("uprn "))
    return np.asarray(pd.factorize(keyed)[0], dtype=np.int64)


def _gazetteer(rows: pa.Table, index: pd.Index[str]) -> tuple[Texts, Ints, Ints, Ints]:
    """Logical status, first day, last day and known-since of each property of the spine."""
    uprns = rows["uprn"].to_pandas()
    first = np.flatnonzero(~uprns.duplicated().to_numpy())
    found = pd.Index(uprns.iloc[first]).get_indexer(index)
    at = np.where(found >= 0, first[found] if len(first) else -1, rows.num_rows)

    def padded(days: Ints) -> Ints:
        return np.append(days, NEVER)[at]

    status = np.append(rows["logical_status"].to_pandas().to_numpy(dtype=object), np.array([None]))[at]
    return (
        status,
        padded(days_column(rows["start_date"])),
        padded(days_column(rows["end_date"])),
        padded(days_column(rows["known_since"])),
    )


def _links(rows: pa.Table, index: pd.Index[str]) -> dict[str, pd.Series[int]]:
    """For each dataset, the positions in the spine by record id, in the order of both."""
    encoded = pc.dictionary_encode(rows["dataset"].combine_chunks())
    frame = pd.DataFrame(
        {
            "dataset": encoded.indices.to_numpy(),
            "record_id": rows["record_id"].to_numpy(),
            "row": index.get_indexer(pd.Index(rows["uprn"].to_pandas())),
        }
    ).drop_duplicates()
    frame = frame.sort_values(["record_id", "row"], kind="stable")
    names = encoded.dictionary.to_pylist()
    return {names[int(str(code))]: part.set_index("record_id")["row"] for code, part in frame.groupby("dataset")}


def _positions(record_id: Ints, links: pd.Series[int] | None) -> tuple[Ints, Ints, Mask]:
    """For each record and each property that it is tied to: the record's place, the property's, and if it has several.

    A record without a link is there once, with -1.
    """
    if links is None or not len(record_id):
        return np.arange(len(record_id)), _none(len(record_id)), np.zeros(len(record_id), dtype=bool)
    first, end = (np.searchsorted(links.index.to_numpy(), record_id, side) for side in ("left", "right"))
    times = np.maximum(end - first, 1)
    at = np.repeat(np.arange(len(record_id)), times)
    link = first[at] + np.arange(len(at)) - np.repeat(np.cumsum(times) - times, times)
    row = np.where(end[at] > first[at], np.append(links.to_numpy(), -1)[link], -1).astype(np.int64)
    return at, row, times[at] > 1


def _records(dataset: str, table: pa.Table, links: pd.Series[int] | None) -> Records:
    contract = registry.contract(dataset)
    record_id = table["record_id"].to_numpy().astype(np.int64)
    at, row, several = _positions(record_id, links)
    if several.any():
        table, record_id = table.take(pa.array(at)), record_id[at]
    known = table[contract.known_since]
    made = Records(row, record_id, event_days(table[contract.event_time], known), days_column(known))
    for name in COLUMNS[dataset]:
        kind = contract.by_name[name].type
        if kind == "date":
            made.days[name] = days_column(table[name])
        elif kind == "string":
            encoded = pc.dictionary_encode(table[name].combine_chunks())
            codes = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
            made.codes[name] = np.where(several, -1, codes) if name == FINDING else codes
            made.meanings[name] = {code: at for at, code in enumerate(encoded.dictionary.to_pylist())}
        else:
            number = table[name].cast(pa.float64()).to_pandas().to_numpy(dtype=float)
            made.numbers[name] = np.where(several, np.nan, number)
    return made.take(np.lexsort((made.record_id, made.event, made.row)))
