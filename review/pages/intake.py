"""Intake: what a borough sent, what became of it, what waits for a person, and how good it was on arrival."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from pipelines.core import clock
from pipelines.core.bucket import Folder
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, GateDecision
from pipelines.core.lock import Busy
from pipelines.core.settings import settings
from pipelines.extracts import given_back
from pipelines.gate import decisions, refuse, release
from pipelines.gate.decisions import NotDecided
from pipelines.governance import audit
from pipelines.publish import receipt_page, scorecard_pages
from pipelines.publish.due import standing_of
from pipelines.publish.receipts import outcome_of
from pipelines.publish.scorecards import scorecards
from review import policies
from review.forms import Form
from review.pages.paging import asked_page, links_of
from review.permissions import Action, NotAllowed, why_not_rows
from review.queries import drops
from review.rendering import page
from review.routing import Pages, person
from review.settings import review_settings
from schemas import registry

pages = Pages()
HOME = "/intake/{borough}"
DROP = HOME + "/drops/{drop}"
NOTHING_SHOWN: dict[str, Any] = {"example": None}
LAYOUT = frozenset({"no_mapping", "layout_changed"})
"""Reasons for which a drop waits until its layout is confirmed, on a page of its own."""


def places(borough: str) -> dict[str, Any]:
    """What every page of intake says of its borough."""
    return {"borough_name": registry.borough(borough).name, "home": HOME.format(borough=borough)}


@pages.get(HOME, Action.SEE_INTAKE)
def show(request: Request, borough: str) -> Response:
    """What arrived, what is held, and what the datasets stand on."""
    number, size = asked_page(request), review_settings().page_size
    standing = standing_of(borough, clock.today())
    with transaction() as session:
        held = drops.held(session, borough)
        rows, of = drops.arrived(session, borough, number, size)
        in_use = drops.in_use(session, borough, standing, clock.today())
    if number > 1 and not rows:
        raise NotFound("There is no such page of drops.")
    return page(
        request,
        "intake.html",
        held=held,
        layouts=LAYOUT,
        rows=rows,
        of=of,
        first=size * (number - 1) + 1,
        pages=links_of(request, number, size, of),
        in_use=in_use,
        outcome_of=outcome_of,
        titles={name: contract.title for name, contract in registry.contracts().items()},
        **places(borough),
    )


@pages.get(HOME + "/scorecard", Action.SEE_INTAKE)
def scorecard(request: Request, borough: str) -> Response:
    """How good each dataset was on arrival, beside the rest of London."""
    content = scorecard_pages.content_of(borough, scorecards())
    content.pop("borough")
    return page(request, "intake_scorecard.html", **content, **places(borough))


# --- one drop ---


@pages.get(DROP, Action.SEE_INTAKE)
def show_drop(request: Request, borough: str, drop: str) -> Response:
    """The receipt of a drop, and what a person may decide about it."""
    return _drop_page(request, borough, drop, Form({}))


def _drop_page(request: Request, borough: str, drop_id: str, form: Form, status: int = 200) -> Response:
    with transaction() as session:
        drop = drops.find(session, borough, drop_id)
        waiting = next((one for one in drops.held(session, borough) if one.drop == drop.id), None)
        decided = session.get(GateDecision, drop.id)
        receipt = seen_by(request, drop.receipt) if drop.receipt else None
        cells = _cells(receipt)
        if cells:
            details = {"dataset": drop.dataset, "cells": cells}
            audit.record(session, who=person(request).who, what="view receipt", about=drop.id, details=details)
    return page(
        request,
        "intake_drop.html",
        status=status,
        drop=drop,
        outcome=outcome_of(drop.status, drop.reason),
        waiting=waiting,
        layouts=LAYOUT,
        decided=decided,
        tone=receipt_page.KINDS.get(drop.status, "plain"),
        content=receipt_page.content_of(receipt) if receipt else None,
        no_cells=why_not_rows(person(request), borough, drop.dataset, "property"),
        no_rows=why_not_rows(person(request), borough, drop.dataset, "record"),
        form=form,
        errors=form.errors,
        title=_title(drop),
        **places(borough),
    )


def _title(drop: Drop) -> str:
    contracts = registry.contracts()
    return contracts[drop.dataset].title if drop.dataset in contracts else drop.dataset


def seen_by(request: Request, receipt: dict[str, Any]) -> dict[str, Any]:
    """A receipt as far as the person may see it: without cells where agreements, or their work, ask for counts."""
    if why_not_rows(person(request), receipt["borough"], receipt["dataset"], "property") is None:
        return receipt
    details = receipt.get("details")
    lines = [{**line, "shown": None} for line in details["lines"]] if details else []
    return {
        **receipt,
        "findings": [{**finding, **NOTHING_SHOWN} for finding in receipt.get("findings") or []],
        "details": {**details, "lines": lines} if details else None,
    }


def _cells(receipt: dict[str, Any] | None) -> int:
    """How many cells of the extract a receipt shows."""
    shown = receipt or {}
    examples = [finding.get("example") for finding in shown.get("findings") or []]
    lines = [line.get("shown") for line in (shown.get("details") or {}).get("lines") or []]
    return sum(cell is not None for cell in (*examples, *lines))


@pages.post(DROP + "/decision", Action.DECIDE_DROP)
async def decide(request: Request, borough: str, drop: str) -> Response:
    """Release or refuse a held drop."""
    form = Form.of(await request.form())
    return await run_in_threadpool(_decide, request, borough, drop, form)


def _decide(request: Request, borough: str, drop_id: str, form: Form) -> Response:
    with transaction() as session:
        drops.find(session, borough, drop_id)
        before = session.get(GateDecision, drop_id)
    decision, reason = form.text("decision"), " ".join(form.text("reason").split())
    there = DROP.format(borough=borough, drop=drop_id)
    acts = {decisions.RELEASE: (release, "released"), decisions.REFUSE: (refuse, "refused")}
    form.wrong("decision", None if decision in acts else "Choose whether the drop is released or refused.")
    form.wrong("reason", policies.why_not_reason(reason))
    if form.errors:
        return _drop_page(request, borough, drop_id, form, 422)
    act, done = acts[decision]
    who = person(request).who
    if before is not None and (before.decision, before.who, before.reason) == (decision, who, reason):
        return RedirectResponse(f"{there}?done={done}", 303)  # the button was pressed twice
    try:
        act(drop_id, who, reason, wait=policies.PATIENCE)
    except NotDecided as error:
        form.errors["page"] = str(error)
        return _drop_page(request, borough, drop_id, form, 409)
    except Busy:
        form.errors["page"] = policies.NIGHT_AT_WORK
        return _drop_page(request, borough, drop_id, form, 503)
    return RedirectResponse(f"{there}?done={done}", 303)


# --- files of a receipt ---


@pages.get(DROP + "/rows.csv", Action.SEE_INTAKE)
def rows_to_correct(request: Request, borough: str, drop: str) -> Response:
    """The rows that were set aside, as the receipt gives them back."""
    with transaction() as session:
        found = drops.find(session, borough, drop)
    refusal = why_not_rows(person(request), borough, found.dataset, "record")
    if refusal is not None:
        raise NotAllowed(refusal)
    path = (found.receipt or {}).get("quarantine_file")
    bucket = Folder(settings().bucket_url)
    if not path or given_back.marker_if_ours(bucket, path) is None:
        raise NotFound(
            "The rows of this drop are no longer there as they were given back: none was set aside, a corrected file "
            "has taken their place, or they were deleted when their retention ended."
        )
    with transaction() as session:
        details = {"dataset": found.dataset, "rows": (found.receipt or {}).get("rows_with_faults"), "fields": "all"}
        audit.record(session, who=person(request).who, what="download rows to correct", about=found.id, details=details)
    return _download(bucket, path)


@pages.get(DROP + "/findings.csv", Action.SEE_INTAKE)
def every_finding(request: Request, borough: str, drop: str) -> Response:
    """Every single finding by its row number, where the receipt could not hold them all. It holds no cell."""
    with transaction() as session:
        found = drops.find(session, borough, drop)
    path = ((found.receipt or {}).get("details") or {}).get("file")
    bucket = Folder(settings().bucket_url)
    if found.status == DropStatus.DUPLICATE.value or not path or not bucket.exists(path):
        raise NotFound("There is no file of all findings of this drop: the receipt lists them.")
    return _download(bucket, path)


def _download(bucket: Folder, path: str) -> Response:
    def content() -> Iterator[bytes]:
        with bucket.read(path) as handle:
            while block := handle.read(1 << 20):
                yield block

    name = quote(path.rsplit("/", 1)[-1], safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return StreamingResponse(content(), media_type="text/csv; charset=utf-8", headers=headers)
