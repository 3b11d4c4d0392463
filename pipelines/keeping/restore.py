"""The way back: a backup into the places that the settings name, which must be empty, and all of it verified."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipelines.core.bucket import Folder
from pipelines.core.errors import LodaError
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.models import Arrival
from pipelines.core.settings import settings
from pipelines.governance import audit
from pipelines.keeping.backup import row_counts, run_postgres
from pipelines.keeping.places import LEDGER, MANIFEST, hash_of, hash_of_file, is_empty, ledger_file, parts


def restore(backup: Path) -> dict[str, Any]:
    """Put a backup where the settings say that things lie, and return its manifest once all of it is verified.

    Raises:
        LodaError: it is no whole backup, a place is not empty, or what was put back is not what the manifest says.
    """
    manifest = _whole(backup)
    _refuse_what_is_there(manifest)
    everything = parts()
    for name, about in manifest["files"].items():
        part, path = name.split("/", 1)
        _put(everything[part], path, backup / name, about)
    _put_ledger(backup / LEDGER)
    _see_again(everything["bucket"], manifest)
    _verify(manifest)
    return manifest


def _whole(backup: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((backup / MANIFEST).read_text())
    except (OSError, ValueError):
        raise LodaError(f"{backup} has no manifest that can be read, so it is no backup or not a whole one.") from None
    wanted = {LEDGER: manifest["ledger_sha256"], **{n: about["sha256"] for n, about in manifest["files"].items()}}
    wrong = [n for n, sha in wanted.items() if not (backup / n).is_file() or hash_of_file(backup / n) != sha]
    if wrong:
        raise LodaError(
            f"{len(wrong)} files of the backup are missing or not what its manifest says, the first is '{wrong[0]}'; "
            "nothing was restored. Take another backup."
        )
    return manifest


def _refuse_what_is_there(manifest: dict[str, Any]) -> None:
    kind = sa.make_url(settings().ledger_url).get_backend_name()
    if kind != manifest["kind"]:
        raise LodaError(
            f"The backup is of a {manifest['kind']} ledger, LODA_LEDGER_URL names {kind}; give one like it."
        )
    if not ledger.may_make_tables():
        raise LodaError(
            "The user of LODA_LEDGER_URL may not make tables, so nothing was restored: give the URL of loda_migrator."
        )
    for name, folder in parts().items():
        if not is_empty(name):
            raise LodaError(
                f"The place of '{name}', {folder.url}, is not empty; a restore never writes over anything. "
                "Where an earlier try left it, delete that first."
            )
    own = ledger_file()
    if (own is not None and own.exists()) or (own is None and ledger.is_there()):
        raise LodaError("There is a ledger already where LODA_LEDGER_URL points; a restore never writes over anything.")


def _put(folder: Folder, path: str, source: Path, about: dict[str, Any]) -> None:
    with source.open("rb") as copy, folder.write(path) as target:
        shutil.copyfileobj(copy, target)
    if folder.local:
        full = Path(folder.full(path))
        # A file whose name has no date is dated by when it was written.
        os.utime(full, (about["modified"], about["modified"]))
        if "secrets" in Path(path).parts:
            full.parent.chmod(0o700)
            full.chmod(0o600)


def _put_ledger(copy: Path) -> None:
    own = ledger_file()
    if own is None:
        run_postgres("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={_database()}", str(copy))
        return
    own.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(copy, own)
    own.chmod(0o600)


def _database() -> str:
    return sa.make_url(settings().ledger_url).database or ""


def _see_again(bucket: Folder, manifest: dict[str, Any]) -> None:
    """Give what was seen before its new mark: a copied file has another, and would be taken for a new arrival."""
    marks = {entry.path: entry.marker for entry in bucket.list()}
    with ledger.transaction() as session:
        for arrival in session.scalars(sa.select(Arrival)):
            before = manifest["files"].get(f"bucket/{arrival.path}")
            if before is not None and before["marker"] == arrival.marker:
                arrival.marker = marks[arrival.path]


def _verify(manifest: dict[str, Any]) -> None:
    everything = parts()
    for name, about in manifest["files"].items():
        part, path = name.split("/", 1)
        with everything[part].read(path) as put_back:
            _same(f"the hash of '{name}'", hash_of(put_back), about["sha256"])
    _same("the ledger's schema", ledger.schema_revisions()[0], manifest["schema"])
    _same("the rows of the ledger's tables", row_counts(), manifest["rows"])
    kept = audit.parse_anchor(manifest["audit"])
    with ledger.snapshot() as session:
        verdict = audit.check(session, [kept] if kept.number else [])
    if not verdict.sound:
        raise LodaError(f"The restored audit log is not whole: {verdict.sentence} Do not use what was restored.")


def _same(what: str, found: object, said: object) -> None:
    if found != said:
        raise LodaError(f"After the restore {what} is not what the manifest says; do not use what was restored.")
