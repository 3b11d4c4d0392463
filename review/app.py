"""The app: pages, API, what stands around every answer, and what is said when something goes wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from pipelines.casework.rules import NotAllowedNow
from pipelines.casework.versions import ChangedMeanwhile
from pipelines.core import outside
from pipelines.core.errors import LodaError, NotFound
from pipelines.core.faults import place_of
from pipelines.core.lock import Busy
from pipelines.governance import interruption
from review import api, headers, pages
from review.bodies import TooLarge
from review.identity.addresses import allowed_hosts, check_settings
from review.identity.forms import ForeignForm
from review.permissions import NotAllowed, NotSignedIn
from review.policies import NotNow
from review.rendering import page
from review.routing import action_of

log = logging.getLogger(__name__)

STATIC = Path(__file__).resolve().parent / "static"
NOT_THERE = "There is no such page, or it is not for you."
THREADS = 6
"""Of a process. Python runs one at a time, so that with many each waits long for its turn while it holds the lock under
which lines of the audit log are added."""

PATIENCE_SECONDS = 10
"""How long pages of a newer version wait for a night before they bring the ledger up to date; whoever starts them tries
again."""


@asynccontextmanager
async def _with_few_threads(_app: FastAPI) -> AsyncIterator[None]:
    """Answer `THREADS` requests of a process at once, the others in the order in which they came."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def create_app() -> FastAPI:
    """The whole app, ready to be served.

    Raises:
        ConfigurationError: the settings do not let it start.
        Busy: the ledger is of an older version, and a night is at work on it.
        RuntimeError: a route names no action, a fault of this code.
    """
    check_settings()
    interruption.upgrade_between_nights(wait=PATIENCE_SECONDS)
    app = FastAPI(
        title="LODA", version="1", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_with_few_threads
    )
    app.add_middleware(headers.AroundEveryAnswer, database_away=_database_away, answer=_answer)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(), www_redirect=False)
    for group in pages.groups():
        app.include_router(group.router)
    for router in api.routers():
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _say_what_went_wrong(app)
    unguarded = [route.path for route in app.routes if isinstance(route, APIRoute) and action_of(route) is None]
    if unguarded:
        raise RuntimeError(f"Routes without an action: {', '.join(unguarded)}.")
    return app


def _say_what_went_wrong(app: FastAPI) -> None:
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(OperationalError, _database_away)
    app.add_exception_handler(InterfaceError, _database_away)
    app.add_exception_handler(RequestValidationError, _not_as_described)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(LodaError, _told)
    app.add_exception_handler(Exception, _unforeseen)


def _status(error: LodaError) -> int:
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, NotAllowed | ForeignForm):
        return 403
    if isinstance(error, TooLarge):
        return 413
    if isinstance(error, Busy):
        return 503
    return 409 if isinstance(error, NotNow | NotAllowedNow | ChangedMeanwhile) else 400


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, LodaError)  # noqa: S101 - registered for it
    if isinstance(error, outside.Outside):
        return _away(request, str(error))
    status = _status(error)
    sentence = str(error) if status != 404 or getattr(request.state, "person", None) else NOT_THERE
    return _answer(request, status, sentence)


async def _to_sign_in(request: Request, error: Exception) -> Response:
    if api.is_of_api(request):
        return _answer(
            request, 401, "Send a key that holds: Authorization: Bearer KEY. A borough's manager gives keys out."
        )
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = f"/sign-in?next={quote(back)}" if request.method == "GET" else "/sign-in"
    return RedirectResponse(where, status_code=303)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    sentences = {404: NOT_THERE, 405: "This page cannot be used in this way.", 413: "That is too large to be taken."}
    return _answer(request, error.status_code, sentences.get(error.status_code, "This cannot be answered."))


async def _not_as_described(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    if api.is_of_api(request):
        return api.not_as_described(error)
    return _answer(request, 404, NOT_THERE)


async def _database_away(request: Request, error: Exception) -> Response:
    log.error("%s: the database did not answer, %s", request.scope.get("path_format", "a page"), place_of(error))
    said = "The database does not answer at the moment. Nothing that you sent was saved: try again in a minute."
    return _answer(request, 503, said)


async def _unforeseen(request: Request, error: Exception) -> Response:
    sentence = outside.sentence_of(error)
    if sentence is not None:
        return _away(request, sentence)
    log.error("a page failed with %s", place_of(error))
    return _answer(request, 500, "Something failed that nobody foresaw; the platform's engineers can see where.")


def _away(request: Request, sentence: str) -> Response:
    """What lies outside is away or full: its place and what to do are for those who read the log."""
    log.error("%s: %s", request.scope.get("path_format", "a page"), sentence)
    said = "What the platform keeps its files in does not answer, is not there or is full; its engineers can see which."
    return _answer(request, 503, f"{said} Nothing that you sent was kept: send it again later.")


def _answer(request: Request, status: int, sentence: str) -> Response:
    if api.is_of_api(request):
        return api.refusal(status, sentence)
    response = page(request, "error.html", status=status, sentence=sentence, borough=None)
    if status == 503:
        response.headers["Retry-After"] = "60"
    return headers.protect(request, response)
