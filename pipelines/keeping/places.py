"""What a backup is made of: the parts, where each lies, and what of a home is of no use elsewhere."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from pipelines.core.bucket import Folder
from pipelines.core.settings import settings

MANIFEST = "manifest.json"
LEDGER = "ledger"
PIECE = 1024 * 1024


def parts() -> dict[str, Folder]:
    """Folders by the name they have in a backup."""
    own = settings()
    return {
        "bucket": Folder(own.bucket_url),
        "lake": Folder(own.lake_url),
        "published": Folder(own.published_url),
        "models": Folder(own.models_url),
        "mappings": Folder(str(own.mappings_dir)),
        "agreements": Folder(str(own.agreements_dir)),
        "reference": Folder(str(own.reference_dir)),
        "home": Folder(str(own.home)),
    }


def is_left_out(part: str, path: str, others: set[str]) -> bool:
    """Whether a file is not taken: of a home others' parts, the ledger, Airflow's folder, locks, half files."""
    name = path.rsplit("/", 1)[-1]
    if name.startswith(".") and name.endswith(".part"):
        return True
    if part != "home":
        return False
    full = f"{Folder(str(settings().home)).root}/{path}"
    ledger = ledger_file()
    return (
        any(full.startswith(f"{root}/") for root in others | {_airflow_home()})
        or (ledger is not None and full.startswith(str(ledger)))
        or path.startswith("locks/")
        or name.endswith((".lock", ".part"))
    )


def is_empty(part: str) -> bool:
    """Whether nothing lies in a place that a backup would take from it."""
    everything = parts()
    others = {other.root for name, other in everything.items() if name != part}
    return all(is_left_out(part, entry.path, others) for entry in everything[part].list())


def _airflow_home() -> str:
    """Airflow's folder, which servers keep below the home: its logs are each host's own, with links to folders."""
    return os.environ.get("AIRFLOW_HOME") or f"{Folder(str(settings().home)).root}/airflow"


def ledger_file() -> Path | None:
    """The ledger's file where it is SQLite; None where it is PostgreSQL."""
    url = sa.make_url(settings().ledger_url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def hash_of_file(path: Path) -> str:
    """SHA-256 of a file, read piece by piece."""
    with path.open("rb") as handle:
        return hash_of(handle)


def hash_of(handle: IO[bytes]) -> str:
    """SHA-256 of what is read, piece by piece."""
    digest = hashlib.sha256()
    while piece := handle.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
