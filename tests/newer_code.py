"""What a deploy in mid-night may bring: a contract that has a field more."""

from __future__ import annotations

from pathlib import Path

ONE_MORE = """  - name: of_newer_code
    businessName: Of newer code
    logicalType: string
    physicalType: varchar
    description: A field that was not there before.
    required: false
    classification: none
    examples: [a]
"""


def add_a_field(contract: Path) -> None:
    """Write one field more, which nobody has to fill, into a contract's file."""
    contract.write_text(contract.read_text().replace("  properties:\n", f"  properties:\n{ONE_MORE}"))
