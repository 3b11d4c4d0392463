"""Another key for the tokens of direct identifiers, after a leak, a loss, or the time that a policy sets.

No token can be turned into one under another key, since the name is not in it. So every old token is deleted at once,
from now and from history, and the extracts that are still kept are read again in the next night under the new key.
Where an extract's bytes are gone the tokens stay blank until the borough sends its next one.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Drop, DropStatus, KeyMark, LastGood, StageState
from pipelines.core.lock import exclusive
from pipelines.governance import access, audit, drop_deletion, keys, lake_deletion
from pipelines.governance.enforcement import LANDLORDS_LOCK, LONDON
from schemas import registry

AGAIN = "read again: the key of the tokens was rotated"


@dataclass(frozen=True)
class Rotated:
    """What a rotation did. `without_bytes` are extracts that cannot be read again, as borough, dataset, source."""

    fingerprint: str
    rows: int
    read_again: int
    without_bytes: tuple[tuple[str, str, str], ...]


def tokenised() -> dict[str, list[str]]:
    """By dataset the fields that are kept as tokens."""
    found = {
        name: [field.name for field in contract.fields if field.privacy == "direct"]
        for name, contract in registry.contracts().items()
    }
    return {name: fields for name, fields in found.items() if fields}


def rotate(who: str, reason: str) -> Rotated:
    """Take another key into use, in the name of a person who says why.

    Where `LODA_PSEUDONYM_KEY` gives the key, the new one has to be there already; else a new key file is made and the
    old key is destroyed. Killed half way, it is simply called again.

    Raises:
        ConfigurationError: nobody is named, no reason is given, or the key in the environment is the old one still.
    """
    if not who.strip() or not reason.strip():
        raise ConfigurationError("A key is rotated by a named person with a reason: give both.")
    with exclusive("key"):
        # From here until the end the key is not the one that is marked, so nobody makes tokens meanwhile.
        secret = _next_key()
        rows, again = 0, 0
        lost: list[tuple[str, str, str]] = []
        for slug in _boroughs():
            with exclusive(f"intake-{slug}"):
                rows += sum(_blank(slug, dataset, fields) for dataset, fields in tokenised().items())
                requeued, without = _requeue(slug)
            again, lost = again + requeued, [*lost, *without]
        _forget_landlords()
        made = Rotated(keys.fingerprint(secret), rows, again, tuple(lost))
        _record(made, who.strip(), reason.strip())
    return made


def _next_key() -> bytes:
    """The key to be used from now on, in the place of the old one."""
    known, found = keys.marked("pseudonym"), keys.present("pseudonym")
    if keys.present_in_environment("pseudonym"):
        assert found is not None  # noqa: S101 - it is in the environment
        if known in (None, keys.fingerprint(found)):
            raise ConfigurationError(
                f"{keys.setting('pseudonym')} still holds the key that is in use: put a new one into the secrets "
                "store, start this command with it, and run it again."
            )
        return found
    if found is not None and known is not None and keys.fingerprint(found) != known:
        return found  # of a rotation that was killed
    place = keys.key_file("pseudonym")
    made = keys.make(place.with_suffix(".next"))
    place.with_suffix(".next").replace(place)
    return made


def _boroughs() -> list[str]:
    with transaction() as session:
        mine = sa.select(Drop.borough).where(Drop.dataset.in_(list(tokenised()))).distinct()
        known = set(session.scalars(mine))
    stored = {
        part["borough"] for name in tokenised() for part in lake_deletion.partitions(f"{access.HARMONISED}/{name}")
    }
    return sorted(known | stored)


def _blank(borough: str, dataset: str, fields: list[str]) -> int:
    """Rows whose tokens were deleted."""
    table = f"{access.HARMONISED}/{dataset}"
    rows = 0
    for part in lake_deletion.partitions(table, borough):
        found = lake_deletion.rows_of(table, part)
        rows += found.num_rows if found is not None else 0
        lake_deletion.change_rows(table, part, lambda old: access.without(old, fields), "key rotated")
    lake_deletion.purge(table, {"borough": borough})
    return rows


def _requeue(borough: str) -> tuple[int, list[tuple[str, str, str]]]:
    """Drops that are read again in the next night, and last good ones that cannot be."""
    again = 0
    lost: list[tuple[str, str, str]] = []
    with transaction() as session:
        mine = [Drop.borough == borough, Drop.dataset.in_(list(tokenised()))]
        good = session.execute(sa.select(Drop, LastGood).join(LastGood, LastGood.drop_id == Drop.id).where(*mine)).all()
        for drop, last in good:
            if drop_deletion.is_gone(drop):
                lost.append((last.borough, last.dataset, last.source))
            else:
                drop.hashes = {**drop.hashes, "rules": AGAIN}
                again += 1
        waiting = sa.or_(Drop.status == DropStatus.HELD.value, Drop.status.not_in([status.value for status in FINAL]))
        for drop in session.scalars(sa.select(Drop).where(*mine, waiting)):
            if not drop_deletion.is_gone(drop):
                # Rows that were harmonised and not published yet have tokens under the old key.
                drop.status, drop.reason, drop.sentence = DropStatus.RECEIVED.value, None, None
                drop.finished_at, drop.receipt, drop.receipt_delivered = None, None, False
                again += 1
    return again, lost


def _forget_landlords() -> None:
    with exclusive(LANDLORDS_LOCK):
        for table in ("landlord", "landlord_edge"):
            for part in lake_deletion.partitions(table):
                lake_deletion.remove_borough(table, part["borough"], "key rotated")
        with transaction() as session:
            state = session.get(StageState, (LANDLORDS_LOCK, LONDON))
            if state is not None:
                session.delete(state)


def _record(made: Rotated, who: str, reason: str) -> None:
    with transaction() as session:
        before = session.get(KeyMark, "pseudonym")
        details = {
            "reason": reason,
            "fingerprint_before": before.fingerprint if before else None,
            "fingerprint": made.fingerprint,
            "rows_blanked": made.rows,
            "extracts_read_again": made.read_again,
            "extracts_without_bytes": [list(found) for found in made.without_bytes],
        }
        session.merge(KeyMark(name="pseudonym", fingerprint=made.fingerprint, since=clock.now()))
        audit.record(session, who=who, what="rotate key", about="pseudonym key", details=details)
