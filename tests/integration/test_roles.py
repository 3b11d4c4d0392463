"""Roles of the ledger on PostgreSQL: who makes tables, who works with rows, who only counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from typer.testing import CliRunner

from pipelines import night
from pipelines.cli import app, doctor
from pipelines.core.errors import ConfigurationError, LodaError
from pipelines.core.ledger import roles
from pipelines.core.ledger.engine import alembic_config, engine, transaction, upgrade
from pipelines.core.ledger.officers import Base
from pipelines.core.settings import settings
from pipelines.governance import audit
from pipelines.keeping import back_up, restore

As = Callable[[str], str]
DATABASE = "with_roles"


@pytest.fixture
def as_role(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[As]:
    """Makes `LODA_LEDGER_URL` that of a role, in an empty database that was handed to the roles."""
    server = sa.make_url(postgres).set(drivername="postgresql")
    plain = server.set(database=DATABASE).render_as_string()

    def become(role: str) -> str:
        url = sa.make_url(postgres).set(database=DATABASE, username=role).render_as_string()
        monkeypatch.setenv("LODA_LEDGER_URL", url)
        settings.cache_clear()
        return url

    monkeypatch.setenv("LODA_HOME", str(tmp_path / "home"))
    with psycopg.connect(server.render_as_string(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
        try:
            run_roles(plain)
            yield become
        finally:
            for role in ("loda_migrator", "loda_app", "loda_analyst", server.username or ""):
                become(role)
                engine().dispose()
            connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
            settings.cache_clear()


def run_roles(url: str) -> None:
    """What `loda ledger roles` prints, run by the superuser; people who count get a name of their own."""
    printed = CliRunner().invoke(app, ["ledger", "roles", "--database", DATABASE])
    assert printed.exit_code == 0, printed.output
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(printed.stdout.encode())
        with suppress(psycopg.errors.DuplicateObject):
            connection.execute("CREATE ROLE an_analyst LOGIN IN ROLE loda_analyst")


def migrated(as_role: As) -> None:
    """Tables by the migrating role, by its own command."""
    as_role("loda_migrator")
    done = CliRunner().invoke(app, ["ledger", "upgrade"])
    assert done.exit_code == 0, done.output
    assert "Each role has its rights." in done.stdout


def refused(*statements: str) -> list[str]:
    """Of some statements those that the ledger's role may not do."""
    found = []
    for statement in statements:
        with engine().connect() as connection, connection.begin() as made:
            try:
                connection.execute(sa.text(statement))
            except sa.exc.ProgrammingError as error:
                if getattr(error.orig, "sqlstate", None) != "42501":
                    raise
                found.append(statement)
            made.rollback()
    return found


def test_the_application_works_with_rows_and_never_with_tables(as_role: As) -> None:
    migrated(as_role)
    as_role("loda_app")
    night.prepare()  # the ledger is of the newest version, so nothing is to be done
    audit.note(what="test", about="a line")
    with transaction() as session:
        assert audit.verify(session) is None
    assert refused(*(f"SELECT * FROM {table.name} LIMIT 1" for table in Base.metadata.sorted_tables)) == []  # noqa: S608
    rows = (
        "INSERT INTO loda_notice SELECT * FROM loda_notice",
        "UPDATE loda_drop SET rows_in = 1",
        "DELETE FROM loda_drop",
    )
    assert refused(*rows) == []
    tables = (
        "CREATE TABLE loda_more (a int)",
        "CREATE SCHEMA more",
        "CREATE TEMPORARY TABLE more (a int)",
        "ALTER TABLE loda_drop ADD COLUMN more int",
        "DROP TABLE loda_drop",
        "TRUNCATE loda_drop",
        "CREATE INDEX more ON loda_drop (path)",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET ROLE loda_owner",
    )
    assert refused(*tables) == list(tables)


def test_no_line_of_what_is_only_ever_added_to_can_be_changed_by_the_application(as_role: As) -> None:
    migrated(as_role)
    as_role("loda_app")
    audit.note(what="test", about="a line")
    acts = (
        "UPDATE loda_audit_event SET who = 'x'",
        "DELETE FROM loda_audit_event",
        "TRUNCATE loda_audit_event",
        "ALTER TABLE loda_audit_event DISABLE TRIGGER ALL",
        "DROP TRIGGER loda_audit_no_change ON loda_audit_event",
        "UPDATE loda_model_change SET who = 'x'",
        "DELETE FROM loda_model_change",
    )
    assert refused(*acts) == list(acts)


