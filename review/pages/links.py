"""Addresses that the night could not tie to a property by itself: one at a time, decided by a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from pipelines.core.errors import LodaError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.governance import audit
from pipelines.governance.reads import showing, told_with
from pipelines.link import review_import, review_list
from pipelines.link.review import IS
from pipelines.link.review_export import key_of_row
from pipelines.link.review_import import NONE_OF_THESE, VERDICTS
from review import policies, words
from review.differences import marked
from review.forms import Form
from review.pages.paging import asked_page, links_of
from review.permissions import Action, NotAllowed, role_for, why_not_rows
from review.queries import links
from review.queries.links import Candidate, Queue, Waiting
from review.rendering import page
from review.routing import Pages, person
from review.settings import review_settings
from schemas import registry
from schemas.agreement import Role

pages = Pages()
HOME = "/links/{borough}"
SPINE = "gazetteer"
READS = "link review page"
OTHER = "other"
"""In place of a candidate: another property, whose UPRN was typed."""


def _role(request: Request, borough: str) -> Role:
    """The role under which somebody may see the borough's addresses.

    Raises:
        NotAllowed: agreements do not let them.
    """
    role = role_for(person(request), borough, SPINE, "property")
    if role is None:
        raise NotAllowed(why_not_rows(person(request), borough, SPINE, "property") or "You may not see this.")
    return role


def _queue(request: Request, borough: str, what: str, choose: Callable[[Queue], Waiting | None]) -> tuple[Queue, int]:
    """What waits and the place of the address that is shown, -1 for none; that it was seen is put on record."""
    with showing(READS, borough):
        own = links.desk(borough, _role(request, borough))
        with transaction() as session:
            found = links.queue(session, borough, own)
            shown = choose(found)
            if shown is not None:
                details = {"records": shown.records, "datasets": shown.cells["datasets"].split()}
                details |= {"fields": ["address", "postcode", "uprn"], "properties": len(shown.candidates)}
                details |= told_with(session)
                audit.record(session, who=person(request).who, what=what, about=borough, details=details)
    place = found.find(shown.key) if shown is not None else None
    return found, -1 if place is None else place


@pages.get(HOME, Action.SEE_LINKS)
def show(request: Request, borough: str) -> Response:
    """The address asked for, or the first that waits."""
    return _show(request, borough, request.query_params.get("at", ""), Form({}))


def _show(request: Request, borough: str, key: str, form: Form, status: int = 200) -> Response:
    def choose(found: Queue) -> Waiting | None:
        place = found.find(key) if key else None
        return found.addresses[place] if place is not None else found.next_open(-1)

    found, place = _queue(request, borough, "view address to decide", choose)
    one = found.addresses[place] if place >= 0 else None
    wanted = form.text("uprn") or request.query_params.get("candidate", "")
    candidate = _candidate(one, wanted) if one is not None else None
    following = found.next_open(place) if one is not None else None
    return page(
        request,
        "links.html",
        status=status,
        borough_name=registry.borough(borough).name,
        home=HOME.format(borough=borough),
        found=found,
        one=one,
        place=place + 1,
        candidate=candidate,
        pieces=marked(one.address, candidate.address) if one is not None and candidate is not None else None,
        following=following if following is not None and one is not None and following.key != one.key else None,
        datasets=_titles(one),
        sentence=one.cells["reason"] if one is not None else "",
        form=form,
        errors=form.errors,
        longest=review_import.LONGEST_NOTE,
        notice="",
        saved=request.query_params.get("done", "") == "decision" and not form.errors,
        lost=bool(key) and (one is None or one.key != key),
    )


def _candidate(one: Waiting, wanted: str) -> Candidate | None:
    """The candidate asked for, else the likeliest that nobody has refused."""
    return next((each for each in one.candidates if each.uprn == wanted), next(iter(one.candidates), None))


def _titles(one: Waiting | None) -> list[str]:
    contracts = registry.contracts()
    names = one.cells["datasets"].split() if one is not None else []
    return [contracts[name].title if name in contracts else name for name in names]


@pages.post(HOME, Action.DECIDE_LINK)
async def decide(request: Request, borough: str) -> Response:
    """Keep what a person decided about one address."""
    form = Form.of(await request.form())
    return await run_in_threadpool(_decide, request, borough, form)


def _decide(request: Request, borough: str, form: Form) -> Response:
    with showing(READS, borough):
        return _decided(request, borough, form)


def _decided(request: Request, borough: str, form: Form) -> Response:
    role = _role(request, borough)
    own = links.desk(borough, role)
    key, verdict, note = form.text("key"), form.text("verdict"), " ".join(form.text("note").split())
    cells = own.rows.get(key)
    if cells is None:
        raise policies.NotNow(policies.NO_LONGER_WAITS)
    typed = "".join(form.text("other").split()) if verdict == OTHER else ""
    verdict, uprn = (IS, typed) if verdict == OTHER else (verdict, form.text("uprn"))
    if form.text("verdict") == OTHER:
        form.wrong("other", None if review_import.UPRN.fullmatch(typed) else policies.NO_UPRN)
    form.wrong("note", policies.why_not_note(note, review_import.LONGEST_NOTE))
    form.wrong("page", None if verdict in VERDICTS else "Choose what you decide.")
    seen = form.number("seen")
    if not form.errors:
        row = {**cells, "verdict": verdict, "note": note, "last_decision": str(seen)}
        row["uprn"] = "" if verdict == NONE_OF_THESE else uprn
        row["key"] = key_of_row(row)
        taken = review_import.take_one(row, person(request).who, own.spine, role)
        for refused in taken.refused:
            form.wrong("other" if typed else "page", _said_here(refused.sentence))
    if form.errors:
        return _show(request, borough, key, form, 422)
    with transaction() as session:
        found = links.queue(session, borough, own)
    place = found.find(key)
    stays = place is not None and not found.addresses[place].settled
    following = (
        found.addresses[place] if stays and place is not None else found.next_open(-1 if place is None else place)
    )
    told = {"done": "decision", **({"at": following.key} if following is not None else {})}
    return RedirectResponse(f"{HOME.format(borough=borough)}?{urlencode(told)}", 303)


def _said_here(sentence: str) -> str:
    """What the import says of a row of a file, as it is said of the one address on a page."""
    if review_import.DECIDED_SINCE in sentence:
        return policies.DECIDED_MEANWHILE
    own = sentence.removeprefix("Row 1: ").replace("leave the row empty", "skip it")
    return own[0].upper() + own[1:]


# --- what was decided ---


@pages.get(HOME + "/decisions", Action.SEE_LINKS)
def decisions(request: Request, borough: str) -> Response:
    """What people decided about a borough's addresses, the newest first."""
    return _decisions(request, borough, Form({}))


