"""How the platform is, for engineers; and the one word that a monitor asks for."""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import JSONResponse, Response

from pipelines.core import clock
from pipelines.core.faults import place_of
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.engine import transaction
from pipelines.core.settings import settings
from review.permissions import Action
from review.queries import health as queries
from review.rendering import page
from review.routing import Pages
from review.settings import review_settings
from schemas import registry

log = logging.getLogger(__name__)

pages = Pages()


@pages.get("/health", Action.SEE_HEALTH)
def show(request: Request) -> Response:
    """What the night last made, what is held, and what needs an engineer."""
    revision, newest = ledger.schema_revisions()
    with transaction() as session:
        found = queries.health(session)
    trouble = list(found.trouble)
    if revision != newest:
        trouble.insert(0, "The ledger is of another revision than the software: start one night, which brings it up.")
    return page(
        request,
        "health.html",
        found=found,
        trouble=trouble,
        revision=revision,
        newest=newest,
        database=sa.make_url(settings().ledger_url).get_backend_name(),
        airflow=review_settings().airflow_url,
        stages=queries.STAGES,
        names={slug: borough.name for slug, borough in registry.boroughs().items()} | {"london": "All boroughs"},
        age=lambda moment: (clock.now() - moment).total_seconds(),
        today=clock.today(),
    )


@pages.get("/healthz", Action.OPEN)
def answers(request: Request) -> Response:
    """Whether the ledger answers: 200 if it does, 503 if not. It says nothing more."""
    try:
        _ask()
    except Exception as error:  # noqa: BLE001 - whatever keeps the ledger from answering, that is the answer
        log.error("the ledger does not answer: %s", place_of(error))
        return JSONResponse({"status": "unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})


def _ask() -> None:
    """Ask the ledger for one row; it is not kept waiting by somebody who writes.

    Raises:
        Exception: it does not answer, or has no tables.
    """
    asked = "SELECT 1 FROM loda_drop LIMIT 1"
    url = sa.make_url(settings().ledger_url)
    if url.get_backend_name() != "sqlite":
        with ledger.engine().connect() as connection:
            connection.execute(sa.text(asked))
        return
    if not Path(url.database or "").is_file():
        raise FileNotFoundError("there is no ledger")
    connection_ = ledger.engine().raw_connection()
    try:
        connection_.cursor().execute(asked).fetchall()
    finally:
        connection_.close()
