"""Names of the files that the night puts beside a drop. They are ours: never taken for drops, removed with it."""

from __future__ import annotations

RECEIPT_JSON = ".receipt.json"
RECEIPT_TEXT = ".receipt.txt"
RECEIPT_PAGE = ".receipt.html"
RECEIPT_LINES = ".receipt.csv"
MAPPING = ".mapping.yaml"
QUARANTINE = ".quarantine.csv"
"""Quarantined rows. Told from a corrected file of the same name by its content, not by its name."""

NOTICES_PAGE, NOTICES_JSON = "NOTICES.html", "NOTICES.json"
"""In the folder of each borough: what it still has to send."""

NEVER_A_DROP = (RECEIPT_JSON, RECEIPT_TEXT, RECEIPT_PAGE, RECEIPT_LINES, MAPPING, NOTICES_PAGE, NOTICES_JSON)
