"""Dates: read by the formats that the mapping declares, never guessed.

A date that two declared formats read differently is left blank. Whether the declared order of day and month is right
cannot be told from one cell, but a column tells: if no day in it is after the 12th, the order is unproven.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.harmonise.column import Calendar, Column, Mask, true
from schemas.mapping_faults import EXCEL_DAYS, PROBES

Days = npt.NDArray[np.datetime64]
MIDNIGHT = r"^(.*\d)[ T](?:00:00(?::00(?:[.,]0+)?)?(?:Z|\+00:?00)?|12:00(?::00)? ?(?i:AM))$"
LONE_DIGIT = r"\b(\d)\b"
EXCEL_NUMBER = r"^[1-9]\d{3,6}(?:\.0+)?$"
EXCEL_EPOCH = np.datetime64("1899-12-30")
OFFSET = r"\s*(?:Z|[+-]\d{2}:?\d{2})$"
ROLLED_OVER = 3
"""31 February is at most the third day of the month after it."""
SLOW = ("%f", "%z", "%Z", "%p")

FEWEST_DATES, FEWEST_DAYS, FEWEST_MONTHS, LAST_MONTH = 15, 6, 3, 12
"""When a column speaks about its order: so many different dates of a year, of so many different days and months. That
15 dates all fall on the 1st to the 12th by chance happens in one column of a million (0.395 to the power of 15)."""


def read_dates(text: pa.Array, formats: Sequence[str], first_year: int) -> Column:
    """Dates (`date32`) of distinct texts, and by format the days and months that were read with it."""
    days, chosen, differ = _by_formats(text, formats, first_year)
    unread = true(pc.is_valid(text)) & np.isnat(days)
    column = Column(pa.array(days, pa.date32()))
    if unread.any():
        cut = pc.replace_substring_regex(text.filter(pa.array(unread)), MIDNIGHT, r"\1")
        more, by, doubt = _by_formats(cut, formats, first_year)
        days[unread], chosen[unread], differ[unread] = more, by, doubt
        column.values = pa.array(days, pa.date32())
        column.fault("time_cut_off", unread & ~np.isnat(days) & ~differ)
        column.fault("invalid_date", unread & np.isnat(days))
    short = np.array([("%y" in form) for form in formats] + [False])
    column.fault("two_digit_year", short[chosen] & ~differ)
    column.blank("ambiguous_date", differ)
    column.calendars = {
        form: _calendar(days[(chosen == place) & ~differ])
        for place, form in enumerate(formats)
        if "%d" in form and "%m" in form
    }
    return column


def add_calendars(seen: dict[str, Calendar], more: Mapping[str, Calendar]) -> None:
    """Take the days of another chunk in."""
    for form, calendar in more.items():
        seen[form] = seen[form] | calendar if form in seen else calendar


def order_is_unproven(seen: Mapping[str, Calendar]) -> bool:
    """Whether dates of one format are many and varied, and yet none of them has a day after the 12th.

    With one format declared that is a whole column; with two, it is the part that a spreadsheet set to American
    dates turned into real dates, day and month swapped, leaving the others as text.
    """
    return any(
        calendar.sum() >= FEWEST_DATES
        and calendar.any(axis=1).sum() >= FEWEST_DAYS
        and calendar.any(axis=0).sum() >= FEWEST_MONTHS
        and not calendar[LAST_MONTH:].any()
        for calendar in seen.values()
    )


def _by_formats(text: pa.Array, formats: Sequence[str], first_year: int) -> tuple[Days, npt.NDArray[np.int64], Mask]:
    """The day of each text, the place of the format that read it (past the last for none), and where two disagree."""
    days = np.full(len(text), np.datetime64("NaT"), dtype="datetime64[D]")
    chosen = np.full(len(text), len(formats))
    differ = np.zeros(len(text), bool)
    for place, form in enumerate(formats):
        read = _read(text, form, first_year)
        there = ~np.isnat(read)
        first = there & np.isnat(days)
        differ |= there & ~first & (read != days)
        days[first], chosen[first] = read[first], place
    return days, chosen, differ


def _read(text: pa.Array, form: str, first_year: int) -> Days:
    if form == EXCEL_DAYS:
        return _excel_days(text)
    if form.endswith("%z"):  # the day is the one where the clock stands, whatever it is in Greenwich
        text, form = pc.replace_substring_regex(text, OFFSET, ""), form.removesuffix("%z").rstrip()
    padded = pc.replace_substring_regex(text, LONE_DIGIT, r"0\1")
    days = np.full(len(text), np.datetime64("NaT"), dtype="datetime64[D]")
    left = true(pc.is_valid(text))
    if not any(directive in form for directive in SLOW):
        moments, right = _by_arrow(padded, form)
        days[right] = moments.to_numpy(zero_copy_only=False)[right].astype("datetime64[D]")
        left &= ~right
    if left.any():
        slow = pd.to_datetime(padded.filter(pa.array(left)).to_pandas(), format=form, errors="coerce")
        days[left] = slow.to_numpy().astype("datetime64[D]")
    return _in_the_hundred_years(days, first_year) if "%y" in form else days


def _by_arrow(text: pa.Array, form: str) -> tuple[pa.Array, Mask]:
    """Moments, and which of them are surely right.

    Arrow reads 31 April as 1 May and the year 23 as the first century, so what it reads as one of a month's first
    days, or in another width than the format's, is right only if it is written back the same.
    """
    moments = pc.strptime(text, format=form, unit="s", error_is_null=True)
    width = len(PROBES[0].strftime(form))
    right = true(pc.and_(pc.greater(pc.day(moments), ROLLED_OVER), pc.equal(pc.binary_length(text), width)))
    doubtful = true(pc.is_valid(moments)) & ~right
    few = pa.array(doubtful)
    right[doubtful] = true(pc.equal(pc.strftime(moments.filter(few), format=form), text.filter(few)))
    return moments, right


def _excel_days(text: pa.Array) -> Days:
    number = pc.if_else(pc.match_substring_regex(text, EXCEL_NUMBER), text, pa.scalar(None, pa.string()))
    days = number.cast(pa.float64()).to_numpy(zero_copy_only=False)
    known = ~np.isnan(days)
    read = np.full(len(text), np.datetime64("NaT"), dtype="datetime64[D]")
    read[known] = EXCEL_EPOCH + days[known].astype("int64").astype("timedelta64[D]")
    return read


def _in_the_hundred_years(days: Days, first_year: int) -> Days:
    """The same day and month in the hundred years from `first_year` on; no date where that year has no such day."""
    months = days.astype("datetime64[M]")
    day = days - months.astype("datetime64[D]")
    year = days.astype("datetime64[Y]").astype(float) + 1970  # NaN where there is no date
    centuries = np.nan_to_num(np.floor((year - first_year) / 100)).astype("int64")
    moved = months - (centuries * 1200).astype("timedelta64[M]")
    found: Days = moved.astype("datetime64[D]") + day
    found[found.astype("datetime64[M]") != moved] = np.datetime64("NaT")
    return found


def _calendar(days: Days) -> Calendar:
    seen = np.zeros((31, 12), bool)
    day = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
    month = days.astype("datetime64[M]").astype(int) % 12
    seen[day, month] = True
    return seen
