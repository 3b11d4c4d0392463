"""A finished drop's answer, written beside it in the bucket: receipt, page, rows to mend, proposed mapping.

The receipt for programs is written last, so whoever waits for it finds everything else there. Written again after a
kill, the same drop gives the same files; those that a drop no longer has are taken away.
"""

from __future__ import annotations

import contextlib
from typing import Any

from pipelines.core import beside
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.core.settings import settings
from pipelines.extracts import IntakeFiles, given_back
from pipelines.extracts.reading import chain_of, reopened
from pipelines.publish.answer import answer
from pipelines.publish.background import decision_on, proposal_for
from pipelines.publish.quarantine import mapping_of
from pipelines.publish.receipt_page import as_html
from pipelines.publish.receipt_text import as_text
from pipelines.publish.receipts import Background, as_json, make_receipt


def deliver(drop: Drop) -> None:
    """Write the answer beside the drop, and keep the receipt in the ledger."""
    bucket = Folder(settings().bucket_url)
    files = IntakeFiles(drop.id)
    mapping = mapping_of(drop)
    # Beside the drop; under the drop's own name where the file's is too long to be added to.
    place = f"{drop.path.rsplit('/', 1)[0]}/{drop.id}" if drop.reason == "name_too_long" else drop.path
    proposal, yaml = proposal_for(drop, files)
    if proposal is not None and yaml:
        proposal["file"] = place + beside.MAPPING
        bucket.write_bytes(place + beside.MAPPING, yaml.encode())
    told = Background(decision=decision_on(drop), proposal=proposal)
    if mapping is not None and files.folder.exists("issues.parquet"):
        receipt = answer(
            drop,
            reopened(drop),
            mapping,
            files,
            bucket,
            quarantine=_place_of_quarantine(bucket, drop),
            before_quarantine=lambda sha256, rows: given_back.remember(drop, sha256, rows),
            background=told,
        )
    else:
        receipt = make_receipt(drop, mapping, findings=[], background=told)
    if drop.status != DropStatus.DUPLICATE.value:
        _take_away_what_is_old(bucket, drop, receipt, place)
    bucket.write_bytes(place + beside.RECEIPT_TEXT, as_text(receipt).encode())
    bucket.write_bytes(place + beside.RECEIPT_PAGE, as_html(receipt))
    bucket.write_bytes(place + beside.RECEIPT_JSON, as_json(receipt))
    _keep(bucket, drop, receipt)
    files.remove("rows")


def _place_of_quarantine(bucket: Folder, drop: Drop) -> str:
    """Where the rows to mend go: never over a file that an officer has corrected in its place."""
    usual = drop.path + beside.QUARANTINE
    if given_back.marker_of(bucket, usual) is None or given_back.marker_if_ours(bucket, usual):
        return usual
    return f"{drop.path}.{drop.sha256[:8]}{beside.QUARANTINE}"


def _take_away_what_is_old(bucket: Folder, drop: Drop, receipt: dict[str, Any], place: str) -> None:
    """Remove files of an earlier reading or of an earlier file of this name; what an officer has changed stays."""
    valid = {
        (receipt["details"] or {}).get("file"),
        (receipt["proposal"] or {}).get("file"),
        receipt["quarantine_file"],
    }
    for path in (place + beside.RECEIPT_LINES, place + beside.MAPPING):
        if path not in valid:
            with contextlib.suppress(OSError):  # a name too long to exist
                bucket.remove(path)
    old = [drop.path + beside.QUARANTINE]
    if receipt["correction"]:
        with transaction() as session:
            old += [step.path + beside.QUARANTINE for step in chain_of(session, drop)[:-1]]
    for path in old:
        if path not in valid and given_back.marker_if_ours(bucket, path):
            bucket.remove(path)


def _keep(bucket: Folder, drop: Drop, receipt: dict[str, Any]) -> None:
    ours = receipt["quarantine_file"]
    marker = given_back.marker_if_ours(bucket, ours) if ours else None
    with transaction() as session:
        row = session.get_one(Drop, drop.id)
        row.receipt, row.receipt_delivered = receipt, True
        if marker is not None:
            given_back.seen(session, ours, marker, drop.id)
