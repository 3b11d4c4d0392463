"""Pages from templates: escaped by default, with what every page shows."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, select_autoescape

from review import navigation, words
from review.identity import forms
from review.permissions import Action, may

SERVICE = "Homes to check"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("review"),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "day": day,
        "moment": moment,
        "count": lambda number: f"{number:,}",
        "percent": lambda share: "–" if share is None else f"{share:.0%}",
    }
    made.globals |= {"service": SERVICE, "words": words, "Action": Action, "may": may}
    return made


def day(value: date | str | None) -> str:
    """A day as officers write it: 3 November 2026; a dash where there is none."""
    if not value:
        return "–"
    own = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{own.day} {own:%B %Y}"


def moment(value: datetime | str | None) -> str:
    """A moment in London's time: 3 November 2026, 14:05."""
    if not value:
        return "–"
    own = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(words.LONDON_TIME)
    return f"{own.day} {own:%B %Y, %H:%M}"


def nonce(request: Request) -> str:
    """The mark of this answer's own scripts, which its content security policy lets run."""
    if not hasattr(request.state, "nonce"):
        request.state.nonce = secrets.token_urlsafe(16)
    made: str = request.state.nonce
    return made


def page(request: Request, template: str, *, status: int = 200, **content: Any) -> HTMLResponse:
    """A page of `templates/` filled in; every value is escaped."""
    person = getattr(request.state, "person", None)
    borough = content.get("borough") or request.path_params.get("borough")
    shown = {
        "request": request,
        "person": person,
        "csrf": forms.mark(person),
        "cspNonce": nonce(request),
        "borough": borough,
        "navigation": navigation.items(person, borough, request.url.path),
        "notice": request.query_params.get("done", ""),
        **content,
    }
    return HTMLResponse(_environment().get_template(template).render(shown), status_code=status)
