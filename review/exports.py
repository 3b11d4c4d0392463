"""A list as a file to take away: the rows that were asked for, UPRN first, safe to open in a spreadsheet."""

from __future__ import annotations

import pandas as pd

from pipelines.core.ledger.models import PublishedList
from pipelines.publish.safe_cells import safe_frame
from pipelines.publish.workbook import workbook
from review import words
from review.queries.lists import Row

REASONS = 3
WIDTHS = {"uprn": 14, "address": 48, "ward": 22, "reason_1": 40, "reason_2": 40, "reason_3": 40}


def table(rows: list[Row], issued: PublishedList) -> pd.DataFrame:
    """The rows as safe texts, with the list's day and version and its model in every row."""
    frame = pd.DataFrame(
        {
            "uprn": [row.uprn for row in rows],
            "place": [row.rank for row in rows],
            "priority": [words.BANDS[row.band] for row in rows],
            "address": [row.address for row in rows],
            "ward": [row.ward or "" for row in rows],
            "licence_needed": [words.SCHEMES.get(row.licence_needed, row.licence_needed) for row in rows],
            "licence_status": [row.licence_status for row in rows],
            **{
                f"reason_{number + 1}": [row.reasons[number] if len(row.reasons) > number else "" for row in rows]
                for number in range(REASONS)
            },
            "landlord": [row.landlord_name or "" for row in rows],
            "status": [words.STATUSES[row.status] for row in rows],
            "assigned_to": [row.assigned_to or "" for row in rows],
            "planned_for": [row.planned_for.isoformat() if row.planned_for else "" for row in rows],
            "visited_on": [row.visited_on.isoformat() if row.visited_on else "" for row in rows],
            "outcome": [words.FOUND[row.found] if row.found else "" for row in rows],
            "list_date": issued.as_of.isoformat(),
            "list_version": str(issued.version),
            "model": issued.model_id,
            "note": words.LEAD,
        }
    )
    return safe_frame(frame.astype({name: "object" for name in frame.columns if name != "place"}))


def csv(rows: list[Row], issued: PublishedList) -> bytes:
    """UTF-8 with a byte order mark, as Excel wants it."""
    return table(rows, issued).to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def xlsx(rows: list[Row], issued: PublishedList) -> bytes:
    """A workbook of strings."""
    return workbook(table(rows, issued), f"List {issued.id}", issued.issued_at, WIDTHS, numbers=("place",))
