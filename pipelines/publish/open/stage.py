"""The stage: one night's open data, protected, as files in one folder that appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.core import clock
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.settings import settings
from pipelines.governance import audit
from pipelines.publish.open import counting, files
from pipelines.publish.open.protect import Decision, Tree, decide
from schemas import registry

COLUMNS = ["borough", "area_level", "area_code", "area_name", "parent_code", "measure", "value", "count", "status"]


def publish_open(out: Path | None = None, as_of: date | None = None) -> Path:
    """Write what may be published of all boroughs; returns the folder.

    What the numbers were rounded from is kept in `<home>/open-basis/`, apart from what is published, because the next
    publication must know what this one showed.

    Raises:
        NotFound: the lake has no property of any borough that may be counted.
        ConfigurationError: what is published lies on a server and no folder was named, or the folder is in the way.
    """
    day = as_of or clock.today()
    target = out or _published() / "open" / day.isoformat()
    if target.exists() and not (target / "datapackage.json").is_file():
        raise ConfigurationError(f"{target} exists and is no earlier open data; name another folder with --out.")
    before = _before(day)
    tables, bases, places = [], [], []
    for slug, borough in registry.boroughs().items():
        homes = counting.areas(slug)
        if homes.empty:
            continue
        nodes, tree = _tree(slug, borough.name, homes)
        counts = counting.by_lsoa(slug, homes, day)
        for (measure, value), part in counts.groupby(["measure", "value"]):
            leaf = nodes["area_code"].map(part.set_index("lsoa_code")["count"]).fillna(0).to_numpy(np.int64)
            leaf = np.where(tree.leaves, leaf, 0)
            made = decide(tree, leaf, _former(before, slug, measure, value, nodes))
            rows = nodes.assign(measure=measure, value=value, borough=slug)
            shown = pd.Series(made.published, dtype="Int64").mask(~made.shown)
            tables.append(rows.assign(count=shown.array, status=np.where(made.shown, "shown", "hidden")))
            bases.append(rows.assign(basis=made.basis, shown=made.shown))
        places.append(homes)
    if not tables:
        raise NotFound("The lake has no properties to count; run 'loda run' first.")
    table = pd.concat(tables, ignore_index=True)[COLUMNS]
    made_files = files.every(table, pd.concat(places), day)
    _place(made_files, target)
    _keep(pd.concat(bases, ignore_index=True), day)
    digest = hashlib.sha256(b"".join(made_files[name] for name in sorted(made_files))).hexdigest()
    details = {"rows": len(table), "hidden": int((table["status"] == "hidden").sum()), "sha256": digest}
    audit.note(what="publish open data", about=f"open/{day}", details=details)
    return target


def _published() -> Path:
    url = settings().published_url
    if "://" in url and not url.startswith("file://"):
        raise ConfigurationError(
            "Open data is written to a folder; LODA_PUBLISHED_URL is a server, so name one: --out."
        )
    return Path(url.removeprefix("file://"))


def _tree(slug: str, name: str, homes: pd.DataFrame) -> tuple[pd.DataFrame, Tree]:
    wards = homes[["ward_code", "ward_name"]].drop_duplicates("ward_code").sort_values("ward_code")
    lsoas = homes[["lsoa_code", "ward_code"]].drop_duplicates("lsoa_code").sort_values("lsoa_code")
    parts = [
        pd.DataFrame({"area_level": ["borough"], "area_code": [slug], "area_name": [name], "parent_code": [""]}),
        pd.DataFrame({"area_code": wards["ward_code"], "area_name": wards["ward_name"]}).assign(
            area_level="ward", parent_code=slug
        ),
        pd.DataFrame({"area_code": lsoas["lsoa_code"], "parent_code": lsoas["ward_code"]}).assign(
            area_level="lsoa", area_name=lsoas["lsoa_code"]
        ),
    ]
    nodes = pd.concat(parts, ignore_index=True)
    numbers = pd.Series(nodes.index, index=nodes["area_code"])
    return nodes, Tree(nodes["parent_code"].map(numbers).fillna(0).to_numpy(np.int64))


def _basis_folder() -> Path:
    return settings().home / "open-basis"


def _before(day: date) -> pd.DataFrame | None:
    """The decisions of the last publication up to the day, this day's own included: done again it gives the same."""
    kept = [path for path in sorted(_basis_folder().glob("*.parquet")) if path.stem <= day.isoformat()]
    return pd.read_parquet(kept[-1]) if kept else None


def _former(
    before: pd.DataFrame | None, slug: str, measure: object, value: object, nodes: pd.DataFrame
) -> Decision | None:
    if before is None:
        return None
    own = before[(before["borough"] == slug) & (before["measure"] == measure) & (before["value"] == value)]
    if own["area_code"].tolist() != nodes["area_code"].tolist():
        return None
    return Decision(own["basis"].to_numpy(np.int64), own["shown"].to_numpy(bool))


def _keep(bases: pd.DataFrame, day: date) -> None:
    folder = _basis_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = folder / f".{day}.part"
    bases.to_parquet(part, index=False)
    part.replace(folder / f"{day}.parquet")


def _place(made: dict[str, bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".open-", dir=target.parent))
    part.chmod(0o755)
    for name, content in made.items():
        (part / name).write_bytes(content)
    if target.exists():
        shutil.rmtree(target)
    os.rename(part, target)  # noqa: PTH104 - one step of the file system


def describe(target: Path) -> dict[str, int]:
    """Rows and resources of a written folder, for a command to print."""
    package = json.loads((target / "datapackage.json").read_text(encoding="utf-8"))
    return {"rows": package["rows"], "hidden": package["hidden"]}
