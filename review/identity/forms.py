"""The mark that a form came from our own page: bound to the session, so that another site cannot make one (CSRF)."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from pipelines.core.errors import LodaError
from review.identity.person import Person
from review.identity.secret import keyed, same

FIELD = "csrf"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignForm(LodaError):
    """A form that does not carry this session's mark."""


def mark(person: Person | None) -> str:
    """The mark for the forms of a session, empty where nobody is signed in."""
    return keyed("form", person.key) if person is not None else ""


async def require_own(request: Request, person: Person) -> None:
    """Stop a form that did not come from our own page.

    Raises:
        ForeignForm: the mark is missing or another, or the browser says that it comes from elsewhere.
    """
    origin = request.headers.get("origin")
    if origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignForm("This form came from another site, so nothing was done.")
    form = await request.form()
    given = form.get(FIELD)
    if not isinstance(given, str) or not same(given, mark(person)):
        raise ForeignForm("This form is too old to be used, or is not ours. Go back, load the page anew and try again.")
