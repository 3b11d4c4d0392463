"""Layouts that nobody has described: how the night would read them, put right and confirmed by a person."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from pipelines.core.errors import ConfigurationError, LodaError, NotFound, RefusedDrop
from pipelines.core.ledger.engine import transaction
from pipelines.core.lock import exclusive
from pipelines.extracts import raw_extract
from pipelines.governance import audit
from pipelines.onboard import Answers, Proposal
from pipelines.onboard.held import proposal_of, unheard
from pipelines.onboard.saving import layout_path, save
from review import policies
from review.forms import Form
from review.pages.intake import HOME, places
from review.permissions import Action, why_not_rows
from review.queries import drops, proposals
from review.queries.proposals import Proposed
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()
MAPPINGS = HOME + "/mappings"
ONE = MAPPINGS + "/{drop}"
IGNORE = "-"
"""In place of a field: the column is not used."""


@pages.get(MAPPINGS, Action.SEE_INTAKE)
def show(request: Request, borough: str) -> Response:
    """Layouts that wait to be confirmed."""
    with transaction() as session:
        waiting = proposals.waiting(session, borough)
    found = [proposals.proposed(drop) for drop in waiting]
    titles = {name: contract.title for name, contract in registry.contracts().items()}
    return page(request, "intake_mappings.html", found=found, titles=titles, **places(borough))


@pages.get(ONE, Action.SEE_INTAKE)
def show_one(request: Request, borough: str, drop: str) -> Response:
    """One layout: each column, what it is taken for, and why."""
    return _page(request, borough, _find(request, borough, drop), Form({}))


def _find(request: Request, borough: str, drop_id: str) -> Proposed:
    """What was proposed; where codes of the file are shown, that is put on record in the same transaction."""
    with transaction() as session:
        drop = drops.find(session, borough, drop_id)
        if drop.id not in {one.id for one in proposals.waiting(session, borough)}:
            raise NotFound("This drop does not wait for its layout any more: its receipt says what became of it.")
        found = proposals.proposed(drop)
        if found.questions and why_not_rows(person(request), borough, found.dataset, "property") is None:
            details = {"dataset": found.dataset, "questions": len(found.questions)}
            audit.record(session, who=person(request).who, what="view proposed layout", about=drop.id, details=details)
    return found


def _page(
    request: Request, borough: str, found: Proposed, form: Form, status: int = 200, tried: dict[str, Any] | None = None
) -> Response:
    contract = registry.contract(found.dataset)
    no_cells = why_not_rows(person(request), borough, found.dataset, "property")
    return page(
        request,
        "intake_mapping.html",
        status=status,
        found=found,
        fields=[(one.name, one.title) for one in contract.fields],
        codes={one.name: list((one.codes or {}).items()) for one in contract.fields if one.codes},
        field_titles={one.name: one.title for one in contract.fields},
        title=contract.title,
        no_cells=no_cells,
        questions=[] if no_cells else found.questions,
        form=form,
        errors=form.errors,
        tried=tried,
        ignore=IGNORE,
        name=found.drop.path.rsplit("/", 1)[-1],
        **places(borough),
    )


@pages.post(ONE, Action.CONFIRM_MAPPING)
async def confirm(request: Request, borough: str, drop: str) -> Response:
    """Try a layout on the file that waits, or confirm it: the next night reads by it."""
    form = Form.of(await request.form())
    return await run_in_threadpool(_confirm, request, borough, drop, form)


def _confirm(request: Request, borough: str, drop_id: str, form: Form) -> Response:
    found = _find(request, borough, drop_id)
    if form.text("made_from") != found.made_from:
        form.errors["page"] = "The night has made this proposal anew since you opened it. Look at it again."
        return _page(request, borough, found, Form({}, form.errors), 409)
    answers = _answers(found, form)
    if form.errors:
        return _page(request, borough, found, form, 422)
    try:
        made = proposal_of(found.drop, answers)
    except RefusedDrop as error:
        form.errors["page"] = str(error)
        return _page(request, borough, found, form, 422)
    form.wrong("page", " ".join(_faults(found, made, answers)))
    if form.errors:
        return _page(request, borough, found, form, 422)
    if form.text("act") != "confirm":
        return _page(request, borough, found, form, tried=_tried(borough, found, made))
    refusal = _saved(borough, found, made, person(request).who)
    if refusal is not None:
        form.errors["page"] = refusal
        return _page(request, borough, found, form, 422)
    return RedirectResponse(f"{MAPPINGS.format(borough=borough)}?done=mapping", 303)


def _answers(found: Proposed, form: Form) -> Answers:
    """What a person said otherwise than was proposed; answers that there are not are noted in the form."""
    contract = registry.contract(found.dataset)
    columns: dict[str, str | None] = {}
    for place, column in enumerate(found.columns):
        said = form.text(f"column-{place}")
        if said not in contract.by_name and said != IGNORE:
            form.wrong(f"column-{place}", f"Choose what '{column.heading}' is, or that it is not used.")
        elif said != (column.field or IGNORE):
            columns[column.heading] = None if said == IGNORE else said
    codes: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}
    day_first: bool | None = None
    for place, question in enumerate(found.questions):
        said = form.text(f"question-{place}")
        if not said:
            continue
        if said not in question["options"]:
            form.wrong(f"question-{place}", "Choose one of the answers that there are.")
        elif question["kind"] == "dates":
            day_first = said == "day"
        elif question["kind"] == "constant":
            constants[question["about"]] = said
        else:
            codes.setdefault(question["field"], {})[question["about"]] = said
    return Answers(columns=columns, codes=codes, constants=constants, day_first=day_first)


def _faults(found: Proposed, made: Proposal, answers: Answers) -> list[str]:
    """Why a layout cannot be confirmed as it is, in sentences."""
    if made.known_layout is not None:
        return [policies.KNOWN_LAYOUT]
    contract = registry.contract(found.dataset)
    said = [
        f"'{name}' cannot be read as {contract.by_name[field].title}; choose something else."
        if (field := answers.columns[name]) is not None
        else f"'{name}' cannot be left out; choose what it is."
        for name in unheard(made, answers)
    ]
    return said or list(made.faults)


def _tried(borough: str, found: Proposed, made: Proposal) -> dict[str, Any]:
    """What the night would make of the file with this layout: the receipt of a rehearsal."""
    from pipelines.rehearsal import rehearse  # it loads the gate's rule engine, which takes seconds

    name = found.drop.path.rsplit("/", 1)[-1]
    made_of = rehearse(
        raw_extract(found.drop),
        borough=borough,
        dataset=found.dataset,
        mapping=made.as_mapping(layout_path(made, name).stem),
        file_name=name,
        extract_date=found.drop.extract_date,
    )
    return made_of.receipt


def _saved(borough: str, found: Proposed, made: Proposal, who: str) -> str | None:
    """Save the layout where the night finds it; why it cannot be, in a sentence, or None."""
    try:
        with exclusive(f"mappings-{borough}", policies.PATIENCE):
            save(layout_path(made, found.drop.path.rsplit("/", 1)[-1]), made, who)
    except ConfigurationError as error:
        return str(error)
    except OSError as error:
        raise LodaError(
            f"The layout could not be written ({type(error).__name__}); tell the platform's engineers."
        ) from error
    return None
