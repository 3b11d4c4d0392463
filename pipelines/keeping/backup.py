"""A backup of the ledger and of all files, taken while no night runs, with a manifest to hold it against.

The ledger comes first and the lake after it, so that the lake is never older than what the ledger says of it: at worst
a backup is like a night that was killed between a commit of the lake and one of the ledger, which the next one mends.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.bucket import Folder
from pipelines.core.errors import ConfigurationError, LodaError
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.models import Base
from pipelines.core.settings import settings
from pipelines.governance import audit
from pipelines.governance.interruption import no_night_under_way
from pipelines.keeping.places import LEDGER, MANIFEST, PIECE, hash_of_file, is_left_out, ledger_file, parts


def back_up(out: Path) -> dict[str, Any]:
    """Write a backup to an empty folder, readable by its owner only, and return its manifest.

    It holds personal data and, where no setting gives them, the keys of tokens (`home/secrets`).

    Raises:
        LodaError: the folder is not empty, lies in what is backed up, or there is no ledger yet.
        Busy: a night, or a stage of one that Airflow runs, does not end.
    """
    out = out.absolute()
    if out.exists() and any(out.iterdir()):
        raise LodaError(f"{out} is not empty; give a folder that is, or is not there yet.")
    if any(folder.local and str(out).startswith(f"{folder.root}/") for folder in parts().values()):
        raise LodaError(f"{out} lies inside what is backed up; give a folder elsewhere, best on another machine.")
    if not ledger.is_there():
        raise LodaError("There is no ledger yet, so there is nothing to back up; see 'loda doctor'.")
    with no_night_under_way():
        out.mkdir(parents=True, exist_ok=True)
        out.chmod(0o700)
        with ledger.snapshot() as session:
            head = audit.check(session, []).head
        copied = _copy_ledger(out / LEDGER)
        manifest = {
            "made_at": clock.now().isoformat(),
            "schema": ledger.schema_revisions()[0],
            "kind": sa.make_url(settings().ledger_url).get_backend_name(),
            "audit": str(head),
            "rows": row_counts(),
            "ledger_sha256": hash_of_file(copied),
            "files": _copy_files(out),
        }
    # Last: a folder without one is no backup.
    target = out / MANIFEST
    target.write_text(json.dumps(manifest, indent=1))
    target.chmod(0o600)
    return manifest


def row_counts() -> dict[str, int]:
    """Rows of each table of the ledger, the audit log by its chain instead: it grows with every look."""
    with ledger.snapshot() as session:
        return {
            table.name: int(session.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
            for table in Base.metadata.sorted_tables
            if table.name != "loda_audit_event"
        }


def _copy_ledger(target: Path) -> Path:
    own = ledger_file()
    target.touch(mode=0o600)
    if own is not None:
        with closing(sqlite3.connect(own)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
        return target
    run_postgres("pg_dump", "--format=custom", "--no-owner", f"--file={target}")
    return target


def run_postgres(command: str, *arguments: str) -> None:
    """Run a command of PostgreSQL on the ledger; the password goes through the environment, never the command line.

    Raises:
        ConfigurationError: it is not installed.
        LodaError: it failed.
    """
    url = sa.make_url(settings().ledger_url)
    asked = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    given = {name: str(value) for name, value in asked.items() if value is not None}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, its database by the environment
            [command, *arguments],
            env={**os.environ, **given, "PGDATABASE": url.database or ""},
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise ConfigurationError(f"{command} is not installed here; it comes with PostgreSQL's client.") from None
    if done.returncode:
        raise LodaError(f"{command} ended with code {done.returncode}; run it by hand to see what it says.")


def _copy_files(out: Path) -> dict[str, dict[str, Any]]:
    everything = parts()
    found: dict[str, dict[str, Any]] = {}
    for part, folder in everything.items():
        others = {other.root for name, other in everything.items() if name != part}
        for entry in folder.list():
            if not is_left_out(part, entry.path, others):
                found[f"{part}/{entry.path}"] = {
                    **_copy(folder, entry.path, out / part / entry.path),
                    "marker": entry.marker,
                    "modified": entry.modified.timestamp(),
                }
    return found


def _copy(folder: Folder, path: str, target: Path) -> dict[str, Any]:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    digest, size = hashlib.sha256(), 0
    with folder.read(path) as source, target.open("wb") as copy:
        while piece := source.read(PIECE):
            digest.update(piece)
            size += len(piece)
            copy.write(piece)
    return {"sha256": digest.hexdigest(), "bytes": size}
