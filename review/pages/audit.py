"""The audit log: who did what about which data, and whether the log itself can be believed."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from pipelines.core.ledger.engine import transaction
from pipelines.core.settings import settings
from pipelines.governance import audit
from review.forms import Form
from review.identity.person import LONDON, Role
from review.permissions import Action, boroughs_of
from review.queries import audit_log
from review.queries.audit_log import Asked
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()
SHOWN = 50
LONGEST = 120
FILTERS = ("what", "about", "who", "since", "until")


@pages.get("/audit", Action.SEE_AUDIT)
def show(request: Request) -> Response:
    """Lines of the log, the newest first."""
    form = Form({name: value[:LONGEST].strip() for name, value in request.query_params.items()})
    asked = _asked(form)
    mine = _boroughs(request)
    found = audit_log.soundness(settings().ledger_url, anew=form.text("check") == "all")
    with transaction() as session:
        rows, older = audit_log.lines(session, asked, mine, SHOWN)
        details = {"lines": len(rows), "filters": sorted(name for name in FILTERS if form.text(name))}
        audit.record(session, who=person(request).who, what="read audit log", about="review", details=details)
    kept = {name: form.text(name) for name in FILTERS if form.text(name)}
    names = {slug: borough.name for slug, borough in registry.boroughs().items()}
    return page(
        request,
        "audit.html",
        status=422 if form.errors else 200,
        rows=rows,
        older=f"?{urlencode({**kept, 'before': rows[-1].number})}" if older else None,
        newest=f"?{urlencode(kept)}" if asked.before is not None else None,
        form=form,
        errors=form.errors,
        filtered=bool(kept),
        found=found,
        mine=None if mine is None else [names[slug] for slug in mine],
        details_of=_told,
    )


def _boroughs(request: Request) -> list[str] | None:
    """The boroughs whose lines somebody may read; None for all, and the platform's own."""
    own = person(request)
    if Role.GOVERNANCE in own.grants.get(LONDON, frozenset()):
        return None
    return boroughs_of(own, Action.SEE_AUDIT)


def _asked(form: Form) -> Asked:
    before = form.text("before")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None
    since, until = _day(form, "since", "first"), _day(form, "until", "last")
    if since is not None and until is not None and until < since:
        form.wrong("until", "The last day must not be before the first.")
    return Asked(form.text("what"), form.text("about"), form.text("who"), since, until, number)


def _day(form: Form, name: str, which: str) -> date | None:
    text = form.text(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        form.wrong(name, f"The {which} day must be a real date, such as 2026-03-27.")
        return None


def _told(details: Any) -> list[tuple[str, str]]:
    """Details of a line as pairs of words."""
    return [(str(name).replace("_", " "), _plain(value)) for name, value in details.items()]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{str(name).replace('_', ' ')} {_plain(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list):
        mark = " | " if any(isinstance(each, dict) for each in value) else ", "
        return mark.join(_plain(each) for each in value) or "none"
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
