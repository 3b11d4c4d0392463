"""Drops that deserve another look: what they were judged by has changed (a mapping, a contract, a limit, an agreement).

Mending a mapping is enough: nobody has to drop the same bytes again.
"""

from __future__ import annotations

import sqlalchemy as sa

from pipelines.core.errors import RefusedDrop
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropProfile, DropStatus, LastGood, QualityMeasure
from pipelines.extracts.reading import GONE, RULES, chain_of
from pipelines.ingest.place import check_place, extract_date
from schemas import registry

HALF_WAY = (DropStatus.HARMONISED.value, DropStatus.GATED.value)
OF_A_READING = {"code", "contract", "mapping", "input", RULES}
OF_PLACE = ("no_agreement", "unknown_borough", "unknown_dataset")


def to_look_at_again(borough: str | None = None) -> list[Drop]:
    """Drops whose rules have changed since (held, last good, half way), and refused ones whose place is now right.

    One is half way where a night ended, or was overtaken by a deploy, before its last stage.
    """
    with transaction() as session:
        mine = [Drop.borough == borough] if borough else []
        held = session.scalars(sa.select(Drop).where(Drop.status == DropStatus.HELD.value, *mine)).all()
        half_way = session.scalars(sa.select(Drop).where(Drop.status.in_(HALF_WAY), *mine)).all()
        good = session.scalars(
            sa.select(Drop)
            .join(LastGood, LastGood.drop_id == Drop.id)
            .where(Drop.status == DropStatus.ACCEPTED.value, *mine)
        ).all()
        refused = session.scalars(
            sa.select(Drop).where(Drop.status == DropStatus.REFUSED.value, Drop.reason.in_(OF_PLACE), *mine)
        ).all()
        # A correction is laid over the bytes of the extract that it corrects.
        there = [
            drop
            for drop in (*held, *half_way, *good, *refused)
            if not any(GONE & set(step.hashes) for step in chain_of(session, drop))
        ]
    return [drop for drop in there if _place_is_right(drop.path) and _is_judged_anew(drop)]


def _is_judged_anew(drop: Drop) -> bool:
    refused = drop.status == DropStatus.REFUSED.value
    return refused or drop.hashes.get(RULES) != registry.rules_hash(drop.borough, drop.dataset)


def requeue(borough: str) -> int:
    """Put a borough's drops that deserve it back to the start of the intake; returns how many."""
    again = to_look_at_again(borough)
    with transaction() as session:
        for found in again:
            drop = session.get_one(Drop, found.id)
            if drop.status in HALF_WAY and drop.lake_version is None:
                # It was never in the lake, so nothing of its reading is history to judge by.
                for figures in (DropProfile, QualityMeasure):
                    session.execute(sa.delete(figures).where(figures.drop_id == drop.id))
                drop.hashes = {name: value for name, value in drop.hashes.items() if name not in OF_A_READING}
            drop.status, drop.reason, drop.sentence = DropStatus.RECEIVED.value, None, None
            drop.finished_at, drop.receipt, drop.receipt_delivered = None, None, False
            drop.mapping_name, drop.source, drop.rows_in, drop.accepted, drop.quarantined = None, None, 0, 0, 0
            drop.extract_date = extract_date(drop.borough, drop.dataset, drop.path, drop.extract_date)
    return len(again)


def _place_is_right(path: str) -> bool:
    try:
        check_place(path)
    except RefusedDrop:
        return False
    return True
