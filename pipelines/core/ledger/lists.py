"""Which of a borough's lists is the one to work from."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.lake_use import LEDGER, Kept
from pipelines.core.ledger.models import ListEntry, PublishedList


def newest_list(session: Session, borough: str) -> PublishedList | None:
    """The list of the latest as-of date, of those the highest version; a backfill never takes its place.

    A list that was taken down is none to work from.
    """
    return session.scalars(_newest_first(borough).where(PublishedList.withdrawn_at.is_(None))).first()


def taken_down(session: Session, borough: str) -> PublishedList | None:
    """The newest list of a borough that has none to work from because what it rests on may not be used any more."""
    newest = session.scalars(_newest_first(borough)).first()
    return newest if newest is not None and newest_list(session, borough) is None else None


def as_kept(issued: PublishedList) -> Kept:
    """An issued list as a record of lineage names it: its entries in the ledger."""
    columns = tuple((column.name, str(column.type).lower()) for column in ListEntry.__table__.columns)
    name = f"{ListEntry.__tablename__}/{issued.borough}"
    return Kept(LEDGER, name, issued.id, f"List {issued.id}", rows=issued.rows, columns=columns)


def _newest_first(borough: str) -> sa.Select[PublishedList]:
    return (
        sa.select(PublishedList)
        .where(PublishedList.borough == borough)
        .order_by(PublishedList.as_of.desc(), PublishedList.version.desc())
    )
