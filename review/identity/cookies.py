"""The cookies: of a session, of a form before there is one, of a sign-in at a provider that is under way.

In https each has the prefix `__Host-`, with which a browser takes it from this host alone and sends it in https alone.
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from itsdangerous import BadData, URLSafeTimedSerializer

from review.identity.addresses import is_secure
from review.identity.secret import secret_key
from review.settings import review_settings

SESSION = "loda_session"
FORM = "loda_form"
SIGNING_IN = "loda_signing_in"
SHORT_SECONDS = 600
"""How long a sign-in at a provider may take."""


def name_of(request: Request, cookie: str) -> str:
    """The name under which a browser keeps a cookie."""
    return f"__Host-{cookie}" if is_secure(request) else cookie


def read(request: Request, cookie: str) -> str | None:
    """What a browser sent under a cookie's name."""
    return request.cookies.get(name_of(request, cookie))


def write(request: Request, response: Response, cookie: str, value: str, seconds: int) -> None:
    """Have the browser keep a cookie; no script may read it, and no form of another site sends it along."""
    response.set_cookie(
        name_of(request, cookie),
        value,
        max_age=seconds,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop(request: Request, response: Response, cookie: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(name_of(request, cookie), path="/", secure=is_secure(request), httponly=True, samesite="lax")


def write_session(request: Request, response: Response, secret: str) -> None:
    """Have the browser keep a session's secret, and forget what led to it."""
    write(request, response, SESSION, secret, review_settings().session_hours * 3600)
    drop(request, response, FORM)
    drop(request, response, SIGNING_IN)


def signed(purpose: str, value: Any) -> str:
    """A value that can be read by anybody and made by nobody but this installation."""
    return str(URLSafeTimedSerializer(secret_key(), salt=purpose).dumps(value))


def unsigned(purpose: str, text: str | None, seconds: int = SHORT_SECONDS) -> Any:
    """The value of `signed` that is not older than so many seconds; None where it is, or is not ours."""
    if not text:
        return None
    try:
        return URLSafeTimedSerializer(secret_key(), salt=purpose).loads(text, max_age=seconds)
    except BadData:
        return None
