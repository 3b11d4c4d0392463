"""A table's columns as numbers: what a column is, and categories encoded from training rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.learning.arrays import Floats, Mask, Texts

Kind = Literal["number", "boolean", "date", "category"]

FEW_LEVELS = 24
"""Levels up to which trees split on the level itself; a table of more is encoded by the share of positives."""

MOST_LEVELS = 2000
MOST_DISTINCT = 0.3
"""Share of distinct values from which text tells rows apart and not kinds of rows."""

ID_ROWS = 50
"""Rows below which whole numbers may differ by chance."""

ID_WORDS = (
    *(
        "id",
        "ids",
        "uid",
        "uuid",
        "guid",
        "key",
        "pk",
        "ref",
        "reference",
        "uprn",
        "usrn",
        "uarn",
        "toid",
        "bbl",
        "bin",
    ),
    *("parcel", "pin", "objectid", "fid", "rowid", "row", "no", "number", "nr", "num", "index", "idx", "serial"),
)
"""Words of a heading that name an identifier, English and of property tables."""

SEED = 20261001

FIRST_DAY, END_OF_DAYS = -98615.0, 84006.0
"""1 January 1700 and 1 January 2200."""


@dataclass(frozen=True)
class Column:
    """One column as numbers: shape (rows,), NaN where it is missing.

    A boolean is 0 or 1, a date the days since 1 January 1970, a category the place of its
    text in `levels`, which are in the order of the alphabet.
    """

    name: str
    kind: Kind
    values: Floats
    levels: tuple[str, ...] = ()

    @property
    def many(self) -> bool:
        """Whether it has too many levels for trees to split on them one by one."""
        return len(self.levels) > FEW_LEVELS

    def take(self, rows: Mask) -> Column:
        """The same column with some rows only."""
        return Column(self.name, self.kind, self.values[rows], self.levels)


@dataclass(frozen=True)
class LeftOut:
    """A column that no model can learn from, and why, in words."""

    column: str
    reason: str


def read_column(name: str, values: pa.ChunkedArray) -> Column | LeftOut:
    """What a column of typed values is to a model.

    Args:
        name: its heading.
        values: Arrow numbers, booleans, dates, timestamps or text; null is missing.

    Returns:
        The column as numbers, or why it is left out: empty, constant, an identifier, free text, a nested type.
    """
    if values.null_count == len(values):
        return LeftOut(name, "has no values")
    kind = values.type
    if pa.types.is_boolean(kind):
        column = Column(name, "boolean", _floats(values.cast(pa.uint8())))
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        column = Column(name, "date", days(values))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = Column(name, "number", _floats(values))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return _category(name, values)
    else:
        return LeftOut(name, f"holds {kind}, which is neither number, date, text nor yes and no")
    known = column.values[~np.isnan(column.values)]
    if not len(known):
        return LeftOut(name, "has no values")
    if pa.types.is_integer(kind) and np.abs(known).max() > 2**53:
        return LeftOut(name, "is an identifier: whole numbers of sixteen digits and more")
    if len(known) == len(column.values) and (known == known[0]).all():
        return LeftOut(name, "has the same value in every row")
    if column.kind == "number" and is_identifier(name, column.values):
        return LeftOut(name, "is an identifier: whole numbers that differ from row to row")
    return column


def is_identifier(name: str, values: Floats) -> bool:
    """Whether whole numbers tell rows apart rather than measure them.

    They do if (nearly) every row has its own and the heading says so; or if no two rows share one
    and they run without gaps, or have nine digits or more, or there are five thousand of them.
    """
    known = values[~np.isnan(values)]
    if len(known) < max(ID_ROWS, 0.9 * len(values)) or (known != np.floor(known)).any():
        return False
    distinct = np.unique(known)
    share = len(distinct) / len(known)
    if share < 0.95:
        return False
    words = set("".join(c if c.isalnum() else " " for c in name.lower()).split())
    if words.intersection(ID_WORDS):
        return True
    if share < 1:
        return False
    dense = float(distinct[-1] - distinct[0]) < 1.1 * len(distinct)
    return bool(dense or np.median(distinct) >= 1e8 or len(distinct) >= 5000)


def days(values: pa.ChunkedArray) -> Floats:
    """Dates or times as days since 1 January 1970, with the part of the day; NaN outside the years 1700 to 2199."""
    stamps = values.cast(pa.timestamp("us"), safe=False)
    days = floats(stamps.cast(pa.int64())) / 86_400_000_000.0
    # The year 9999 says that there is no end, 1 that there is no day: neither is one.
    days[~((days >= FIRST_DAY) & (days < END_OF_DAYS))] = np.nan
    return days


def floats(values: pa.ChunkedArray) -> Floats:
    """Numbers of any type in double precision, null as NaN."""
    # Beyond 2^53 a whole number is rounded, which Arrow refuses unless it is told to.
    return np.array(pc.fill_null(values.cast(pa.float64(), safe=False), np.nan).to_numpy(), dtype=np.float64)


def _floats(values: pa.ChunkedArray) -> Floats:
    numbers = floats(values)
    # An infinite number has no bin; it is as good as unknown.
    numbers[np.isinf(numbers)] = np.nan
    return numbers


def _category(name: str, values: pa.ChunkedArray) -> Column | LeftOut:
    text = values.cast(pa.string()).combine_chunks()
    encoded = text.dictionary_encode()
    levels = encoded.dictionary.to_pylist()
    known = len(text) - text.null_count
    if len(levels) == 1 and not text.null_count:
        return LeftOut(name, "has the same value in every row")
    if known >= ID_ROWS and len(levels) >= 0.9 * known:
        return LeftOut(name, "is free text or an identifier: nearly every row has its own")
    if len(levels) > max(FEW_LEVELS, min(MOST_LEVELS, MOST_DISTINCT * known)):
        return LeftOut(name, f"is text with too many different values ({len(levels):,}) to learn from")
    order = sorted(range(len(levels)), key=lambda at: levels[at])
    place = np.empty(len(levels))
    place[order] = np.arange(len(levels))
    codes = encoded.indices
    missing = np.asarray(codes.is_null())
    at = np.asarray(codes.fill_null(0), dtype=np.int64)
    return Column(name, "category", np.where(missing, np.nan, place[at]), tuple(levels[i] for i in order))


class Encoder:
    """Columns to a matrix of one number a column; what it knows of categories comes from training rows only.

    Numbers, booleans and dates pass as they are. A category of few levels stays a level, which
    trees split on (`categorical`); one of many becomes the share of positives of its level,
    drawn to the whole's where a level is rare, and for the training rows themselves learnt
    from other training rows (cross-fitting; Micci-Barreca 2001). A level that training never
    saw has the share of the whole.
    """

    def __init__(self) -> None:
        self._encoder: Any = None

    @staticmethod
    def categorical(columns: Sequence[Column]) -> Mask:
        """Which columns of the matrix are levels."""
        return np.array([column.kind == "category" and not column.many for column in columns], dtype=bool)

    def fit_transform(self, columns: Sequence[Column], positive: Mask) -> Floats:
        """Learn from training rows, and encode them out of fold: shape (rows, columns)."""
        from sklearn.model_selection import StratifiedKFold
        from sklearn.preprocessing import TargetEncoder

        many = [at for at, column in enumerate(columns) if column.many]
        matrix = _matrix(columns)
        if many:
            self._encoder = TargetEncoder(
                categories=[_names(columns[at]) for at in many],
                target_type="binary",
                cv=StratifiedKFold(5, shuffle=True, random_state=SEED),
            )
            matrix[:, many] = self._encoder.fit_transform(_levels(columns, many), positive.astype(int))
        return matrix

    def transform(self, columns: Sequence[Column]) -> Floats:
        """Encode rows that it has not learnt from: shape (rows, columns)."""
        many = [at for at, column in enumerate(columns) if column.many]
        matrix = _matrix(columns)
        if many:
            matrix[:, many] = self._encoder.transform(_levels(columns, many))
        return matrix


def _matrix(columns: Sequence[Column]) -> Floats:
    return np.column_stack([column.values for column in columns]) if columns else np.empty((0, 0))


def _names(column: Column) -> Texts:
    # The level -1 stands for a missing value, which is a level of its own here.
    return np.arange(-1, len(column.levels)).astype(object)


def _levels(columns: Sequence[Column], many: Sequence[int]) -> Texts:
    return np.column_stack([np.nan_to_num(columns[at].values, nan=-1.0).astype(np.int64) for at in many]).astype(object)


def group_ranks(values: Floats, groups: Texts) -> Floats:
    """Where each value stands within its group, from 0 to 1, ties at their middle; missing stays missing.

    It uses no answers, so that rows of a group that nobody has labelled have it too, and it
    carries over where a borough's counts or prices are of another level.

    Args:
        values: shape (rows, columns).
        groups: shape (rows,).
    """
    import pandas as pd

    ranks = pd.DataFrame(values).groupby(groups).rank(method="average", pct=False)
    known = pd.DataFrame(~np.isnan(values)).groupby(groups).transform("sum")
    return np.asarray((ranks - 0.5) / known.where(known > 0), dtype=np.float64)
