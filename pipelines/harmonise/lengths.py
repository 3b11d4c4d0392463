"""The last day of something of which only the first day and the length are known: a licence of five years."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.harmonise.cast import cast
from pipelines.harmonise.column import Column, true
from pipelines.harmonise.sources import SourceColumns
from schemas.contract import Field
from schemas.mapping import FieldMap
from schemas.mapping_faults import ISO

LENGTH = (
    r"(?i)^(?P<number>\d{1,4}(?:\.\d+)?|one|two|three|four|five|six|ten)\s*"
    r"(?P<unit>years?|yrs?|y|months?|mths?|m|days?|d)?\.?$"
)
SPELLED = {"one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "ten": 10.0}
MONTHS = {"y": 12, "m": 1}

Floats = npt.NDArray[np.float64]


def last_days(source: SourceColumns, target: Field, how: FieldMap, starts: pa.Array) -> Column:
    """The last day of a length that begins on each of `starts` (`date32`): 17 November and 5 years end on the 16th.

    A length that cannot be read is blank and `invalid_number`; without a first day there is no last one.
    """
    cells, by_row = source.text(how, target)
    months, days = _lengths(cells.column.values, how.unit)
    cells.column.fault("invalid_number", true(pc.is_valid(cells.column.values)) & np.isnan(months) & np.isnan(days))
    lengths = cells.column.at(cells.places)
    if cells.places is not None:
        months, days = months[cells.places], days[cells.places]
    first = starts.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    text = pa.array(_after(first, months, days)).cast(pa.date32()).cast(pa.string())
    made = cast(text, target, (ISO,))  # the contract's own limits hold for it
    made.calendars = {}
    made.add(lengths.faults)
    made.add(by_row)
    return made


def _lengths(text: pa.Array, unit: str) -> tuple[Floats, Floats]:
    """Months and days of each text; one of the two is NaN, or both where it is no length."""
    parts = pc.extract_regex(text, LENGTH)
    written = pc.utf8_lower(pc.struct_field(parts, "number")).to_pylist()
    numbers = np.array([np.nan if w is None else SPELLED.get(w) or _number(w) for w in written], dtype=float)
    units = [(u or unit)[:1].lower() for u in pc.struct_field(parts, "unit").to_pylist()]
    factor = np.array([MONTHS.get(u, 0) for u in units], dtype=float)
    months = np.where(factor > 0, np.round(numbers * factor), np.nan)
    return months, np.where(factor > 0, np.nan, numbers)


def _number(text: str) -> float:
    return float(text) if text[:1].isdigit() else float("nan")


def _after(first: npt.NDArray[np.datetime64], months: Floats, days: Floats) -> npt.NDArray[np.datetime64]:
    """The day before the one so many months or days later; the last day of a month that is shorter."""
    last = np.full(len(first), np.datetime64("NaT"), dtype="datetime64[D]")
    by_month = ~np.isnat(first) & ~np.isnan(months)
    start = first[by_month]
    in_month = (start - start.astype("datetime64[M]")).astype(int)
    month = start.astype("datetime64[M]") + months[by_month].astype(int)
    length = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int)
    last[by_month] = month.astype("datetime64[D]") + np.minimum(in_month, length) - 1
    by_day = ~np.isnat(first) & ~np.isnan(days)
    last[by_day] = first[by_day] + days[by_day].astype(int) - 1
    return last
