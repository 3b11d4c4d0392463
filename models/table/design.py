"""What is learnt from: the columns that may be used, as one matrix, and the names behind its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from models.learning import carry
from models.learning.arrays import Floats, Mask, Texts
from models.learning.preprocess import Column, Encoder, LeftOut, group_ranks, read_column
from models.table import leaks
from models.table.answers import NO_GROUP, KnownBy, Label, read_groups, read_known_by, read_label
from models.table.leaks import Period, Refused
from models.table.reading import read_table, require
from models.table.series import together
from models.table.years import years_of
from pipelines.core.errors import LodaError

OWN_LEVELS = "tells the groups apart: its values in one group are not those of another, so nothing carries over"


@dataclass(frozen=True)
class Task:
    """A table that is ready to be learnt from: its own columns, and those `derived` from several of them."""

    path: Path
    label_name: str
    group_name: str
    label: Label
    groups: Texts
    known: KnownBy | None
    period: Period | None
    columns: tuple[Column, ...]
    derived: tuple[Column, ...]
    refused: tuple[Refused, ...]
    left_out: tuple[LeftOut, ...]
    doubts: tuple[str, ...] = field(default=())

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(self.groups)

    @property
    def learnt_from(self) -> tuple[Column, ...]:
        """The table's own columns and the derived ones, in the order of contributions."""
        return (*self.columns, *self.derived)

    @property
    def usable(self) -> Mask:
        """Rows that are learnt from and judged: labelled, and of some group."""
        return np.asarray(self.label.labelled & (self.groups != NO_GROUP), dtype=bool)


def read_task(path: Path, label: str, group: str, known_by: str | None, exclude: Sequence[str]) -> Task:
    """Read the table, and refuse what could only be known with the answer.

    Raises:
        LodaError: the file, a column or the answers will not do, or no column is left to learn from.
    """
    read = read_table(path, group, strict=(label, known_by))
    table = read.columns
    answers = read_label(table, label)
    groups = read_groups(table, group, answers)
    known = read_known_by(table, known_by)
    exclude = _excluded(table, label, group, exclude)
    left_out = [LeftOut(name, "was left out by --exclude") for name in exclude]
    aside = {label, group, *exclude} | ({known.name} if known is not None and known.by_row else set())
    names = [name for name in table.column_names if name not in aside]
    columns = [read_column(name, table[name]) for name in names]
    readable = [column for column in columns if isinstance(column, Column)]
    by_hand = [c for c in (read_column(name, table[name]) for name in exclude) if isinstance(c, Column)]
    years = years_of(table.column_names)
    copies = leaks.by_values(readable, answers, groups)
    period = leaks.period_of(label, [*copies, *leaks.by_values(by_hand, answers, groups)], years)
    refused = leaks.by_heading(names, years, period, known)
    refused += [copy for copy in copies if copy.column not in {r.column for r in refused}]
    gone = {r.column for r in refused}
    late, kept, told = leaks.by_days([c for c in readable if c.name not in gone], period, known)
    own = [LeftOut(c.name, OWN_LEVELS) for c in kept if carry.tells_groups_apart(c, groups)]
    kept = [column for column in kept if column.name not in {c.column for c in own}]
    doubts = [*_doubts(years, label, period, known), *_unjudged(group, groups, answers)]
    if not kept:
        raise _nothing_left(path, [*refused, *late])
    return Task(
        path=path,
        label_name=label,
        group_name=group,
        label=answers,
        groups=groups,
        known=known,
        period=period,
        columns=tuple(kept),
        derived=tuple(together(kept)),
        refused=tuple(sorted([*refused, *late], key=lambda r: table.column_names.index(r.column))),
        left_out=(*left_out, *own, *(c for c in columns if isinstance(c, LeftOut) and c.column not in gone)),
        doubts=(*read.told, *told, *leaks.doubtful(kept, answers), *doubts),
    )


