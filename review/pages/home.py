"""The first page, and the pages that anybody may read."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from review.navigation import OF_BOROUGH, items
from review.permissions import Action, boroughs_of
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()


@pages.get("/", Action.SIGNED_IN)
def home(request: Request) -> Response:
    """To the one page that somebody works with, or a choice of boroughs and pages."""
    links = items(person(request), None, "/")
    if len(links) == 1:
        return RedirectResponse(links[0]["href"], status_code=303)
    lists = boroughs_of(person(request), Action.SEE_LIST)
    if len(lists) == 1:
        return RedirectResponse(f"/lists/{lists[0]}", status_code=303)
    return page(request, "home.html", links=links)


@pages.get("/boroughs", Action.SIGNED_IN)
def boroughs(request: Request, to: str = "lists") -> Response:
    """Choose the borough of a page."""
    text, pattern, action = next((kind for kind in OF_BOROUGH if kind[1].split("/")[1] == to), OF_BOROUGH[0])
    names = [(registry.borough(slug).name, pattern.format(slug)) for slug in boroughs_of(person(request), action)]
    return page(request, "boroughs.html", subject=text, boroughs=sorted(names))


@pages.get("/accessibility", Action.OPEN)
def accessibility(request: Request) -> Response:
    """The accessibility statement."""
    return page(request, "accessibility.html")
