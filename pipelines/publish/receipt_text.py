"""A receipt as plain text, for a terminal and a mail: the outcome and the counts first, then a line a rule."""

from __future__ import annotations

from typing import Any

from pipelines.publish.faults import IN_ORDER

INDENT = " " * 16


def as_text(receipt: dict[str, Any]) -> str:
    """The receipt for people who read it on a terminal."""
    check = bool(receipt.get("rehearsed"))
    lines = [
        f"{receipt['outcome']}.",
        *(["          " + note for note in receipt["notes"]] if check else []),
        f"File      {receipt['file']}",
        f"Receipt   {receipt['receipt']}, received {receipt['received_at'][:16].replace('T', ' ')} UTC, "
        f"extract of {receipt['extract_date']}",
    ]
    if receipt["rows_in"]:
        lines.append(
            f"Rows      {receipt['rows_in']:,} in the {'corrected extract' if receipt.get('correction') else 'file'} = "
            f"{receipt['accepted']:,} accepted + {receipt['quarantined']:,} quarantined"
        )
    if receipt["sentence"]:
        lines.append(f"Why       {receipt['sentence']}")
    if receipt["what_to_do"]:
        lines.append(f"To do     {receipt['what_to_do']}")
    if receipt.get("correction"):
        lines.append(f"Corrects  {receipt['correction']['sentence']}")
    if receipt["quarantine_file"] and not check:
        lines.append(f"Mend      the quarantined rows are in {receipt['quarantine_file']}")
        lines.append(
            "          Correct them there, leave '_row' as it is, and drop that file: other rows stay in place."
        )
    for level in IN_ORDER:
        found = [finding for finding in receipt["findings"] if finding["level"] == level]
        if found:
            lines += ["", level.capitalize()]
            lines += [line for finding in found for line in _finding_lines(finding)]
    lines += _since_lines(receipt.get("since_last"))
    lines += _proposal_lines(receipt.get("proposal"))
    if receipt.get("notes") and not check:
        lines += ["", "Notes", *(f"  {note}" for note in receipt["notes"])]
    return "\n".join(lines) + "\n"


def _finding_lines(finding: dict[str, Any]) -> list[str]:
    where = f"'{finding['column']}': " if finding["column"] else ""
    numbers = ", ".join(str(number) for number in finding["first_rows"])
    left = finding["rows"] - len(finding["first_rows"])
    more = f" and {left:,} more" if left else ""
    example = f"; such as {finding['example']}" if finding.get("example") else ""
    if finding.get("whole_file"):
        return [f"  the whole file  {where}{finding['sentence']}", f"{INDENT}{finding['what_to_do']}"]
    return [
        f"  {finding['rows']:>7,} {'row ' if finding['rows'] == 1 else 'rows'}  {where}{finding['sentence']}",
        f"{INDENT}{finding['what_to_do']} (row {numbers}{more}{example})",
    ]


def _since_lines(since: dict[str, Any] | None) -> list[str]:
    return (
        ["", f"Since the last drop ({since['drop']})", *(f"  {line}" for line in since["sentences"])] if since else []
    )


def _proposal_lines(proposal: dict[str, Any] | None) -> list[str]:
    if not proposal:
        return []
    if not proposal["columns"]:
        return ["", "Why this layout cannot be read", *(f"  {change}" for change in proposal["changes"])]
    lines = ["", "Proposed mapping: nobody has confirmed it yet"]
    for column in proposal["columns"]:
        became = column["becomes"] or "not used"
        lines.append(f"  {column['column']} -> {became} ({column['confidence_in_words']}: {column['evidence']})")
    lines += [f"  {change}" for change in proposal["changes"]]
    if proposal.get("file"):
        lines.append(f"  It is in {proposal['file']}")
    return lines
