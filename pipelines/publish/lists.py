"""The stage: an issued list as files that an officer can open, and one small file that says which is current."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from pipelines.core import clock, lake_use
from pipelines.core.bucket import Folder
from pipelines.core.hashing import code_version
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.lists import as_kept, newest_list, taken_down
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import audit, standing
from pipelines.publish.safe_cells import safe_frame
from pipelines.publish.workbook import workbook

STAGE = "publish_lists"
REASONS = 3
TEXT_WIDTH = {"uprn": 14, "address": 48, "ward": 22, "licence_why": 80}


def publish_lists(borough: str) -> StageResult:
    """Write the newest issued list of a borough to `<published_url>/<borough>/<as_of>-v<version>/`.

    `list.csv`, `list.xlsx`, `list.parquet` and `manifest.json` first; `current.json`, which readers follow, last.
    Killed half way it is simply done again: the same list gives the same bytes.
    """
    issued, entries = _newest(borough)
    if issued is None:
        return StageResult(STAGE, borough, "skipped", _why_none(borough))
    refusal = standing.list_refusal(borough)
    if refusal is not None:
        return StageResult(STAGE, borough, "skipped", f"The list of {borough} may not be published. {refusal}")
    folder = Folder(f"{settings().published_url.rstrip('/')}/{borough}")
    version = f"{issued.as_of}-v{issued.version}"
    if issued.published_at is not None and _stands(folder, version, issued.files):
        return StageResult(STAGE, borough, "unchanged", f"List {issued.id} is published and its files are whole.")
    rows = _frame(entries, issued.capacity)
    cells = safe_frame(_blind(rows) if issued.control_frame else rows)
    files = {"list.csv": _csv(cells), "list.xlsx": _xlsx(cells, issued), "list.parquet": _parquet(rows)}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files["manifest.json"] = _json(_manifest(issued, hashes))
    hashes["manifest.json"] = hashlib.sha256(files["manifest.json"]).hexdigest()
    for name, content in files.items():
        folder.write_bytes(f"{version}/{name}", content)
    folder.write_bytes("current.json", _json(_current(issued, version, hashes["manifest.json"])))
    lake_use.kept_was_written(_as_kept(issued, files, hashes["manifest.json"]))
    with transaction() as session:
        kept = session.get_one(PublishedList, issued.id)
        kept.published_at, kept.files = clock.now(), hashes
        audit.record(
            session, who=settings().operator, what="publish list", about=issued.id, details={"entries": len(entries)}
        )
    sentence = f"List {issued.id} is published with {issued.rows} properties."
    return StageResult(STAGE, borough, "made", sentence, {"rows": float(issued.rows), "version": float(issued.version)})


def _as_kept(issued: PublishedList, files: dict[str, bytes], manifest: str) -> lake_use.Kept:
    """The files of a list as a record of lineage names them; `manifest` is that file's SHA-256."""
    held = pq.read_metadata(io.BytesIO(files["list.parquet"]))
    columns = lake_use.columns_of([(field.name, field.type) for field in held.schema.to_arrow_schema()])
    size = sum(len(content) for content in files.values())
    about = f"List {issued.id} as files"
    where = settings().published_url
    return lake_use.Kept(where, issued.borough, manifest, about, held.num_rows, size, len(files), columns)


def _why_none(borough: str) -> str:
    with transaction() as session:
        down = taken_down(session, borough)
    if down is not None:
        return f"The list of {borough} was taken down on {down.withdrawn_at:%d %B %Y}. {down.withdrawn_why}"
    return f"No list was issued for {borough} yet: rank it first."


def _newest(borough: str) -> tuple[PublishedList | None, list[ListEntry]]:
    with transaction() as session:
        issued = newest_list(session, borough)
        if issued is None:
            return None, []
        lake_use.kept_was_read(as_kept(issued))
        of_list = sa.select(ListEntry).where(ListEntry.list_id == issued.id).order_by(ListEntry.rank)
        return issued, list(session.scalars(of_list))


def _stands(folder: Folder, version: str, files: dict[str, Any]) -> bool:
    """Whether the files lie where they belong with the bytes they had, and readers are sent to them."""
    if not files or not folder.exists("current.json"):
        return False
    with folder.read("current.json") as handle:
        if json.loads(handle.read()).get("version") != version:
            return False
    for name, sha256 in files.items():
        path = f"{version}/{name}"
        if not folder.exists(path):
            return False
        with folder.read(path) as handle:
            if hashlib.sha256(handle.read()).hexdigest() != sha256:
                return False
    return True


def _frame(entries: list[ListEntry], capacity: int) -> pd.DataFrame:
    """The list as a table: UPRN first, three reasons in columns of their own."""
    rows = pd.DataFrame(
        {
            "uprn": [entry.uprn for entry in entries],
            "rank": pd.array([entry.rank for entry in entries], dtype="int64"),
            "within_capacity": ["yes" if entry.rank <= capacity else "no" for entry in entries],
            "address": [entry.address for entry in entries],
            "ward": [entry.ward or "" for entry in entries],
            "probability": pd.array([round(entry.probability, 4) for entry in entries], dtype="float64"),
            "licence_needed": [entry.licence_needed for entry in entries],
            "licence_status": [entry.licence_status for entry in entries],
            **{
                f"reason_{number + 1}": [
                    str(entry.reasons[number]) if len(entry.reasons) > number else "" for entry in entries
                ]
                for number in range(REASONS)
            },
            "licence_why": [entry.licence_why for entry in entries],
        }
    )
    texts = {name: "object" for name in rows.columns if name not in ("rank", "probability")}
    return rows.astype(texts)


def _blind(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without their probability: among falling figures it would tell which entries were drawn at random."""
    return rows.assign(probability="")


def _csv(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False, lineterminator="\r\n", float_format="%.4f").encode()


def _parquet(rows: pd.DataFrame) -> bytes:
    kinds = {"rank": pa.int64(), "probability": pa.float64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in rows.columns])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(rows, schema=schema, preserve_index=False).replace_schema_metadata(None), out)
    return out.getvalue()


def _xlsx(rows: pd.DataFrame, issued: PublishedList) -> bytes:
    return workbook(rows, f"List {issued.id}", issued.issued_at, TEXT_WIDTH, numbers=("rank", "probability"))


def _manifest(issued: PublishedList, hashes: dict[str, str]) -> dict[str, Any]:
    """What the list was made from, and the hashes of its files."""
    return {
        "list": issued.id,
        "borough": issued.borough,
        "as_of": issued.as_of.isoformat(),
        "version": issued.version,
        "issued_at": issued.issued_at.isoformat(),
        "model_id": issued.model_id,
        "input_hash": issued.input_hash,
        "code_version": code_version(),
        "capacity": issued.capacity,
        "rows": issued.rows,
        "tie_seed": issued.tie_seed,
        "expected_hits": round(issued.expected_hits, 4),
        "sha256": hashes,
        "note": "A score is intelligence, not evidence: it says where to look, never what was done.",
    }


def _current(issued: PublishedList, version: str, manifest_sha256: str) -> dict[str, Any]:
    return {
        "borough": issued.borough,
        "list": issued.id,
        "version": version,
        "manifest": f"{version}/manifest.json",
        "manifest_sha256": manifest_sha256,
    }


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
