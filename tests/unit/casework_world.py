"""A borough with two issued lists in the ledger, for tests of officers' work."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from pipelines.casework import outcomes
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome

NOW = "2026-11-20T10:00:00+00:00"
TODAY = date(2026, 11, 20)
LIST_DAY = date(2026, 11, 10)
CAMDEN, HACKNEY = "camden", "hackney"
UPRNS = tuple(str(100_000_001 + n) for n in range(6))
LIST = f"{CAMDEN}-{LIST_DAY}-v2"
OLD_LIST = f"{CAMDEN}-2026-10-01-v1"


def issue(list_id: str, borough: str, as_of: date, uprns: tuple[str, ...], control: tuple[str, ...] = ()) -> None:
    """Put a list into the ledger; entries in `control` were drawn at random."""
    issued = PublishedList(
        id=list_id,
        borough=borough,
        as_of=as_of,
        version=int(list_id.rsplit("v", 1)[1]),
        issued_at=datetime(as_of.year, as_of.month, as_of.day, 5, tzinfo=UTC),
        model_id="model-1",
        input_hash="0" * 64,
        capacity=3,
        rows=len(uprns),
        tie_seed=1,
        expected_hits=1.5,
    )
    entries = [
        ListEntry(
            list_id=list_id,
            rank=rank,
            uprn=uprn,
            address=f"{rank} Example Road, London, SE15 4QL",
            probability=0.5,
            licence_needed="mandatory",
            licence_status="none",
            licence_why="",
            control_slot=rank if uprn in control else None,
        )
        for rank, uprn in enumerate(uprns, start=1)
    ]
    with transaction() as session:
        session.add(issued)
        session.flush()
        session.add_all(entries)


def two_lists() -> None:
    """An old list of four properties and the newest one of three others and one of them."""
    issue(OLD_LIST, CAMDEN, date(2026, 10, 1), UPRNS[:4])
    issue(LIST, CAMDEN, LIST_DAY, UPRNS[2:6], control=(UPRNS[5],))


def recorded(uprn: str = UPRNS[2], **given: Any) -> Outcome:
    """Record an outcome of a visit in a transaction of its own."""
    said: dict[str, Any] = {
        "borough": CAMDEN,
        "uprn": uprn,
        "found": "hmo_unlicensed",
        "visited_on": date(2026, 11, 18),
        "method": "visit",
        "officer": "Ola Officer",
        "recorded_by": "Ada Analyst (ada)",
    }
    with transaction() as session:
        return outcomes.record(session, **said | given)
