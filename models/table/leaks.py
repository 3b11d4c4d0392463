"""Columns that could only be known with or after the answer. They are refused by rule, whatever they are called.

Four rules: the period that a heading names, a copy of the label, days after the features were
known, and a pattern of missing values that gives the answer away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import log

import numpy as np

from models.learning.arrays import Floats, Mask, Texts
from models.learning.preprocess import Column
from models.table.answers import EPOCH, KnownBy, Label

COPY_AUC = 0.98
"""Area under the curve of one column alone, either way up, from which it is taken for the label itself. The best honest
column of the buildings of New York, last year's complaints, has 0.86."""

COPY_AUC_OF_TWO = 0.93
"""The same for a column of two values over all rows, which honestly says less than a count: a copy in which one answer
in fifteen was changed."""

DOUBTFUL_AUC = 0.9
"""The same from which a column is used, and named so that somebody asks where it is from."""

COPY_ERRORS = 0.05
"""Wrong rows under the best threshold, as a share of the rarer answer, up to which a column is a near-copy."""

GIVEN_AWAY_AUC = 0.9
"""The same for the mere presence of a value, which honestly says much less."""

ONLY_POSITIVE = 0.98
"""Share of positives among the rows that have a value, or an unusual one, from which only positives have it."""

CHANCE = log(1e-9)
"""Log-probability below which rows that are all positive are no accident."""

LATE_YEARS = 0.001
"""Share of the rows with too late a year from which a column of years counts as kept up after the answer."""

FEWEST = 10
FEWEST_IN_GROUP = 30
"""Rows of either answer from which a group is looked at by itself: a column may be a copy in one borough only."""

SEED = 20261001


@dataclass(frozen=True)
class Refused:
    """A column that is not used, the rule it broke, and why in words."""

    column: str
    rule: str
    reason: str
    sure: bool = True
    """Whether it is so like the label that the year in its heading is the label's."""


@dataclass(frozen=True)
class Period:
    """The year from which on the answers may have been made, and how that is known."""

    year: int
    source: str


def by_heading(
    names: Iterable[str], years: Mapping[str, Sequence[int]], period: Period | None, known: KnownBy | None
) -> list[Refused]:
    """Columns whose heading carries the label's year or a later one, or one after the features were known."""
    refused = []
    for name in names:
        newest = max(years[name], default=None)
        if newest is None:
            continue
        if period is not None and newest >= period.year:
            reason = f"its heading carries {newest}, and {period.source}, so it may hold the answer's own period"
            refused.append(Refused(name, "period", reason))
        elif known is not None and newest > known.latest.year:
            reason = f"its heading carries {newest}, and the features were known by {known.latest.isoformat()}"
            refused.append(Refused(name, "period", reason))
    return refused


def period_of(label: str, copies: Sequence[Refused], years: Mapping[str, Sequence[int]]) -> Period | None:
    """The label's own period: the first year in its heading, else the first in the heading of a copy of it.

    A copy that the user left out by hand still tells.
    """
    own = years[label]
    if own:
        return Period(own[0], f"the label '{label}' is of {own[0]}")
    dated = sorted(
        (years[copy.column][0], copy.column)
        for copy in copies
        if copy.rule == "copy" and copy.sure and years[copy.column]
    )
    if dated:
        year, name = dated[0]
        return Period(year, f"the label is a copy of '{name}', which is of {year}")
    return None


def by_values(columns: Sequence[Column], label: Label, groups: Texts) -> list[Refused]:
    """Copies of the label, and columns whose missing values give it away; unlabelled rows are not looked at."""
    rows = label.labelled
    positive = label.positive[rows]
    parts = _parts(positive, groups[rows])
    found = [_copy_or_giveaway(column.take(rows), positive, parts) for column in columns]
    return [refused for refused in found if refused is not None]


def _parts(positive: Mask, groups: Texts) -> Mapping[str, Mask]:
    """All rows, and the rows of each group that has enough of both answers."""
    parts = {"": np.ones(len(positive), dtype=bool)}
    for group in sorted(set(groups)):
        own = groups == group
        if min(int(positive[own].sum()), int((~positive[own]).sum())) >= FEWEST_IN_GROUP:
            parts[str(group)] = own
    return parts


