"""Receipts: what a borough is told about one drop, as plain data. Row numbers and shapes, never who or where."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.extracts.decode import Chunk
from pipelines.publish.faults import Lines
from pipelines.publish.masking import Masks
from schemas import registry
from schemas.mapping import Mapping

OUTCOMES = {
    DropStatus.ACCEPTED: "Accepted",
    DropStatus.SUPERSEDED: "Accepted, and since replaced by a later extract",
    DropStatus.HELD: "Held: nothing of it is used yet",
    DropStatus.REFUSED: "Refused: it could not be read",
    DropStatus.DUPLICATE: "Known already",
}
UNDER_WAY = "On its way: the next night reads it"
OUTCOMES_BY_REASON = {
    "older_extract": "Kept, but not used: a later extract is in place",
    "correction_overtaken": "Refused: the extract that it corrects has been replaced",
    "nothing_corrected": "Refused: nothing in it was corrected",
    "released_by_person": "Accepted: released by a person",
    "refused_by_person": "Refused by a person",
}
OUTCOMES_OF_A_CHECK = {
    DropStatus.ACCEPTED: "Would be accepted",
    DropStatus.HELD: "Would be held: nothing of it would be used",
    DropStatus.REFUSED: "Would be refused",
}
LINES_SHOWN = {"must fix": 200, "should check": 100, "changed for you": 50}
"""Single faults of each level that a receipt lists; the file beside it lists all."""


class Cells:
    """Cells of a few rows, picked up while the extract goes by, to be shown as far as they may be."""

    def __init__(self, masks: Masks, numbers: npt.NDArray[np.int64]) -> None:
        self._masks, self.numbers = masks, numbers
        self._rows: dict[int, dict[str, str]] = {}

    @property
    def last(self) -> int:
        """The highest row number that is wanted; 0 where none is."""
        return int(self.numbers.max(initial=0))

    def take(self, chunk: Chunk) -> None:
        """Pick up what is wanted of a chunk."""
        hit = np.isin(chunk.row_numbers, self.numbers)
        if hit.any():
            rows = chunk.table.filter(pa.array(hit)).to_pylist()
            self._rows |= dict(zip(chunk.row_numbers[hit].tolist(), rows, strict=True))

    def shown(self, number: int, column: str) -> str | None:
        """The cell in this row and column, or the cells of joined columns, as far as it may be shown."""
        row = self._rows.get(number)
        if row is None or not column:
            return None
        headings = [column] if column in row else column.split(" + ")
        if not all(heading in row for heading in headings):
            return None
        shown = [self._masks.shown(heading, row[heading] or "") for heading in headings]
        return None if None in shown else " + ".join(str(text) for text in shown)


@dataclass(frozen=True)
class Background:
    """What a receipt tells besides the drop itself, each as it stands in the receipt; None where there is nothing.

    `rehearsed`: nothing was stored, and the receipt says what a night would answer. `since`: what changed since the
    last drop. `decision`: what a named person decided. `correction`: which drop's rows it corrects. `proposal`: the
    mapping proposed for a layout that none knows. `notes`: sentences on how the file was read and judged.
    """

    rehearsed: bool = False
    since: dict[str, Any] | None = None
    decision: dict[str, Any] | None = None
    correction: dict[str, Any] | None = None
    proposal: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


def make_receipt(
    drop: Drop,
    mapping: Mapping | None,
    *,
    findings: list[dict[str, Any]],
    rows_with_faults: int = 0,
    details: dict[str, Any] | None = None,
    quarantine: str | None = None,
    background: Background | None = None,
) -> dict[str, Any]:
    """The receipt of a finished drop as plain data, most important first.

    `quarantine` is the path of its rows to mend, `rows_with_faults` how many there are: of a held drop all rows count
    as quarantined, and only some of them have to be mended.
    """
    told = background or Background()
    kind = registry.issue_types().get(drop.reason or "")
    return {
        "receipt": drop.id,
        "borough": drop.borough,
        "dataset": drop.dataset,
        "file": drop.path,
        "sha256": drop.sha256,
        "bytes": drop.size_bytes,
        "received_at": drop.received_at.isoformat(),
        "extract_date": drop.extract_date.isoformat(),
        "status": drop.status,
        "outcome": _outcome(drop, rehearsed=told.rehearsed),
        "rehearsed": told.rehearsed,
        "reason": drop.reason,
        "sentence": drop.sentence,
        "what_to_do": kind.what_to_do if kind else None,
        "rows_in": drop.rows_in,
        "accepted": drop.accepted,
        "quarantined": drop.quarantined,
        "rows_with_faults": rows_with_faults,
        "quarantine_file": quarantine,
        "decision": told.decision,
        "correction": told.correction,
        "proposal": told.proposal,
        "findings": findings,
        "since_last": told.since,
        "details": details,
        "columns": _columns(drop, mapping),
        "notes": told.notes,
        "read_with": _read_with(drop, mapping),
        "made_from": drop.hashes,
    }


def _outcome(drop: Drop, *, rehearsed: bool) -> str:
    if rehearsed:
        return OUTCOMES_OF_A_CHECK[DropStatus(drop.status)]
    return outcome_of(drop.status, drop.reason)


def outcome_of(status: str, reason: str | None) -> str:
    """What became of a drop, in words."""
    known = DropStatus(status)
    return OUTCOMES_BY_REASON.get(reason or "", OUTCOMES.get(known, UNDER_WAY))


def findings_of(
    counted: pd.DataFrame, cells: Cells, dataset: str, remarks: dict[tuple[str, str], str] | None = None
) -> list[dict[str, Any]]:
    """One line a rule and column: how many rows, the first of them, an example, what to do; must-fix first.

    `remarks` are what the gate says of the drop as a whole, by issue type and field: those stand in no single row.
    """
    contract = registry.contract(dataset)
    found = []
    for line in counted.to_dict("records"):
        kind = registry.issue_types()[line["issue_type"]]
        first = [int(number) for number in line["first_rows"]]
        example = next((shown for number in first[:3] if (shown := cells.shown(number, line["column"]))), None)
        remark = (remarks or {}).get((line["issue_type"], line["field"]))
        found.append(
            {
                "issue": kind.id,
                "level": line["level"],
                "severity": kind.severity,
                "responsibility": kind.responsibility,
                "dimension": kind.dimension,
                "column": line["column"] or None,
                "field": contract.by_name[line["field"]].title if line["field"] in contract.by_name else None,
                "whole_file": remark is not None,
                "rows": int(line["rows"]),
                "first_rows": first,
                "rows_set_aside": bool(line["sets_aside"]),
                "example": example,
                "sentence": remark or kind.sentence,
                "what_to_do": kind.what_to_do,
            }
        )
    return found


def details_of(lines: Lines, counted: pd.DataFrame, cells: Cells, file_of_all: str | None) -> dict[str, Any]:
    """Single faults by row: which row, which of the findings (by place), and the cell as far as it may be shown."""
    places = {
        (line["issue_type"], line["field"] or "", line["column"] or ""): place
        for place, line in enumerate(counted.to_dict("records"))
    }
    return {
        "total": int(counted["rows"].sum()),
        "shown": len(lines.kinds),
        "file": file_of_all,
        "lines": [
            {"row": int(row), "finding": places[kind], "shown": cells.shown(int(row), kind[2])}
            for row, kind in zip(lines.rows, lines.kinds, strict=True)
        ],
    }


def _columns(drop: Drop, mapping: Mapping | None) -> dict[str, str]:
    """What became of each of the officer's columns: the field it feeds, or why it is left out."""
    if mapping is None:
        return {}
    contract = registry.contract(drop.dataset)
    became: dict[str, str] = {}
    for name, how in mapping.fields.items():
        for source in how.sources:
            title = contract.by_name[name].title
            became[source] = f"{became[source]}; {title}" if source in became else title
    for name, how in mapping.implied.items():
        for source in how.sources:
            became.setdefault(source, f"compared with {contract.by_name[name].title}")
    return became | {column: f"not used: {why}" for column, why in mapping.ignore.items()}


def _read_with(drop: Drop, mapping: Mapping | None) -> dict[str, str]:
    """Which layout, contract and code the rows were read with, in words and by version."""
    if mapping is None or drop.dataset not in registry.contracts():
        return {}
    contract = registry.contract(drop.dataset)
    return {
        "mapping": f"{mapping.name}, version {str(drop.hashes.get('mapping', mapping.hash))[:12]}",
        "system": mapping.system or "",
        "contract": f"{contract.title} {contract.version}",
        "code": str(drop.hashes.get("code", "")),
    }


def as_json(receipt: dict[str, Any]) -> bytes:
    """The receipt for programs."""
    return json.dumps(receipt, indent=2, ensure_ascii=False).encode()
