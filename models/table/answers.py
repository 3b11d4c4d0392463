"""What is to be found, in which group each row is, and by when its features were known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.learning.arrays import Floats, Mask, Texts
from models.learning.preprocess import days, floats
from models.table.calendar import of_digits
from models.table.reading import as_text, require
from models.table.texts import FALSE, TRUE
from pipelines.core.errors import LodaError

EPOCH = date(1970, 1, 1)
YEARS = (1700, 2199)
NO_GROUP = ""
"""The group of a row that has none: it is scored, never learnt from or judged."""


@dataclass(frozen=True)
class Label:
    """The answers: `positive` is false where a row is not `labelled`."""

    positive: Mask
    labelled: Mask


@dataclass(frozen=True)
class KnownBy:
    """The day by whose end each row's features were known, as a day number; NaN where the row does not say."""

    name: str
    day: Floats
    by_row: bool

    @property
    def latest(self) -> date:
        """The latest of all rows."""
        return date.fromordinal(EPOCH.toordinal() + int(np.nanmax(self.day)))


def read_label(table: pa.Table, name: str) -> Label:
    """The answers of a column: boolean, 0 and 1, yes and no, or a number that is positive where it is more than 0.

    Raises:
        LodaError: no such column, other values, no answers, or one answer only.
    """
    values = _answers(require(table, name, "--label"), name)
    labelled = ~np.isnan(values)
    positive = np.where(labelled, values, 0.0) > 0
    if not labelled.any():
        raise LodaError(f"The label '{name}' is empty in every row: nothing can be learnt. Give a column with answers.")
    if positive[labelled].all() or not positive.any():
        which = "positive" if positive.any() else "negative"
        raise LodaError(
            f"All {int(labelled.sum()):,} labelled rows of '{name}' are {which}. A ranking is learnt from both: rows "
            "where it is so (more than 0, yes, true) and rows where it is not (0, no, false)."
        )
    return Label(positive, labelled)


def _answers(column: pa.ChunkedArray, name: str) -> Floats:
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _words(column, name)
    elif not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    ):
        raise LodaError(f"The label '{name}' holds {kind}. It must be yes and no, 0 and 1, or a number.")
    return floats(column)


def _words(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(column.cast(pa.string())))
    lower = pc.if_else(pc.is_in(lower, pa.array(TRUE)), "1", lower)
    lower = pc.if_else(pc.is_in(lower, pa.array(FALSE)), "0", lower)
    good = pc.match_substring_regex(lower, r"^[+-]?\d+(\.\d+)?$")
    wrong = np.flatnonzero(np.asarray(pc.invert(pc.fill_null(good, True))))
    if len(wrong):
        # The value itself may be personal, so the row is named instead.
        raise LodaError(
            f"The label '{name}' holds something other than yes and no, true and false, 0 and 1 or a number in "
            f"{len(wrong):,} rows, first in row {int(wrong[0])} (the first row is 0). Bring these to yes or no, or "
            "leave them empty where the answer is not known."
        )
    return lower.cast(pa.float64())


def read_groups(table: pa.Table, name: str, label: Label) -> Texts:
    """The group of each row as text.

    Raises:
        LodaError: no such column, or the labelled rows have fewer than two groups.
    """
    column = require(table, name, "--group")
    groups = np.asarray(pc.fill_null(as_text(column, name), NO_GROUP).to_numpy(), dtype=object)
    labelled = sorted(set(groups[label.labelled]) - {NO_GROUP})
    if len(labelled) < 2:
        only = f"one group only ('{labelled[0]}')" if labelled else "no group"
        raise LodaError(
            f"The labelled rows have {only} in '{name}'. Each group is scored by a model that has not seen it, so at "
            "least two are needed: give a finer column (a ward or district), or a table with more boroughs."
        )
    return groups


def read_known_by(table: pa.Table, given: str | None) -> KnownBy | None:
    """By when each row's features were known: a column of dates, times or years, or one year or day for all rows.

    Raises:
        LodaError: it is neither a column nor a year or day, or a column of something else.
    """
    if given is None:
        return None
    if given in table.column_names:
        return KnownBy(given, _days(table[given], given), by_row=True)
    if re.fullmatch(r"\d{4}", given):
        return KnownBy(given, np.full(table.num_rows, _end_of(int(given))), by_row=False)
    try:
        day = date.fromisoformat(given)
    except ValueError:
        require(table, given, "--known-by; a year such as 2015 or a day such as 2015-12-31 will do as well")
        raise
    return KnownBy(given, np.full(table.num_rows, float((day - EPOCH).days)), by_row=False)


def _end_of(year: int) -> float:
    return float((date(year, 12, 31) - EPOCH).days)


def _days(column: pa.ChunkedArray, name: str) -> Floats:
    kind: Any = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        found = np.floor(days(column))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = floats(column)
        written = of_digits(numbers)
        found = _ends_of(numbers, name) if written is None else written
    else:
        raise _no_days(name)
    if np.isnan(found).all():
        raise _no_days(name)
    return found


def _ends_of(years: Floats, name: str) -> Floats:
    known = years[~np.isnan(years)]
    if len(known) and ((known != np.floor(known)) | (known < YEARS[0]) | (known > YEARS[1])).any():
        raise _no_days(name)
    distinct = {year: _end_of(int(year)) for year in np.unique(known)}
    out = np.full(len(years), np.nan)
    for year, day in distinct.items():
        out[years == year] = day
    return out


def _no_days(name: str) -> LodaError:
    return LodaError(
        f"The column '{name}' (--known-by) must hold a date, a date with a time, or a year such as 2015 for each row. "
        "Write dates as 2015-12-31."
    )
