"""Which date format a column has, by evidence: a day above 12 tells day from month; where none does, nobody guesses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.onboard.patterns import hits

MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
CLOCK = r"\d{1,2}:\d{2}"
LIKE_A_DATE = (
    rf"(?i)^(?:\d{{1,4}}[-/. ](?:\d{{1,2}}|{MONTH})[-/. ]\d{{2,4}}|\d{{8}}$"
    rf"|\d{{1,2}}{MONTH}\d{{2,4}}|{MONTH} \d{{1,2}}|{WEEKDAY},? \d)"
)
FORMATS: tuple[tuple[str, str], ...] = (
    (r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y"),
    (r"\d{1,2}/\d{1,2}/\d{2}", "%d/%m/%y"),
    (r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    (r"\d{1,2}-\d{1,2}-\d{4}", "%d-%m-%Y"),
    (r"\d{1,2}-\d{1,2}-\d{2}", "%d-%m-%y"),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y"),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", "%d.%m.%y"),
    (r"\d{1,2} \d{1,2} \d{4}", "%d %m %Y"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", "%Y.%m.%d"),
    (r"(?:19|20)\d{6}", "%Y%m%d"),
    (r"[0-3]\d[01]\d(?:19|20)\d{2}", "%d%m%Y"),
    (rf"\d{{1,2}}-{MONTH}-\d{{4}}", "%d-%b-%Y"),
    (rf"\d{{1,2}}-{MONTH}-\d{{2}}", "%d-%b-%y"),
    (rf"\d{{1,2}} {MONTH} \d{{4}}", "%d %b %Y"),
    (rf"\d{{1,2}} {MONTH} \d{{2}}", "%d %b %y"),
    (rf"\d{{1,2}}/{MONTH}/\d{{4}}", "%d/%b/%Y"),
    (rf"\d{{1,2}}{MONTH}\d{{4}}", "%d%b%Y"),
    (rf"{MONTH} \d{{1,2}}, \d{{4}}", "%b %d, %Y"),
    (rf"{WEEKDAY}, \d{{1,2}} {MONTH} \d{{4}}", "%A, %d %b %Y"),
    (rf"{WEEKDAY} \d{{1,2}} {MONTH} \d{{4}}", "%A %d %b %Y"),
)
ENDINGS: tuple[tuple[str, str], ...] = (
    ("", ""),
    (rf" {CLOCK}", " %H:%M"),
    (rf" {CLOCK}:\d{{2}}", " %H:%M:%S"),
    (rf" {CLOCK}:\d{{2}}\.\d{{1,6}}", " %H:%M:%S.%f"),
    (rf" {CLOCK} [AP]M", " %I:%M %p"),
    (rf" {CLOCK}:\d{{2}} [AP]M", " %I:%M:%S %p"),
    (rf"T{CLOCK}:\d{{2}}", "T%H:%M:%S"),
    (rf"T{CLOCK}:\d{{2}}\.\d{{1,6}}", "T%H:%M:%S.%f"),
    (rf"T{CLOCK}:\d{{2}}Z", "T%H:%M:%SZ"),
    (rf"T{CLOCK}:\d{{2}}\.\d{{1,6}}Z", "T%H:%M:%S.%fZ"),
    (rf"T{CLOCK}:\d{{2}}[+-]\d\d:\d\d", "T%H:%M:%S%z"),
)
EARLIEST, LATEST = 1900, 2100
WORTH_A_FORMAT = 0.002
SERIALS = (20_000, 60_000)


@dataclass(frozen=True)
class DateReading:
    """The formats that read a column, and how sure that is.

    `share` is the share of filled cells that are dates; `ambiguous` says that day and month
    could be either way round in every cell; `decided` is the share of cells that tell them
    apart; `low` and `high` are the years within which nearly all lie; `serial` marks the day
    numbers of a spreadsheet.
    """

    formats: tuple[str, ...] = ()
    share: float = 0.0
    ambiguous: bool = False
    decided: float = 1.0
    low: int | None = None
    high: int | None = None
    serial: bool = False
    month_first: bool = False


NO_DATES = DateReading()


def read_dates(values: pa.Array, weight: npt.NDArray[np.float64], *, serial: bool = False) -> DateReading:
    """Find the formats of a column's distinct values, each with its number of cells."""
    total = weight.sum()
    if weight[hits(values, LIKE_A_DATE)].sum() < 0.2 * total:
        return _serials(values, weight) if serial else NO_DATES
    left = np.ones(len(values), bool)
    found: list[tuple[float, str]] = []
    years: list[npt.NDArray[np.float64]] = []
    ambiguous, decided, month_first = False, 1.0, False
    for shape, pattern in FORMATS:
        if not left.any():
            break
        for ending, written in ENDINGS if hits(values, rf"(?i)^(?:{shape})").any() else ():
            # Cells that have this shape, so that a format is only tried where it could fit.
            hit = left & hits(values, rf"(?i)^(?:{shape}){ending}$")
            share = weight[hit].sum() / total
            if share < WORTH_A_FORMAT:
                continue
            texts = values.filter(pa.array(hit)).to_pandas()
            if "%b" in pattern and texts.str.contains(r"[A-Za-z]{4,}", regex=True).mean() > 0.5:
                written_out = pattern.replace("%b", "%B")
            else:
                written_out = pattern
            chosen, moments, unclear, told = _day_or_month(texts, written_out + written, weight[hit])
            read = moments.notna().to_numpy() & moments.dt.year.between(EARLIEST, LATEST).to_numpy()
            if weight[hit][read].sum() / weight[hit].sum() < 0.5:
                continue
            found.append((float(weight[hit][read].sum() / total), chosen))
            years.append(np.repeat(moments.dt.year.to_numpy()[read], weight[hit][read].astype(int).clip(1, 1000)))
            if share > 0.2 and chosen != "":
                ambiguous, decided = ambiguous or unclear, min(decided, told)
                month_first = month_first or chosen.startswith(("%m/", "%m-", "%m."))
            left &= ~hit
    if not found:
        return _serials(values, weight) if serial else NO_DATES
    found.sort(key=lambda item: -item[0])
    low, high = np.percentile(np.concatenate(years), [1, 99])
    return DateReading(
        tuple(pattern for _, pattern in found), float(sum(share for share, _ in found)), ambiguous, decided,
        int(low), int(high), month_first=month_first,
    )  # fmt: skip


