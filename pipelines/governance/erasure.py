"""Erasing what is held about one person or one property, everywhere, so that the next extract does not bring it back.

A person's rows go, but in a public register (licences) only the names and addresses of persons do: the licence is a
fact about the property, and without it the property would be taken for an unlicensed one. A licence for several flats
stays for the others when one of them is erased. Raw bytes are stored whole under their hash and cannot be changed, so
bytes that hold the subject are deleted whole: such an extract cannot be read again, its rows of everybody else stay.
Models hold no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.bucket import Folder
from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Drop, DropStatus, Erasure, ListEntry, PublishedList, StageState
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from pipelines.governance import (
    audit,
    casework_records,
    dossiers,
    drop_deletion,
    lake_deletion,
    link_decisions,
    lists_down,
    standing,
)
from pipelines.governance.access import HARMONISED
from pipelines.governance.enforcement import LANDLORDS_LOCK, LOCK_OF, LONDON, SCORED_LOCK
from pipelines.governance.erasure_search import Found, Hit, derived_rows
from pipelines.governance.subjects import tokens_of
from schemas import registry
from schemas.contract import Contract


def erase(found: Found, who: str, reason: str) -> None:
    """Erase what was found, in the name of a person who says why; the subject is remembered by keyed tokens only.

    Killed half way, find and erase again: what is gone stays gone.

    Raises:
        ConfigurationError: nobody is named, or no reason is given.
    """
    if not who.strip() or not reason.strip():
        raise ConfigurationError("Records are erased in the name of a person with a reason: give both.")
    tokens = _remember(found, who.strip(), reason.strip())
    for borough in found.boroughs:
        _erase_rows(found, borough)
        _erase_derived(found, borough)
    for path in found.history:
        lake_deletion.lake_folder().remove(path)
    _erase_lists(found)
    dossiers.erase(found.told, found.subject)
    link_decisions.erase(found.decisions, found.notes)
    casework_records.erase(found.casework)
    bucket = Folder(settings().bucket_url)
    for path in found.quarantine:
        bucket.remove(path)
    _erase_bytes(found.drops)
    with transaction() as session:
        audit.record(
            session,
            who=who.strip(),
            what=f"erase {found.subject.kind}",
            about=f"subject {sorted(tokens)[0][:12]}",
            details={"reason": reason.strip(), "boroughs": found.boroughs, **found.counts()},
        )
    ledger.settle()


def _remember(found: Found, who: str, reason: str) -> dict[str, str]:
    """Note the subject first, so that a night that starts meanwhile does not bring it back."""
    tokens = tokens_of(found.subject, found.places)
    with transaction() as session:
        for made, kind in tokens.items():
            session.merge(Erasure(token=made, kind=kind, who=who, reason=reason, erased_at=clock.now()))
    return tokens


def _erase_rows(found: Found, borough: str) -> None:
    with exclusive(f"intake-{borough}"):
        for hit in (hit for hit in found.hits if hit.borough == borough):
            contract = registry.contract(hit.dataset)
            part = {"borough": borough, "source": hit.source}
            left = partial(_without, hit=hit, contract=contract)
            lake_deletion.change_rows(f"{HARMONISED}/{hit.dataset}", part, left, "erased")


def _without(rows: pa.Table, *, hit: Hit, contract: Contract) -> pa.Table:
    ids = rows["record_id"].to_numpy()
    blanked = pa.array(np.isin(ids, hit.blanked))
    for entry in contract.fields:
        if entry.privacy == "public_register" and entry.name in rows.column_names:
            at = rows.column_names.index(entry.name)
            empty = pa.scalar(None, rows.schema.field(entry.name).type)
            rows = rows.set_column(at, rows.schema.field(entry.name), pc.if_else(blanked, empty, rows[entry.name]))
    return rows.filter(pa.array(~np.isin(ids, hit.records)))


def _erase_derived(found: Found, borough: str) -> None:
    for table in standing.DERIVED:
        with exclusive(LOCK_OF.get(table, SCORED_LOCK).format(borough)):
            for part in lake_deletion.partitions(table, borough):
                gone = partial(derived_rows, table=table, borough=borough, found=found)
                lake_deletion.remove_rows(table, part, gone, "erased")
            if table in standing.OF_NAMES:
                # Edges of others may have hung on what went, so that all are compared anew.
                with transaction() as session:
                    session.execute(
                        sa.delete(StageState).where(StageState.stage == LANDLORDS_LOCK, StageState.borough == LONDON)
                    )


def _erase_lists(found: Found) -> None:
    """Delete the entries; lists that had one are written out again without it by the next publication."""
    with transaction() as session:
        for name in found.lists:
            issued = session.get_one(PublishedList, name)
            session.execute(sa.delete(ListEntry).where(ListEntry.list_id == name, ListEntry.uprn == found.subject.uprn))
            issued.rows -= found.lists[name]
            issued.published_at, issued.files = None, {}
            lists_down.remove_files(issued)


def _erase_bytes(drops: Sequence[Drop]) -> None:
    """Delete bytes that hold the subject. A held extract is of no use without them and ends as refused.

    One that is under way is read again, without the subject; its bytes go when it is done.
    """
    done = [drop for drop in drops if DropStatus(drop.status) in FINAL and drop.status != DropStatus.HELD.value]
    held = [drop for drop in drops if drop.status == DropStatus.HELD.value]
    drop_deletion.forget_bytes(done)
    _refuse(held)
    with transaction() as session:
        for drop in drops:
            row = session.get_one(Drop, drop.id)
            if DropStatus(row.status) not in FINAL:
                row.status = DropStatus.RECEIVED.value


def _refuse(held: Iterable[Drop]) -> None:
    drops = list(held)
    if not drops:
        return
    drop_deletion.forget(
        drops, "Deleted: it held records of somebody whose records were erased. Drop a new extract without them."
    )
    with transaction() as session:
        for drop in drops:
            session.get_one(Drop, drop.id).status = DropStatus.REFUSED.value
