"""About the model: its card and transparency record, how good it is, and the form with which a person changes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from models import hmo
from models.hmo import drift
from models.hmo import registry as models
from models.hmo.card import WHOSE_WORDS
from models.hmo.model_file import UntrustedModel
from pipelines import night
from pipelines.casework import rules
from pipelines.core.errors import LodaError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ModelVersion
from pipelines.core.lock import Busy
from pipelines.governance import audit
from review import charts, documents, policies
from review.forms import Form, Sent
from review.identity.person import Person
from review.markdown import document
from review.pages.performance import calibration_of
from review.permissions import Action, may
from review.queries import models as queries
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()
DOCUMENTS = {"card": ("card.md", "Model card"), "atrs": ("atrs.md", "Transparency record")}


@pages.get("/model", Action.SEE_MODEL)
def show(request: Request) -> Response:
    """The model in use, the one that waits, and all there are."""
    return _page(request, Form({}))


def _page(request: Request, form: Form, status: int = 200) -> Response:
    with transaction() as session:
        found = queries.overview(session)
        details = {"models": len(found.listed), "changes": len(found.changes)}
        audit.record(session, who=person(request).who, what="view models", about="models", details=details)
    back = models.goes_back_to()
    return page(
        request,
        "model.html",
        status=status,
        found=found,
        back=back,
        form=form,
        errors=form.errors,
        status_words=queries.STATUS_WORDS,
        act_words=queries.ACT_WORDS,
        sides=_side_by_side(found),
        trials=_trials(found.champion),
        calibration=calibration_of(found.champion),
        moved=_moved(person(request)),
        longest=policies.LONGEST_REASON,
        first=models.FIRST,
    )


def _side_by_side(found: queries.Overview) -> list[tuple[str, list[str]]]:
    """Rows of what each run recorded: the champion's column, and the newest challenger's where there is one."""
    columns = [queries.figures(model) for model in (found.champion, found.challenger) if model is not None]
    if not columns:
        return []
    return [(rows[0][0], [value for _, value in rows]) for rows in zip(*columns, strict=True)]


def _trials(model: ModelVersion | None) -> list[dict[str, Any]]:
    """The lists that a model's run tried, each with its rankers, and a picture of what they found."""
    titles = {
        "lists_forward": "Forwards in time: trained on what was known then, judged by what became known since",
        "lists_left_out": "Boroughs that it never saw, judged by what is known of them today",
    }
    made = []
    for key, title in titles.items():
        report = (model.metrics if model else {}).get(key)
        if not report:
            continue
        rows = [(WHOSE_WORDS[name].capitalize(), own) for name, own in report["rankers"].items()]
        drawn = [(name, own["found_worst"], own["found"], own["found_best"]) for name, own in rows]
        picture = charts.ranges(f"chart-{key.replace('_', '-')}", f"HMOs found by each way to rank. {title}", drawn)
        made.append({"title": title, "report": report, "rows": rows, "picture": picture})
    return made


def _moved(asks: Person) -> list[tuple[str, str, list[str]]]:
    """Of each borough in which somebody has a role: its name, what was compared, and what has moved."""
    found = []
    for slug, kept in drift.as_kept().items():
        if slug in registry.boroughs() and asks.roles_in(slug):
            compared = f"{kept['compared']} figures compared" if kept["compared"] else "The model was not trained on it"
            found.append((registry.borough(slug).name, compared, [queries.in_words(told) for told in kept["alerts"]]))
    return found


# --- documents ---


@pages.get("/model/documents/{model_id}/{kind}", Action.SEE_MODEL)
def show_document(request: Request, model_id: str, kind: str) -> Response:
    """A model's card or its transparency record."""
    if kind not in DOCUMENTS:
        raise NotFound("There is no such document.")
    model, (name, title) = documents.model_of(model_id), DOCUMENTS[kind]
    made = document(documents.read(model, name))
    return page(request, "document.html", model=model, kind=kind, title_of=title, made=made)


@pages.get("/model/files/{model_id}/{name}", Action.SEE_MODEL)
def download(request: Request, model_id: str, name: str) -> Response:
    """A model's document as its file."""
    model = documents.model_of(model_id)
    text = documents.read(model, name)
    disposition = f'attachment; filename="{model.id}.{name}"'
    return Response(text, media_type=documents.FILES[name], headers={"Content-Disposition": disposition})


