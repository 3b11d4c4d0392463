"""What an extract is read into: chunks of text columns, rows set aside, and the names of columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

REPLACEMENT = "\ufffd"
"""Stands where bytes could not be decoded."""

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Chunk:
    """Some rows of an extract: text columns by heading, and each row's number in the file."""

    table: pa.Table
    row_numbers: Numbers


@dataclass
class RaggedRows:
    """What is read beside the rows.

    `numbers` and `texts`: rows with more or fewer cells than headings, with their text as it came.
    `skipped`: rows that are no data (headings of later pages, page numbers, footers) by issue type; they
    count neither as rows nor as quarantined, and are told in the receipt.
    """

    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    skipped: dict[str, list[int]] = field(default_factory=dict)

    def skip(self, issue_type: str, numbers: Numbers) -> None:
        """Account for rows that are no data."""
        if len(numbers):
            self.skipped.setdefault(issue_type, []).extend(numbers.tolist())


def plain_text(cell: str) -> str:
    """A cell without surrounding and double space, line ends and byte order mark."""
    return " ".join(cell.replace("\ufeff", "").split())


def name_headings(cells: Sequence[str]) -> list[str]:
    """Headings as mappings know them: a blank one is `(column 3)`, a second `Address` is `Address (2)`."""
    names: dict[str, None] = {}
    alike: Counter[str] = Counter()
    for position, cell in enumerate(cells, start=1):
        name = plain_text(cell) or f"(column {position})"
        unique, number = name, alike[name] + 1
        while unique in names:
            unique, number = f"{name} ({number})", number + 1
        names[unique] = None
        alike.update({unique, unique.rsplit(" (", 1)[0]})
    return list(names)


def without_blank_rows(table: pa.Table, numbers: Numbers) -> Chunk:
    """Rows in which nothing is written are no rows; a spreadsheet shows them all the same, so numbers stay."""
    written = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        if written.all():
            break
        left = np.flatnonzero(~written)
        some = column if len(left) == len(written) else column.take(pa.array(left))
        written[left] = pc.not_equal(pc.utf8_trim_whitespace(some), "").to_numpy()
    return Chunk(table if written.all() else table.filter(pa.array(written)), numbers[written])
