"""Keys to the API: given out, listed and ended by a borough's manager."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from pipelines.casework.rules import tidy_name
from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.governance import audit
from review.forms import Form, Sent
from review.identity import tokens
from review.identity.person import ROLE_WORDS
from review.permissions import Action
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()
DAYS = {30: "30 days", 90: "90 days", 366: "A year"}


@pages.get("/tokens/{borough}", Action.MANAGE_TOKENS)
def show(request: Request, borough: str) -> Response:
    """The borough's keys, and the form for a new one."""
    return _page(request, borough, Form({"days": "90"}))


@pages.post("/tokens/{borough}", Action.MANAGE_TOKENS)
def give(request: Request, borough: str, form: Sent) -> Response:
    """Give out a key, which is shown this once."""
    label, role, days = tidy_name(form.text("label")), form.text("role"), form.text("days")
    known = int(days) if days in {str(own) for own in DAYS} else 0
    form.wrong("label", tokens.why_not_given(label, str(tokens.ROLES[0]), 1))
    form.wrong("role", tokens.why_not_given("a label", role, 1))
    form.wrong("days", None if known else "Choose for how long the key holds.")
    if form.errors:
        return _page(request, borough, form, 422)
    key = tokens.give(borough, label, role, known, person(request))
    return _page(request, borough, Form({"days": "90"}), key=key)


@pages.post("/tokens/{borough}/{token}/end", Action.MANAGE_TOKENS)
def end(request: Request, borough: str, token: str) -> Response:
    """End a key."""
    tokens.end(borough, token, person(request))
    return RedirectResponse(f"/tokens/{borough}?done=ended", status_code=303)


def _page(request: Request, borough: str, form: Form, status: int = 200, key: str = "") -> Response:
    with transaction() as session:
        found = tokens.of_borough(session, borough)
        details = {"boroughs": [borough], "rows": len(found)}
        audit.record(session, who=person(request).who, what="view API keys", about=borough, details=details)
    return page(
        request,
        "tokens.html",
        status=status,
        form=form,
        errors=form.errors,
        tokens=found,
        key=key,
        now=clock.now(),
        roles={str(role): ROLE_WORDS[role] for role in tokens.ROLES},
        days=DAYS,
        borough_name=registry.borough(borough).name,
    )
