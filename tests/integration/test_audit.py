"""The audit log on every database it is meant for: whole under many writers, append-only, telling of tampering."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic import command

from pipelines.core.ledger.engine import alembic_config, schema_revisions, transaction, upgrade
from pipelines.core.ledger.models import AuditEvent
from pipelines.governance import audit

WRITERS, LINES = 3, 25
WRITE = f"""
from pipelines.core.ledger.engine import transaction
from pipelines.governance import audit
for number in range({LINES}):
    with transaction() as session:
        audit.record(session, who="writer", what="read", about="camden", details={{"rows": number}})
        audit.record(session, who="writer", what="read", about="bexley", details={{"rows": number}})
"""


@pytest.fixture
def empty(ledger: str) -> str:
    """A ledger without a line; the PostgreSQL one is shared by all tests."""
    command.downgrade(alembic_config(), "base") if schema_revisions()[0] else None
    upgrade()
    return ledger


def three_lines() -> None:
    with transaction() as session:
        for number in range(1, 4):
            audit.record(session, who="a person", what="promote model", about=f"model {number}")


def tamper(kind: str, statement: str) -> None:
    """Change the log as somebody could who owns the database."""
    take_off = {
        "sqlite": ["DROP TRIGGER loda_audit_no_update", "DROP TRIGGER loda_audit_no_delete"],
        "postgresql": ["ALTER TABLE loda_audit_event DISABLE TRIGGER ALL"],
    }
    with transaction() as session:
        for order in (*take_off[kind], statement):
            session.execute(sa.text(order))


def verdict(*anchors: audit.Anchor) -> audit.Verdict:
    with transaction() as session:
        return audit.check(session, list(anchors))


def test_several_processes_make_one_whole_chain(empty: str):
    writers = [subprocess.Popen([sys.executable, "-c", WRITE], stderr=subprocess.PIPE) for _ in range(WRITERS)]
    for writer in writers:
        _, error = writer.communicate(timeout=120)
        assert writer.returncode == 0, error.decode()
    found = verdict(audit.read_anchor())
    assert found.sound, found.sentence
    assert found.lines == 2 * WRITERS * LINES
    assert audit.read_anchor() == found.head


def test_the_database_refuses_to_change_or_delete_a_line(empty: str):
    three_lines()
    for act in (sa.update(AuditEvent).values(who="nobody"), sa.delete(AuditEvent)):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), transaction() as session:
            session.execute(act)
    if empty == "postgresql":
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), transaction() as session:
            session.execute(sa.text("TRUNCATE loda_audit_event"))
    assert verdict().lines == 3


@pytest.mark.parametrize(
    ("statement", "line", "told"),
    [
        ("UPDATE loda_audit_event SET who = 'nobody' WHERE number = 2", 2, "was changed"),
        ("UPDATE loda_audit_event SET details = '{\"rows\": 0}' WHERE number = 3", 3, "was changed"),
        ("DELETE FROM loda_audit_event WHERE number = 2", 2, "is missing"),
        ("DELETE FROM loda_audit_event WHERE number = 1", 1, "is missing"),
        ("DELETE FROM loda_audit_event WHERE number = 3", 3, "cut off"),
        ("DELETE FROM loda_audit_event", 1, "cut off"),
    ],
)
def test_a_changed_missing_or_cut_off_line_is_found(empty: str, statement: str, line: int, told: str):
    three_lines()
    kept = audit.read_anchor()
    assert verdict(kept).sound
    tamper(empty, statement)
    found = verdict(kept)
    assert (found.sound, found.line) == (False, line)
    assert told in found.sentence


def test_a_log_written_anew_contradicts_the_anchor(empty: str):
    three_lines()
    kept = audit.read_anchor()
    tamper(empty, "DELETE FROM loda_audit_event")
    with transaction() as session:
        for number in range(1, 4):
            audit.record(session, who="another", what="promote model", about=f"model {number}")
    assert verdict().sound, "in itself the new chain is whole"
    found = verdict(kept)
    assert (found.sound, found.line) == (False, 3)
    assert "written anew" in found.sentence


def test_a_line_stands_or_falls_with_its_act(empty: str):
    three_lines()
    before = audit.read_anchor()

    def act_that_fails() -> None:
        with transaction() as session:
            audit.record(session, who="a person", what="promote model", about="model 4")
            raise RuntimeError

    fails: Callable[[], None] = act_that_fails
    with pytest.raises(RuntimeError):
        fails()
    assert verdict(before).lines == 3
    assert audit.read_anchor() == before
