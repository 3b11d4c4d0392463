"""The form for what a visit found, at a home on a list or not: what it proposes, and what was typed, checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pipelines.casework import rules
from pipelines.casework.words import FOUND_HINTS, METHOD_WORDS, Method
from pipelines.core.errors import NotFound
from pipelines.core.ledger.officers import Outcome
from review.forms import Form
from review.identity.person import Person

WORDS: dict[str, Any] = {"found_hints": FOUND_HINTS, "methods": METHOD_WORDS}
"""What the template `outcome.html` needs beside the form."""


def new(who: Person) -> Form:
    """An empty form, as somebody would fill it in for a visit of their own."""
    return Form({"officer": who.name, "method": Method.VISIT})


def of(before: Outcome) -> Form:
    """The form filled in as an outcome stands."""
    values = {"found": before.found, "method": before.method, "officer": before.officer, "note": before.note}
    parts = (before.visited_on.day, before.visited_on.month, before.visited_on.year)
    day = {f"visited-{name}": str(part) for name, part in zip(("day", "month", "year"), parts, strict=True)}
    return Form({**values, **day})


def find(outcomes: Sequence[Outcome], number: str) -> Outcome:
    """The outcome of a home by its number.

    Raises:
        NotFound: the home has none of this number.
    """
    own = next((outcome for outcome in outcomes if str(outcome.number) == number), None)
    if own is None:
        raise NotFound("There is no such outcome of this property.")
    return own


def read(form: Form, borough: str, who: str, since: date | None) -> dict[str, Any] | None:
    """What was typed, as `casework.outcomes` takes it; None where something is wrong, which the form then says.

    `since` is the day of the list that led there, None where none did.
    """
    visited_on, version = form.day("visited", "the day of the visit"), form.number("version")
    what, method, officer = form.text("found"), form.text("method"), rules.tidy_name(form.text("officer"))
    note = rules.tidy(form.text("note"))
    form.wrong("found", rules.why_not_found(what) and "Choose what was found.")
    form.wrong("method", rules.why_not_method(method, what) if what else None)
    if visited_on is not None:
        form.wrong("visited", rules.why_not_visited_on(visited_on, since))
    form.wrong("officer", rules.why_not_name(officer))
    form.wrong("note", rules.why_not_note(note))
    if form.errors or visited_on is None:
        return None
    given = {"borough": borough, "found": what, "visited_on": visited_on, "method": method, "officer": officer}
    return given | {"note": note, "recorded_by": who, "expected_version": version}
