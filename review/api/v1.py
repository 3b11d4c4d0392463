"""Version 1 of the API. What is added later stays beside what is here; nothing of it is taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPBearer

from pipelines.casework import outcomes, places, rules
from pipelines.casework.places import Place
from pipelines.casework.words import Found, Method, Through
from pipelines.core import clock
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import snapshot, transaction
from pipelines.core.ledger.models import Drop
from pipelines.core.ledger.officers import Outcome
from pipelines.governance import audit, standing
from pipelines.governance.reads import showing
from review import unlisted
from review.api import PREFIX
from review.api.shapes import (
    Borough,
    DropId,
    Entry,
    Home,
    NewOutcome,
    Outcomes,
    Page,
    Receipts,
    RecordedOutcome,
    Refusal,
    Size,
    TheList,
    UnlistedHome,
    Uprn,
)
from review.filters import Filters
from review.permissions import Action
from review.queries import lists, properties
from review.routing import ACTION, guard_of, person

REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": Refusal, "description": text}
    for code, text in {
        400: "Not possible as it was asked for",
        401: "No key, or one that does not hold",
        403: "The key's role does not let it",
        404: "Not there, or not of this borough",
        409: "Not possible in this state",
        422: "Not as described here",
        503: "The database does not answer",
    }.items()
}
# The key is checked by the guard; this writes the scheme into the document.
_KEY = HTTPBearer(auto_error=False, description="A key that a borough's manager gave out.")
router = APIRouter(prefix=f"{PREFIX}v1/boroughs/{{borough}}", tags=["v1"], responses=REFUSALS)
Endpoint = Callable[..., Any]


def _route(method: str, path: str, action: Action, **more: Any) -> Callable[[Endpoint], Endpoint]:
    def add(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, ACTION, action)
        guards = [Depends(guard_of(action)), Depends(_KEY)]
        router.add_api_route(path, endpoint, methods=[method], dependencies=guards, **more)
        return endpoint

    return add


def _need_list(borough: str) -> None:
    refusal = standing.list_refusal(borough)
    if refusal is not None:
        raise NotFound(f"The list may not be shown. {refusal}")


@_route("GET", "/list", Action.EXPORT_LIST, response_model=TheList)
def current_list(request: Request, borough: Borough, page: Page = 1, size: Size = 100) -> TheList:
    """The borough's current list, a page of it, in the order of its places."""
    _need_list(borough)
    with transaction() as session:
        issued = lists.current(session, borough)
        if issued is None:
            raise NotFound("No list was issued for this borough yet, or it was taken down.")
        shown = lists.entries(session, issued, Filters(page=page), clock.today(), size)
        details = {"boroughs": [borough], "rows": len(shown.rows), "page": page}
        audit.record(session, who=person(request).who, what="read list by API", about=issued.id, details=details)
    return TheList(
        list_id=issued.id,
        borough=borough,
        as_of=issued.as_of,
        version=issued.version,
        model=issued.model_id,
        capacity=issued.capacity,
        expected_hits=round(issued.expected_hits, 1),
        homes=shown.of,
        page=shown.page,
        entries=[_entry(row) for row in shown.rows],
    )


def _entry(row: lists.Row) -> Entry:
    return Entry(
        place=row.rank,
        uprn=row.uprn,
        address=row.address,
        ward=row.ward,
        priority=row.band,
        licence_needed=row.licence_needed,
        licence_status=row.licence_status,
        reasons=row.reasons,
        place_before=row.before,
        status=row.status,
        assigned_to=row.assigned_to,
        planned_for=row.planned_for,
        found=row.found,
        visited_on=row.visited_on,
    )


@_route("GET", "/properties/{uprn}", Action.SEE_PROPERTY, response_model=Home)
def home(request: Request, borough: Borough, uprn: Uprn) -> Home:
    """A home that stands or stood on a list of the borough."""
    _need_list(borough)
    with transaction() as session:
        found = properties.find(session, borough, uprn)
        entry = lists.row_of(session, found.issued, uprn, clock.today())
        details = {"boroughs": [borough], "list": found.issued.id}
        about = f"{borough}/{uprn}"
        audit.record(session, who=person(request).who, what="read property by API", about=about, details=details)
    return Home(
        entry=_entry(entry),
        on_current_list=found.on_current,
        as_of=found.issued.as_of,
        dossier=_with_text_ids(found.dossier),
        outcomes=[_outcome(outcome) for outcome in found.outcomes],
        version=found.version,
    )


