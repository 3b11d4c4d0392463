"""A property: why it is on the list, what stands behind it, and the forms of officers' work there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from pipelines.casework import outcomes, overrides, planning, rules
from pipelines.casework.versions import ChangedMeanwhile
from pipelines.casework.words import KIND_HINTS, KIND_WORDS
from pipelines.core import clock
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import Outcome
from pipelines.governance import audit, standing
from review.forms import Form, Sent
from review.pages import outcome_form
from review.permissions import Action
from review.queries import properties
from review.queries.properties import Property
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()
HOME = "/properties/{borough}/{uprn}"


def find(request: Request, borough: str, uprn: str, what: str = "view property") -> Property:
    """The property; that it was seen is put on record in the same transaction."""
    refusal = standing.list_refusal(borough)
    if refusal is not None:
        raise NotFound(f"The homes of {registry.borough(borough).name} may not be shown. {refusal}")
    with transaction() as session:
        found = properties.find(session, borough, uprn)
        details = {"boroughs": [borough], "list": found.issued.id, "records": len(found.timeline)}
        audit.record(session, who=person(request).who, what=what, about=f"{borough}/{uprn}", details=details)
    return found


def show_with(
    request: Request, template: str, borough: str, found: Property, status: int = 200, **more: Any
) -> Response:
    """A page about a property."""
    return page(
        request,
        template,
        status=status,
        found=found,
        entry=found.entry,
        dossier=found.dossier,
        borough_name=registry.borough(borough).name,
        home=HOME.format(borough=borough, uprn=found.entry.uprn),
        today=clock.today(),
        **more,
    )


@pages.get(HOME, Action.SEE_PROPERTY)
def show(request: Request, borough: str, uprn: str) -> Response:
    """The property's page."""
    return show_with(request, "property.html", borough, find(request, borough, uprn))


# --- what a visit found ---


@pages.get(HOME + "/outcome", Action.RECORD_OUTCOME)
def outcome_page(request: Request, borough: str, uprn: str) -> Response:
    """The form to record what a visit found."""
    found = find(request, borough, uprn)
    return _outcome_page(request, borough, found, outcome_form.new(person(request)))


@pages.post(HOME + "/outcome", Action.RECORD_OUTCOME)
def record_outcome(request: Request, borough: str, uprn: str, form: Sent) -> Response:
    """Keep what a visit found."""
    return _record(request, borough, uprn, form, None)


@pages.get(HOME + "/outcomes/{number}", Action.RECORD_OUTCOME)
def correction_form(request: Request, borough: str, uprn: str, number: str) -> Response:
    """The form to correct an outcome, filled in as it stands."""
    found = find(request, borough, uprn)
    before = outcome_form.find(found.outcomes, number)
    return _outcome_page(request, borough, found, outcome_form.of(before), before)


@pages.post(HOME + "/outcomes/{number}", Action.RECORD_OUTCOME)
def correct_outcome(request: Request, borough: str, uprn: str, number: str, form: Sent) -> Response:
    """Put a corrected outcome in the place of one that stands."""
    return _record(request, borough, uprn, form, number)


def _record(request: Request, borough: str, uprn: str, form: Form, number: str | None) -> Response:
    found = find(request, borough, uprn)
    before = outcome_form.find(found.outcomes, number) if number is not None else None
    given = outcome_form.read(form, borough, person(request).who, found.issued.as_of if before is None else None)
    if given is None:
        return _outcome_page(request, borough, found, form, before, 422)

    def write(session: Session) -> None:
        if before is None:
            outcomes.record(session, uprn=uprn, list_id=found.issued.id, **given)
        else:
            outcomes.correct(session, before.number, **given)

    def again(now: Property, status: int) -> Response:
        return _outcome_page(request, borough, now, form, before, status)

    return _written(request, found, form, write, again, "outcome")


def _outcome_page(
    request: Request, borough: str, found: Property, form: Form, before: Outcome | None = None, status: int = 200
) -> Response:
    return show_with(
        request,
        "outcome.html",
        borough,
        found,
        status,
        form=form,
        errors=form.errors,
        before=before,
        **outcome_form.WORDS,
    )


# --- who goes there, and when ---


@pages.get(HOME + "/plan", Action.PLAN_VISIT)
def plan_form(request: Request, borough: str, uprn: str) -> Response:
    """The form to plan a visit."""
    found = find(request, borough, uprn)
    values = {"officer": (found.case.assigned_to if found.case else None) or ""}
    if found.case is not None and found.case.planned_for is not None:
        on = found.case.planned_for
        values |= {"planned-day": str(on.day), "planned-month": str(on.month), "planned-year": str(on.year)}
    return _plan_page(request, borough, found, Form(values))


