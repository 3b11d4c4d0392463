"""Enforcing agreements: the night's first stage, before anything is read.

Reading asks for an agreement each time (`access`), so nothing that is not covered is used even before this ran. What
this adds: what was made with data that are not covered any more is taken away and made anew without them, lists that
rest on them are taken down with the reason, and what a party withdrew is deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.errors import LodaError
from pipelines.core.hashing import hash_of
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Drop, DropStatus, Erasure, LastGood, StageState
from pipelines.core.lock import Busy, exclusive
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import (
    access,
    audit,
    casework_records,
    drop_deletion,
    lake_deletion,
    link_decisions,
    lists_down,
    standing,
)
from pipelines.governance.counts_only import PERSON_LEVEL
from pipelines.governance.suppression import NOT_WRITTEN_OUT
from schemas import registry
from schemas.agreement import Withdrawal

log = logging.getLogger(__name__)

LONDON = "london"
MADE_BY = {
    "property": "link",
    "link": "link",
    "link_report": "link",
    "address_link": "link",
    "landlord": "landlords",
    "landlord_edge": "landlords",
    "matrix": "features",
    "score": "score",
    "licensing": "licensing",
}
"""The stage that makes each derived table."""

LINKED_LOCK, SCORED_LOCK, LANDLORDS_LOCK = "link-{}", "score-{}", "landlords"
LOCK_OF = {
    "property": LINKED_LOCK,
    "link": LINKED_LOCK,
    "link_report": LINKED_LOCK,
    "address_link": LINKED_LOCK,
    "landlord": LANDLORDS_LOCK,
    "landlord_edge": LANDLORDS_LOCK,
}


def apply_agreements() -> StageResult:
    """Bring everything that is kept and made in line with the agreements of today; nothing happens where it is.

    Counts: `withdrawn` datasets deleted, `narrowed` boroughs whose tables and lists were taken away, `lists` taken
    down, `stopped` drops that were under way, `bytes` of extracts that may not be kept.
    """
    counts = dict.fromkeys(("withdrawn", "narrowed", "lists", "stopped", "bytes"), 0)
    said: list[str] = []
    busy: list[str] = []
    for slug in registry.boroughs():
        try:
            _bring_in_line(slug, counts, said)
        except Busy as error:  # what is not allowed is not read meanwhile, and the others go on
            busy.append(f"{slug}: {error}")
    counts["bytes"] = _forget_bytes_not_to_be_held()
    if busy:
        raise LodaError(f"Agreements could not be enforced where another run is at work. {' '.join(busy)}")
    done = any(counts.values())
    sentence = f"{'; '.join(said) or 'What may not be held was deleted'}." if done else "All is covered."
    return StageResult(standing.STAGE, LONDON, "made" if done else "unchanged", sentence, dict(counts))


def _bring_in_line(borough: str, counts: dict[str, int], said: list[str]) -> None:
    for dataset, why in _withdrawn(borough).items():
        counts["lists"] += _delete_dataset(borough, dataset, why)
        counts["withdrawn"] += 1
        said.append(f"{borough}'s {dataset} was withdrawn and is deleted")
    counts["stopped"] += _stop_what_is_under_way(borough)
    lost = _enforce(borough)
    if lost is not None:
        counts["narrowed"] += 1
        counts["lists"] += lost[1]
        said.append(f"{borough} may not use {', '.join(lost[0])} as before")


def _withdrawn(borough: str) -> dict[str, Withdrawal]:
    """Datasets of which something is kept although a party took them back and no other agreement covers them."""
    found = {}
    for dataset in registry.contracts():
        cover = registry.cover(borough, dataset, None, clock.today())
        if cover.withdrawn is not None and _anything_kept(borough, dataset):
            found[dataset] = cover.withdrawn
    return found


def _anything_kept(borough: str, dataset: str) -> bool:
    with transaction() as session:
        if drop_deletion.not_deleted(session, borough, dataset):
            return True
        mine = sa.select(LastGood).where(LastGood.borough == borough, LastGood.dataset == dataset)
        if session.scalars(mine).first() is not None or casework_records.kept(session, borough, dataset):
            return True
    return bool(lake_deletion.partitions(f"{access.HARMONISED}/{dataset}", borough))


def _delete_dataset(borough: str, dataset: str, taken: Withdrawal) -> int:
    """Delete a borough's dataset, from extracts to lists, and record it without the data; lists taken down."""
    why = f"{taken.by} withdrew {borough}'s {dataset} on {taken.withdrawn_on:%d %B %Y}: {taken.why.rstrip('.')}."
    with transaction() as session:
        drops = drop_deletion.not_deleted(session, borough, dataset)
    down = _clear_derived(borough, why)
    entries = lists_down.forget_entries(borough, _first_use(drops))
    decisions = link_decisions.withdraw(borough, dataset)
    with exclusive(f"intake-{borough}"):
        rows = lake_deletion.remove_borough(f"{access.HARMONISED}/{dataset}", borough, "agreement withdrawn")
        counts = drop_deletion.forget(drops, f"Deleted: {why}", profiles=True)
        with transaction() as session:
            mine = sa.delete(LastGood).where(LastGood.borough == borough, LastGood.dataset == dataset)
            session.execute(mine)
            outcomes = casework_records.withdraw(session, borough, dataset)
            audit.record(
                session,
                who=settings().operator,
                what="delete withdrawn data",
                about=f"{dataset} of {borough}",
                details={
                    "by": taken.by,
                    "why": taken.why,
                    "rows": rows,
                    **counts,
                    "list_entries": entries,
                    "link_decisions": decisions,
                    "outcomes": outcomes,
                    "extracts_left_in_the_borough's_folder": sorted({drop.path for drop in drops}),
                },
            )
    ledger.settle()
    log.info("%s of %s was withdrawn: %d rows and %d drops are deleted", dataset, borough, rows, counts["drops"])
    return len(down)


