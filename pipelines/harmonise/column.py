"""A column on its way to its field: its values, and which of them have which fault or were changed how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int32]
NO_TEXT = pa.scalar(None, pa.string())


def true(mask: pa.Array) -> Mask:
    """An Arrow mask as numpy has it; null is false."""
    filled = pc.fill_null(mask, False) if mask.null_count else mask
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=bool)


def spread(over: Mask, some: Mask) -> Mask:
    """A mask of the few values that `over` marks, as a mask of all."""
    found = np.zeros(len(over), bool)
    found[over] = some
    return found


Calendar = npt.NDArray[np.bool_]
"""Which days of which months occurred: 31 x 12."""


@dataclass
class Column:
    """Values, and by issue type the values that have it. Dates also say which days each declared format has read."""

    values: pa.Array
    faults: dict[str, Mask] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)

    def fault(self, issue_type: str, which: Mask) -> None:
        """Note an issue for these values, if there are any."""
        if which.any():
            known = self.faults.get(issue_type)
            self.faults[issue_type] = which if known is None else known | which

    def blank(self, issue_type: str, which: Mask) -> None:
        """Note an issue and leave these cells blank."""
        self.fault(issue_type, which)
        if which.any():
            self.values = pc.if_else(pa.array(which), pa.scalar(None, self.values.type), self.values)

    def add(self, faults: Mapping[str, Mask]) -> None:
        """Note issues that were met before this column was made."""
        for issue_type, which in faults.items():
            self.fault(issue_type, which)

    def put(self, which: Mask, values: pa.Array) -> None:
        """Other values in the places marked, as many as there are marks."""
        self.values = pc.replace_with_mask(self.values, pa.array(which), values)

    def at(self, places: Places | None) -> Column:
        """A value for each row, where `values` has each distinct one once."""
        if places is None:
            return self
        spread_out = {issue_type: which[places] for issue_type, which in self.faults.items()}
        return Column(self.values.take(pa.array(places)), spread_out, self.calendars)
