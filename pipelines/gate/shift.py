"""Cells that stand under the wrong heading from some row on: a column shifted half way down the file.

Seen by the share of unreadable cells by row: a run of rows in which a field can hardly be read, while outside of it
nearly all can, and at least one other column that changes at the same row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.gate.fault_rows import FaultRows
from pipelines.gate.limits import limits
from schemas.contract import Contract

KINDS = {
    "number": r"^[\d.,]+$",
    "date": r"^\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{2,4}( .*)?$",
    "postcode": r"^[A-Za-z]{1,2}\d[A-Za-z\d]?\s*\d[A-Za-z]{2}$",
    "words": r"[A-Za-z].*\s.*[A-Za-z\d]|^[A-Za-z]+$",
}
"""What a cell of text is, the first that fits; anything else is a reference."""
OTHER_KIND = 0.8
"""How far two mixes of kinds are apart (0 the same, 1 nothing in common) before they are of two different fields."""


@dataclass(frozen=True)
class Shift:
    """A run of rows whose cells do not fit their headings. `columns` are contract fields, the plainest first."""

    first_row: int
    last_row: int
    to_the_end: bool
    rows: int
    inside: float
    outside: float
    columns: tuple[str, ...]


def find_shift(faults: FaultRows, contract: Contract, texts: Callable[[list[str]], Iterable[pa.Table]]) -> Shift | None:
    """The clearest run of rows with shifted cells, or with one unreadable column; None where there is none.

    `texts` reads `row_number` and the named fields of the rows that are left; it is called only where there is a run.
    One column alone makes a `Shift` with one field, which is worth a look but proves nothing.
    """
    runs = [run for field in faults.fields if (run := _run(faults, field)) is not None]
    plain = [run for run in runs if not faults.is_missing_only(run.columns[0])]
    if not plain:
        return None
    best = max(plain, key=lambda run: run.rows)
    others = [run.columns[0] for run in runs if run is not best and _shares_its_start(run, best)]
    moved = [field for field in _moved_texts(best, contract, texts) if field not in others]
    return Shift(
        best.first_row,
        best.last_row,
        best.to_the_end,
        best.rows,
        best.inside,
        best.outside,
        (*best.columns, *others, *moved),
    )


def _run(faults: FaultRows, field: str) -> Shift | None:
    """The densest run of rows in which the field cannot be read."""
    limit = limits()
    at = faults.unreadable(field)
    first, last = faults.first or 0, faults.last
    rows = last - first + 1
    fewest = max(limit.shift_rows, limit.shift_share * rows)
    if len(at) < fewest * limit.shift_inside:
        return None
    # The run with the largest sum over its rows of +1/2 for a fault and -1/2 for none.
    number = np.arange(len(at))
    ends = number + 1 - (at + 1) / 2
    starts = number - at / 2
    lowest = np.minimum.accumulate(starts)
    end = int(np.argmax(ends - lowest))
    start = int(np.argmin(starts[: end + 1]))
    length, found = int(at[end] - at[start] + 1), end - start + 1
    left = rows - length
    if length < fewest or left < fewest:
        return None
    if found / length < limit.shift_inside or (len(at) - found) / left > limit.shift_outside:
        return None
    return Shift(
        int(at[start]),
        int(at[end]),
        bool(last - at[end] <= max(2, 0.002 * rows)),
        length,
        found / length,
        (len(at) - found) / left,
        (field,),
    )


def _shares_its_start(run: Shift, best: Shift) -> bool:
    """Whether two runs start together; the same row, but for a few cells that fit by chance."""
    return abs(run.first_row - best.first_row) <= max(5, 0.01 * best.rows)


def _moved_texts(run: Shift, contract: Contract, texts: Callable[[list[str]], Iterable[pa.Table]]) -> list[str]:
    """Text fields whose cells are of another kind inside the run than outside."""
    names = [
        f.name
        for f in contract.fields
        if f.type == "string" and f.codes is None and f.pattern is None and f.privacy != "direct"
    ]
    counts: dict[tuple[str, bool], Counter[str]] = {(name, side): Counter() for name in names for side in (True, False)}
    for table in texts(["row_number", *names]):
        numbers = table.column("row_number").to_numpy()
        inside = (numbers >= run.first_row) & (numbers <= run.last_row)
        for name in names:
            kinds, filled = _kinds(table.column(name))
            for side in (True, False):
                found, times = np.unique(kinds[filled & (inside == side)], return_counts=True)
                counts[name, side].update(dict(zip(found.tolist(), times.tolist(), strict=True)))
    return [name for name in names if _apart(counts[name, True], counts[name, False]) >= OTHER_KIND]


def _kinds(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
    kinds = np.full(len(column), "reference", object)
    for kind, pattern in reversed(KINDS.items()):
        fits = pc.fill_null(pc.match_substring_regex(column, pattern), False)
        kinds[np.asarray(fits)] = kind
    return kinds, np.asarray(pc.is_valid(column))


def _apart(one: Counter[str], other: Counter[str]) -> float:
    """Total variation distance between two mixes; 0 where either has too few cells to judge."""
    sizes = one.total(), other.total()
    if min(sizes) < limits().shift_rows:
        return 0.0
    return sum(abs(one[kind] / sizes[0] - other[kind] / sizes[1]) for kind in {*one, *other}) / 2
