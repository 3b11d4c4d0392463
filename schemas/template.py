"""Empty CSV templates, generated from contracts."""

from __future__ import annotations

import csv
import io

from schemas.contract import Contract


def csv_template(contract: Contract) -> str:
    """One line of headings, the contract's field names in order; `known_since` only boroughs that record it fill in."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([field.name for field in contract.fields])
    return text.getvalue()