@_route("GET", "/homes/{uprn}", Action.SEE_PROPERTY, response_model=UnlistedHome)
def home_on_no_list(request: Request, borough: Borough, uprn: Uprn) -> UnlistedHome:
    """A home of the borough's gazetteer that stood on no list, such as one that a complaint led to."""
    try:
        found = unlisted.find(person(request), borough, uprn, "read property by API")
    except unlisted.OnAList as listed:
        raise NotFound("This home stands or stood on a list: ask for it among the properties.") from listed
    known = _with_text_ids(found.known)
    shown = {name: value for name, value in known.items() if name not in ("uprn", "address", "postcode", "ward")}
    return UnlistedHome(
        uprn=found.uprn,
        address=found.address,
        ward=known["ward"],
        as_of=shown.pop("as_of"),
        known=shown,
        outcomes=[_outcome(outcome) for outcome in found.outcomes],
        version=found.version,
    )


def _with_text_ids(dossier: dict[str, Any]) -> dict[str, Any]:
    """Numbers of records are larger than what every JSON reader keeps exact."""
    kinds = ("records", "licences", "applications")
    return dossier | {
        kind: [item | {"record_id": str(item["record_id"])} for item in dossier.get(kind, [])] for kind in kinds
    }


def _outcome(own: Outcome) -> RecordedOutcome:
    return RecordedOutcome(
        number=own.number,
        uprn=own.uprn,
        list_id=own.list_id,
        found=Found(own.found),
        attempt=own.attempt,
        visited_on=own.visited_on,
        method=Method(own.method),
        officer=own.officer,
        note=own.note,
        recorded_at=own.recorded_at,
        corrects=own.corrects,
        superseded_by=own.superseded_by,
    )


@_route("GET", "/outcomes", Action.EXPORT_LIST, response_model=Outcomes)
def recorded(
    request: Request,
    borough: Borough,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Only outcomes with a higher number.")] = 0,
    size: Size = 100,
) -> Outcomes:
    """Outcomes in the order in which they were recorded, corrections among them."""
    query = sa.select(Outcome).where(Outcome.borough == borough, Outcome.number > after)
    with transaction() as session:
        found = session.scalars(query.order_by(Outcome.number).limit(size)).all()
        details = {"boroughs": [borough], "rows": len(found)}
        audit.record(session, who=person(request).who, what="read outcomes by API", about=borough, details=details)
    return Outcomes(outcomes=[_outcome(outcome) for outcome in found])


@_route("POST", "/outcomes", Action.RECORD_OUTCOME, status_code=201, response_model=RecordedOutcome)
def record(request: Request, borough: Borough, sent: NewOutcome) -> RecordedOutcome:
    """Record what a visit found, at a home that stands or stood on a list of the borough or is in its gazetteer.

    With the home's `version` the same request sent twice is recorded once: the second is refused (409).
    """
    unlisted.require_list(borough)
    with showing("outcome by API", borough):
        place = _on_no_list(borough, sent.uprn)
        with transaction() as session:
            rules.require(outcomes.why_not(session, borough, sent.uprn, place))
            made = outcomes.record(
                session,
                borough=borough,
                uprn=sent.uprn,
                place=place,
                found=sent.found,
                visited_on=sent.visited_on,
                method=sent.method,
                officer=sent.officer,
                note=sent.note,
                list_id=sent.list_id,
                recorded_by=person(request).who,
                recorded_through=Through.API,
                expected_version=sent.version,
            )
    return _outcome(made)


def _on_no_list(borough: str, uprn: str) -> Place | None:
    """The home as the gazetteer names it where no list does; None where one does, or nobody knows it."""
    with snapshot() as session:
        listed = places.on_a_list(session, borough, uprn)
    return places.in_gazetteer(borough, uprn) if listed is None else None


@_route("GET", "/receipts", Action.SEE_INTAKE, response_model=Receipts)
def receipts(request: Request, borough: Borough, page: Page = 1, size: Size = 100) -> Receipts:
    """What became of the borough's drops, the newest first."""
    query = sa.select(Drop.receipt).where(Drop.borough == borough, Drop.receipt.is_not(None))
    newest = query.order_by(Drop.received_at.desc(), Drop.id).limit(size).offset(size * (page - 1))
    with transaction() as session:
        found = [dict(receipt) for receipt in session.scalars(newest) if receipt is not None]
        details = {"boroughs": [borough], "rows": len(found)}
        audit.record(session, who=person(request).who, what="read receipts by API", about=borough, details=details)
    return Receipts(receipts=found)


@_route("GET", "/receipts/{drop}", Action.SEE_INTAKE)
def receipt(request: Request, borough: Borough, drop: DropId) -> dict[str, Any]:
    """What became of one drop."""
    with transaction() as session:
        found = session.get(Drop, drop)
        if found is None or found.borough != borough or found.receipt is None:
            raise NotFound("There is no such receipt in this borough.")
        details = {"boroughs": [borough], "drop": drop}
        audit.record(session, who=person(request).who, what="read receipt by API", about=drop, details=details)
        return dict(found.receipt)
