"""The ledger's connection: SQLite in write-ahead mode by default, PostgreSQL by setting."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy.orm import Session

from pipelines.core.errors import Busy, ConfigurationError
from pipelines.core.settings import settings

KEPT, MOST = 10, 50
"""Connections of a process that are kept open, and at most: one for each thread that serves a page, and some more."""

ONLY_READS = "loda_only_reads"
MAY_NOT = "42501"
"""PostgreSQL's code for what a role has no right to."""
LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for a lock that was not had in time."""
BUSY_SECONDS = 60
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_SECONDS * 1000}",
    "secure_delete=ON",
)
"""How SQLite is used: readers beside a writer, safe after a power cut, deleted rows overwritten."""


@lru_cache(maxsize=4)
def _engine(url: str) -> sa.Engine:
    made = sa.create_engine(url, pool_pre_ping=True, pool_size=KEPT, max_overflow=MOST - KEPT)
    if made.dialect.name == "sqlite":
        Path(made.url.database or "").parent.mkdir(parents=True, exist_ok=True)

        @sa.event.listens_for(made, "connect")
        def _pragmas(connection: Any, _record: Any) -> None:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")

        _write_in_turn(made)
    return made


def _write_in_turn(made: sa.Engine) -> None:
    """Begin writing on SQLite with its write lock, the threads of this process one after the other.

    SQLite's own wait is a sleep and another try, so that under load a newcomer passes those who have slept for long.
    """
    turn = threading.Lock()
    having: set[sa.Connection] = set()

    @sa.event.listens_for(made, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(ONLY_READS, False):
            connection.exec_driver_sql("BEGIN")
            return
        # Whoever waits in vain goes on to SQLite's own wait, whose error says that the ledger is locked.
        if turn.acquire(timeout=BUSY_SECONDS):
            having.add(connection)
        try:
            # A transaction that starts by reading and then writes cannot wait for another writer.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            _end(connection)
            raise

    @sa.event.listens_for(made, "commit")
    @sa.event.listens_for(made, "rollback")
    def _end(connection: sa.Connection) -> None:
        if connection in having:
            having.remove(connection)
            turn.release()


def engine() -> sa.Engine:
    """The engine of this process for `LODA_LEDGER_URL`."""
    return _engine(settings().ledger_url)


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose work is committed whole at the end of the block, or not at all."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def snapshot() -> Iterator[Session]:
    """A session that only reads, and of one moment: on SQLite it waits for no writer and holds none up."""
    with Session(engine().execution_options(**{ONLY_READS: True}), expire_on_commit=False) as session, session.begin():
        yield session


def alembic_config() -> Config:
    """Alembic's configuration for this ledger, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", settings().ledger_url.replace("%", "%%"))
    return config


def schema_revisions() -> tuple[str | None, str | None]:
    """The ledger's revision in the database and the newest one in the code."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision(), head


def knows(revision: str) -> bool:
    """Whether this code has a version of the ledger's tables; it has not where newer code was at work."""
    return any(one.revision == revision for one in ScriptDirectory.from_config(alembic_config()).walk_revisions())


def settle() -> None:
    """Leave nothing of deleted rows in SQLite's log of writes; PostgreSQL's own vacuum does it there."""
    if engine().dialect.name == "sqlite":
        with engine().connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def is_there() -> bool:
    """Whether there is a ledger with its tables; looking makes none."""
    url = sa.make_url(settings().ledger_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return False
    return sa.inspect(engine()).has_table("loda_key")


def may_make_tables() -> bool:
    """Whether the ledger's user may make and change tables; on SQLite whoever comes may."""
    if engine().dialect.name != "postgresql":
        return True
    with engine().connect() as connection:
        return bool(connection.scalar(sa.text("SELECT has_schema_privilege(current_schema(), 'CREATE')")))


@contextmanager
def advisory_lock(name: str, wait: float, *, beside: str | None = None) -> Iterator[None]:
    """Hold a lock of PostgreSQL's under a name, against every host; the server lets go when the holder is gone.

    One `beside` it is shared with others that hold it so; whoever takes that one by its name keeps all of them away.
    The connection is outside any transaction, since one that stands idle for a night keeps the server from cleaning
    up and is ended by many councils' settings. A pooler between must keep a session on its connection.

    Raises:
        Busy: another holds it for longer than `wait` seconds; 0 asks once.
    """
    wanted = [*([("_shared", beside)] if beside is not None else []), ("", name)]
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # 0 would mean to wait for ever.
        connection.execute(sa.text(f"SET lock_timeout = {max(1, int(wait * 1000))}"))
        try:
            with ExitStack() as held:
                for kind, lock in wanted:
                    number = {"n": int.from_bytes(hashlib.sha256(lock.encode()).digest()[:8], signed=True)}
                    with _busy_in_time(lock, wait):
                        connection.execute(sa.text(f"SELECT pg_advisory_lock{kind}(:n)"), number)
                    held.callback(connection.execute, sa.text(f"SELECT pg_advisory_unlock{kind}(:n)"), number)
                yield
        finally:
            if not connection.invalidated:  # the server is away, which the error that is under way says better
                connection.execute(sa.text("RESET lock_timeout"))  # the pool hands the connection on


@contextmanager
def _busy_in_time(lock: str, wait: float) -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise  # the server is away, which is told and tried again as such
        raise Busy(lock, wait) from error


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if engine().dialect.name == "postgresql":
        with advisory_lock("ledger-upgrade", settings().lock_timeout_seconds):
            yield
        return
    settings().home.mkdir(parents=True, exist_ok=True)
    with FileLock(settings().home / "ledger-upgrade.lock"):
        yield


def upgrade() -> None:
    """Bring the ledger's schema to the newest revision; two runs at once, on one host or several, do it once.

    Raises:
        ConfigurationError: the ledger's user may not change tables, as is right for all but the migrating one; or
            the ledger is of a newer version than this code.
        Busy: another upgrade does not end.
    """
    with _one_at_a_time():
        current, head = schema_revisions()
        if current == head:
            return
        if current is not None and not knows(current):
            raise ConfigurationError(
                f"The ledger is at version {current}, which this code does not know, its newest being {head}: a newer "
                "version of the platform was at work here. Run that one, or restore a backup from before it."
            )
        try:
            command.upgrade(alembic_config(), "head")
        except sa.exc.ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != MAY_NOT:
                raise
            raise ConfigurationError(
                f"The ledger is at version {current or 'none'}, this code needs {head}, and its user may not change "
                "tables: run 'loda ledger upgrade' as loda_migrator first, see docs/deploy.md."
            ) from error
