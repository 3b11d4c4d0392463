"""What a borough knows about its properties, loaded once and cut to any as-of date.

Everything is numpy arrays over the borough's spine (one position a UPRN of the `property`
table), so that a matrix at one date takes tenths of a second and training can ask for
several dates of every borough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo.border import STRAY, Across, Border
from models.hmo.days import NEVER, Floats, Ints, Mask, Texts, day_number, day_of, days_column
from models.hmo.elsewhere import OwnLandlord
from models.hmo.landlords import LIABLE_LANDLORDS, Holdings
from models.hmo.records import Records, links_by_dataset, made_from, of_uprns
from models.hmo.sources import COLUMNS, LABEL_DATASETS, Tables, blank_to_null

Made = TypeVar("Made")

SAME_COUNT_DAYS = 31
"""Rows counted within a month of the newest belong to the same count, ward by ward."""

ENOUGH = 0.5
"""Share of a window that a borough's history must reach back for nought to mean that nothing happened."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of one borough; `at` cuts it to what was known by a day.

    `parent` is the position of the building in the spine (-1: none), `place` the building's
    position in the landlords' London-wide index, `landlord` the landlord behind each
    council tax record (-1: none). `across` is what lies beyond the borough's boundary, and
    `agreed` the datasets and purposes that its agreements cover, None for all.
    """

    borough: str
    uprns: Texts
    blpu_code: Ints
    blpu_classes: dict[str, int]
    approved: Mask
    started: Ints
    ended: Ints
    known: Ints
    parent: Ints
    building: Ints
    street: Ints
    lsoa: Ints
    storeys: Floats
    east: Floats
    north: Floats
    place: Ints
    records: dict[str, Records]
    landlord: Ints
    holdings: Holdings | None
    across: Across | None
    agreed: frozenset[tuple[str, str]] | None

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
    kept: dict[str, object] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.evidence)

    def once(self, name: str, make: Callable[[View], Made]) -> Made:
        """What `make` says of this view, worked out the first time it is asked for by this name."""
        if name not in self.kept:
            self.kept[name] = make(self)
        return cast("Made", self.kept[name])

    def agreed(self, datasets: Iterable[str], purpose: str) -> bool:
        """Whether the borough's agreements cover all of these datasets for a purpose."""
        covered = self.evidence.agreed
        return covered is None or all((dataset, purpose) in covered for dataset in datasets)

    def has_class(self, *classes: str) -> Mask:
        """Which properties have one of these BLPU classes."""
        known = self.evidence.blpu_classes
        return np.isin(self.evidence.blpu_code, [known[name] for name in classes if name in known])

    @cached_property
    def standing(self) -> Mask:
        """Which properties of the gazetteer stood on the day, as far as was known by then."""
        own = self.evidence
        begun = (own.started <= self.day) | (own.started == NEVER)
        return np.asarray(own.approved & begun & (own.ended > self.day) & (own.known <= self.day), dtype=bool)

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
        return own.holdings.elsewhere(landlord, own.place, own.borough, self.day)

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

    def since(self, dataset: str) -> int:
        """The day from which on the borough's history of a dataset reaches, as far as was known; `NEVER` if not shared.

        A few rows that are much older than the rest do not count. An extract of council tax may
        hold nothing but accounts in force, however old: how far back changes are known is told
        by liabilities that ended.
        """
        return self.once(f"since {dataset}", lambda view: view._since(dataset))

    def _since(self, dataset: str) -> int:
        if not self.shares(dataset):
            return NEVER
        records = self.records(dataset)
        days = records.event
        if dataset == "council_tax":
            ends = records.days["liability_end"]
            days = ends[ends <= self.day]
        stray = int(len(days) * STRAY)
        return int(np.partition(days, stray)[stray]) if len(days) else NEVER

    def years(self, dataset: str, days: int) -> float:
        """How many years of the last `days` days a borough's history reaches back; NaN where it has none."""
        reached = min(self.day - self.since(dataset), days)
        return reached / 365 if reached > 0 else np.nan

    def count(self, dataset: str, days: int, column: str = "", *codes: str) -> Floats:
        """How many rows a property has with an event in the last `days` days.

        NaN everywhere if the dataset is not shared, and where none is found although the
        borough's history reaches back less than half of the window: what was found is a fact,
        but that nothing is there says nothing then.
        """
        if not self.shares(dataset):
            return self.unknown()
        records = self.records(dataset)
        wanted = records.event > self.day - days
        if column:
            wanted &= records.has(column, *codes)
        return self.found(dataset, days, records.row[wanted])

    def found(self, dataset: str, days: int, rows: Ints, weights: Floats | None = None) -> Floats:
        """`tally` of rows that were found in the last `days` days, none of them unknown where the history is short."""
        counted = self.tally(rows, weights)
        if self.day - self.since(dataset) < ENOUGH * days:
            counted[counted == 0] = np.nan
        return counted

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


