"""A receipt as a page: for an officer who has never heard of a schema, on a screen, on a telephone and on paper."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pipelines.publish.faults import IN_ORDER
from schemas import registry

LEVELS = {
    "must fix": ("Must fix", "These cells or rows are not used until they are put right."),
    "should check": ("Should check", "These are used as they are. Please look whether they are right."),
    "changed for you": ("Changed for you", "These were tidied without changing what they say. There is nothing to do."),
}
KINDS = {"accepted": "good", "superseded": "good", "duplicate": "plain", "held": "grave", "refused": "grave"}


def as_html(receipt: dict[str, Any]) -> bytes:
    """The page of a receipt, as UTF-8. Receipts of any age are shown; what an old one does not hold is left out."""
    from pipelines.publish.html import render

    return render("receipt.html", **content_of(receipt))


def content_of(receipt: dict[str, Any]) -> dict[str, Any]:
    """What a page of a receipt shows, in the receipt's own words."""
    name = receipt["file"].rsplit("/", 1)[-1]
    folder = receipt["file"].rsplit("/", 1)[0]
    findings = [{**_PLAIN, **one} for one in receipt.get("findings") or []]
    return {
        "receipt": {**_BLANK, **receipt},
        "name": name,
        "folder": folder,
        "borough": _borough(receipt["borough"]),
        "dataset": _dataset(receipt["dataset"]),
        "tone": KINDS.get(receipt["status"], "plain"),
        "headline": headline(receipt),
        "received": _moment(receipt["received_at"]),
        "extract_day": _day(receipt["extract_date"]),
        "levels": [
            (level, *LEVELS[level], [one for one in findings if one["level"] == level])
            for level in IN_ORDER
            if any(one["level"] == level for one in findings)
        ],
        "details": _details(receipt, findings),
        "quarantine_name": (receipt.get("quarantine_file") or "").rsplit("/", 1)[-1],
        "columns": list((receipt.get("columns") or {}).items()),
    }


_OPTIONAL = (
    "rehearsed",
    "decision",
    "correction",
    "proposal",
    "since_last",
    "details",
    "read_with",
    "notes",
    "quarantine_file",
)
_BLANK: dict[str, Any] = dict.fromkeys(_OPTIONAL)
_PLAIN: dict[str, Any] = {"whole_file": False, "example": None, "rows_set_aside": False}


def headline(receipt: dict[str, Any]) -> str:
    """One sentence that says it all."""
    rows, accepted, aside = receipt["rows_in"], receipt["accepted"], receipt["quarantined"]
    check = bool(receipt.get("rehearsed"))
    status = receipt["status"]
    if status in {"accepted", "superseded"} and receipt["reason"] != "older_extract":
        if not aside:
            return f"All {rows:,} rows can be used." if rows != 1 else "The one row can be used."
        if check:
            return f"{accepted:,} of {rows:,} rows would be used; {aside:,} would NOT be loaded."
        one = aside == 1
        return (
            f"{accepted:,} of {rows:,} rows are in use. {aside:,} {'row was' if one else 'rows were'} NOT loaded "
            f"and {'needs' if one else 'need'} correcting."
        )
    if status == "held":
        if check:
            return "Nothing of this file would be used. What was sent before would stay in use."
        read = f" None of its {rows:,} rows was loaded." if rows else ""
        return f"Nothing of this file is used yet.{read} What was sent before stays in use."
    if status == "refused":
        return "This file cannot be used. What was sent before stays in use."
    return str(receipt["outcome"]) + "."


def _borough(slug: str) -> str:
    return registry.boroughs()[slug].name if slug in registry.boroughs() else slug


def _dataset(name: str) -> str:
    return registry.contracts()[name].title if name in registry.contracts() else name


def _moment(text: str) -> str:
    when = datetime.fromisoformat(text)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def _day(text: str) -> str:
    when = date.fromisoformat(text)
    return f"{when.day} {when:%B %Y}"


def _details(receipt: dict[str, Any], findings: list[dict[str, Any]]) -> dict[str, Any] | None:
    details = receipt.get("details")
    if not details or not details["lines"]:
        return None
    lines = [{**findings[line["finding"]], "row": line["row"], "shown": line["shown"]} for line in details["lines"]]
    return {**details, "lines": [line for line in lines if not line["whole_file"]]}