def _copy_or_giveaway(column: Column, positive: Mask, parts: Mapping[str, Mask]) -> Refused | None:
    present = ~np.isnan(column.values)
    for group, own in parts.items():
        where = f" in group '{group}'" if group else ""
        answers = positive[own]
        if not present[own].all():
            told = _given_away(present[own], answers)
            if told:
                return Refused(column.name, "missing", told + where)
        values = _as_number(column.take(own), answers)
        told = _copies(values, answers, COPY_AUC) or _only_unusual(column.values[own], answers)
        if told:
            return Refused(column.name, "copy", told + where)
        # In one group chance does more.
        near = _copies(values, answers, COPY_AUC_OF_TWO) if not group and _of_two(column.values) else None
        if near:
            return Refused(column.name, "copy", near, sure=False)
    return None


def _given_away(present: Mask, positive: Mask) -> str | None:
    auc, _ = _separation(present.astype(float), positive)
    if auc >= GIVEN_AWAY_AUC:
        return f"whether it has a value tells the answer (area under the curve {auc:.3f})"
    if _only_positive(present, positive):
        return "it has a value (nearly) only where the label is positive, so it exists only after the answer"
    if _only_positive(~present, positive):
        return "it is missing (nearly) only where the label is positive, so it was emptied after the answer"
    return None


def _of_two(values: Floats) -> bool:
    return len(np.unique(np.where(np.isnan(values), np.inf, values))) <= 2


def doubtful(columns: Sequence[Column], label: Label) -> list[str]:
    """A sentence for each column that is used and ranks the answers so well by itself that it may be made from them."""
    rows = label.labelled
    positive = label.positive[rows]
    told = []
    for column in columns:
        auc = max(auc for auc, _ in _separations(_as_number(column.take(rows), positive), positive))
        if auc >= DOUBTFUL_AUC:
            told.append(
                f"'{column.name}' alone ranks the answers with an area under the curve of {auc:.3f}: if it was made or "
                "kept up after the answer, leave it out by --exclude"
            )
    return told


def _separations(values: Floats, positive: Mask) -> list[tuple[float, float]]:
    """`_separation` with missing values at either end."""
    ends = (-np.inf, np.inf) if np.isnan(values).any() else (0.0,)
    return [_separation(np.where(np.isnan(values), end, values), positive) for end in ends]


def _copies(values: Floats, positive: Mask, least: float) -> str | None:
    """Whether the values by themselves are the label."""
    for auc, errors in _separations(values, positive):
        if auc >= least:
            return f"it is a copy or near-copy of the label: alone it ranks nearly perfectly (AUC {auc:.3f})"
        if errors <= COPY_ERRORS:
            return f"it is a near-copy of the label: one threshold is wrong for {errors:.1%} of the rarer answer only"
    return None


def _only_unusual(values: Floats, positive: Mask) -> str | None:
    """Whether anything but the usual value (a nought, mostly) stands only where the label is positive."""
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if not len(distinct) or counts.max() < 0.5 * len(values):
        return None
    unusual = ~np.isnan(values) & (values != distinct[counts.argmax()])
    # A tail of few rows may be all positive honestly; a twentieth of all positives may not.
    if unusual.sum() < 0.05 * positive.sum() or not _only_positive(unusual, positive):
        return None
    return "it holds something other than its usual value (nearly) only where the label is positive"


def _only_positive(rows: Mask, positive: Mask) -> bool:
    count = int(rows.sum())
    share = float(positive.mean())
    if count < FEWEST or not 0 < share < 1:
        return False
    return float(positive[rows].mean()) >= ONLY_POSITIVE and count * log(share) < CHANCE


