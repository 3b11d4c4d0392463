"""Officers' work on every database it is meant for: two who write at once, rounds, and a file of outcomes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic import command

from pipelines.casework import imports, planning
from pipelines.casework.outcomes import correct
from pipelines.casework.rules import NotAllowedNow
from pipelines.casework.versions import ChangedMeanwhile, version_of
from pipelines.core.ledger.engine import alembic_config, schema_revisions, transaction, upgrade
from pipelines.core.ledger.officers import Outcome, PropertyCase
from pipelines.core.tables import PROPERTY
from pipelines.governance import access, audit
from tests.unit.casework_world import CAMDEN, NOW, TODAY, UPRNS, recorded, two_lists


@pytest.fixture(autouse=True)
def _world(ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", NOW)
    command.downgrade(alembic_config(), "base") if schema_revisions()[0] else None  # the PostgreSQL one is shared
    upgrade()
    two_lists()


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each act gave or raised, all begun at the same moment."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return act()
        except (ChangedMeanwhile, NotAllowedNow) as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_officers_who_write_at_once_one_is_through_and_the_others_are_told() -> None:
    done = at_once(*(lambda n=n: recorded(expected_version=0, recorded_by=f"officer {n}") for n in range(4)))
    through = [made for made in done if isinstance(made, Outcome)]
    assert len(through) == 1
    told = [str(error) for error in done if isinstance(error, ChangedMeanwhile)]
    assert len(told) == 3
    assert all(f"{through[0].recorded_by} recorded an outcome" in sentence for sentence in told)
    with transaction() as session:
        assert version_of(session, CAMDEN, UPRNS[2]) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(Outcome)) == 1
        assert audit.verify(session) is None


def test_an_outcome_is_corrected_once() -> None:
    number = recorded().number
    said: dict[str, Any] = {"borough": CAMDEN, "visited_on": TODAY, "method": "visit", "officer": "Ola"}

    def again() -> Outcome:
        with transaction() as session:
            return correct(session, number, found="empty", recorded_by="Ben", **said)

    done = at_once(again, again)
    assert sorted(type(result).__name__ for result in done) == ["NotAllowedNow", "Outcome"]


def test_rounds_and_single_writes_at_once_wait_for_each_other_and_never_for_ever() -> None:
    def plan_all() -> int:
        seen = dict.fromkeys(UPRNS, 0)
        with transaction() as session:
            versions = {uprn: version_of(session, CAMDEN, uprn) for uprn in seen}
        with transaction() as session:
            return planning.plan_round(
                session, borough=CAMDEN, versions_seen=versions, assigned_to="Ola", planned_for=TODAY, who="Ola"
            )

    done = at_once(plan_all, *(lambda uprn=uprn: recorded(uprn) for uprn in reversed(UPRNS)), plan_all)
    assert all(isinstance(result, int | Outcome | ChangedMeanwhile) for result in done)
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Outcome)) == len(UPRNS)
        assert audit.verify(session) is None


def test_a_file_is_taken_and_raises_versions(tmp_path: Path) -> None:
    spine = [{"borough": CAMDEN, "uprn": "5001", "address": "1 New Street", "postcode": "NW1 1AA"}]
    access.write_table("property", pa.Table.from_pylist(spine, schema=PROPERTY), borough=CAMDEN, made_from={})
    with transaction() as session:
        said: dict[str, Any] = {"borough": CAMDEN, "uprn": UPRNS[2], "assigned_to": "Ola", "who": "Ola"}
        planning.plan(session, **said, planned_for=date(2026, 11, 25), expected_version=0)
    path = tmp_path / "visits.csv"
    path.write_text(
        f"uprn,outcome,visited_on\n5001,no access,2026-11-18\n{UPRNS[2]},empty,2026-11-18\n77,x,2026-11-18\n"
    )
    taken = imports.take(path, CAMDEN, "Mia Manager")
    assert (taken.rows_in, taken.accepted, len(taken.refused)) == (3, 2, 1)
    assert imports.take(path, CAMDEN, "Mia Manager").before
    with transaction() as session:
        cases = {case.uprn: case for case in session.scalars(sa.select(PropertyCase))}
    assert (cases["5001"].version, cases[UPRNS[2]].version, cases[UPRNS[2]].planned_for) == (1, 2, None)