def _first_use(drops: Sequence[Drop]) -> datetime | None:
    """When the first of these drops was used; a list issued before cannot rest on them."""
    used = [drop.finished_at for drop in drops if drop.finished_at is not None and drop.lake_version is not None]
    return min(used, default=None)


def _stop_what_is_under_way(borough: str) -> int:
    """Refuse drops that are between their admission and the lake, and that no agreement covers any more."""
    final = [status.value for status in FINAL]
    stopped = 0
    with transaction() as session:
        waiting = session.scalars(sa.select(Drop).where(Drop.borough == borough, Drop.status.not_in(final))).all()
        for drop in waiting:
            if drop.dataset not in registry.contracts():
                continue
            why = registry.cover(borough, drop.dataset, None, clock.today()).refusal
            if why is not None:
                drop.status, drop.reason, drop.sentence = DropStatus.REFUSED.value, "no_agreement", why
                drop.finished_at, drop.accepted, drop.quarantined = clock.now(), 0, drop.rows_in
                drop.mapping_name = None  # nothing of it is told but that it is refused
                stopped += 1
    return stopped


def _enforce(borough: str) -> tuple[list[str], int] | None:
    """Take away what was made with data that are not covered any more: those datasets, and how many lists went down.

    None where nothing was lost.
    """
    before, now = standing.enforced(borough), standing.scopes(borough)
    kept_before, kept_now = _kept_scopes(borough, before), standing.scopes(borough, purpose=None)
    if before == now and kept_before == kept_now:
        return None
    datasets = standing.datasets_of(borough)
    lost = standing.lost(before, now, datasets)
    down: list[str] = []
    if lost:
        down = _clear_derived(borough, _why(borough, lost))
    for dataset, fields in standing.lost(kept_before, kept_now, datasets).items():
        if registry.cover(borough, dataset, None, clock.today()).refusal is None:
            _blank(borough, dataset, fields)
    with transaction() as session:
        _store(session, borough, now, kept_now)
    return (sorted(lost), len(down)) if lost else None


