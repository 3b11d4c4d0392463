"""Receipts: what a borough is told about one drop. Row numbers and headings, never values."""

from __future__ import annotations

import json
from typing import Any

from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.extracts import IntakeFiles
from pipelines.publish.quarantine import all_faults
from schemas import registry
from schemas.mapping import Mapping

ROWS_SHOWN = 10
LEVELS = {"critical": "must fix", "error": "must fix", "warning": "should check", "info": "changed for you"}
OUTCOMES = {
    DropStatus.ACCEPTED: "Accepted",
    DropStatus.SUPERSEDED: "Accepted, and since replaced by a later extract",
    DropStatus.HELD: "Held: nothing of it is used yet",
    DropStatus.REFUSED: "Refused: it could not be read",
    DropStatus.DUPLICATE: "Known already",
}


def make_receipt(drop: Drop, mapping: Mapping | None, files: IntakeFiles, quarantine: str | None) -> dict[str, Any]:
    """The receipt of a finished drop as plain data, most important first."""
    outcome = OUTCOMES[DropStatus(drop.status)]
    if drop.reason == "older_extract":
        outcome = "Kept, but not used: a later extract is in place"
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
        "outcome": outcome,
        "reason": drop.reason,
        "sentence": drop.sentence,
        "what_to_do": kind.what_to_do if kind else None,
        "rows_in": drop.rows_in,
        "accepted": drop.accepted,
        "quarantined": drop.quarantined,
        "quarantine_file": quarantine,
        "findings": _findings(drop, mapping, files),
        "columns": _columns(drop, mapping),
        "made_from": drop.hashes,
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
    return became | {column: f"not used: {why}" for column, why in mapping.ignore.items()}


def _findings(drop: Drop, mapping: Mapping | None, files: IntakeFiles) -> list[dict[str, Any]]:
    """One line a rule and column: how many rows, the first of them, what to do; must-fix first."""
    if mapping is None or not files.folder.exists("issues.parquet"):
        return []
    frame = all_faults(mapping, files)
    contract = registry.contract(drop.dataset)
    found = []
    for (issue_type, field, column), rows in frame.groupby(["issue_type", "field", "column"])["row_number"]:
        kind = registry.issue_types()[str(issue_type)]
        found.append(
            {
                "issue": kind.id,
                "level": LEVELS[kind.severity],
                "severity": kind.severity,
                "responsibility": kind.responsibility,
                "dimension": kind.dimension,
                "column": column or None,
                "field": contract.by_name[str(field)].title if field in contract.by_name else None,
                "rows": int(rows.nunique()),
                "first_rows": [int(number) for number in sorted(rows.unique())[:ROWS_SHOWN]],
                "sentence": kind.sentence,
                "what_to_do": kind.what_to_do,
            }
        )
    order = ["must fix", "should check", "changed for you"]
    return sorted(
        found, key=lambda item: (order.index(item["level"]), -item["rows"], item["issue"], item["column"] or "")
    )


def as_json(receipt: dict[str, Any]) -> bytes:
    """The receipt for programs."""
    return json.dumps(receipt, indent=2, ensure_ascii=False).encode()


def as_text(receipt: dict[str, Any]) -> str:
    """The receipt for people: the outcome and the counts first, then a line a rule."""
    lines = [
        f"{receipt['outcome']}.",
        f"File      {receipt['file']}",
        f"Receipt   {receipt['receipt']}, received {receipt['received_at'][:16].replace('T', ' ')} UTC, "
        f"extract of {receipt['extract_date']}",
        f"Rows      {receipt['rows_in']:,} in the file = {receipt['accepted']:,} accepted "
        f"+ {receipt['quarantined']:,} quarantined",
    ]
    if receipt["sentence"]:
        lines.append(f"Why       {receipt['sentence']}")
    if receipt["what_to_do"]:
        lines.append(f"To do     {receipt['what_to_do']}")
    if receipt["quarantine_file"]:
        lines.append(f"Mend      the quarantined rows are in {receipt['quarantine_file']}")
    for level in ("must fix", "should check", "changed for you"):
        found = [finding for finding in receipt["findings"] if finding["level"] == level]
        if found:
            lines += ["", level.capitalize()]
            lines += [line for finding in found for line in _finding_lines(finding)]
    return "\n".join(lines) + "\n"


def _finding_lines(finding: dict[str, Any]) -> list[str]:
    where = f"'{finding['column']}': " if finding["column"] else ""
    numbers = ", ".join(str(number) for number in finding["first_rows"])
    more = f" and {finding['rows'] - len(finding['first_rows']):,} more" if finding["rows"] > ROWS_SHOWN else ""
    return [
        f"  {finding['rows']:>7,} {'row ' if finding['rows'] == 1 else 'rows'}  {where}{finding['sentence']}",
        f"                {finding['what_to_do']} (row {numbers}{more})",
    ]
