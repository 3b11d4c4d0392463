"""All London's lists in a ledger, without a night, for the benchmark of the pages. Synthetic."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.ledger import engine
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Dossier, ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome, PropertyCase
from schemas import registry

AS_OF = date(2026, 9, 30)
DAYS = (date(2026, 9, 29), AS_OF)
RECORDS = 14
"""Records behind an entry, as a night of the synthetic boroughs has them."""


def fill(large: str, entries: int, elsewhere: int, capacity: int) -> None:
    """Two lists a borough, dossiers of the newest, and work at a tenth of the homes."""
    engine.upgrade()
    slugs = [slug for slug, borough in registry.boroughs().items() if borough.london]
    for at, slug in enumerate(slugs):
        homes = entries if slug == large else elsewhere
        for version, day in enumerate(DAYS, start=1):
            _issue(slug, day, version, homes, capacity, (at + 1) * 10**9)
        _work(slug, homes, (at + 1) * 10**9)


def _issue(slug: str, day: date, version: int, homes: int, capacity: int, base: int) -> None:
    name = f"{slug}-{day}-v{version}"
    issued = {"borough": slug, "as_of": day, "version": version, "capacity": capacity, "rows": homes}
    moment = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    with transaction() as session:
        session.add(
            PublishedList(
                id=name,
                issued_at=moment,
                model_id="hmo-benchmark",
                input_hash=f"{name:0<64}"[:64],
                tie_seed=1,
                expected_hits=0.5 * capacity,
                files={},
                control_frame=170_000,
                **issued,
            )
        )
        session.flush()
        session.execute(sa.insert(ListEntry), [_entry(name, rank, base) for rank in range(1, homes + 1)])
        if day == DAYS[-1]:
            made = [{"list_id": name, "uprn": str(base + n), "content": _dossier(slug, n)} for n in range(1, homes + 1)]
            session.execute(sa.insert(Dossier), made)


def _entry(name: str, rank: int, base: int) -> dict[str, Any]:
    return {
        "list_id": name,
        "rank": rank,
        "uprn": str(base + rank),
        "address": f"Flat {rank % 7 + 1}, {rank} Example Road, London, NW{rank % 9 + 1} {rank % 10}AB",
        "ward": f"Ward {rank % 20}",
        "probability": 0.9 / (1 + rank / 500),
        "reasons": ["4 surnames among electors", "last complaint 2 months ago", "99 square metres"],
        "licence_needed": ("mandatory", "additional", "cannot_tell")[rank % 3],
        "licence_status": "no licence found",
        "licence_why": "No licence, application or exemption was found on the register.",
        "control_slot": None,
        "control_inclusion": None,
        "easting": 520_000.0 + rank,
        "northing": 180_000.0 + rank % 997,
        "landlord_id": f"l{rank % 300}",
        "landlord_name": None,
    }


def _dossier(slug: str, number: int) -> dict[str, Any]:
    link = {"decision": "linked", "reason": "exact", "sentence": "Address and postcode are those of one property."}
    link |= {"stage": "exact", "sure": "more than 99 in 100"}
    record = {"dataset": "service_request", "source": "Complaints", "reference": f"SR-{number}", "of": "home"}
    records = [
        record
        | {"record_id": number * 100 + n, "date": f"202{n % 6}-03-01", "what": "noise; notice served", "link": link}
        for n in range(RECORDS)
    ]
    feature = {"words": "4 surnames among electors", "source": "electoral register", "effect": "raises"}
    theme = {"theme": "residents", "words": "Who lives there", "strength": "strongly"}
    theme["features"] = [feature | {"strength": "strongly", "times": 1}] * 3  # type: ignore[assignment]
    licensing = {"needed": "mandatory", "needed_why": "Five or more persons (Housing Act 2004 s.55).", "status": "none"}
    return {
        "borough": slug,
        "raises": [theme] * 5,
        "lowers": [theme] * 2,
        "hardly": ["Waste", "Planning"],
        "records": records,
        "licences": [],
        "applications": [],
        "licensing": licensing | {"status_why": "None was found.", "missing": "", "excluded_why": ""},
        "landlord": None,
        "withheld": [],
    }


def _work(slug: str, homes: int, base: int) -> None:
    now = clock.now()
    visited = [str(base + n) for n in range(1, homes, 10)]
    shared = {"borough": slug, "officer": "A Example", "recorded_by": "A Example", "recorded_at": now, "note": ""}
    shared |= {"method": "visit", "visited_on": AS_OF, "recorded_through": "page", "attempt": None}
    with transaction() as session:
        findings = ("not_hmo", "hmo_unlicensed")
        made = [shared | {"uprn": uprn, "address": uprn, "found": findings[n % 2]} for n, uprn in enumerate(visited)]
        session.execute(sa.insert(Outcome), made)
        case = {"borough": slug, "version": 1, "assigned_to": "B Example", "changed_by": "m", "changed_at": now}
        session.execute(sa.insert(PropertyCase), [case | {"uprn": uprn} for uprn in visited])


def sign_in(officers: int, large: str) -> None:
    """Begin sessions of so many officers of the large borough; prints their secrets as JSON."""
    from review.identity import sessions

    print(json.dumps([sessions.begin(f"o{n}", f"Officer {n}", {large: ["analyst"]}, "oidc") for n in range(officers)]))


def asked(large: str) -> None:
    """Print as JSON how many queries the list page asks at two lengths, and its time against its query run bare."""
    from review.filters import Filters
    from review.queries import lists

    counted: list[str] = []
    sa.event.listen(engine.engine(), "before_cursor_execute", lambda *given: counted.append(str(given[2])))
    with transaction() as session:
        issued = lists.current(session, large)
        assert issued is not None  # noqa: S101 - it was issued above
        numbers = {}
        lists.entries(session, issued, Filters(), AS_OF, 25)  # what a list says for good is asked once a process
        for size in (25, 250):
            counted.clear()
            lists.entries(session, issued, Filters(), AS_OF, size)
            numbers[f"queries_{size}"] = len(counted)
            whole = _timed(lambda size=size: lists.entries(session, issued, Filters(), AS_OF, size))  # type: ignore[misc]
            if size == 25:
                numbers["page_ms"] = whole
        query = lists.asked_for(session, issued, Filters(), AS_OF, named=True).limit(25)
        numbers["bare_ms"] = _timed(lambda: session.execute(query).all())
    print(json.dumps(numbers))


def _timed(work: Callable[[], Any]) -> float:
    """Milliseconds of a call, the median of thirty."""
    took = []
    for _ in range(30):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)
