"""The mark that a form came from our own page, so that no other site can make one (CSRF).

It is bound to the session; before there is one, to a cookie of its own, so that nobody is signed in as somebody else
unawares.
"""

from __future__ import annotations

import secrets

from fastapi import Request
from fastapi.responses import Response

from pipelines.core.errors import LodaError
from review.identity import cookies
from review.identity.addresses import own_origin
from review.identity.person import Person
from review.identity.secret import keyed, same

FIELD = "csrf"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
A_DAY = 86_400


class ForeignForm(LodaError):
    """A form that does not carry this session's mark."""


def mark(person: Person | None) -> str:
    """The mark for the forms of a session, empty where nobody is signed in."""
    return keyed("form", person.key) if person is not None else ""


def mark_before(request: Request) -> tuple[str, str]:
    """The mark for a form that is sent before anybody is signed in, and the cookie that it is bound to."""
    held = cookies.read(request, cookies.FORM)
    cookie = held if held and _known(held) else cookies.signed(cookies.FORM, secrets.token_urlsafe(16))
    return keyed("form before sign-in", cookie), cookie


def write_before(request: Request, response: Response, cookie: str) -> None:
    """Have the browser keep the cookie that `mark_before` made."""
    cookies.write(request, response, cookies.FORM, cookie, A_DAY)


def _known(cookie: str) -> bool:
    return cookies.unsigned(cookies.FORM, cookie, A_DAY) is not None


def _expected(request: Request, person: Person | None) -> str:
    if person is not None:
        return mark(person)
    held = cookies.read(request, cookies.FORM)
    return keyed("form before sign-in", held) if held and _known(held) else ""


def check_origin(request: Request) -> None:
    """Stop what the browser says was sent from another site.

    Raises:
        ForeignForm: it was.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if (origin is not None and origin.lower() != own_origin(request)) or site not in (None, "same-origin", "none"):
        raise ForeignForm("This form came from another site, so nothing was done.")


async def require_own(request: Request, person: Person | None) -> None:
    """Stop a form that did not come from our own page.

    Raises:
        ForeignForm: the mark is missing or another, or the browser says that it comes from elsewhere.
    """
    check_origin(request)
    form = await request.form()
    given, expected = form.get(FIELD), _expected(request, person)
    if not expected or not isinstance(given, str) or not same(given, expected):
        raise ForeignForm("This form is too old to be used, or is not ours. Go back, load the page anew and try again.")