def _kept_scopes(borough: str, default: standing.Scopes) -> standing.Scopes:
    with transaction() as session:
        state = session.get(StageState, (standing.STAGE, borough))
        return standing.unbounded() | dict(state.summary.get("kept", {})) if state else dict(default)


def _store(session: Session, borough: str, now: standing.Scopes, kept: standing.Scopes) -> None:
    summary = {"scopes": _bounded(now), "kept": _bounded(kept)}
    session.merge(
        StageState(
            stage=standing.STAGE, borough=borough, input_hash=hash_of(summary), made_at=clock.now(), summary=summary
        )
    )


def _bounded(scopes: standing.Scopes) -> standing.Scopes:
    return {dataset: scope for dataset, scope in scopes.items() if scope != "all"}


def _why(borough: str, lost: dict[str, list[str]]) -> str:
    """Why a borough's list cannot stand, with the reason of each dataset that it lost."""
    reasons = []
    for dataset, fields in lost.items():
        why = access.refusal(borough, dataset, "hmo_detection")
        reasons.append(why or access.refusal(borough, dataset, "hmo_detection", field=fields[0]) or "")
    return f"The list was made with data that may not be used any more. {' '.join(reasons)}".strip()


def _clear_derived(borough: str, why: str) -> list[str]:
    """Delete all that was made of a borough's data and take its lists down; the night makes them anew if it may."""
    for table in standing.DERIVED:
        with exclusive(LOCK_OF.get(table, SCORED_LOCK).format(borough)):
            lake_deletion.remove_borough(table, borough, "agreement ended or was limited")
            with transaction() as session:
                stage = MADE_BY[table]
                state = session.get(StageState, (stage, LONDON if stage == "landlords" else borough))
                if state is not None:
                    session.delete(state)
    with exclusive(SCORED_LOCK.format(borough)):
        down = lists_down.take_down(borough, why)
    if down:
        audit.note(what="take list down", about=borough, details={"lists": down, "why": why})
    return down


def _blank(borough: str, dataset: str, fields: list[str]) -> None:
    """Delete the values of fields that no agreement covers for any purpose; the rows stay."""
    table = f"{access.HARMONISED}/{dataset}"
    with exclusive(f"intake-{borough}"):
        for part in lake_deletion.partitions(table, borough):
            lake_deletion.change_rows(table, part, lambda rows: access.without(rows, fields), "fields not covered")
    audit.note(what="delete fields", about=f"{dataset} of {borough}", details={"fields": fields})


def _forget_bytes_not_to_be_held() -> int:
    """Delete bytes of extracts that list persons where only counts may be, or that hold an erased subject."""
    with transaction() as session:
        query = sa.select(Drop).where(Drop.status == DropStatus.REFUSED.value, Drop.reason == PERSON_LEVEL)
        persons = [drop for drop in session.scalars(query) if not drop_deletion.is_gone(drop)]
        erased = []
        if session.scalar(sa.select(sa.func.count()).select_from(Erasure)):
            final = [status.value for status in FINAL if status is not DropStatus.HELD]
            told = [sa.cast(Drop.receipt, sa.Text).like(f'%"{issue}"%') for issue in NOT_WRITTEN_OUT]
            done = session.scalars(sa.select(Drop).where(Drop.status.in_(final), sa.or_(*told)))
            erased = [drop for drop in done if not drop_deletion.is_gone(drop)]
    if not persons and not erased:
        return 0
    number = drop_deletion.forget_bytes([*persons, *erased])
    for drop in persons:
        lake_deletion.lake_folder().remove(f"intake/{drop.id}")
    for reason, drops in (("a row for each person", persons), ("an erased subject", erased)):
        if drops:
            names = [drop.id for drop in drops]
            audit.note(what="delete bytes of extracts", about=LONDON, details={"held": reason, "drops": names})
    return number
