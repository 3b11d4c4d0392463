"""A file checked before it is dropped, and a file dropped: both by the code of the night."""

from __future__ import annotations

import tempfile
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from pipelines.core.bucket import Folder
from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import settings
from pipelines.extracts import Extract
from pipelines.governance import access
from pipelines.ingest.discovery import DROPS
from pipelines.ingest.dropping import drop, safe_name
from pipelines.ingest.sniffing import KINDS, kind_of
from pipelines.publish import receipt_page
from review import policies
from review.bodies import file_of
from review.forms import Form
from review.pages.intake import HOME, places, seen_by
from review.permissions import Action, NotAllowed, why_not_rows
from review.rendering import page
from review.routing import Pages, person
from review.settings import review_settings
from schemas import registry

pages = Pages()
CHECK, UPLOAD = HOME + "/check", HOME + "/upload"
AT_ONCE = 2
"""Files that are checked at once: each takes a core for as long as the night would."""

_room = BoundedSemaphore(AT_ONCE)


def _choices(borough: str) -> list[tuple[str, str]]:
    """Datasets that an agreement lets the borough send, by title."""
    found = [
        (name, contract.title)
        for name, contract in registry.contracts().items()
        if access.allowed(borough, name, "hmo_detection")
    ]
    return sorted(found, key=lambda choice: choice[1])


def _form_page(request: Request, template: str, borough: str, form: Form, status: int = 200, **more: Any) -> Response:
    return page(
        request,
        template,
        status=status,
        form=form,
        errors=form.errors,
        datasets=_choices(borough),
        most=review_settings().max_upload_mib,
        kinds=", ".join(sorted(kind.lstrip(".").upper() for kind in KINDS)),
        **places(borough),
        **more,
    )


def _looked_over(borough: str, form: Form, file: UploadFile | None) -> str:
    """The dataset that was chosen; what is wrong with the form is noted in it."""
    dataset = form.text("dataset")
    form.wrong("dataset", None if dataset in dict(_choices(borough)) else "Choose what the file holds.")
    form.wrong("file", None if file is not None else "Choose a file.")
    return dataset


# --- check only ---


@pages.get(CHECK, Action.CHECK_EXTRACT)
def check_form(request: Request, borough: str) -> Response:
    """The form to check a file."""
    return _form_page(request, "intake_check.html", borough, Form({"dataset": request.query_params.get("dataset", "")}))


@pages.post(CHECK, Action.CHECK_EXTRACT)
async def check(request: Request, borough: str) -> Response:
    """What the night would answer to a file. Nothing of it is stored."""
    sent = await request.form()
    file = file_of(sent, "file")
    return await run_in_threadpool(_check, request, borough, Form.of(sent), file)


def _check(request: Request, borough: str, form: Form, file: UploadFile | None) -> Response:
    dataset = _looked_over(borough, form, file)
    if file is None or form.errors:
        return _form_page(request, "intake_check.html", borough, form, 422)
    if not _room.acquire(timeout=policies.PATIENCE):
        form.errors["page"] = "Other files are being checked at the moment. Try again in a minute."
        return _form_page(request, "intake_check.html", borough, form, 503)
    try:
        made = _rehearsed(borough, dataset, file)
    except RefusedDrop as error:
        form.errors["file"] = str(error)
        return _form_page(request, "intake_check.html", borough, form, 422)
    finally:
        _room.release()
    if form.text("act") == "rows" and made.quarantine_csv is not None:
        refusal = why_not_rows(person(request), borough, dataset, "record")
        if refusal is not None:
            raise NotAllowed(refusal)
        headers = {"Content-Disposition": 'attachment; filename="rows-to-correct.csv"'}
        return Response(made.quarantine_csv, media_type="text/csv; charset=utf-8", headers=headers)
    receipt = seen_by(request, made.receipt)
    return _form_page(
        request,
        "intake_check.html",
        borough,
        form,
        content=receipt_page.content_of(receipt),
        no_cells=why_not_rows(person(request), borough, dataset, "property"),
        no_rows=why_not_rows(person(request), borough, dataset, "record"),
    )


def _rehearsed(borough: str, dataset: str, file: UploadFile) -> Any:
    """What the night would make of a file, which lies in a private folder meanwhile."""
    from pipelines.rehearsal import rehearse  # it loads the gate's rule engine, which takes seconds

    name = safe_name(file.filename or "")
    with tempfile.TemporaryDirectory(prefix="loda-check-") as private:
        with (Path(private) / "file").open("wb") as target:
            file.file.seek(0)
            while block := file.file.read(1 << 20):
                target.write(block)
        extract = Extract(Folder(f"file://{private}"), "file", kind_of(name))
        return rehearse(extract, borough=borough, dataset=dataset, file_name=name)


# --- drop ---


@pages.get(UPLOAD, Action.UPLOAD_EXTRACT)
def upload_form(request: Request, borough: str) -> Response:
    """The form to drop a file, and the file that was dropped just now."""
    form = Form({"dataset": request.query_params.get("dataset", "")})
    return _form_page(request, "intake_upload.html", borough, form, lies=_lies(request, borough))


def _lies(request: Request, borough: str) -> str | None:
    """The path of the file that was dropped just now, if it lies there."""
    dataset, name = request.query_params.get("dataset", ""), request.query_params.get("name", "")
    try:
        if dataset not in registry.contracts() or name != safe_name(name):
            return None
    except RefusedDrop:
        return None
    path = f"{DROPS}/{borough}/{dataset}/{name}"
    return path if Folder(settings().bucket_url).exists(path) else None


@pages.post(UPLOAD, Action.UPLOAD_EXTRACT)
async def upload(request: Request, borough: str) -> Response:
    """Drop a file into the borough's folder of the bucket, where the night finds it."""
    sent = await request.form()
    file = file_of(sent, "file")
    return await run_in_threadpool(_upload, request, borough, Form.of(sent), file)


def _upload(request: Request, borough: str, form: Form, file: UploadFile | None) -> Response:
    dataset = _looked_over(borough, form, file)
    if file is None or form.errors:
        return _form_page(request, "intake_upload.html", borough, form, 422)
    try:
        dropped = drop(borough, dataset, file.filename or "", file.file, person(request).who)
    except RefusedDrop as error:
        form.errors["file"] = str(error)
        return _form_page(request, "intake_upload.html", borough, form, 422)
    name = dropped.path.rsplit("/", 1)[-1]
    told = urlencode({"done": "there" if dropped.already else "dropped", "dataset": dataset, "name": name})
    return RedirectResponse(f"{UPLOAD.format(borough=borough)}?{told}", 303)
