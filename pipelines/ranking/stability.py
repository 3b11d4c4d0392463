"""How much of a list stays from one to the next: what an officer who works from it overnight would notice."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList

FEWEST_TO_CORRELATE = 3


def before(borough: str, as_of: date) -> pd.DataFrame | None:
    """UPRN and rank of the entries that the model gave the borough's last list up to a day; None if there is none."""
    with transaction() as session:
        last = session.scalars(
            sa.select(PublishedList.id)
            .where(PublishedList.borough == borough, PublishedList.as_of <= as_of, PublishedList.withdrawn_at.is_(None))
            .order_by(PublishedList.as_of.desc(), PublishedList.version.desc())
        ).first()
        if last is None:
            return None
        query = sa.select(ListEntry.uprn, ListEntry.rank).where(
            ListEntry.list_id == last, ListEntry.control_slot.is_(None)
        )
        rows = session.execute(query.order_by(ListEntry.rank)).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=["uprn", "rank"])


def figures(earlier: pd.DataFrame | None, later: pd.DataFrame, capacity: int) -> dict[str, float]:
    """Share of the places within capacity whose properties stay there, and Spearman's correlation of ranks.

    Controls are left out, since they are drawn anew on purpose. The correlation is over what both lists hold. Empty
    where there is no earlier list, or it is empty; a figure that cannot be told is left out.
    """
    if earlier is None or earlier.empty or later.empty:
        return {}
    was, now = (set(rows.loc[rows["rank"] <= capacity, "uprn"]) for rows in (earlier, later))
    told = {"stayed": round(len(was & now) / len(was), 4)} if was else {}
    both = earlier.merge(later, on="uprn", suffixes=("_was", "_now"))
    if len(both) >= FEWEST_TO_CORRELATE:
        # Spearman's: Pearson's correlation of the ranks among what both lists hold.
        found = np.corrcoef(both["rank_was"].rank(), both["rank_now"].rank())[0, 1]
        told["rank_correlation"] = round(float(found), 4)
    return told