@pages.post(HOME + "/plan", Action.PLAN_VISIT)
def save_plan(request: Request, borough: str, uprn: str, form: Sent) -> Response:
    """Keep who goes there and when."""
    found = find(request, borough, uprn)
    planned = form.day("planned", "the day", needed=False)
    officer, version = rules.tidy_name(form.text("officer")), form.number("version")
    form.wrong("planned", rules.why_not_planned_for(planned))
    form.wrong("officer", rules.why_not_name(officer) if officer else None)
    if form.errors:
        return _plan_page(request, borough, found, form, 422)

    def write(session: Session) -> None:
        planning.plan(
            session,
            borough=borough,
            uprn=uprn,
            assigned_to=officer,
            planned_for=planned,
            who=person(request).who,
            expected_version=version,
        )

    def again(now: Property, status: int) -> Response:
        return _plan_page(request, borough, now, form, status)

    return _written(request, found, form, write, again, "plan")


def _plan_page(request: Request, borough: str, found: Property, form: Form, status: int = 200) -> Response:
    return show_with(request, "plan.html", borough, found, status, form=form, errors=form.errors)


# --- where an officer outranks the list ---


@pages.get(HOME + "/override", Action.OVERRIDE)
def override_form(request: Request, borough: str, uprn: str) -> Response:
    """The form to outrank the list at a property."""
    return _override_page(request, borough, find(request, borough, uprn), Form({}))


@pages.post(HOME + "/override", Action.OVERRIDE)
def save_override(request: Request, borough: str, uprn: str, form: Sent) -> Response:
    """Outrank the list at a property until a day."""
    found = find(request, borough, uprn)
    kind, reason, version = form.text("kind"), rules.tidy(form.text("reason")), form.number("version")
    until = form.day("until", "the day on which it ends")
    form.wrong("kind", None if kind in set(KIND_WORDS) else "Choose what is to happen.")
    form.wrong("reason", None if reason else "Give the reason, for those who ask later.")
    if not form.errors and until is not None:
        refusal = rules.why_not_override(kind, reason, until, found.override)
        form.wrong("until" if refusal and "day" in refusal else "reason", refusal)
    if form.errors or until is None:
        return _override_page(request, borough, found, form, 422)

    def write(session: Session) -> None:
        overrides.add(
            session,
            borough=borough,
            uprn=uprn,
            kind=kind,
            reason=reason,
            expires_on=until,
            who=person(request).who,
            expected_version=version,
        )

    def again(now: Property, status: int) -> Response:
        return _override_page(request, borough, now, form, status)

    return _written(request, found, form, write, again, "override")


@pages.post(HOME + "/override/end", Action.OVERRIDE)
def end_override(request: Request, borough: str, uprn: str, form: Sent) -> Response:
    """End what outranks the list before its day."""
    found = find(request, borough, uprn)
    who, number, version = person(request).who, form.number("number"), form.number("version")

    def write(session: Session) -> None:
        overrides.end(session, number, borough=borough, who=who, expected_version=version)

    def again(now: Property, status: int) -> Response:
        return show_with(request, "property.html", borough, now, status, errors=form.errors)

    return _written(request, found, form, write, again, "ended")


def _override_page(request: Request, borough: str, found: Property, form: Form, status: int = 200) -> Response:
    more = {"kinds": KIND_WORDS, "kind_hints": KIND_HINTS}
    return show_with(request, "override.html", borough, found, status, form=form, errors=form.errors, **more)


# --- what all forms share ---


def _written(
    request: Request,
    found: Property,
    form: Form,
    write: Callable[[Session], None],
    again: Callable[[Property, int], Response],
    done: str,
) -> Response:
    """Write in one transaction and go to the property; where a rule or another officer is in the way, the form again.

    `again` shows it as it was typed, over the property as it stands now.
    """
    borough, uprn = found.issued.borough, found.entry.uprn
    try:
        with transaction() as session:
            write(session)
    except (ChangedMeanwhile, rules.NotAllowedNow) as error:
        form.errors["page"] = str(error)
        return again(find(request, borough, uprn), 409 if isinstance(error, ChangedMeanwhile) else 422)
    return RedirectResponse(f"{HOME.format(borough=borough, uprn=uprn)}?done={done}", status_code=303)
