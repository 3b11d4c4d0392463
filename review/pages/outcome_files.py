"""Outcomes by file, for boroughs that stay in their case system: what was taken, and what was not and why."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from pipelines.casework import imports
from pipelines.core.errors import LodaError
from review.bodies import file_of
from review.forms import Form
from review.permissions import Action
from review.rendering import page
from review.routing import Pages, person
from schemas import registry

pages = Pages()
HOME = "/outcomes/{borough}/import"
REFUSALS_SHOWN = 200


@pages.get(HOME, Action.IMPORT_OUTCOMES)
def show(request: Request, borough: str) -> Response:
    """The form for a file, and how one looks."""
    return _page(request, borough, Form({}))


@pages.get(HOME + "/template.csv", Action.IMPORT_OUTCOMES)
def template(request: Request, borough: str) -> Response:
    """A file with the headings and one row as an example."""
    headers = {"Content-Disposition": 'attachment; filename="outcomes.csv"'}
    return Response(imports.template(), media_type="text/csv; charset=utf-8", headers=headers)


@pages.post(HOME, Action.IMPORT_OUTCOMES)
async def take(request: Request, borough: str) -> Response:
    """Take the outcomes of a file."""
    sent = await request.form()
    return await run_in_threadpool(_take, request, borough, file_of(sent, "file"))


def _take(request: Request, borough: str, file: UploadFile | None) -> Response:
    form = Form({})
    if file is None:
        form.wrong("file", "Choose a file.")
        return _page(request, borough, form, 422)
    with tempfile.TemporaryDirectory() as folder:
        name = Path(file.filename or "").name[:120] or "outcomes.csv"
        copy = Path(folder) / "outcomes.csv"
        with copy.open("wb") as out:
            shutil.copyfileobj(file.file, out)
        try:
            taken = imports.take(copy, borough, person(request).who, name)
        except LodaError as error:
            form.wrong("file", str(error))
            return _page(request, borough, form, 422)
    return _page(request, borough, form, taken=taken)


def _page(
    request: Request, borough: str, form: Form, status: int = 200, taken: imports.Taken | None = None
) -> Response:
    return page(
        request,
        "outcome_files.html",
        status=status,
        form=form,
        errors=form.errors,
        taken=taken,
        most=REFUSALS_SHOWN,
        borough_name=registry.borough(borough).name,
        home=HOME.format(borough=borough),
    )
