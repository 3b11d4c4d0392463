"""The electoral register and benefits come as counts by property: an extract with a row for each person is refused.

Its bytes are deleted by the next night's first stage, because they must not be held.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.core.errors import RefusedDrop
from schemas.privacy import COUNTS_ONLY, names_a_person

PERSON_LEVEL = "person_level_rows"
MOST_COPIES = 0.2
"""Share of rows that may be of a property and day that stood in an earlier row. A count has none but slips; a register
of electors, with 1.9 of them to a home in London, would have almost half."""

FEWEST_COPIES = 10
"""So few copies are slips whatever their share."""


def check_headings(dataset: str, headings: Sequence[str]) -> None:
    """Raise if an extract of counts has columns that name persons, also if a mapping ignores them.

    Raises:
        RefusedDrop: `person_level_rows`.
    """
    named = [heading for heading in headings if dataset in COUNTS_ONLY and names_a_person(heading)]
    if named:
        shown = ", ".join(f"'{heading[:60]}'" for heading in named[:5])
        raise RefusedDrop(PERSON_LEVEL, f"The extract has columns about single persons: {shown}.")


def check_rows(dataset: str, rows: int, copies: int) -> None:
    """Raise if so many rows are of one property and day that each must be a person's.

    Raises:
        RefusedDrop: `person_level_rows`.
    """
    if dataset in COUNTS_ONLY and copies > max(FEWEST_COPIES, MOST_COPIES * rows):
        raise RefusedDrop(
            PERSON_LEVEL,
            f"{copies:,} of {rows:,} rows are of a property and day that stand in an earlier row, "
            "so there seems to be a row for each person instead of a count for each property.",
        )
