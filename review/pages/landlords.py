"""A landlord: what the landlord has in a borough, and elsewhere as far as agreements and roles go."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from models.hmo.landlord_page import landlord as read_landlord
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.governance import access, audit, standing
from pipelines.governance.reads import showing, told_with
from review.permissions import Action, may
from review.queries import landlords
from review.queries.landlords import InBorough, Placed
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()
LONGEST_ID = 80
NOT_HERE = "There is no such landlord in this borough, or not any more. Begin again at a home on the list."


@pages.get("/landlords/{borough}/{landlord_id}", Action.SEE_LANDLORD)
def show(request: Request, borough: str, landlord_id: str) -> Response:
    """A landlord's page: homes of the boroughs that somebody works for, counts of the others."""
    asks = person(request)
    refusal = standing.list_refusal(borough)
    if refusal is not None:
        raise NotFound(f"Landlords of {registry.borough(borough).name} may not be shown. {refusal}")
    if len(landlord_id) > LONGEST_ID or not landlord_id.isprintable():
        raise NotFound(NOT_HERE)
    with showing("landlord page", borough):
        told = _told(landlord_id)
        with transaction() as session:
            on_lists = landlords.placed(session, landlord_id)
            found = _by_borough(session, told, on_lists)
            own = [part for part in found if may(asks, Action.SEE_LANDLORD, part.borough)]
            if borough not in {part.borough for part in own}:
                raise NotFound(NOT_HERE)
            details = {"boroughs": [part.borough for part in own], "homes": sum(len(part.homes) for part in own)}
            details |= told_with(session)
            audit.record(session, who=asks.who, what="view landlord", about=f"{borough}/{landlord_id}", details=details)
    names = sorted({*told["names"], *(place.landlord_name for place in on_lists if place.landlord_name)})
    return page(
        request,
        "landlord.html",
        names=names,
        own=sorted(own, key=lambda part: (part.borough != borough, part.borough)),
        others=[part for part in found if part not in own],
        borough_names={slug: own_borough.name for slug, own_borough in registry.boroughs().items()},
        withheld=told["withheld"],
        most=landlords.HOMES_SHOWN,
    )


def _told(landlord_id: str) -> dict[str, Any]:
    """What the lake tells; nothing where it has no such landlord (any more)."""
    try:
        return read_landlord(landlord_id)
    except NotFound:
        return {"names": [], "boroughs": [], "withheld": []}


def _by_borough(session: Session, told: dict[str, Any], on_lists: list[Placed]) -> list[InBorough]:
    """All that agreements let an analyst know, by borough."""
    slugs = {part["borough"] for part in told["boroughs"]} | {place.borough for place in on_lists}
    lists_hidden = {slug for slug in slugs if standing.list_refusal(slug) is not None}
    hidden = {slug for slug in slugs if access.refusal(slug, "inspection", "hmo_detection", role="analyst") is not None}
    shown = [place for place in on_lists if place.borough not in lists_hidden]
    homes = {(part["borough"], own["uprn"]) for part in told["boroughs"] for own in part["properties"]}
    homes |= {(place.borough, place.uprn) for place in shown}
    found = landlords.outcomes(session, {key for key in homes if key[0] not in hidden})
    return landlords.by_borough(told, shown, found, lists_hidden=lists_hidden, outcomes_hidden=hidden)
