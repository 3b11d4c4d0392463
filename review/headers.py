"""What stands around every answer: who asks, and headers that hold the browser to this site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

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
A_YEAR = 31_536_000


class AroundEveryAnswer(BaseHTTPMiddleware):
    """Finds out who asks before a page runs, and protects what it answers."""

    def __init__(self, app: ASGIApp, database_away: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        super().__init__(app)
        self.database_away = database_away

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Answer one request."""
        static = request.url.path.startswith("/static/")
        request.state.person = None
        if not static:
            try:
                request.state.person = await run_in_threadpool(recognise, request)
            except DBAPIError as error:
                return await self.database_away(request, error)
        response = await call_next(request)
        return protect(request, response)


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
