"""Text columns composed without a loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Text = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]


def joined(parts: Sequence[Text | str], separator: str) -> Text:
    """The parts of each row with the separator between; None is left out, plain text is for every row."""
    columns = [part if isinstance(part, str) else pa.array(part, pa.string()) for part in parts]
    made = pc.binary_join_element_wise(*columns, separator, null_handling="skip")
    return as_text(made)


def numbers(values: npt.NDArray[Any], width: int = 0) -> Text:
    """Whole numbers as text, with leading zeros to `width` digits."""
    made = pc.cast(pa.array(values), pa.string())
    return as_text(pc.utf8_lpad(made, width, "0") if width else made)


def initials(names: Text) -> Text:
    """The first letter of each name."""
    return as_text(pc.utf8_slice_codeunits(pa.array(names, pa.string()), 0, 1))


def upper(values: Text) -> Text:
    """The values in capitals."""
    return as_text(pc.utf8_upper(pa.array(values, pa.string())))


def running(days: Ints) -> Ints:
    """Running number of each event within its calendar year, from 1.

    Args:
        days: Days since 1970-01-01, sorted.
    """
    _, first, inverse = np.unique(years_of(days), return_index=True, return_inverse=True)
    return np.arange(len(days)) - first[inverse] + 1


def years_of(days: Ints) -> Ints:
    """Calendar year of each day."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def references(prefix: str, days: Ints, number: Ints, width: int, separator: str = "-") -> Text:
    """References such as 'SR-2026-004512': prefix, year of the day, running number of `width` digits."""
    return joined([prefix, numbers(years_of(days)), separator, numbers(number, width)], "")


def only(condition: npt.NDArray[np.bool_], text: Text) -> Text:
    """The text where the condition holds, else None."""
    found = np.full(len(condition), None, dtype=object)
    found[condition] = text[condition]
    return found


def as_text(column: Any) -> Text:
    """An Arrow column of text as a numpy array of str, with None where there is nothing."""
    made: Text = column.to_numpy(zero_copy_only=False)
    return made