# --- two models on the same homes ---


@pages.get("/model/compare/{model_id}", Action.SEE_MODEL)
def compare(request: Request, model_id: str, again: str = "") -> Response:
    """A model beside the champion, on the same homes; who may promote has it made anew of the newest data."""
    asks, model, champion = person(request), documents.model_of(model_id), models.champion()
    policies.require(policies.why_not_compare(model, champion))
    assert champion is not None  # noqa: S101 - the rule saw to it
    kept, under_way = documents.comparison(model, champion), documents.is_comparing()
    if may(asks, Action.PROMOTE_MODEL) and not under_way:
        under_way = _begun(asks, model, champion, None if again else kept)
    found = kept if kept and "failed" not in kept else None
    return page(
        request,
        "model_compare.html",
        model=model,
        champion=champion,
        found=found,
        failed=(kept or {}).get("failed"),
        under_way=under_way,
        made_at=datetime.fromisoformat(kept["made_at"]) if kept else None,
        rows=[
            (registry.borough(row["borough"]).name, row)
            for row in (found or {}).get("boroughs", [])
            if row["borough"] in registry.boroughs() and asks.roles_in(row["borough"])
        ],
    )


def _begun(asks: Person, model: ModelVersion, champion: ModelVersion, kept: dict[str, Any] | None) -> bool:
    """Whether a comparison by the newest data was begun: none is where what is kept is of these."""
    as_of = night.resolve_as_of(None)
    if kept is not None and kept["as_of"] == as_of.isoformat():
        return False
    policies.require(policies.why_not_usable(model))
    with transaction() as session:
        details = {"champion": champion.id, "as_of": as_of.isoformat()}
        audit.record(session, who=asks.who, what="compare models", about=model.id, details=details)
    documents.start_comparing(model, champion, as_of)
    return True


# --- who is champion ---


@pages.post("/model/promote", Action.PROMOTE_MODEL)
def promote(request: Request, form: Sent) -> Response:
    """Make a challenger the champion."""
    model_id, shown, reason = form.text("model"), form.text("champion"), rules.tidy(form.text("reason"))
    if not model_id:
        form.wrong("model", "Choose the model.")
    form.wrong("reason", policies.why_not_reason(reason))
    if form.errors:
        return _page(request, form, 422)
    model = documents.model_of(model_id)
    refusal = policies.why_not_promote(model, shown, models.champion())
    if refusal is not None:
        return _refused(request, form, refusal)
    try:
        hmo.promote(model.id, person(request).who, reason, instead_of=shown, wait=policies.PATIENCE)
    except (Busy, models.ChampionChanged, NotFound, UntrustedModel) as error:
        return _refused(request, form, _sentence(error))
    return RedirectResponse("/model?done=promoted", status_code=303)


@pages.post("/model/rollback", Action.PROMOTE_MODEL)
def roll_back(request: Request, form: Sent) -> Response:
    """Make the champion before this one champion again."""
    shown, why = form.text("champion"), rules.tidy(form.text("why"))
    form.wrong("why", policies.why_not_reason(why))
    if form.errors:
        return _page(request, form, 422)
    refusal = policies.why_not_roll_back(form.text("to"), shown, models.goes_back_to(), models.champion())
    if refusal is not None:
        return _refused(request, form, refusal)
    try:
        hmo.rollback(person(request).who, why, instead_of=shown, wait=policies.PATIENCE)
    except (Busy, models.ChampionChanged, NotFound, UntrustedModel) as error:
        return _refused(request, form, _sentence(error))
    return RedirectResponse("/model?done=rolled-back", status_code=303)


def _sentence(error: LodaError) -> str:
    if isinstance(error, Busy):
        return "A model is being trained or changed at this moment. Nothing was changed: try again in a few minutes."
    return str(error)


def _refused(request: Request, form: Form, refusal: str) -> Response:
    """The page as it is now, with what was typed, and why nothing was done."""
    form.errors["page"] = refusal
    return _page(request, form, 409)
