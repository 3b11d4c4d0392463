"""A record that is not the property on whose page it stands."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from pipelines.casework import rules
from pipelines.core.errors import NotFound
from pipelines.governance.reads import showing
from pipelines.link.review_import import LONGEST_NOTE
from pipelines.link.review_record import refuse
from review.forms import Form, Sent
from review.pages.properties import HOME, find, show_with
from review.permissions import Action
from review.queries.properties import Property
from review.routing import Pages, person

pages = Pages()
RECORD = HOME + "/records/{dataset}/{record_id}/refuse"


@pages.get(RECORD, Action.DECIDE_LINK)
def refusal_form(request: Request, borough: str, uprn: str, dataset: str, record_id: str) -> Response:
    """Ask whether it is really another property, and why."""
    found = find(request, borough, uprn)
    return _page(request, borough, found, _record(found, dataset, record_id), Form({}))


@pages.post(RECORD, Action.DECIDE_LINK)
def refuse_record(request: Request, borough: str, uprn: str, dataset: str, record_id: str, form: Sent) -> Response:
    """Take the decision down."""
    found = find(request, borough, uprn)
    record = _record(found, dataset, record_id)
    note = rules.tidy(form.text("note"))
    if len(note) > LONGEST_NOTE:
        form.wrong("note", f"The note has more than {LONGEST_NOTE} letters; shorten it.")
        return _page(request, borough, found, record, form, 422)
    who = person(request)
    role = who.in_agreements(borough)[0]
    with showing("record refused", borough):
        taken = refuse(borough, dataset, record["record_id"], uprn, who=who.who, note=note, role=role)
    if taken.refused:
        form.errors["page"] = taken.refused[0].sentence
        return _page(request, borough, found, record, form, 422)
    return RedirectResponse(HOME.format(borough=borough, uprn=uprn) + "?done=decision", status_code=303)


def _record(found: Property, dataset: str, record_id: str) -> dict[str, Any]:
    """The record as the dossier tells it; only one that stands there can be refused there."""
    for item in found.timeline:
        if item["dataset"] == dataset and str(item["record_id"]) == record_id and item.get("of") != "building":
            return item
    raise NotFound("There is no such record on this property's page.")


def _page(
    request: Request, borough: str, found: Property, record: dict[str, Any], form: Form, status: int = 200
) -> Response:
    return show_with(request, "refuse.html", borough, found, status, record=record, form=form, errors=form.errors)
