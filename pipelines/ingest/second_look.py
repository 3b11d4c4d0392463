"""Drops that deserve another look: what they were judged by has changed (a mapping, a contract, a limit, an agreement).

Mending a mapping is enough: nobody has to drop the same bytes again.
"""

from __future__ import annotations

import sqlalchemy as sa

from pipelines.core.errors import RefusedDrop
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, LastGood
from pipelines.ingest.place import check_place
from schemas import registry

OF_PLACE = ("no_agreement", "unknown_borough", "unknown_dataset")


def to_look_at_again(borough: str | None = None) -> list[Drop]:
    """Held drops and last good ones whose rules have changed since, and refused ones whose place is now right."""
    with transaction() as session:
        mine = [Drop.borough == borough] if borough else []
        held = session.scalars(sa.select(Drop).where(Drop.status == DropStatus.HELD.value, *mine)).all()
        good = session.scalars(
            sa.select(Drop)
            .join(LastGood, LastGood.drop_id == Drop.id)
            .where(Drop.status == DropStatus.ACCEPTED.value, *mine)
        ).all()
        refused = session.scalars(
            sa.select(Drop).where(Drop.status == DropStatus.REFUSED.value, Drop.reason.in_(OF_PLACE), *mine)
        ).all()
    judged = [
        drop for drop in (*held, *good) if drop.hashes.get("rules") != registry.rules_hash(drop.borough, drop.dataset)
    ]
    return judged + [drop for drop in refused if _place_is_right(drop.path)]


def requeue(borough: str) -> int:
    """Put a borough's drops that deserve it back to the start of the intake; returns how many."""
    again = to_look_at_again(borough)
    with transaction() as session:
        for found in again:
            drop = session.get_one(Drop, found.id)
            drop.status, drop.reason, drop.sentence = DropStatus.RECEIVED.value, None, None
            drop.finished_at, drop.receipt, drop.receipt_delivered = None, None, False
    return len(again)


def _place_is_right(path: str) -> bool:
    try:
        check_place(path)
    except RefusedDrop:
        return False
    return True
