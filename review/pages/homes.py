"""Any home of a borough, on a list or not: found by its address, seen, and what a visit found there recorded.

A complaint leads to homes that no list named. Their pages read the lake for the one home, since the night keeps a
dossier for entries of lists alone; they show neither place nor reasons, as there is neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from pipelines.casework import outcomes, rules
from pipelines.casework.versions import ChangedMeanwhile
from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import Outcome
from pipelines.governance import audit
from pipelines.governance.reads import showing, told_with
from review.forms import Form, Sent
from review.pages import outcome_form
from review.permissions import Action
from review.queries import homes
from review.queries.homes import Unlisted
from review.rendering import page
from review.routing import Pages, person
from review.unlisted import OnAList, find, require_list
from schemas import registry

pages = Pages()
SEARCH = "/homes/{borough}"
HOME = SEARCH + "/{uprn}"
LISTED = "/properties/{borough}/{uprn}"
LONGEST = 200


@pages.get(SEARCH, Action.SEE_PROPERTY)
def search(request: Request, borough: str) -> Response:
    """Homes of the gazetteer by address, postcode or UPRN."""
    require_list(borough)
    text = re.sub(r"[\x00-\x1f\x7f]", " ", request.query_params.get("search", "")).strip()[:LONGEST]
    met: list[homes.Met] = []
    of = 0
    if text:
        with showing("search of homes", borough):
            met, of = homes.search(borough, text)
            with transaction() as session:
                met = homes.with_lists(session, borough, met)
                details = {"boroughs": [borough], "rows": len(met), "of": of} | told_with(session)
                audit.record(session, who=person(request).who, what="search homes", about=borough, details=details)
    return page(
        request, "homes.html", text=text, met=met, of=of, most=homes.MOST, borough_name=registry.borough(borough).name
    )


def _show(request: Request, template: str, found: Unlisted, status: int = 200, **more: object) -> Response:
    borough = found.place.borough
    return page(
        request,
        template,
        status=status,
        found=found,
        entry=found,
        borough_name=registry.borough(borough).name,
        home=HOME.format(borough=borough, uprn=found.uprn),
        today=clock.today(),
        **more,
    )


def _or_its_entry(borough: str, uprn: str, answer: Callable[[], Response], more: str = "") -> Response:
    """An answer about a home on no list; where a list names it, the way to its page there."""
    try:
        return answer()
    except OnAList:
        return RedirectResponse(LISTED.format(borough=borough, uprn=uprn) + more, status_code=303)


@pages.get(HOME, Action.SEE_PROPERTY)
def show(request: Request, borough: str, uprn: str) -> Response:
    """The page of a home that stood on no list."""
    return _or_its_entry(
        borough, uprn, lambda: _show(request, "home_unlisted.html", find(person(request), borough, uprn))
    )


# --- what a visit found ---


@pages.get(HOME + "/outcome", Action.RECORD_OUTCOME)
def outcome_page(request: Request, borough: str, uprn: str) -> Response:
    """The form to record what a visit found."""

    def answer() -> Response:
        return _outcome_page(request, find(person(request), borough, uprn), outcome_form.new(person(request)))

    return _or_its_entry(borough, uprn, answer, "/outcome")


@pages.post(HOME + "/outcome", Action.RECORD_OUTCOME)
def record_outcome(request: Request, borough: str, uprn: str, form: Sent) -> Response:
    """Keep what a visit found."""
    return _or_its_entry(borough, uprn, lambda: _record(request, borough, uprn, form, None), "/outcome")


@pages.get(HOME + "/outcomes/{number}", Action.RECORD_OUTCOME)
def correction_page(request: Request, borough: str, uprn: str, number: str) -> Response:
    """The form to correct an outcome, filled in as it stands."""

    def answer() -> Response:
        found = find(person(request), borough, uprn)
        before = outcome_form.find(found.outcomes, number)
        return _outcome_page(request, found, outcome_form.of(before), before)

    return _or_its_entry(borough, uprn, answer, f"/outcomes/{number}")


@pages.post(HOME + "/outcomes/{number}", Action.RECORD_OUTCOME)
def correct_outcome(request: Request, borough: str, uprn: str, number: str, form: Sent) -> Response:
    """Put a corrected outcome in the place of one that stands."""
    return _or_its_entry(borough, uprn, lambda: _record(request, borough, uprn, form, number), f"/outcomes/{number}")


def _record(request: Request, borough: str, uprn: str, form: Form, number: str | None) -> Response:
    found = find(person(request), borough, uprn)
    before = outcome_form.find(found.outcomes, number) if number is not None else None
    given = outcome_form.read(form, borough, person(request).who, None)
    if given is None:
        return _outcome_page(request, found, form, before, 422)
    try:
        with transaction() as session:
            _write(session, found, given, before)
    except (ChangedMeanwhile, rules.NotAllowedNow) as error:
        form.errors["page"] = str(error)
        status = 409 if isinstance(error, ChangedMeanwhile) else 422
        return _outcome_page(request, find(person(request), borough, uprn), form, before, status)
    return RedirectResponse(f"{HOME.format(borough=borough, uprn=uprn)}?done=outcome", status_code=303)


def _write(session: Session, found: Unlisted, given: dict[str, object], before: Outcome | None) -> None:
    if before is None:
        outcomes.record(session, uprn=found.uprn, place=found.place, **given)  # type: ignore[arg-type]
    else:
        outcomes.correct(session, before.number, **given)  # type: ignore[arg-type]


def _outcome_page(
    request: Request, found: Unlisted, form: Form, before: Outcome | None = None, status: int = 200
) -> Response:
    more = {"form": form, "errors": form.errors, "before": before, **outcome_form.WORDS}
    return _show(request, "outcome.html", found, status, **more)
