"""What a named person decides about a held drop: released or refused, with a reason, once, and audited.

A released drop goes through the gate again with the holds waived that a person may lift, and is published by the next
night. A refused one stays refused, whatever becomes of its mapping or the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.errors import LodaError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, GateDecision, LastGood
from pipelines.core.lock import exclusive
from pipelines.extracts.reading import GONE
from pipelines.gate.history import Remark
from pipelines.governance import audit
from schemas import registry

RELEASE, REFUSE = "release", "refuse"
LONGEST_NAME = 120

NOT_FOR_A_PERSON = {
    "no_mapping": "Add or mend the mapping ('loda onboard' proposes one), and the next night reads the drop.",
    "layout_changed": "Change the mapping to the new layout ('loda onboard' proposes how); the next night reads it.",
    "contract_broken": "Its rows break their contract, a fault of the platform: mend it, and the next night reads it.",
    "key_not_unique": "Two of its rows are one record, a fault of the platform: mend it, and the next night reads it.",
    "platform_fault": "The platform stumbled over it: mend the fault, and the next night reads it.",
    "no_agreement": "No agreement lets this be shared: put one in place, and the next night reads it.",
}
"""Holds that nobody may lift, because rows cannot be used as they are, and what to do instead."""


class NotDecided(LodaError):
    """A decision that cannot be made; the sentence says why and what to do instead."""


@dataclass(frozen=True)
class Waiting:
    """A held drop: why, since when, and whether a person may release it or what is to be done instead."""

    drop: str
    borough: str
    dataset: str
    file: str
    rows_in: int
    held_for: str
    sentence: str
    since: str
    releasable: bool
    instead: str


def may_be_released(issue_type: str) -> bool:
    """Whether a person may lift a hold of this kind."""
    return issue_type not in NOT_FOR_A_PERSON


def held(borough: str | None = None) -> list[Waiting]:
    """Drops that wait for a person or for a mended mapping, the longest first."""
    query = sa.select(Drop).where(Drop.status == DropStatus.HELD.value)
    if borough is not None:
        query = query.where(Drop.borough == registry.borough(borough).slug)
    with transaction() as session:
        found = session.scalars(query.order_by(Drop.finished_at, Drop.id)).all()
        return [waiting_on(drop, _last_good(session, drop)) for drop in found]


def waiting_on(drop: Drop, last: LastGood | None) -> Waiting:
    """A held drop as it waits for a person; `last` is what its dataset and source stand on."""
    instead = _why_not(drop, last) or ""
    return Waiting(
        drop.id,
        drop.borough,
        drop.dataset,
        drop.path,
        drop.rows_in,
        str(drop.reason),
        drop.sentence or "",
        drop.finished_at.isoformat() if drop.finished_at else "",
        not instead,
        instead,
    )


def decisions(borough: str | None = None) -> list[dict[str, Any]]:
    """Every decision made, the newest first."""
    query = sa.select(GateDecision, Drop).join(Drop, Drop.id == GateDecision.drop_id)
    if borough is not None:
        query = query.where(Drop.borough == registry.borough(borough).slug)
    with transaction() as session:
        found = session.execute(query.order_by(GateDecision.decided_at.desc())).all()
    return [
        {
            "drop": decided.drop_id,
            "borough": drop.borough,
            "dataset": drop.dataset,
            "decision": decided.decision,
            "held_for": decided.held_for,
            "who": decided.who,
            "reason": decided.reason,
            "decided_at": decided.decided_at.isoformat(),
            "status": drop.status,
        }
        for decided, drop in found
    ]


def outcome(drop_id: str) -> dict[str, Any]:
    """What became of a drop by now, as plain data.

    Raises:
        NotFound: there is no such drop.
    """
    with transaction() as session:
        drop = _found(session, drop_id)
    names = ("borough", "dataset", "status", "reason", "sentence", "rows_in", "accepted", "quarantined")
    return {"drop": drop.id, "file": drop.path, **{name: getattr(drop, name) for name in names}}


def release(drop_id: str, who: str, reason: str, wait: float | None = None) -> str:
    """Let a held drop through: it is read and judged again with its holds waived. Returns its borough.

    Raises:
        NotFound: there is no such drop.
        NotDecided: it is not held, was decided before, or its hold is none that a person may lift.
        Busy: a night was working on the borough's drops for longer than `wait` seconds.
    """
    return _decide(drop_id, RELEASE, who, reason, wait)


def refuse(drop_id: str, who: str, reason: str, wait: float | None = None) -> str:
    """Turn a held drop down for good. Returns its borough.

    Raises:
        NotFound: there is no such drop.
        NotDecided: it is not held, or was decided before.
        Busy: a night was working on the borough's drops for longer than `wait` seconds.
    """
    return _decide(drop_id, REFUSE, who, reason, wait)


def _decide(drop_id: str, decision: str, who: str, reason: str, wait: float | None) -> str:
    who, reason = " ".join(who.split()), " ".join(reason.split())
    if not who or len(who) > LONGEST_NAME:
        raise NotDecided(
            f"Give the name of the person who decides, in at most {LONGEST_NAME} letters: --who 'A Example'."
        )
    if not reason:
        raise NotDecided("Give the reason, for those who ask later: --reason 'the register was cleaned'.")
    with transaction() as session:
        borough = _found(session, drop_id).borough
    # The night must not be working on the borough's drops while one of them changes under its hands.
    with exclusive(f"intake-{borough}", wait), transaction() as session:
        drop = _found(session, drop_id)
        _check(session, drop, decision)
        made = GateDecision(
            drop_id=drop.id,
            decision=decision,
            held_for=str(drop.reason),
            who=who,
            reason=reason,
            decided_at=clock.now(),
        )
        session.add(made)
        audit.record(
            session,
            who=who,
            what=f"{decision} held drop",
            about=drop.id,
            details={"held_for": drop.reason, "reason": reason, "rows": drop.rows_in},
        )
        if decision == RELEASE:
            _start_again(drop)
        else:
            drop.status, drop.reason, drop.finished_at = DropStatus.REFUSED.value, "refused_by_person", clock.now()
            drop.sentence = _told("Refused", made, drop.sentence or "")
            drop.receipt, drop.receipt_delivered = None, False
    return borough


def _found(session: Session, drop_id: str) -> Drop:
    drop = session.get(Drop, drop_id)
    if drop is None:
        raise NotFound(f"There is no drop '{drop_id}'; 'loda gate list' names those that are held.")
    return drop


def _check(session: Session, drop: Drop, decision: str) -> None:
    before = session.get(GateDecision, drop.id)
    if before is not None:
        done = {RELEASE: "released", REFUSE: "refused"}[before.decision]
        raise NotDecided(
            f"Drop {drop.id} was {done} by {before.who} on {before.decided_at:%d %B %Y}; a drop is decided once."
        )
    if drop.status != DropStatus.HELD.value:
        raise NotDecided(f"Drop {drop.id} is {drop.status}, not held; 'loda gate list' names those that are held.")
    last = _last_good(session, drop)
    instead = _why_not(drop, last) if decision == RELEASE else None
    if instead is not None:
        raise NotDecided(f"Drop {drop.id} cannot be released. {instead}")
    if decision == REFUSE and last is not None and last.drop_id == drop.id:
        raise NotDecided(
            f"Drop {drop.id} was accepted before and its rows are in use; a corrected extract takes their place."
        )


def _last_good(session: Session, drop: Drop) -> LastGood | None:
    return session.get(LastGood, (drop.borough, drop.dataset, str(drop.source)))


def _why_not(drop: Drop, last: LastGood | None) -> str | None:
    """Why a held drop cannot be released and what to do instead; None where it can."""
    if drop.reason in NOT_FOR_A_PERSON:
        return NOT_FOR_A_PERSON[drop.reason]
    if GONE & set(drop.hashes):
        return "Its bytes were deleted when their retention ended; drop the file again."
    if last is not None and last.extract_date > drop.extract_date:
        return f"A later extract, of {last.extract_date:%d %B %Y}, is in place (drop {last.drop_id}) and would stay."
    return None


def _start_again(drop: Drop) -> None:
    """Back to the start of the intake: the rows of a held drop are not kept, and its bytes are."""
    drop.status, drop.reason, drop.sentence = DropStatus.RECEIVED.value, None, None
    drop.finished_at, drop.receipt, drop.receipt_delivered = None, None, False
    drop.mapping_name, drop.source, drop.rows_in, drop.accepted, drop.quarantined = None, None, 0, 0, 0


def released_sentence(decision: GateDecision, waived: Sequence[Remark]) -> str:
    """What the receipt of a released drop says: who, when, why, and in spite of what."""
    return _told("Released", decision, " Also: ".join(remark.sentence for remark in waived))


def _told(done: str, decision: GateDecision, held_for: str) -> str:
    """One paragraph: who did what, when and why, and what the drop had been held for."""
    told = f"{done} by {decision.who} on {decision.decided_at:%d %B %Y}: {decision.reason.rstrip('.')}."
    return f"{told} It had been held: {held_for}" if held_for else told
