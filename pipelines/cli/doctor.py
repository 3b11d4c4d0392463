"""`loda doctor`: what is configured, whether it can be reached, and what to do where it cannot."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from pipelines.core.bucket import Folder
from pipelines.core.errors import LodaError
from pipelines.core.ledger.engine import engine, knows, schema_revisions
from pipelines.core.settings import Settings, settings
from pipelines.governance import keys
from review.settings import ReviewSettings, review_settings
from schemas import lint


@dataclass(frozen=True)
class Finding:
    """One thing that was checked, in a sentence."""

    check: str
    ok: bool
    sentence: str


def findings() -> list[Finding]:
    """Every check, in the order in which a fault should be mended."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("settings", _settings),
        ("contracts and mappings", _data),
        ("bucket", lambda: _folder(settings().bucket_url, "LODA_BUCKET_URL")),
        ("lake", lambda: _folder(settings().lake_url, "LODA_LAKE_URL")),
        ("published lists", lambda: _folder(settings().published_url, "LODA_PUBLISHED_URL")),
        ("ledger", _ledger),
        ("pseudonym key", _key),
    ]
    return [_finding(name, check) for name, check in checks]


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except LodaError as error:
        return Finding(name, False, str(error))


NOT_SETTINGS = {"LODA_NOW", "LODA_REAL_DATA"} | {f"LODA_REQUIRE_{it}" for it in ("POSTGRES", "BROWSER", "CLUSTER")}


def _settings() -> str:
    known = {f"LODA_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS
    known |= {f"LODA_REVIEW_{name.upper()}" for name in ReviewSettings.model_fields}
    strange = sorted(name for name in os.environ if name.startswith("LODA_") and name not in known)
    if strange:
        raise LodaError(f"{', '.join(strange)} is no setting; .env.example lists those there are.")
    review_settings()  # told here rather than when the pages are to be served
    return f"State lies in {settings().home}; {settings().workers} processes share a night."


def _data() -> str:
    faults = lint.faults()
    if faults:
        raise LodaError(f"{len(faults)} faults, the first: {faults[0]} Run 'python -m schemas.lint' for all.")
    return "All contracts, mappings, agreements and issue types are sound."


def _folder(url: str, setting: str) -> str:
    probe = f".loda-doctor-{uuid.uuid4().hex}"
    try:
        folder = Folder(url)
        folder.write_bytes(probe, b"probe")
        folder.remove(probe)
    except Exception as error:
        raise LodaError(
            f"{url} cannot be written to ({type(error).__name__}); check {setting} and its permissions."
        ) from error
    return f"{url} can be read and written."


def _ledger() -> str:
    shown = sa.make_url(settings().ledger_url).render_as_string(hide_password=True)
    try:
        settings().home.mkdir(parents=True, exist_ok=True)
        with engine().connect() as connection:
            connection.execute(sa.text("SELECT 1"))
        current, head = schema_revisions()
    except Exception as error:
        raise LodaError(f"{shown} cannot be reached ({type(error).__name__}); check LODA_LEDGER_URL.") from error
    if current is None:
        return f"{shown} can be reached; its tables are made when the first night runs."
    if not knows(current):
        raise LodaError(
            f"{shown} is at version {current} of newer code, this one's newest is {head}; run the newer code."
        )
    state = "up to date" if current == head else "of an older version, brought up to date by the next night"
    return f"{shown} can be reached and is {state}."


def _key() -> str:
    for name in keys.NAMES:
        keys.check(name)
    if keys.present_in_environment("pseudonym"):
        return f"Tokens are keyed by {keys.setting('pseudonym')}."
    return (
        f"Tokens are keyed by a file in {settings().home / 'secrets'}. That is for rehearsals: "
        f"set {keys.setting('pseudonym')} from a secrets store before real data comes in."
    )
