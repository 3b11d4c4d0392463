"""Contracts in plain words: what a cell of a field looks like, and what becomes of it. For pages and templates."""

from __future__ import annotations

from datetime import date

from schemas.contract import Contract, Field, Privacy

PATTERNS = {
    r"^[1-9]\d{0,11}$": "up to 12 digits, kept as text, without leading zeros",
    r"^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$": "postcode in capitals with one space",
    r"^E05\d{6}$": "code: E05 and six digits",
    r"^E01\d{6}$": "code: E01 and six digits",
    r"^(E05\d{6}|all)$": "code: E05 and six digits, or the word all",
}
"""Patterns of the contracts as an officer would say them."""

TREATMENT: dict[Privacy, str] = {
    "none": "Used as it is.",
    "indirect": (
        "Used to find and describe the property. Seen only by those whom an agreement names; in open data it "
        "stands in counts only."
    ),
    "direct": (
        "Turned into a keyed token as the file is read: the shared data holds the token, never the text. The text "
        "stays in the file as you dropped it, which is kept apart until its retention ends."
    ),
    "special": "Used in counts only. No single record of it is shared.",
    "public_register": (
        "Kept as written, because the law makes the register public (Housing Act 2004 s.232). Used to see the "
        "licences of one landlord across boroughs."
    ),
}
"""What happens to a field of each privacy class."""

SHORT_TREATMENT: dict[Privacy, str] = {
    "none": "used as it is",
    "indirect": "shown by agreement only",
    "direct": "personal: replaced by a token",
    "special": "sensitive: counted only",
    "public_register": "public by law: kept as written",
}

EVERY = {
    "daily": "every day",
    "weekly": "every week",
    "monthly": "every month",
    "quarterly": "every three months",
    "yearly": "every year",
}


def form_of(field: Field) -> str:
    """What a cell of this field looks like, in words."""
    if field.codes is not None:
        return "one of the codes listed below"
    if field.pattern is not None:
        return PATTERNS.get(field.pattern, f"text of the form {field.pattern}")
    if field.type == "date":
        return f"date as 2026-03-02{_span(field, ', from ', ' to ')}"
    if field.type in {"integer", "number"}:
        return f"{'whole number' if field.type == 'integer' else 'number'}{_span(field, ', usually ', ' to ')}"
    if field.type == "boolean":
        return "yes or no"
    return f"text of at most {field.max_length} characters" if field.max_length else "text"


def example_of(field: Field) -> str:
    """The contract's example as it would stand in a file."""
    if isinstance(field.example, bool):
        return "yes" if field.example else "no"
    return str(field.example)


def every(contract: Contract) -> str:
    """How often an extract is expected, in words."""
    return EVERY.get(contract.frequency, contract.frequency)


def day(value: date) -> str:
    """A day as people write it: 2 March 2026."""
    return f"{value.day} {value:%B %Y}"


def _span(field: Field, before: str, between: str) -> str:
    if field.minimum is None or field.maximum is None:
        return ""
    if field.type == "date":
        # The far end of a date's range is a guard against slips, not something to tell anybody.
        return f"{before}{day(date.fromisoformat(str(field.minimum)))} on"
    low, high = (f"{float(value):,.0f}" for value in (field.minimum, field.maximum))
    return f"{before}{low}{between}{high}"
