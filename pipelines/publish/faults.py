"""The faults of one drop from both stages, as a receipt tells them.

Read in batches: memory grows with the kinds of faults and with the quarantined rows, never with the faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extracts import IntakeFiles
from pipelines.extracts.issues import ISSUES, count_kinds
from pipelines.governance.suppression import NOT_WRITTEN_OUT
from schemas import registry
from schemas.mapping import Mapping

LEVELS = {"critical": "must fix", "error": "must fix", "warning": "should check", "info": "changed for you"}
"""What a severity means for the officer."""

IN_ORDER = ("must fix", "should check", "changed for you")
KIND = ("issue_type", "field", "column")
BITS = 64


def level_of(issue_type: str) -> str:
    """One of the levels in words."""
    return LEVELS[registry.issue_types()[issue_type].severity]


@dataclass(frozen=True)
class Lines:
    """Some single faults, in the order of rows: row number and which kind."""

    rows: npt.NDArray[np.int64]
    kinds: list[tuple[str, str, str]]


class Faults:
    """Every fault of a drop. `put_back` are cells that a spreadsheet had rewritten in a correction, by heading."""

    def __init__(
        self, mapping: Mapping, files: IntakeFiles, put_back: dict[str, npt.NDArray[np.int64]] | None = None
    ) -> None:
        self._files = files
        self._put_back = put_back or {}
        self._sources = {name: " + ".join(how.sources) for name, how in mapping.fields.items()}

    def batches(self) -> Iterator[pa.Table]:
        """All faults as `ISSUES`, some at a time: those of the harmonise stage, then those of the gate."""
        there = self._files.folder
        if there.exists("issues.parquet"):
            yield from self._files.batches("issues", ISSUES.names)
        if there.exists("findings.parquet"):
            for batch in self._files.batches("findings"):
                yield self._of_the_gate(batch)
        for heading, rows in self._put_back.items():
            size = len(rows)
            words = [pa.repeat(pa.scalar(word), size) for word in ("", heading, "spreadsheet_rewrite_undone")]
            yield pa.table([pa.array(rows, pa.int64()), *words, pa.repeat(pa.scalar(False), size)], schema=ISSUES)

    def _of_the_gate(self, findings: pa.Table) -> pa.Table:
        fields = findings["field"].combine_chunks().dictionary_encode()
        headings = pa.array([self._sources.get(name or "", "") for name in fields.dictionary.to_pylist()], pa.string())
        return pa.table(
            [
                findings["row_number"],
                findings["field"],
                headings.take(fields.indices),
                findings["issue_type"],
                pc.equal(findings["severity"], "error"),
            ],
            schema=ISSUES,
        )

    def counted(self) -> pd.DataFrame:
        """A line a kind: `issue_type`, `field`, `column`, `rows`, `first_rows`, `sets_aside`, `level`.

        `first_rows` are the numbers of the first ten, `sets_aside` says whether such a row is quarantined. The gravest
        level comes first, then what concerns most rows.
        """
        kinds = count_kinds(self.batches())
        if kinds.empty:
            return kinds.assign(level=[])
        grouped = kinds.groupby(list(KIND), sort=False, dropna=False)
        made = grouped.agg(
            rows=("rows", "sum"), first_rows=("first_rows", _first_of_all), sets_aside=("quarantines", "any")
        ).reset_index()
        made["level"] = made["issue_type"].map(level_of)
        made["rank"] = made["level"].map(IN_ORDER.index)
        return made.sort_values(
            ["rank", "rows", "issue_type", "column"], ascending=[True, False, True, True], ignore_index=True
        )

    def first(self, at_most: dict[str, int]) -> Lines:
        """The single faults of each level with the lowest row numbers, so many of each, in the order of rows."""
        of_level = {name: pa.array([t for t in registry.issue_types() if level_of(t) == name]) for name in at_most}
        kept = dict.fromkeys(at_most, ISSUES.empty_table())
        for batch in self.batches():
            for name, most in at_most.items():
                some = batch.filter(pc.is_in(batch["issue_type"], of_level[name]))
                both = pa.concat_tables([kept[name], some])
                kept[name] = both.take(np.argsort(both["row_number"].to_numpy(), kind="stable")[:most])
        found = pa.concat_tables(kept.values()).to_pandas()
        found = found.sort_values(["row_number", "column", "issue_type"], kind="stable")
        kinds = list(found[list(KIND)].fillna("").itertuples(index=False, name=None))
        return Lines(found["row_number"].to_numpy(np.int64), kinds)

    def quarantined(self) -> npt.NDArray[np.int64]:
        """Ascending numbers of the rows that are set aside."""
        found = [np.unique(b["row_number"].filter(b["quarantines"]).to_numpy()) for b in self.batches()]
        return np.unique(np.concatenate([np.empty(0, np.int64), *found]))

    def _rows_of(self, kinds: frozenset[str]) -> npt.NDArray[np.int64]:
        wanted = pa.array(sorted(kinds))
        found = [b["row_number"].filter(pc.is_in(b["issue_type"], wanted)).to_numpy() for b in self.batches()]
        return np.concatenate([np.empty(0, np.int64), *found])

    def reasons(self) -> Reasons:
        """Why each quarantined row is set aside: every must-fix fault that it has.

        Without rows about somebody whose records were erased: no file may hold them.
        """
        numbers = np.setdiff1d(self.quarantined(), self._rows_of(NOT_WRITTEN_OUT))
        grave = {name for name, kind in registry.issue_types().items() if kind.severity == "error"}
        kinds: dict[tuple[str, str], int] = {}
        marks: list[npt.NDArray[np.uint64]] = []
        for batch in self.batches():
            wanted = pc.and_(
                pc.is_in(batch["issue_type"], pa.array(sorted(grave))), pc.is_in(batch["row_number"], pa.array(numbers))
            )
            some = batch.filter(wanted).select(["row_number", "column", "issue_type"])
            for group in some.group_by(["column", "issue_type"]).aggregate([("row_number", "list")]).to_pylist():
                bit = kinds.setdefault((group["column"] or "", group["issue_type"]), len(kinds))
                while len(marks) * BITS <= bit:
                    marks.append(np.zeros(len(numbers), np.uint64))
                marks[bit // BITS][np.searchsorted(numbers, group["row_number_list"])] |= np.uint64(1 << bit % BITS)
        return Reasons.of(numbers, list(kinds), marks)


def _first_of_all(several: pd.Series[list[int]]) -> list[int]:  # type: ignore[type-var]
    return sorted({number for first in several for number in first})[:10]


@dataclass(frozen=True)
class Reasons:
    """In words, for each quarantined row: what is wrong, and how to fix it. Each wording is kept once."""

    numbers: npt.NDArray[np.int64]
    which: npt.NDArray[np.int64]
    words: list[tuple[str, str]]

    @classmethod
    def of(
        cls, numbers: npt.NDArray[np.int64], kinds: list[tuple[str, str]], marks: list[npt.NDArray[np.uint64]]
    ) -> Reasons:
        """From one bit a row for each kind of fault (column and issue type)."""
        stacked = np.stack(marks) if marks else np.zeros((1, len(numbers)), np.uint64)
        combined, which = np.unique(stacked, axis=1, return_inverse=True)
        words = []
        for column in combined.T:
            found = [kind for bit, kind in enumerate(kinds) if int(column[bit // BITS]) >> bit % BITS & 1]
            words.append(_in_words(found))
        return cls(numbers, which.reshape(-1).astype(np.int64), words)

    def told(self, numbers: npt.NDArray[np.int64]) -> tuple[pa.Array, pa.Array]:
        """`_reason` and `_how_to_fix` of some of the rows, in their order."""
        code = pa.array(self.which[np.searchsorted(self.numbers, numbers)])
        reasons, fixes = ([pair[place] for pair in self.words] for place in (0, 1))
        return pa.array(reasons, pa.string()).take(code), pa.array(fixes, pa.string()).take(code)


def _in_words(kinds: list[tuple[str, str]]) -> tuple[str, str]:
    types = registry.issue_types()
    # That a cell could not be read says more than that it is therefore missing.
    spoken_for = {column for column, name in kinds if name != "missing_required"}
    told = [(column, types[name]) for column, name in kinds if name != "missing_required" or column not in spoken_for]
    reasons = [(f"In '{column}': " if column else "") + kind.sentence for column, kind in told]
    return " ".join(reasons), " ".join(dict.fromkeys(kind.what_to_do for _, kind in told))
