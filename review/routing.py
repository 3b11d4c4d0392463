"""Routes that say what they let somebody do: none is reached before `permissions` has let the person through."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from pipelines.core.errors import NotFound
from review.bodies import bounded
from review.identity import cookies, forms, sessions, tokens
from review.identity.person import Person
from review.permissions import WRITTEN_IN_URL, Action, require

API = "/api/"
ACTION = "loda_action"
"""Name of the attribute of an endpoint that holds its action."""

LONGEST = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What no address of ours holds, and some databases do not take."""

Endpoint = Callable[..., Any]


def guard_of(action: Action) -> Callable[[Request], Awaitable[None]]:
    """What runs before a page: who is it, may they, and did the form come from our own page."""

    async def guard(request: Request) -> None:
        person = request.state.person
        if any(len(own) > LONGEST or CONTROL.search(own) for own in map(str, request.path_params.values())):
            raise NotFound("There is no such page.")
        require(person, action, request.path_params.get(WRITTEN_IN_URL))
        # A key is sent by a program that means to; only what a browser sends by itself can be forged.
        if request.method not in forms.SAFE and (person is None or person.through != tokens.THROUGH):
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
            self.router.add_api_route(path, endpoint, methods=[method], dependencies=[Depends(guard_of(action))])
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
    """Who a request comes from: by its cookie, or where a program asks by its key."""
    if request.url.path.startswith(API):
        return tokens.person_of(request.headers.get("authorization"))
    return sessions.person_of(cookies.read(request, cookies.SESSION))
