"""The stage: one publication a quarter, in a folder of its own that is whole before anything leads to it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipelines.core import clock
from pipelines.core.bucket import Folder
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from pipelines.governance import audit
from pipelines.governance.reads import reading
from pipelines.publish.open import counting, files, metadata, page, protect
from pipelines.publish.open.table import published
from schemas import registry

CATALOGUE, OVERVIEW = "catalog.jsonld", "index.html"


@dataclass(frozen=True)
class Publication:
    """Where a quarter's publication lies, what it holds, and whether it was made just now."""

    name: str
    words: str
    url: str
    issued: str
    rows: int
    boroughs: int
    made: bool


def publish_open(out: str = "") -> Publication:
    """Publish this quarter's figures of all boroughs below `out`, by default `<published_url>/open`.

    `<out>/<quarter>/` first, its `datapackage.json` last, which makes it a publication; then `<out>/catalog.jsonld`
    and `<out>/index.html`, which lead to every publication. Killed half way, what was published before stands, and it
    is simply done again. A quarter that is published is never made anew.

    Raises:
        NotFound: the lake has no property of any borough that may be counted.
        ConfigurationError: a file of this quarter is not as it was published, or the folder is somebody else's.
    """
    folder = Folder(out or f"{settings().published_url.rstrip('/')}/open")
    period = files.Period(clock.today())
    with exclusive("open"):
        if folder.exists(OVERVIEW) and not folder.exists(CATALOGUE) and not _publications(folder):
            raise ConfigurationError(
                f"{folder.url} has an {OVERVIEW} that is no open data; name another folder: --out."
            )
        package = _standing(folder, period.name)
        made = package is None
        if package is None:
            package = _publish(folder, period)
        publications = _publications(folder)
        folder.write_bytes(CATALOGUE, metadata.as_json(metadata.catalogue(publications)))
        folder.write_bytes(OVERVIEW, page.overview(publications))
    url = f"{folder.url}/{period.name}"
    issued = str(package["created"])[:10]
    return Publication(period.name, period.words, url, issued, package["rows"], len(package["boroughs"]), made)


def _publish(folder: Folder, period: files.Period) -> dict[str, Any]:
    made = _files(period)
    last = made.pop(files.PACKAGE)
    for name, content in made.items():
        folder.write_bytes(f"{period.name}/{name}", content)
    package: dict[str, Any] = json.loads(last)
    details = {
        "rows": package["rows"],
        "boroughs": len(package["boroughs"]),
        "sha256": hashlib.sha256(last).hexdigest(),
    }
    # Before the file that makes it a publication: rather a line too many than a publication without one.
    audit.note(what="publish open data", about=f"open/{period.name}", details=details)
    folder.write_bytes(f"{period.name}/{files.PACKAGE}", last)
    return package


def _files(period: files.Period) -> dict[str, bytes]:
    secret = protect.secret()
    tables, places = [], []
    for slug, borough in registry.boroughs().items():
        if not borough.london:
            continue
        with reading("publish open", slug):
            homes = counting.areas(slug)
            if not homes.empty:
                tables.append(published(borough, homes, counting.by_lsoa(slug, homes, period.day), secret))
                places.append(homes)
    if not tables:
        raise NotFound("The lake has no properties that may be counted; run 'loda run' first.")
    return files.every(pd.concat(tables, ignore_index=True), pd.concat(places, ignore_index=True), period)


def _publications(folder: Folder) -> list[dict[str, Any]]:
    """The Data Packages of all whole publications, newest first."""
    whole = re.compile(rf"\d{{4}}-q[1-4]/{re.escape(files.PACKAGE)}")
    found = [entry.path for entry in folder.list() if whole.fullmatch(entry.path)]
    return [json.loads(_read(folder, path)) for path in sorted(found, reverse=True)]


def _standing(folder: Folder, name: str) -> dict[str, Any] | None:
    """The Data Package of a quarter that is published, None where it is not.

    Raises:
        ConfigurationError: a file is missing or has other bytes.
    """
    if not folder.exists(f"{name}/{files.PACKAGE}"):
        return None
    package: dict[str, Any] = json.loads(_read(folder, f"{name}/{files.PACKAGE}"))
    for file, sha256 in package["files"].items():
        path = f"{name}/{file}"
        if not folder.exists(path) or hashlib.sha256(_read(folder, path)).hexdigest() != sha256:
            raise ConfigurationError(
                f"{folder.url}/{path} is not as it was published: put it back from a backup, or take the folder {name} "
                "away and publish the quarter anew."
            )
    return package


def _read(folder: Folder, path: str) -> bytes:
    with folder.read(path) as handle:
        return handle.read()