def days(texts: pd.Series, reading: DateReading) -> pd.Series:
    """Texts as moments by the formats that were found; NaT for what they do not read."""
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    for pattern in reading.formats:
        left = found.isna()
        found[left] = _moments(texts[left], pattern)
    if reading.serial:
        numbers = pd.to_numeric(texts, errors="coerce")
        found = pd.Timestamp("1899-12-30") + pd.to_timedelta(numbers, unit="D")
    return found


def _day_or_month(
    texts: pd.Series, pattern: str, weight: npt.NDArray[np.float64]
) -> tuple[str, pd.Series, bool, float]:
    """The format, the moments, whether day and month may be swapped in all cells, and the share that tells."""
    moments = _moments(texts, pattern)
    swapped = pattern.replace("%d", "%~").replace("%m", "%d").replace("%~", "%m")
    if not pattern.startswith("%d") or "%m" not in pattern:
        return pattern, moments, False, 1.0
    other = _moments(texts, swapped)
    day_first, month_first = moments.notna().to_numpy(), other.notna().to_numpy()
    for_day = float(weight[day_first & ~month_first].sum())
    for_month = float(weight[month_first & ~day_first].sum())
    if for_month > for_day:
        return swapped, other, False, for_month / weight.sum()
    return pattern, moments, for_day == 0, for_day / weight.sum()


def _moments(texts: pd.Series, pattern: str) -> pd.Series:
    read = pd.to_datetime(texts, format=pattern, errors="coerce", utc="%z" in pattern)
    return read.dt.tz_localize(None) if "%z" in pattern else read


def _serials(values: pa.Array, weight: npt.NDArray[np.float64]) -> DateReading:
    """Day numbers counted from 30 December 1899, as a spreadsheet stores dates."""
    plain = hits(values, r"^\d{5}$")
    if not plain.any():
        return NO_DATES
    numbers = values.filter(pa.array(plain)).cast(pa.int64()).to_numpy()
    sound = (numbers >= SERIALS[0]) & (numbers <= SERIALS[1])
    share = float(weight[plain][sound].sum() / weight.sum())
    if share < 0.9:
        return NO_DATES
    days = pd.Timestamp("1899-12-30") + pd.to_timedelta(numbers[sound], unit="D")
    low, high = np.percentile(days.year, [1, 99])
    return DateReading((), share, low=int(low), high=int(high), serial=True)
