"""Routes that say what they let somebody do: none is reached before `permissions` has let the person through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from review.bodies import bounded
from review.identity import cookies, forms, sessions
from review.identity.person import Person
from review.permissions import WRITTEN_IN_URL, Action, require

ACTION = "loda_action"
"""Name of the attribute of an endpoint that holds its action."""

Endpoint = Callable[..., Any]


def _guard(action: Action) -> Callable[[Request], Awaitable[None]]:
    """What runs before a page: who is it, may they, and did the form come from our own page."""

    async def guard(request: Request) -> None:
        person = request.state.person
        require(person, action, request.path_params.get(WRITTEN_IN_URL))
        if request.method not in forms.SAFE:
            await forms.require_own(request, person)

    return guard


class Pages:
    """A group of pages. Every one of them names its action; there is no way to add one without."""

    def __init__(self) -> None:
        self.router = APIRouter(
            default_response_class=HTMLResponse, include_in_schema=False, dependencies=[Depends(bounded)]
        )

    def get(self, path: str, action: Action) -> Callable[[Endpoint], Endpoint]:
        """A page that is looked at."""
        return self._route(path, action, "GET")

    def post(self, path: str, action: Action) -> Callable[[Endpoint], Endpoint]:
        """A form that is sent; it ends in a redirect, or in the page with what is wrong."""
        return self._route(path, action, "POST")

    def _route(self, path: str, action: Action, method: str) -> Callable[[Endpoint], Endpoint]:
        def add(endpoint: Endpoint) -> Endpoint:
            setattr(endpoint, ACTION, action)
            self.router.add_api_route(path, endpoint, methods=[method], dependencies=[Depends(_guard(action))])
            return endpoint

        return add


def action_of(route: APIRoute) -> Action | None:
    """The action that a route names; None where it names none, which no route may."""
    return getattr(route.endpoint, ACTION, None)


def person(request: Request) -> Person:
    """Who asks; only behind an action that needs somebody signed in."""
    found: Person = request.state.person
    return found


def recognise(request: Request) -> Person | None:
    """Who a request comes from, by its cookie."""
    return sessions.person_of(cookies.read(request, cookies.SESSION))
