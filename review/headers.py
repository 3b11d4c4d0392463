"""What stands around every answer: who asks, and headers that hold the browser to this site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from review import api
from review.identity import forms
from review.identity.addresses import is_secure
from review.rendering import nonce
from review.routing import recognise

POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data: blob:; "
    "worker-src 'self'; connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FROM_NOBODY = 65_536
"""Bytes that a form may hold where nobody is signed in."""

A_YEAR = 31_536_000


class AroundEveryAnswer(BaseHTTPMiddleware):
    """Finds out who asks before a page runs, and protects what it answers."""

    def __init__(
        self,
        app: ASGIApp,
        database_away: Callable[[Request, Exception], Awaitable[Response]],
        answer: Callable[[Request, int, str], Response],
    ) -> None:
        super().__init__(app)
        self.database_away, self.answer = database_away, answer

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Answer one request."""
        static = request.url.path.startswith("/static/")
        request.state.person = None
        if not static:
            try:
                request.state.person = await run_in_threadpool(recognise, request)
            except DBAPIError as error:
                return await self.database_away(request, error)
        if request.state.person is None and _carries_too_much(request):
            return self.answer(request, 413, "That is too large to be taken from somebody who is not signed in.")
        response = await call_next(request)
        return protect(request, response)


def _carries_too_much(request: Request) -> bool:
    """Whether more is sent than a sign-in needs: it would be read before anybody asks who sends it.

    Programs are known by their tokens, which the API looks at itself.
    """
    if request.method in forms.SAFE or request.url.path.startswith(api.PREFIX):
        return False
    said = request.headers.get("content-length", "")
    return "transfer-encoding" in request.headers or int(said if said.isdecimal() else 0) > FROM_NOBODY


def protect(request: Request, response: Response) -> Response:
    """Add the headers; pages are never kept by a browser or a proxy, what is static is."""
    for name, value in ALWAYS.items():
        response.headers[name] = value
    response.headers["Content-Security-Policy"] = POLICY.format(nonce=nonce(request))
    static = request.url.path.startswith("/static/") and response.status_code < 400
    response.headers["Cache-Control"] = "public, max-age=3600" if static else "no-store"
    if is_secure(request):
        response.headers["Strict-Transport-Security"] = f"max-age={A_YEAR}"
    return response