def _as_number(column: Column, positive: Mask) -> Floats:
    """Categories as their share of positives in the other half of the rows, so that rare levels tell nothing."""
    if column.kind != "category":
        return column.values
    codes = np.where(np.isnan(column.values), len(column.levels), column.values).astype(np.int64)
    half = np.random.default_rng(SEED).permutation(len(codes)) % 2 == 0
    share = float(positive.mean())
    out = np.empty(len(codes))
    for own in (half, ~half):
        seen = np.bincount(codes[~own], minlength=len(column.levels) + 1)
        hits = np.bincount(codes[~own], weights=positive[~own], minlength=len(column.levels) + 1)
        out[own] = ((hits + share) / (seen + 1))[codes[own]]
    return out


def _separation(values: Floats, positive: Mask) -> tuple[float, float]:
    """Area under the curve, the better way up, and the fewest wrong rows of any threshold over the rarer answer."""
    order = np.argsort(values, kind="stable")
    ends = np.r_[np.flatnonzero(values[order][1:] != values[order][:-1]), len(values) - 1]
    hits = np.cumsum(positive[order])[ends].astype(float)
    misses = ends + 1 - hits
    all_hits, all_misses = hits[-1], misses[-1]
    if not all_hits or not all_misses:
        return 0.5, np.inf
    below = np.r_[0.0, misses[:-1]]
    auc = float((np.diff(np.r_[0.0, hits]) * (below + np.diff(np.r_[0.0, misses]) / 2)).sum() / (all_hits * all_misses))
    wrong = hits + (all_misses - misses)
    errors = min(float(wrong.min()), float((len(values) - wrong).min()))
    return max(auc, 1 - auc), errors / min(all_hits, all_misses)


def by_days(
    columns: Sequence[Column], period: Period | None, known: KnownBy | None
) -> tuple[list[Refused], list[Column], list[str]]:
    """Columns of dates or years with values after the row's known-by day, or in the label's period or after it.

    A column of dates is refused for one such value. One of mere years is refused from
    `LATE_YEARS` of its rows on; below that the late values, slips mostly, are emptied.

    Returns:
        What is refused, the columns that stay, and a sentence for each that had values emptied.
    """
    limit, source = _limit(columns, period, known)
    refused: list[Refused] = []
    kept: list[Column] = []
    told: list[str] = []
    for column in columns:
        late = _late(column, limit)
        count = int(late.sum())
        if column.kind != "date" and count < LATE_YEARS * len(late):
            kept.append(replace(column, values=np.where(late, np.nan, column.values)))
            if count:
                told.append(f"'{column.name}' has {count:,} years after {source}; these values were emptied")
        elif count:
            what = "days" if column.kind == "date" else "years"
            refused.append(Refused(column.name, "date", f"it holds {what} after {source} ({count:,} rows)"))
        else:
            kept.append(column)
    return refused, kept, told


def _limit(columns: Sequence[Column], period: Period | None, known: KnownBy | None) -> tuple[Floats, str]:
    """The last day that each row may know, and how that is known; infinite where nothing says."""
    rows = len(columns[0].values) if columns else 0
    if known is not None:
        return known.day, "the day by which the row was known"
    if period is not None:
        day = float((date(period.year, 1, 1) - EPOCH).days - 1)
        return np.full(rows, day), f"{period.year - 1} ({period.source})"
    return np.full(rows, np.nan), ""


def _late(column: Column, limit: Floats) -> Mask:
    if column.kind == "date":
        return np.asarray(np.floor(column.values) > limit)
    if holds_years(column):
        return np.asarray(column.values > _year_of(limit))
    return np.zeros(len(limit), dtype=bool)


def holds_years(column: Column) -> bool:
    """Whether a column of numbers is years: whole numbers from 1700 to 2199, noughts for unknown aside."""
    known = column.values[~np.isnan(column.values) & (column.values != 0)]
    if column.kind != "number" or not len(known) or (known != np.floor(known)).any():
        return False
    return bool(known.min() >= 1700 and known.max() <= 2199 and len(np.unique(known)) > 1)


def _year_of(day: Floats) -> Floats:
    known = ~np.isnan(day)
    out = np.full(len(day), np.inf)
    out[known] = day[known].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return out
