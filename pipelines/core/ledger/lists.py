"""Which of a borough's lists is the one to work from."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.ledger.models import PublishedList


def newest_list(session: Session, borough: str) -> PublishedList | None:
    """The list of the latest as-of date, of those the highest version; a backfill never takes its place."""
    return session.scalars(
        sa.select(PublishedList)
        .where(PublishedList.borough == borough)
        .order_by(PublishedList.as_of.desc(), PublishedList.version.desc())
        .limit(1)
    ).one_or_none()