def load(
    borough: str,
    tables: Tables,
    holdings: Holdings | None,
    border: Border | None = None,
    agreed: frozenset[tuple[str, str]] | None = None,
) -> Evidence | None:
    """Evidence of one borough from its tables; None if it has no properties yet.

    Args:
        borough: its slug.
        tables: as `sources.batches` gives them.
        holdings: the landlords of all boroughs, None where none are known.
        border: what lies beside the boundaries of all boroughs, None where nothing is known of it.
        agreed: datasets and purposes that the borough's agreements cover, None for all.
    """
    if not tables["property"].num_rows:
        return None
    spine = tables["property"].sort_by("uprn")
    uprns = spine["uprn"].to_pandas().to_numpy(dtype=object)
    links = links_by_dataset(tables["link"], spine["uprn"])
    records = {dataset: made_from(dataset, tables[dataset], links.get(dataset)) for dataset in COLUMNS}
    place = pc.coalesce(blank_to_null(spine["parent_uprn"]), spine["uprn"])
    council_tax = records["council_tax"]
    classes = pc.dictionary_encode(blank_to_null(spine["blpu_class"]).combine_chunks())
    approved, started, ended, known = _gazetteer(tables["gazetteer"], spine["uprn"])
    street = _groups(spine["street_key"])
    return Evidence(
        borough=borough,
        uprns=uprns,
        blpu_code=pc.fill_null(classes.indices, -1).to_numpy().astype(np.int64),
        blpu_classes={name: code for code, name in enumerate(classes.dictionary.to_pylist())},
        parent=of_uprns(spine["parent_uprn"], spine["uprn"]),
        building=_groups(spine["building_key"]),
        street=street,
        lsoa=_groups(spine["lsoa_code"]),
        storeys=_numbers(spine["storeys"]),
        east=_numbers(spine["easting"]),
        north=_numbers(spine["northing"]),
        place=holdings.place_of(place) if holdings else _none(len(uprns)),
        landlord=holdings.landlord_of(borough, council_tax.record_id) if holdings else _none(len(council_tax)),
        records=records,
        holdings=holdings,
        across=border.across(spine, street) if border else None,
        agreed=agreed,
        approved=approved,
        started=started,
        ended=ended,
        known=known,
    )


def _none(size: int) -> Ints:
    return np.full(size, -1, dtype=np.int64)


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_pandas().to_numpy(dtype=float, na_value=np.nan))


def _groups(keys: pa.ChunkedArray) -> Ints:
    """Numbers for equal keys; a property without a key is a group of its own."""
    codes = pc.dictionary_encode(blank_to_null(keys).combine_chunks()).indices
    found: Ints = pc.fill_null(codes, -1).to_numpy().astype(np.int64)
    alone = found < 0
    found[alone] = int(found.max(initial=-1)) + 1 + np.arange(int(alone.sum()))
    return found


def _gazetteer(rows: pa.Table, uprns: pa.ChunkedArray) -> tuple[Mask, Ints, Ints, Ints]:
    """Approved or not, first day, last day and known-since of each property of the spine; all unknown if not there."""
    at = of_uprns(uprns, rows["uprn"])

    def padded(days: Ints) -> Ints:
        return np.append(days, NEVER)[at]

    approved = pc.fill_null(pc.equal(rows["logical_status"], "1"), True).to_numpy().astype(bool)
    return (
        np.append(approved, True)[at],
        padded(days_column(rows["start_date"])),
        padded(days_column(rows["end_date"])),
        padded(days_column(rows["known_since"])),
    )
