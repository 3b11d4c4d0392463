"""`loda doctor`: what is configured, whether it can be reached, and what to do where it cannot."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread

import sqlalchemy as sa

from pipelines.core import outside
from pipelines.core.bucket import Folder
from pipelines.core.errors import LodaError
from pipelines.core.ledger.engine import engine, knows, may_make_tables, schema_revisions
from pipelines.core.settings import Settings, settings
from pipelines.governance import keys
from pipelines.ingest.discovery import ours_to_make
from review.settings import ReviewSettings, review_settings
from schemas import lint, registry


@dataclass(frozen=True)
class Finding:
    """One thing that was checked, in a sentence."""

    check: str
    ok: bool
    sentence: str


def findings() -> list[Finding]:
    """Every check, in the order in which a fault should be mended."""
    of_our_own = [_finding("settings", _settings), _finding("contracts and mappings", _data)]
    return [*of_our_own, *_stores(), _finding("ledger", _ledger), _finding("pseudonym key", _key)]


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except LodaError as error:
        return Finding(name, False, str(error))
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide what the others find
        sentence = outside.sentence_of(error)
        return Finding(name, False, sentence or f"The check itself failed ({type(error).__name__}).")


NOT_SETTINGS = {"LODA_NOW", "LODA_REAL_DATA"} | {f"LODA_REQUIRE_{it}" for it in ("POSTGRES", "BROWSER", "CLUSTER")}


OURS = ("LODA_", "AWS_", "AIRFLOW__")
PLACEHOLDER = "change-me-"


def _settings() -> str:
    known = {f"LODA_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS
    known |= {f"LODA_REVIEW_{name.upper()}" for name in ReviewSettings.model_fields}
    strange = sorted(name for name in os.environ if name.startswith("LODA_") and name not in known)
    if strange:
        shown = [f"{name}{registry.meant(name, known)}" for name in strange]
        raise LodaError(f"{', '.join(shown)} is no setting; .env.example lists those there are.")
    open_yet = sorted(name for name, value in os.environ.items() if name.startswith(OURS) and PLACEHOLDER in value)
    if open_yet:
        raise LodaError(f"{', '.join(open_yet)} still holds a '{PLACEHOLDER}*' of ops/cluster.env; put in your own.")
    review_settings()  # told here rather than when the pages are to be served
    return f"State lies in {settings().home}; {settings().workers} processes share a night."


def _data() -> str:
    faults = lint.faults()
    if faults:
        raise LodaError(f"{len(faults)} faults, the first: {faults[0]} Run 'python -m schemas.lint' for all.")
    return "All contracts, mappings, agreements and issue types are sound."


STORES = {"bucket": "bucket_url", "lake": "lake_url", "published lists": "published_url", "models": "models_url"}
LOOK_SECONDS = 10.0
"""How long the looks at all stores may take together. A night is more patient: it asks again and again."""


def _stores() -> list[Finding]:
    """Each store, all at once: mostly it is one server that is away, and each would wait for it anew."""
    for name in STORES:
        with suppress(Exception):  # what is wrong is found below; here packages are loaded, which is no store's time
            Folder(_url(name), patient=False)
    found: dict[str, Finding] = {}

    def look(name: str) -> None:
        found[name] = _finding(name, lambda: _folder(_url(name), f"LODA_{STORES[name].upper()}"))

    # Daemons, so that one who waits for ever for a server or a disk does not keep this process.
    looks = [Thread(target=look, args=(name,), daemon=True) for name in STORES]
    for one in looks:
        one.start()
    until = time.monotonic() + LOOK_SECONDS
    for one in looks:
        one.join(max(0.0, until - time.monotonic()))
    late = f"has not answered within {LOOK_SECONDS:g} seconds: see to that server or disk, and to the way to it."
    return [found.get(name) or Finding(name, False, f"{_url(name)} {late}") for name in STORES]


def _url(name: str) -> str:
    return str(getattr(settings(), STORES[name]))


def _folder(url: str, setting: str) -> str:
    probe = f".loda-doctor-{uuid.uuid4().hex}"
    try:
        folder = Folder(url, patient=False)
        missing = folder.is_missing() and not _is_ours_to_make(folder, setting)
        if not missing:
            folder.write_bytes(probe, b"probe")
            folder.remove(probe)
    except Exception as error:
        raise LodaError(f"{url} cannot be written to: {_why(error, setting)}.") from error
    if missing:
        raise LodaError(f"{url} {outside.not_there(folder, setting)}")
    return f"{url} can be read and written."


def _is_ours_to_make(folder: Folder, setting: str) -> bool:
    """Whether a night, or this look, makes a folder that is not there."""
    return ours_to_make(folder) if setting == "LODA_BUCKET_URL" else folder.local


S3_SAYS = {
    "InvalidAccessKeyId": "the server does not know the key AWS_ACCESS_KEY_ID; see 'loda storage identities', and "
    "start the server anew after it",
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY is not the secret of AWS_ACCESS_KEY_ID",
    "NoSuchBucket": "there is no such bucket at AWS_ENDPOINT_URL; make it, or correct {setting}",
    "AccessDenied": "the key AWS_ACCESS_KEY_ID has no right to it, or there is no such bucket; make the bucket, see "
    "'loda storage policies', or correct {setting}",
}
"""What an S3 server answers, by its code, and what to do."""


def _why(error: BaseException, setting: str) -> str:
    """Why a store did not take a probe, and what to do; never the text of the exception."""
    link: BaseException | None = error
    while link is not None:
        answer = getattr(link, "response", None)
        code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
        if code in S3_SAYS:
            return S3_SAYS[code].format(setting=setting)
        kinds = {kind.__name__ for kind in type(link).__mro__ if kind.__module__ == "botocore.exceptions"}
        if kinds & {"HTTPClientError", "ConnectionError"}:
            return "no server answers at AWS_ENDPOINT_URL; start it, or correct the address"
        if kinds & {"NoCredentialsError", "PartialCredentialsError"}:
            return "AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set"
        link = link.__cause__ or link.__context__
    if isinstance(error, ValueError):
        return f"{setting} or AWS_ENDPOINT_URL is no address; give s3://BUCKET/FOLDER and http://HOST:PORT"
    return f"check {setting} and its permissions ({type(error).__name__})"


def _ledger() -> str:
    shown = sa.make_url(settings().ledger_url).render_as_string(hide_password=True)
    try:
        settings().home.mkdir(parents=True, exist_ok=True)
        with engine().connect() as connection:
            connection.execute(sa.text("SELECT 1"))
        current, head = schema_revisions()
        made_by_night = may_make_tables()
    except Exception as error:
        sentence = outside.sentence_of(error) or f"{shown} cannot be reached ({type(error).__name__})."
        raise LodaError(sentence if "LODA_LEDGER_URL" in sentence else f"{sentence} Check LODA_LEDGER_URL.") from error
    if current != head and not made_by_night and (current is None or knows(current)):
        raise LodaError(
            f"{shown} is at version {current or 'none'}, this code needs {head}: run 'loda ledger upgrade' as "
            "loda_migrator, see docs/deploy.md."
        )
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