def _excluded(table: pa.Table, label: str, group: str, exclude: Sequence[str]) -> list[str]:
    """The columns that the user leaves out; the label and the group are never learnt from."""
    for name in exclude:
        require(table, name, "--exclude")
    if label == group:
        raise LodaError(f"'{label}' is given as --label and as --group. They must be two columns.")
    return [name for name in dict.fromkeys(exclude) if name not in (label, group)]


def _nothing_left(path: Path, refused: Sequence[Refused]) -> LodaError:
    why = "; ".join(f"'{r.column}': {r.reason}" for r in refused[:5])
    said = f"All columns were refused, because they could only be known with the answer: {why}. " if refused else ""
    return LodaError(
        f"Nothing in '{path}' is left to learn from. {said}Give columns of what was known about each property before "
        "the answer."
    )


def _doubts(years: Mapping[str, Sequence[int]], label: str, period: Period | None, known: KnownBy | None) -> list[str]:
    if period is not None or known is not None:
        return []
    dated = [(max(own), name) for name, own in years.items() if own]
    if not dated:
        return []
    year, name = max(dated)
    return [
        f"Nothing says of which period the label '{label}' is, and columns are of years up to {year} ('{name}'). If it "
        f"is of {year}, that year's columns may give it away: say by when features were known, as --known-by {year - 1}"
    ]


def _unjudged(name: str, groups: Texts, answers: Label) -> list[str]:
    """What is scored without being judged, where that is not what a user would think."""
    told = []
    without = int((groups == NO_GROUP).sum())
    if without:
        told.append(f"{without:,} rows have no '{name}': they are scored, and neither learnt from nor judged")
    usable = answers.labelled & (groups != NO_GROUP)
    both = set(groups[usable & answers.positive]) & set(groups[usable & ~answers.positive])
    if not both:
        told.append(
            f"No group of '{name}' can be judged, since none has rows of both answers: give a coarser column, such as "
            "a ward or district"
        )
    return told


class Design:
    """Columns as a matrix: every column's value and, where its level differs by group, its place within the group.

    `sources[i]` is the place in `columns` of what feature `i` is made from. Categories are
    learnt from the rows of `fit_transform` only. With two groups a model learns from one alone,
    where a place within the group says no more than the value.
    """

    def __init__(self, columns: Sequence[Column], groups: Texts) -> None:
        self.columns = tuple(columns)
        numbers = [at for at, column in enumerate(columns) if column.kind in ("number", "date")]
        values = np.column_stack([columns[at].values for at in numbers]) if numbers else np.empty((len(groups), 0))
        differs = carry.differs_by_group(values, groups)
        ranked = [at for at, other in zip(numbers, differs, strict=True) if other and len(set(groups)) > 2]
        self.sources = np.array([*range(len(columns)), *ranked], dtype=np.int64)
        self.categorical: Mask = np.r_[Encoder.categorical(columns), np.zeros(len(ranked), dtype=bool)]
        places = [numbers.index(at) for at in ranked]
        self._ranks = group_ranks(values[:, places], groups)

    def fit_transform(self, rows: Mask, positive: Mask) -> tuple[Encoder, Floats]:
        """The matrix of training rows, encoded out of fold, and the encoder for others: shape (rows, features).

        Args:
            rows: which rows are learnt from.
            positive: the answers of all rows.
        """
        encoder = Encoder()
        values = encoder.fit_transform([column.take(rows) for column in self.columns], positive[rows])
        return encoder, np.column_stack([values, self._ranks[rows]])

    def transform(self, encoder: Encoder, rows: Mask) -> Floats:
        """The matrix of rows that were not learnt from."""
        values = encoder.transform([column.take(rows) for column in self.columns])
        return np.column_stack([values, self._ranks[rows]])

    def by_column(self, shares: Floats) -> Floats:
        """What features add, summed over the features of each column: (rows, features) to (rows, columns)."""
        out = np.zeros((shares.shape[0], len(self.columns)))
        np.add.at(out.T, self.sources, shares.T)
        return out
