"""The list that a borough works from now, as it was issued."""

from __future__ import annotations

import sqlalchemy as sa

from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.lists import newest_list, taken_down
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.governance import reads, standing
from schemas import registry


def current_list(borough: str, capacity: int | None = None) -> tuple[PublishedList, list[ListEntry]]:
    """The newest list of a borough (latest as-of date, then highest version) and its entries by rank.

    The entries are cut at `capacity`, or at the list's own capacity where none is given.

    Raises:
        NotFound: there is no such borough, no list was issued for it yet, or what it rests on may not be used any
            more; the sentence says which.
    """
    registry.borough(borough)
    refusal = standing.list_refusal(borough)
    with transaction() as session:
        issued = newest_list(session, borough)
        if issued is None:
            down = taken_down(session, borough)
            if down is not None:
                day = f"{down.withdrawn_at:%d %B %Y}"
                raise NotFound(f"The list of {borough} was taken down on {day}. {down.withdrawn_why}")
            raise NotFound(
                f"No list was issued for {borough} yet: run a night for it, or 'loda status' to see what it waits for."
            )
        if refusal is not None:
            raise NotFound(f"The list of {borough} may not be shown. {refusal}")
        entries = session.scalars(
            sa.select(ListEntry)
            .where(ListEntry.list_id == issued.id, ListEntry.rank <= (capacity or issued.capacity))
            .order_by(ListEntry.rank)
        ).all()
    reads.add("list", boroughs=[borough], rows=len(entries), fields="all", purpose="hmo_detection")
    return issued, list(entries)
