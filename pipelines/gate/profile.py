"""What a drop looks like in figures, so that the next one can be held against it.

Shares and counts, codes of the contract, days and outward postcode districts: nothing of it says anything about a
person or a property. Taken in batches; memory does not grow with the drop.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from pipelines.gate.limits import RUNS_UNTIL
from schemas.contract import Contract

Uprns = npt.NDArray[np.int64]
"""UPRNs as sorted distinct numbers: they have at most 12 digits."""

EPOCH = date(1970, 1, 1)
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
DAYS = (LAST_DAY - FIRST_DAY).days + 1
OFFSET = (FIRST_DAY - EPOCH).days
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995, 1.0)
NEWEST = 0.995
"""The newest events, but for one in two hundred: a single slip must not make an old extract look new."""
DISTRICTS_KEPT = 200
POSTCODE = r"^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$"
INWARD = -4
"""Where the outward code ends: 8QQ and the space before it are cut off."""


class DateSpan(BaseModel):
    """The days in one date field: its quantiles (`QUANTILES`) and the share after the day of the extract."""

    model_config = ConfigDict(frozen=True)

    days: tuple[date, ...]
    future: float

    def at(self, quantile: float) -> date:
        """The day at one of the `QUANTILES`."""
        return self.days[QUANTILES.index(quantile)]


class Profile(BaseModel):
    """One harmonised drop in figures. Shares are of its rows, or of its filled cells for a mix or a span.

    `rows` counts those that may be used; all else is over the rows that reached the gate, those that the gate then
    quarantined among them. A share is None where nothing could be compared with.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    extract_date: date
    mapping: str = ""
    blanks: dict[str, float] = {}
    codes: dict[str, dict[str, float]] = {}
    dates: dict[str, DateSpan] = {}
    ended: float | None = None
    uprn_rows: int = 0
    uprns_in_gazetteer: float | None = None
    uprns_in_last: float | None = None
    postcode_rows: int = 0
    districts: dict[str, float] = {}


class Profiler:
    """Adds up batches of one drop's rows to its profile.

    `gazetteer` and `last` are the UPRNs of the borough's gazetteer and of the last accepted extract, None where there
    is none.
    """

    def __init__(
        self, contract: Contract, extract_date: date, gazetteer: Uprns | None = None, last: Uprns | None = None
    ) -> None:
        self.contract, self.extract_date = contract, extract_date
        self.known = {"gazetteer": gazetteer, "last": last}
        self.rows = 0
        self._blanks: Counter[str] = Counter()
        self._codes: dict[str, Counter[str]] = {f.name: Counter() for f in contract.fields if f.codes is not None}
        self._days = {f.name: np.zeros(DAYS, np.int64) for f in contract.fields if f.type == "date"}
        self._found: Counter[str] = Counter()
        self._districts: Counter[str] = Counter()

    def add(self, table: pa.Table) -> npt.NDArray[np.bool_]:
        """Take in a batch with all fields of the contract; returns which rows have a UPRN not in the gazetteer."""
        self.rows += table.num_rows
        for field in self.contract.fields:
            column = table.column(field.name)
            self._blanks[field.name] += column.null_count
            if field.codes is not None:
                found = _counts(column)
                # What is no code of the contract is not written down: it may be anything, a name as well.
                self._codes[field.name].update({code: found[code] for code in field.codes if code in found})
            elif field.type == "date":
                self._days[field.name] += _by_day(column)
        if "postcode" in table.column_names:
            self._districts.update(_districts(table.column("postcode")))
        if "uprn" not in table.column_names:
            return np.zeros(table.num_rows, bool)
        return self._uprns(table.column("uprn"))

    def _uprns(self, column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
        filled = np.asarray(pc.is_valid(column))
        numbers = uprn_numbers(column)
        unknown = np.zeros(len(filled), bool)
        for name, known in self.known.items():
            if known is not None:
                among = _among(numbers, known)
                self._found[name] += int(among.sum())
                if name == "gazetteer":
                    unknown[filled] = ~among
        return unknown

    def done(self, rows: int, mapping: str = "") -> Profile:
        """The profile; `rows` of it may be used, and `mapping` is the hash of the layout it was read with."""
        filled = self.rows - self._blanks["uprn"] if "uprn" in self.contract.by_name else 0
        ends = self._days.get(RUNS_UNTIL.get(self.contract.dataset, ""))
        return Profile(
            rows=rows,
            extract_date=self.extract_date,
            mapping=mapping,
            blanks={f.name: _share(self._blanks[f.name], self.rows) for f in self.contract.fields},
            codes={name: _shares(counts) for name, counts in self._codes.items() if counts},
            dates={name: self._span(counts) for name, counts in self._days.items() if counts.any()},
            ended=None if ends is None else _share(int(ends[: self._today].sum()), self.rows),
            uprn_rows=filled,
            uprns_in_gazetteer=self._known_share("gazetteer", filled),
            uprns_in_last=self._known_share("last", filled),
            postcode_rows=sum(self._districts.values()),
            districts=_shares(self._districts, DISTRICTS_KEPT),
        )

    @property
    def _today(self) -> int:
        return min(max((self.extract_date - FIRST_DAY).days, 0), DAYS)

    def _known_share(self, name: str, filled: int) -> float | None:
        return None if self.known[name] is None or not filled else _share(self._found[name], filled)

    def _span(self, counts: npt.NDArray[np.int64]) -> DateSpan:
        below = np.cumsum(counts)
        total = int(below[-1])
        at = np.searchsorted(below, np.maximum(np.ceil(np.array(QUANTILES) * total), 1))
        days = tuple(FIRST_DAY + timedelta(days=int(day)) for day in at)
        return DateSpan(days=days, future=_share(total - int(below[min(self._today, DAYS - 1)]), total))


def uprn_numbers(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The UPRNs of a text column as numbers, blanks left out."""
    return np.asarray(pc.drop_null(column).cast(pa.int64()))


def sorted_uprns(column: pa.ChunkedArray) -> Uprns:
    """The distinct UPRNs of a text column."""
    return np.sort(uprn_numbers(pc.unique(column)))


def _among(numbers: npt.NDArray[np.int64], known: Uprns) -> npt.NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(numbers), bool)
    place = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.asarray(known[place] == numbers)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    counted = pc.value_counts(pc.drop_null(column))
    return dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))


def _by_day(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    days = np.asarray(pc.drop_null(column).cast(pa.int32()).cast(pa.int64())) - OFFSET
    return np.bincount(np.clip(days, 0, DAYS - 1), minlength=DAYS)


def _districts(column: pa.ChunkedArray) -> dict[str, int]:
    """Rows by outward code: SW9 of SW9 8QQ; what is no postcode is left out."""
    counted = pc.value_counts(column)
    whole = pc.match_substring_regex(counted.field(0), POSTCODE)  # null is none
    outward = pc.utf8_slice_codeunits(counted.field(0).filter(whole), 0, INWARD).dictionary_encode()
    rows = np.bincount(outward.indices, weights=counted.field(1).filter(whole)).astype(np.int64)
    return dict(zip(outward.dictionary.to_pylist(), rows.tolist(), strict=True))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 5) if whole else 0.0


def _shares(counts: Counter[str], most: int | None = None) -> dict[str, float]:
    total = sum(counts.values())
    return {name: _share(number, total) for name, number in counts.most_common(most)}
