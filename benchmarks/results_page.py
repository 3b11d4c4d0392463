"""How long an officer who records an outcome waits while somebody opens the page of results, on SQLite.

A borough with 20,000 outcomes of forty lists, in the ledger and, as the night takes them in, in the lake. One thread
opens the page time and again; another records outcomes meanwhile. Said are how long the page takes, and how long a
record takes with nobody on the page and with somebody on it: median and longest.

    .venv/bin/python benchmarks/results_page.py
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

BOROUGH, FIRST = "camden", date(2025, 10, 6)
LISTS, ENTRIES, TO_CONTROLS = 40, 500, 20
BETWEEN = 0.05
"""Seconds between two records."""


def main() -> None:
    """Fill a ledger and a lake, measure, and print a line each, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    sys.path.remove(str(Path(__file__).parent))  # where review.py is a benchmark and no package
    with tempfile.TemporaryDirectory(prefix="loda-results-bench-") as folder:
        os.environ |= {"LODA_HOME": folder, "LODA_NOW": "2026-10-05T10:00:00+00:00"}
        fill()
        found = measured(asked.pages)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    for name, own in found.items():
        print(f"{name:<28} median {1000 * own['median']:>7.0f} ms  longest {1000 * own['longest']:>7.0f} ms")


def fill() -> None:
    """Forty weekly lists, every entry visited in its week: outcomes in the ledger, the same visits in the lake."""
    import sqlalchemy as sa

    from pipelines.core.ledger import engine
    from pipelines.core.ledger.models import ListEntry, PublishedList
    from pipelines.core.ledger.officers import Outcome

    engine.upgrade()
    findings = ("hmo_unlicensed", "single_household", "no_access", "not_hmo")
    visits: list[dict[str, Any]] = []
    for week in range(LISTS):
        day, name = FIRST + timedelta(weeks=week), f"{BOROUGH}-{week}"
        issued = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        uprns = [str(10**6 + week * ENTRIES + rank) for rank in range(1, ENTRIES + 1)]
        shared = {"list_id": name, "borough": BOROUGH, "address": "1 Example Road", "visited_on": day, "note": ""}
        shared |= {"method": "visit", "officer": "A", "recorded_by": "A", "recorded_at": issued}
        shared |= {"recorded_through": "page", "attempt": None}
        with engine.transaction() as session:
            session.add(
                PublishedList(
                    id=name, borough=BOROUGH, as_of=day, version=week + 1, issued_at=issued, model_id="m",
                    input_hash="0", capacity=ENTRIES // 2, rows=ENTRIES, tie_seed=1, expected_hits=1.0, files={},
                    control_frame=170_000,
                )
            )  # fmt: skip
            session.flush()
            session.execute(sa.insert(ListEntry), [_entry(name, n, uprn) for n, uprn in enumerate(uprns, start=1)])
            made = [shared | {"uprn": uprn, "rank": n, "found": findings[n % 4]} for n, uprn in enumerate(uprns, 1)]
            session.execute(sa.insert(Outcome), made)
        visits += [{"uprn": own["uprn"], "day": day, "found": own["found"]} for own in made]
    _to_lake(visits)


def _entry(name: str, rank: int, uprn: str) -> dict[str, Any]:
    drawn = rank % TO_CONTROLS == 0
    return {
        "list_id": name, "rank": rank, "uprn": uprn, "address": "1 Example Road", "probability": 0.5, "reasons": [],
        "licence_needed": "mandatory", "licence_status": "none", "licence_why": "",
        "control_slot": rank if drawn else None, "control_inclusion": 0.01 if drawn else None,
    }  # fmt: skip


def _to_lake(visits: list[dict[str, Any]]) -> None:
    """The visits as the night takes them in, and the gazetteer's homes that they were made to."""
    import pyarrow as pa

    from pipelines.core.tables import LINK
    from pipelines.governance import access
    from schemas import registry
    from schemas.mapping import REVIEW

    rows, links = [], []
    for number, visit in enumerate(visits, start=1):
        gained = visit["found"] != "no_access"
        finding = visit["found"] if gained else None
        own = {"borough": BOROUGH, "source": REVIEW, "drop_id": "d", "row_number": number, "record_id": number}
        own |= {"inspection_ref": f"i{number}", "visit_date": visit["day"], "visit_reason": "list"}
        own |= {"address": "1 Example Road"}
        rows.append(own | {"finding": finding, "access": "gained" if gained else "no_access", "known_since": FIRST})
        link = {"borough": BOROUGH, "dataset": "inspection", "record_id": number, "uprn": visit["uprn"]}
        links.append(link | {"decision": "linked"})
    schema = registry.contract("inspection").arrow_schema()
    table = pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    access.write_dataset("inspection", table, borough=BOROUGH, source=REVIEW, made_from={})
    tied = pa.Table.from_pylist([{name: link.get(name) for name in LINK.names} for link in links], schema=LINK)
    access.write_table("link", tied, borough=BOROUGH, made_from={})


def measured(pages: int) -> dict[str, dict[str, float]]:
    """Seconds of a page, and of a record alone and beside pages."""
    from fastapi.testclient import TestClient

    from review.app import create_app
    from review.identity import cookies, sessions

    client = TestClient(create_app(), base_url="http://127.0.0.1:8000")
    client.cookies.set(cookies.SESSION, sessions.begin("m", "An Officer", {BOROUGH: ["analyst"]}, "oidc"))

    def look() -> float:
        began = time.perf_counter()
        answer = client.get(f"/performance/{BOROUGH}")
        assert answer.status_code == 200, answer.status_code  # noqa: S101 - a page that failed measures nothing
        return time.perf_counter() - began

    look()  # imports and caches
    number = iter(range(1, 10**6))
    alone = [_recorded(next(number)) for _ in range(50)]
    done, beside = threading.Event(), []

    def record() -> None:
        while not done.is_set():
            beside.append(_recorded(next(number)))
            time.sleep(BETWEEN)

    officer = threading.Thread(target=record)
    officer.start()
    took = [look() for _ in range(pages)]
    done.set()
    officer.join()
    said = {"the page": took, "a record, nobody on the page": alone, "a record beside the page": beside}
    return {name: {"median": statistics.median(own), "longest": max(own)} for name, own in said.items()}


def _recorded(number: int) -> float:
    """Seconds that it takes to record an outcome."""
    from pipelines.casework import outcomes
    from pipelines.core.ledger.engine import transaction

    began = time.perf_counter()
    with transaction() as session:
        outcomes.record(
            session, borough=BOROUGH, uprn=str(10**6 + 1 + number % ENTRIES), found="no_access",
            visited_on=date(2026, 10, 1), method="visit", officer="B", recorded_by="B",
        )  # fmt: skip
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