def test_an_analyst_reads_figures_and_no_personal_data_and_changes_nothing(as_role: As) -> None:
    migrated(as_role)
    as_role("an_analyst")
    for table, columns in roles.FOR_ANALYSTS.items():
        quoted = ", ".join(f'"{column}"' for column in columns)
        assert refused(f"SELECT {quoted} FROM {table}") == []  # noqa: S608
    others = [
        f'SELECT "{column.name}" FROM {table.name}'  # noqa: S608
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name not in roles.FOR_ANALYSTS.get(table.name, ())
    ]
    assert len(others) > 100
    assert refused(*others) == others
    changes = [
        change
        for table in Base.metadata.sorted_tables
        for change in (
            f"INSERT INTO {table.name} DEFAULT VALUES",
            f"DELETE FROM {table.name}",  # noqa: S608
            f"TRUNCATE {table.name}",
        )
    ]
    assert refused(*changes, "CREATE TABLE more (a int)", "CREATE TEMPORARY TABLE more (a int)")[:3] == changes[:3]
    assert len(refused(*changes)) == len(changes)


PERSONAL = {
    *("address", "uprn", "easting", "northing", "landlord_name", "landlord_id", "name", "subject", "officer", "who"),
    *("recorded_by", "note", "sentence", "receipt", "content", "path", "reasons", "licence_why"),
}


def test_what_analysts_read_names_nobody_and_no_home() -> None:
    assert {column for columns in roles.FOR_ANALYSTS.values() for column in columns} & PERSONAL == set()


def test_a_night_before_the_upgrade_is_told_who_makes_it(as_role: As) -> None:
    migrated(as_role)
    with engine().begin() as connection:
        assert (
            connection.scalar(sa.text("SELECT tableowner FROM pg_tables WHERE tablename = 'loda_drop'")) == "loda_owner"
        )
    command.downgrade(alembic_config(), "0006")
    as_role("loda_app")
    with pytest.raises(
        ConfigurationError, match=r"at version 0006, this code needs .* 'loda ledger upgrade' as loda_migrator"
    ):
        night.prepare()
    migrated(as_role)
    as_role("loda_app")
    night.prepare()


def test_a_ledger_that_is_older_than_its_roles_is_handed_over_with_its_rows(as_role: As, postgres: str) -> None:
    superuser = sa.make_url(postgres).username or ""
    url = as_role(superuser)
    upgrade()
    audit.note(what="test", about="a line from before")
    run_roles(url.replace("postgresql+psycopg", "postgresql"))
    migrated(as_role)
    as_role("loda_app")
    with transaction() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM loda_audit_event")) == 1
    assert refused("DROP TABLE loda_drop", "DELETE FROM loda_audit_event") == [
        "DROP TABLE loda_drop",
        "DELETE FROM loda_audit_event",
    ]


def test_what_the_application_backs_up_the_migrator_restores(
    as_role: As, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated(as_role)
    as_role("loda_app")
    audit.note(what="test", about="a line from before")
    back_up(tmp_path / "backup")
    engine().dispose()
    as_role("loda_migrator")
    engine().dispose()
    server = sa.make_url(postgres).set(drivername="postgresql")
    with psycopg.connect(server.render_as_string(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {DATABASE}")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    run_roles(server.set(database=DATABASE).render_as_string())
    monkeypatch.setenv("LODA_HOME", str(tmp_path / "elsewhere"))
    settings.cache_clear()
    as_role("loda_app")
    assert "loda_migrator" in next(f.sentence for f in doctor.findings() if f.check == "ledger")
    with pytest.raises(LodaError, match="nothing was restored: give the URL of loda_migrator"):
        restore(tmp_path / "backup")
    engine().dispose()
    as_role("loda_migrator")
    restore(tmp_path / "backup")
    migrated(as_role)
    as_role("loda_app")
    night.prepare()
    with transaction() as session:
        assert audit.verify(session) is None
        assert session.scalar(sa.text("SELECT count(*) FROM loda_audit_event")) == 1
    assert refused("DROP TABLE loda_drop", "DELETE FROM loda_audit_event", "UPDATE loda_drop SET rows_in = 1") == [
        "DROP TABLE loda_drop",
        "DELETE FROM loda_audit_event",
    ]


def test_rights_are_given_by_the_owner_alone(as_role: As) -> None:
    migrated(as_role)
    as_role("loda_app")
    with pytest.raises(ConfigurationError, match="run this as loda_migrator"):
        roles.grant()


def test_a_laptop_has_no_roles_to_give_rights_to(home: Path) -> None:
    assert os.environ.get("LODA_LEDGER_URL") is None
    done = CliRunner().invoke(app, ["ledger", "upgrade"])
    assert done.exit_code == 0
    assert "no roles" in done.stdout
    named = CliRunner().invoke(app, ["ledger", "roles", "--database", "loda; DROP DATABASE x"])
    assert named.exit_code == 78
