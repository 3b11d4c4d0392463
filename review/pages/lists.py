"""A borough's list: the page, its map, the round to print, and the files to take away."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.lists import taken_down
from pipelines.core.ledger.models import PublishedList
from pipelines.governance import audit, standing
from review import exports, rounds, words
from review.filters import SORTS, Filters
from review.map import points
from review.permissions import Action
from review.queries import lists
from review.rendering import page
from review.routing import Pages, person
from review.settings import review_settings
from schemas import registry

pages = Pages()
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Opened:
    """A list that was opened: the issued list, what was asked for, and what is shown of it."""

    issued: PublishedList
    asked: Filters
    shown: lists.Shown
    capacity_line: str


def open_list(request: Request, borough: str, what: str, size: int | None) -> Opened:
    """What was asked for of a borough's current list; that it was seen is put on record.

    Raises:
        NotFound: there is none to work from; the sentence says why.
    """
    refusal = standing.list_refusal(borough)
    if refusal is not None:
        raise NotFound(f"The list of {registry.borough(borough).name} may not be shown. {refusal}")
    asked = Filters.read(request.query_params)
    with transaction() as session:
        issued = lists.current(session, borough)
        if issued is None:
            raise NotFound(_why_none(session, borough))
        shown = lists.entries(session, issued, asked, clock.today(), size)
        used = [name for name, _, _ in asked.set_ones]
        details = {"rows": len(shown.rows), "of": shown.of, "filters": used, "page": asked.page}
        audit.record(session, who=person(request).who, what=what, about=issued.id, details=details)
    return Opened(issued, asked, shown, _capacity_line(issued, shown))


def _why_none(session: Session, borough: str) -> str:
    name, down = registry.borough(borough).name, taken_down(session, borough)
    if down is not None:
        return f"The list of {name} was taken down on {down.withdrawn_at:%d %B %Y}. {down.withdrawn_why}"
    return f"No list was issued for {name} yet. The first night after its gazetteer has come makes one."


def _capacity_line(issued: PublishedList, shown: lists.Shown) -> str:
    """How many HMOs the visits are expected to find, and how many visits are done; nothing where there are none."""
    visits = min(issued.capacity, issued.rows)
    if not visits:
        return ""
    low = max(0, round(issued.expected_hits - shown.spread))
    high = min(visits, round(issued.expected_hits + shown.spread))
    said = f"Of the first {visits} homes about {round(issued.expected_hits)} are expected to be HMOs ({low} to {high})."
    done = shown.done_within_capacity
    return f"{said} {done or 'None'} of them {'has' if done < 2 else 'have'} been visited."


@pages.get("/lists/{borough}", Action.SEE_LIST)
def show(request: Request, borough: str) -> Response:
    """The list, a page of it at a time."""
    size = review_settings().page_size
    opened = open_list(request, borough, "view list", size)
    last = max(1, -(-opened.shown.of // size))
    return page(
        request,
        "list.html",
        opened=opened,
        asked=opened.asked,
        shown=opened.shown,
        issued=opened.issued,
        borough_name=registry.borough(borough).name,
        pages=_page_links(opened.asked, opened.shown.page, last),
        last=last,
        first=size * (opened.shown.page - 1) + 1,
        sorts=SORTS,
        query=opened.asked.address(page=1),
    )


def _page_links(asked: Filters, page: int, last: int) -> dict[str, object]:
    """Pages as the pagination component takes them: the first, the last, and those around this one."""
    if last <= 1:
        return {}
    near = sorted({1, last, *range(max(1, page - 1), min(last, page + 1) + 1)})
    items: list[dict[str, object]] = []
    for before, number in zip([0, *near], near, strict=False):
        if number - before > 1:
            items.append({"ellipsis": True})
        items.append({"number": number, "href": f"?{asked.address(page=number)}", "current": number == page})
    made: dict[str, object] = {"items": items}
    if page > 1:
        made["previous"] = {"href": f"?{asked.address(page=page - 1)}"}
    if page < last:
        made["next"] = {"href": f"?{asked.address(page=page + 1)}"}
    return made


@pages.get("/lists/{borough}/map", Action.SEE_LIST)
def show_map(request: Request, borough: str) -> Response:
    """Where the homes lie that were asked for, with the same homes in a table."""
    opened = open_list(request, borough, "view map", None)
    return page(
        request,
        "map.html",
        issued=opened.issued,
        asked=opened.asked,
        shown=opened.shown,
        without=sum(row.easting is None for row in opened.shown.rows),
        borough_name=registry.borough(borough).name,
        query=opened.asked.address(page=1),
    )


@pages.get("/lists/{borough}/map.json", Action.SEE_LIST)
def map_points(request: Request, borough: str) -> Response:
    """The homes of the map as GeoJSON."""
    opened = open_list(request, borough, "view map", None)
    return JSONResponse(points(opened.shown.rows, borough), media_type="application/geo+json")


@pages.get("/lists/{borough}/round", Action.SEE_LIST)
def show_round(request: Request, borough: str) -> Response:
    """The homes that were asked for, street by street, to take along: those within capacity unless a filter is set."""
    opened = open_list(request, borough, "print round", None)
    rows = opened.shown.rows
    if not opened.asked.set_ones:
        rows = [row for row in rows if row.rank <= opened.issued.capacity]
    return page(
        request,
        "round.html",
        issued=opened.issued,
        asked=opened.asked,
        streets=rounds.by_street(rows),
        number=len(rows),
        borough_name=registry.borough(borough).name,
        lead=words.LEAD_LONG,
    )


@pages.get("/lists/{borough}/export.csv", Action.EXPORT_LIST)
def export_csv(request: Request, borough: str) -> Response:
    """The homes that were asked for as CSV."""
    opened = open_list(request, borough, "export list as CSV", None)
    return _file(exports.csv(opened.shown.rows, opened.issued), opened.issued, "csv", "text/csv; charset=utf-8")


@pages.get("/lists/{borough}/export.xlsx", Action.EXPORT_LIST)
def export_xlsx(request: Request, borough: str) -> Response:
    """The homes that were asked for as a workbook."""
    opened = open_list(request, borough, "export list as XLSX", None)
    return _file(exports.xlsx(opened.shown.rows, opened.issued), opened.issued, "xlsx", XLSX)


def _file(content: bytes, issued: PublishedList, kind: str, media_type: str) -> Response:
    disposition = f'attachment; filename="{issued.id}.{kind}"'
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})