def _decisions(request: Request, borough: str, form: Form, status: int = 200) -> Response:
    _role(request, borough)
    number, size = asked_page(request), review_settings().page_size
    with showing(READS, borough):
        there = review_list.properties(borough)
        with transaction() as session:
            every = review_list.decisions_in(session, borough, there, history=True)
            rows = every[size * (number - 1) : size * number]
            if number > 1 and not rows:
                raise NotFound("There is no such page of decisions.")
            if rows:
                details: dict[str, Any] = {"decisions": len(rows), "fields": ["address", "postcode", "uprn", "note"]}
                details |= told_with(session)
                who = person(request).who
                audit.record(session, who=who, what="view link decisions", about=borough, details=details)
    return page(
        request,
        "links_decisions.html",
        status=status,
        borough_name=registry.borough(borough).name,
        home=HOME.format(borough=borough),
        rows=rows,
        of=len(every),
        first=size * (number - 1) + 1,
        pages=links_of(request, number, size, len(every)),
        states=words.LINK_STATES,
        form=form,
        errors=form.errors,
    )


@pages.post(HOME + "/decisions/{number}/withdraw", Action.DECIDE_LINK)
async def withdraw(request: Request, borough: str, number: str) -> Response:
    """Take a decision back."""
    form = Form.of(await request.form())
    return await run_in_threadpool(_withdraw, request, borough, number, form)


def _withdraw(request: Request, borough: str, number: str, form: Form) -> Response:
    _role(request, borough)
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound("There is no such decision.")
    reason = " ".join(form.text("reason").split())
    form.wrong(f"reason-{number}", policies.why_not_reason(reason))
    if form.errors:
        return _decisions(request, borough, form, 422)
    try:
        review_list.withdraw(borough, int(number), person(request).who, reason)
    except NotFound as error:
        raise policies.NotNow("This decision does not hold any more, so there is nothing to take back.") from error
    except LodaError as error:
        form.wrong(f"reason-{number}", str(error))
        return _decisions(request, borough, form, 422)
    return RedirectResponse(f"{HOME.format(borough=borough)}/decisions?done=withdrawn", 303)
