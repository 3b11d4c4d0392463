"""What lies beside a model's file: its card and its transparency record, found by the ledger, never by an address."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from datetime import date
from multiprocessing import get_context
from typing import Any

from models.hmo import judge, model_file
from models.hmo import registry as models
from pipelines.core import clock
from pipelines.core.errors import LodaError, NotFound
from pipelines.core.faults import place_of
from pipelines.core.ledger.models import ModelVersion
from pipelines.core.lock import Busy, exclusive
from pipelines.governance.reads import reading

log = logging.getLogger(__name__)

FILES = {
    "card.md": "text/markdown; charset=utf-8",
    "atrs.md": "text/markdown; charset=utf-8",
    "atrs.json": "application/json",
}
"""The documents that there are, by the end of their name, with what they are."""

COMPARISON = "compare.json"
LONGEST_ID = 80
LOCK = "compare-models"


def model_of(model_id: str) -> ModelVersion:
    """A model of the ledger.

    Raises:
        NotFound: there is none of that name.
    """
    found = models.version(model_id) if len(model_id) <= LONGEST_ID and model_id.isprintable() else None
    if found is None:
        raise NotFound("There is no such model.")
    return found


def read(model: ModelVersion, name: str) -> str:
    """The text of one of a model's documents.

    Raises:
        NotFound: there is none of that name, or its file is gone.
    """
    if name not in FILES:
        raise NotFound("There is no such document.")
    content = _beside(model, name)
    if content is None:
        raise NotFound(f"This document of {model.id} is not there; 'loda model card {model.id}' writes it anew.")
    return content.decode()


def _beside(model: ModelVersion, name: str) -> bytes | None:
    return model_file.kept().read_bytes(f"{model.id}.{name}")


def comparison(challenger: ModelVersion, champion: ModelVersion) -> dict[str, Any] | None:
    """What was last kept of a comparison of these two; None where nothing was.

    The figures of `judge.compare` with `made_at`, or `failed` with the sentence that says why there are none.
    """
    content = _beside(challenger, COMPARISON)
    if content is None:
        return None
    kept: dict[str, Any] = json.loads(content)
    return kept if kept["champion"] == champion.id else None


def start_comparing(challenger: ModelVersion, champion: ModelVersion, as_of: date) -> None:
    """Compare in a process of its own, which ends with this one: it reads all boroughs and takes minutes."""
    spawned = get_context("spawn").Process(target=compare, args=(challenger.id, champion.id, as_of), daemon=True)
    spawned.start()


def is_comparing() -> bool:
    """Whether a comparison is under way."""
    try:
        with exclusive(LOCK, 0):
            return False
    except Busy:
        return True


def compare(challenger_id: str, champion_id: str, as_of: date) -> None:
    """Hold a challenger against the champion on the same homes and keep what came out, or why nothing did.

    Nothing is done where another comparison is under way.
    """
    asked = {"challenger": challenger_id, "champion": champion_id, "as_of": as_of.isoformat()}
    with suppress(Busy), exclusive(LOCK, 0), reading("model compare", "london"):
        try:
            found = judge.compare(challenger_id, as_of)
        except LodaError as error:
            found = asked | {"failed": str(error)}
        except Exception as error:  # noqa: BLE001 - it ends in a process that nobody watches, and must be told
            log.error("comparing models failed with %s", place_of(error))
            found = asked | {"failed": "Something failed that nobody foresaw; the platform's engineers can see where."}
        made = json.dumps(found | {"made_at": clock.now().isoformat()})
        model_file.kept().write_bytes(f"{model_of(challenger_id).id}.{COMPARISON}", made.encode())
