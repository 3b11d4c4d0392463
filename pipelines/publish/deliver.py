"""A finished drop's answer: the receipt and the quarantined rows, written beside it in the bucket."""

from __future__ import annotations

import contextlib

from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.core.settings import settings
from pipelines.extracts import IntakeFiles, raw_extract
from pipelines.publish.quarantine import mapping_of, write_quarantine
from pipelines.publish.receipts import as_json, as_text, make_receipt


def deliver(drop: Drop) -> None:
    """Write the receipt and the quarantined rows beside the drop, and keep the receipt in the ledger."""
    bucket = Folder(settings().bucket_url)
    files = IntakeFiles(drop.id)
    mapping = mapping_of(drop)
    quarantine = f"{drop.path}.quarantine.csv"
    has_rows_to_mend = mapping is not None and drop.quarantined > 0
    if mapping is not None and has_rows_to_mend:
        write_quarantine(raw_extract(drop), mapping, files, bucket, quarantine)
    elif drop.status != DropStatus.DUPLICATE.value:
        with contextlib.suppress(OSError):  # a name too long to exist
            bucket.remove(quarantine)  # of an earlier file of this name
    receipt = make_receipt(drop, mapping, files, quarantine if has_rows_to_mend else None)
    # Beside the drop; under the drop's own name where the file's is too long to be added to.
    beside = f"{drop.path.rsplit('/', 1)[0]}/{drop.id}" if drop.reason == "name_too_long" else drop.path
    bucket.write_bytes(f"{beside}.receipt.json", as_json(receipt))
    bucket.write_bytes(f"{beside}.receipt.txt", as_text(receipt).encode())
    with transaction() as session:
        row = session.get_one(Drop, drop.id)
        row.receipt, row.receipt_delivered = receipt, True
    files.remove("rows")
