"""Dates as tables write them, as days since 1 January 1970."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.learning.arrays import Floats, Ints

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november")
WORDS = {**{m: n for n, m in enumerate(MONTHS, 1)}, **{m: n for n, m in enumerate((*NAMES, "december"), 1)}, "sept": 9}

_CLOCK = r"(?:[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.\d+)?)?\s*(?P<p>[AaPp][Mm])?)?"
_ZONE = r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
_YEAR = r"(?P<y>\d{4}|\d{2})"

FEWEST_MONTHS = 6
"""Numbers of six digits from which they are no months by chance."""


class Form(NamedTuple):
    """One way to write a date. `a` and `b` in the pattern are day and month, whichever is first."""

    pattern: str
    month_first: bool = False


DATES = (
    Form(rf"^(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_CLOCK}{_ZONE}$"),
    Form(rf"^(?P<a>\d{{1,2}})(?:[/.]|-)(?P<b>\d{{1,2}})[/.-](?P<y>\d{{4}}){_CLOCK}{_ZONE}$"),
    Form(rf"^(?P<a>\d{{1,2}})(?:[/.]|-)(?P<b>\d{{1,2}})[/.-](?P<y>\d{{4}}){_CLOCK}{_ZONE}$", month_first=True),
    Form(rf"^(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/(?P<y>\d{{2}}){_CLOCK}$"),
    Form(rf"^(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/(?P<y>\d{{2}}){_CLOCK}$", month_first=True),
    Form(rf"^(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-/. ](?P<m>[A-Za-z]{{3,9}})[-/., ]+{_YEAR}{_CLOCK}{_ZONE}$"),
    Form(rf"^(?P<m>[A-Za-z]{{3,9}})[-. ]+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?[- ]+(?P<y>\d{{4}}){_CLOCK}{_ZONE}$"),
    Form(rf"^(?P<m>[A-Za-z]{{3,9}})[-/.,' ]+{_YEAR}$"),
)
"""Year first, day first, month first, with the month's name. The first that reads most is taken: what may be either way
round is read day first."""

MONTHS_ALONE = Form(r"^(?P<y>\d{4})-(?P<m>\d{2})$")
"""A form that all values must have: 2010-11 beside 2012-13 is a business year."""


def days_of(texts: pa.Array, form: Form) -> Floats:
    """The day of each text, with the part of the day; NaN where it is not of this form or no day of the calendar."""
    pattern = form.pattern.replace("<a>", "<m>" if form.month_first else "<d>")
    pattern = pattern.replace("<b>", "<d>" if form.month_first else "<m>")
    out = np.full(len(texts), np.nan)
    found = pc.extract_regex(texts, pattern)
    at = np.flatnonzero(np.asarray(found.is_valid()))
    if not len(at):
        return out
    parts = {field.name: found.field(i).take(pa.array(at)) for i, field in enumerate(found.type)}
    year, month = _number(parts["y"]), _month(parts["m"])
    short = np.asarray(pc.utf8_length(parts["y"])) == 2
    year = np.where(short, np.where(year < 50, 2000, 1900) + year, year)
    day = _number(parts["d"], 1) if "d" in parts else np.ones(len(at), dtype=np.int64)
    out[at] = day_numbers(year, month, day)
    if "H" in parts:
        hour = _number(parts["H"])
        afternoon = np.asarray(pc.equal(pc.utf8_lower(parts["p"]), "pm"))
        twelve = np.asarray(pc.not_equal(parts["p"], "")) & (hour == 12)
        hour = np.where(twelve, 0, hour) + 12 * afternoon
        out[at] += hour / 24 + _number(parts["M"]) / 1440 + _number(parts["S"]) / 86400
    return out


def day_numbers(year: Ints, month: Ints, day: Ints) -> Floats:
    """Days since 1 January 1970; NaN where there is no such day."""
    sound = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    months = np.where(sound, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (np.where(sound, day, 1) - 1).astype("timedelta64[D]")
    sound &= days.astype("datetime64[M]") == months
    return np.where(sound, days.astype(np.int64).astype(float), np.nan)


def of_digits(values: Floats) -> Floats | None:
    """Whole numbers that are all days (20160131) or months (201601) of the calendar, as days; None where they are not.

    Noughts stand for what is not known. A few numbers may be so by chance.
    """
    known = np.unique(values[~np.isnan(values) & (values != 0)])
    if not len(known) or (known != np.floor(known)).any():
        return None
    days, months = known[0] >= 17000101 and known[-1] <= 99991231, known[0] >= 170001 and known[-1] <= 219912
    if not ((days and len(known) > 1) or (months and len(known) >= FEWEST_MONTHS)):
        return None
    digits = np.where(np.isnan(values), 0, values).astype(np.int64)
    whole = digits if days else digits * 100 + 1
    made = day_numbers(whole // 10000, whole // 100 % 100, whole % 100)
    return made if (~np.isnan(made) == (digits != 0)).all() else None


def _number(text: pa.Array, empty: int = 0) -> Ints:
    return np.asarray(pc.if_else(pc.equal(text, ""), str(empty), text).cast(pa.int64()))


def _month(text: pa.Array) -> Ints:
    """Months of digits or names; 0 for what is neither."""
    return np.array([int(t) if t.isdigit() else WORDS.get(t.lower(), 0) for t in text.to_pylist()], dtype=np.int64)
