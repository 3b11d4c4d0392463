"""Yes, no and not known, for whole columns: an unknown fact never becomes a no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Mask: TypeAlias = npt.NDArray[np.bool_]
Texts: TypeAlias = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Answer:
    """A column of answers in Kleene's three-valued logic: known to be yes, known to be no, else not known."""

    yes: Mask
    no: Mask

    def __and__(self, other: Answer) -> Answer:
        return Answer(self.yes & other.yes, self.no | other.no)

    def __or__(self, other: Answer) -> Answer:
        return Answer(self.yes | other.yes, self.no & other.no)

    def __invert__(self) -> Answer:
        return Answer(self.no, self.yes)

    @property
    def unknown(self) -> Mask:
        """Where the answer is not known."""
        return ~(self.yes | self.no)


def certain(mask: Any) -> Answer:
    """Answers that are all known."""
    known = np.asarray(mask, dtype=bool)
    return Answer(known, ~known)


def answer(values: Any) -> Answer:
    """Answers from booleans and missing values."""
    column = pd.array(values, dtype="boolean")
    return Answer(column.to_numpy(dtype=bool, na_value=False), ~column.to_numpy(dtype=bool, na_value=True))


def unless(impossible: Mask, certain_where: Mask) -> Answer:
    """No where `impossible`, else yes where `certain_where`, else not known."""
    return Answer(certain_where & ~impossible, impossible)


def numbers(counts: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Counts as floats, missing ones as NaN."""
    return counts.to_numpy(dtype=float, na_value=np.nan)


def at_least(counts: pd.Series[Any], number: int, lower_bound: Mask | None = None) -> Answer:
    """Whether a count reaches a number; a count that is only a lower bound can say yes, never no."""
    values = numbers(counts)
    short = values < number
    return Answer(values >= number, short if lower_bound is None else short & ~lower_bound)


def joined(wanted: list[tuple[Mask, str]], size: int) -> Texts:
    """For each row, the texts whose mask holds, joined by semicolons; one text is made for each pattern of masks."""
    pattern = np.zeros(size, dtype=np.int64)
    for position, (mask, _) in enumerate(wanted):
        pattern |= mask.astype(np.int64) << position
    found, number = np.unique(pattern, return_inverse=True)
    texts = ["; ".join(text for position, (_, text) in enumerate(wanted) if code >> position & 1) for code in found]
    return np.asarray(np.array([*texts, ""], dtype=object)[number], dtype=object)
