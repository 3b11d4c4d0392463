"""The ledger on every database it is meant for: migrations there and back, locks, a whole intake."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from pipelines import gate, harmonise, ingest, night, publish
from pipelines.core.ledger.engine import alembic_config, engine, schema_revisions, snapshot, transaction, upgrade
from pipelines.core.ledger.models import Arrival, Base, Drop
from pipelines.core.lock import Busy, exclusive
from pipelines.core.settings import settings
from pipelines.governance.interruption import no_night_under_way, upgrade_between_nights
from tests.intake.conftest import register


def test_migrations_make_the_models_and_can_be_taken_back(ledger: str):
    command.downgrade(alembic_config(), "base") if schema_revisions()[0] else None
    upgrade()
    with engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        difference = [d for d in compare_metadata(context, Base.metadata) if "loda_" in str(d)]
    assert difference == []
    command.downgrade(alembic_config(), "base")
    assert not [t for t in sa.inspect(engine()).get_table_names() if t.startswith("loda_")]
    upgrade()


def test_a_lock_keeps_others_out_until_it_is_let_go(ledger: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_LOCK_TIMEOUT_SECONDS", "0.3")
    settings.cache_clear()
    told = []

    def second() -> None:
        try:
            with exclusive("intake-camden"):
                told.append("in")
        except Busy as error:
            told.append(str(error))

    with exclusive("intake-camden"):
        other = threading.Thread(target=second)
        other.start()
        other.join()
        with exclusive("intake-bexley"):
            pass
    assert "Another run" in told[0]
    other = threading.Thread(target=second)
    other.start()
    other.join()
    assert told[1] == "in"


def test_an_upgrade_waits_for_a_stage_whoever_runs_it_and_stages_wait_for_the_upgrade(
    ledger: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LODA_LOCK_TIMEOUT_SECONDS", "0.3")
    settings.cache_clear()
    upgrade()
    head = schema_revisions()[1]
    command.downgrade(alembic_config(), "-1")
    with held_elsewhere(lambda: night._stage("link", "camden", "link-camden")):
        with night._stage("link", "bexley", "link-bexley"):
            pass  # stages do not wait for each other
        with pytest.raises(Busy, match="Another run has been working on 'stages'"):
            upgrade_between_nights()
    assert schema_revisions()[0] != head
    with (
        held_elsewhere(no_night_under_way),
        pytest.raises(Busy, match="on 'stages'"),
        night._stage("link", "camden", "link-camden"),
    ):
        pass
    upgrade_between_nights()
    assert schema_revisions()[0] == head


@contextmanager
def held_elsewhere(hold: Callable[[], AbstractContextManager[object]]) -> Iterator[None]:
    """Held by another thread, with a connection of its own, until the block ends."""
    there, over = threading.Event(), threading.Event()

    def other() -> None:
        with hold():
            there.set()
            over.wait(30)

    thread = threading.Thread(target=other)
    thread.start()
    assert there.wait(30)
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_writers_of_one_process_wait_for_their_turn_and_a_failed_one_gives_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LODA_HOME", str(tmp_path))
    monkeypatch.delenv("LODA_LEDGER_URL", raising=False)
    monkeypatch.setattr("pipelines.core.ledger.engine.PRAGMAS", ("journal_mode=WAL", "busy_timeout=50"))
    settings.cache_clear()
    upgrade()
    with sqlite3.connect(tmp_path / "ledger.db", isolation_level=None) as elsewhere:
        elsewhere.execute("BEGIN IMMEDIATE")
        with pytest.raises(sa.exc.OperationalError, match="locked"), transaction() as session:
            session.execute(sa.select(Drop))
        elsewhere.execute("ROLLBACK")
    elsewhere.close()
    done = []

    def write(number: int) -> None:
        with transaction() as session:
            session.execute(sa.text("select 1"))
            time.sleep(0.1)  # twice what SQLite itself would wait, so that none comes through without a turn
            done.append(number)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(done) == list(range(6))


def test_a_whole_intake(ledger: str):
    command.downgrade(alembic_config(), "base") if schema_revisions()[0] else None
    upgrade()
    path = Path(settings().bucket_url) / "drops" / "oxford" / "hmo_licence" / "register.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(register(20))
    for stage in (ingest.admit, harmonise.harmonise, gate.gate, publish.publish_drops):
        stage("oxford")
    with transaction() as session:
        drop = session.scalars(sa.select(Drop)).one()
    assert (drop.status, drop.rows_in, drop.accepted, drop.receipt_delivered) == ("accepted", 20, 20, True)
    assert drop.received_at.tzinfo is not None
    assert ingest.discover() == []


def test_a_snapshot_reads_while_another_writes_and_sees_one_moment(ledger: str):
    upgrade()
    with transaction() as writer:
        writer.add(_arrival("a"))
        writer.flush()
        with snapshot() as reader:  # on SQLite a second writer would wait here for ever
            assert reader.scalar(sa.select(sa.func.count()).select_from(Arrival).where(Arrival.path == "a")) == 0
    with snapshot() as reader:
        assert reader.scalar(sa.select(sa.func.count()).select_from(Arrival).where(Arrival.path == "a")) == 1


def _arrival(name: str) -> Arrival:
    return Arrival(path=name, marker="m", drop_id="d", seen_at=datetime(2026, 9, 30, tzinfo=UTC))
