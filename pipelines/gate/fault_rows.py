"""Which rows of a drop have which faults: what the quality measures count and a shifted column is seen by.

One bit a row and kind of fault, so that a row with the same fault in two cells counts once: with sixteen kinds and
eight fields ten million rows take 40 MB.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from expectations import Finding
from schemas import registry

KIND = ["issue_type", "field", "column"]
UNREADABLE = frozenset(
    {
        "invalid_date",
        "invalid_number",
        "inexact_number",
        "invalid_yes_no",
        "invalid_uprn",
        "damaged_uprn",
        "invalid_postcode",
        "invalid_format",
        "date_out_of_range",
        "out_of_range",
        "text_too_long",
        "unknown_code",
    }
)
"""Issue types that say of a cell that it is not of its field's kind."""


class _Bits:
    """A set of names for each row, a bit a name; the rows and the width grow as they are needed."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._rows = np.zeros(1024, np.uint8)

    def mark(self, numbers: npt.NDArray[np.int64], name: str) -> None:
        if name not in self.names:
            self.names.append(name)
        if len(self.names) > 8 * self._rows.itemsize:
            self._rows = self._rows.astype(f"u{2 * self._rows.itemsize}")
        most = int(numbers.max(initial=0))
        if most >= len(self._rows):
            longer = max(most + 1, len(self._rows) * 3 // 2)
            self._rows = np.concatenate([self._rows, np.zeros(longer - len(self._rows), self._rows.dtype)])
        self._rows[numbers] |= self._mask([name])

    def having(self, names: Iterable[str]) -> npt.NDArray[np.int64]:
        """Ascending numbers of the rows with at least one of the names."""
        return np.flatnonzero(self._rows & self._mask(names))

    def _mask(self, names: Iterable[str]) -> np.unsignedinteger[Any]:
        bits = sum(1 << self.names.index(name) for name in {*names} & {*self.names})
        kind: np.unsignedinteger[Any] = self._rows.dtype.type(bits)
        return kind


class FaultRows:
    """Faults by row number. `columns` are the officer's headings by field, as the issues name them."""

    def __init__(self) -> None:
        self.columns: dict[str, str] = {}
        self.first: int | None = None
        self.last = 0
        self._types, self._unreadable, self._missing = _Bits(), _Bits(), _Bits()
        self._info = {kind.id for kind in registry.issue_types().values() if kind.severity == "info"}

    @property
    def types(self) -> list[str]:
        """Issue types met, in the order in which they were; what was merely changed on the way is not among them."""
        return self._types.names

    @property
    def fields(self) -> list[str]:
        """Fields that could not be read somewhere, or are missing where they are required."""
        return sorted({*self._unreadable.names, *self._missing.names})

    def saw(self, row_numbers: npt.NDArray[np.int64]) -> None:
        """Note that the drop has these rows, faulty or not; what stands at the heading is of no row."""
        if len(row_numbers):
            low = int(row_numbers.min())
            self.first = low if self.first is None else min(self.first, low)
            self.last = max(self.last, int(row_numbers.max()))

    def add(self, issues: pa.Table) -> None:
        """Take in a batch of `issues`: `row_number`, `field`, `column`, `issue_type`, `quarantines`."""
        self.saw(issues.column("row_number").filter(issues.column("quarantines")).to_numpy())
        for kind in issues.select(KIND).group_by(KIND).aggregate([]).to_pylist():
            if kind["issue_type"] in self._info:
                continue
            alike = pc.equal(issues.column("issue_type"), kind["issue_type"])
            for name in ("field", "column"):
                alike = pc.and_(alike, pc.equal(issues.column(name), kind[name]))
            numbers = issues.column("row_number").filter(alike).to_numpy()
            self._mark(numbers, kind["issue_type"], kind["field"])
            self.columns.setdefault(kind["field"], kind["column"])

    def add_findings(self, findings: Iterable[Finding]) -> None:
        """Take in what the suite found."""
        for finding in findings:
            self._mark(finding.row_numbers, finding.issue, finding.field)

    def _mark(self, numbers: npt.NDArray[np.int64], issue_type: str, field: str) -> None:
        self._types.mark(numbers, issue_type)
        if field and issue_type in UNREADABLE:
            self._unreadable.mark(numbers, field)
        elif field and issue_type == "missing_required":
            self._missing.mark(numbers, field)

    def rows_with(self, issue_types: Iterable[str]) -> int:
        """How many rows have at least one of these faults."""
        return len(self._types.having(issue_types))

    def unreadable(self, field: str) -> npt.NDArray[np.int64]:
        """Ascending numbers of the rows in which this field could not be read or is missing where it is required."""
        return np.union1d(self._unreadable.having([field]), self._missing.having([field]))

    def is_missing_only(self, field: str) -> bool:
        """Whether most of those cells are simply blank."""
        return 2 * len(self._unreadable.having([field])) < len(self.unreadable(field))
