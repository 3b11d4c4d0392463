"""Who is signed in now, for the information-governance lead, and the end of a session from outside."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import SignIn
from pipelines.governance import audit
from review.identity import sessions
from review.identity.person import LONDON, ROLE_WORDS, Role
from review.permissions import Action
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()

WAYS = {"oidc": "the council's account", "local": "this machine"}


@pages.get("/sessions", Action.END_SESSIONS)
def open_sessions(request: Request) -> Response:
    """The open sessions, the newest first."""
    asks = person(request)
    with transaction() as session:
        found = [_shown(one, asks.key) for one in sessions.open_sessions(session)]
        audit.record(session, who=asks.who, what="see open sessions", about="review", details={"rows": len(found)})
    return page(request, "sessions.html", sessions=found)


@pages.post("/sessions/end", Action.END_SESSIONS)
def end_session(request: Request, session: Annotated[str, Form(max_length=64)] = "") -> Response:
    """End one session: its next request finds nobody signed in."""
    if not sessions.end(session, person(request)):
        raise NotFound("There is no such open session; it may have ended meanwhile.")
    return RedirectResponse("/sessions?done=session-ended", status_code=303)


def _shown(one: SignIn, own: str) -> dict[str, Any]:
    roles = sorted({ROLE_WORDS[Role(role)] for held in one.grants.values() for role in held if role in list(Role)})
    slugs = sorted(one.grants)
    names = ["all of London"] if LONDON in slugs else [registry.borough(slug).name for slug in slugs]
    return {
        "key": one.secret_hash,
        "own": one.secret_hash == own,
        "name": one.name,
        "roles": roles,
        "boroughs": names,
        "through": WAYS.get(one.through, one.through),
        "began_at": one.began_at,
        "seen_at": one.seen_at,
    }
