"""Who may do what to a ledger on PostgreSQL: one role makes tables, one works with rows, one reads figures.

`loda_owner` owns everything and nobody signs in as it. `loda_migrator` acts as the owner and is used for upgrades only.
`loda_app` is the night's and the pages': rows, no tables, and no line of the audit log changed. `loda_analyst` is a
group for people who count: it reads columns without personal data, so that reading these needs no record.
"""

from __future__ import annotations

import sqlalchemy as sa

from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger import officers  # noqa: F401 - its tables are part of the schema
from pipelines.core.ledger.engine import engine
from pipelines.core.ledger.models import Base

OWNER, MIGRATOR, APP, ANALYST = "loda_owner", "loda_migrator", "loda_app", "loda_analyst"
VERSIONS = "alembic_version"
APPEND_ONLY = frozenset({"loda_audit_event", "loda_model_change"})

FOR_ANALYSTS: dict[str, tuple[str, ...]] = {
    "loda_drop": (
        "id", "borough", "dataset", "source", "size_bytes", "received_at", "extract_date", "status", "reason",
        "duplicate_of", "rows_in", "accepted", "quarantined", "mapping_name", "lake_version", "finished_at",
    ),
    "loda_last_good": (
        "borough", "dataset", "source", "drop_id", "extract_date", "rows", "lake_version", "published_at",
    ),
    "loda_stage_state": ("stage", "borough", "input_hash", "made_at"),
    "loda_model_version": ("id", "as_of", "trained_at", "status", "sha256", "metrics", "promoted_at"),
    "loda_list": (
        "id", "borough", "as_of", "version", "issued_at", "model_id", "capacity", "rows", "expected_hits",
        "published_at", "control_frame", "withdrawn_at",
    ),
    "loda_list_entry": (
        "list_id", "rank", "ward", "probability", "licence_needed", "licence_status", "control_slot",
        "control_inclusion",
    ),
    "loda_quality_measure": (
        "drop_id", "dimension", "measure", "borough", "dataset", "source", "extract_date", "measured_at", "good", "of",
    ),
    "loda_notice": ("borough", "dataset", "kind", "due", "made_at"),
    "loda_outcome": (
        "number", "borough", "list_id", "rank", "found", "attempt", "visited_on", "method", "recorded_at",
        "recorded_through", "superseded_at",
    ),
}  # fmt: skip
"""Columns by table, none of which names or locates anybody: no address, UPRN, name, note, reason in free words, path
of a file that somebody named, or reason that was computed from one home's records."""


def make_roles(database: str) -> str:
    """SQL by which a superuser makes the roles and hands them a database; run again, it changes nothing.

    No role has a password: the superuser gives each its own by psql's `password`, so that none stands in a file.
    """
    if not database.replace("_", "").isalnum():
        raise ConfigurationError(f"'{database}' is no plain name of a database; use letters, digits and _.")
    made = "\n".join(
        f"  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} {can}; END IF;"  # nosec B608
        for role, can in ((OWNER, "NOLOGIN"), (MIGRATOR, "LOGIN"), (APP, "LOGIN"), (ANALYST, "NOLOGIN"))
    )
    # Nothing but our own names and one that was checked.
    return f"""\
-- Roles of the ledger. As a superuser, connected to the database {database}.
BEGIN;
DO $$ BEGIN
{made}
END $$;
GRANT {OWNER} TO {MIGRATOR};
-- Whatever an upgrade makes belongs to the owner.
ALTER ROLE {MIGRATOR} IN DATABASE {database} SET role = '{OWNER}';
ALTER DATABASE {database} OWNER TO {OWNER};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {MIGRATOR}, {APP}, {ANALYST};
ALTER SCHEMA public OWNER TO {OWNER};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {APP}, {ANALYST};
-- Tables that were made before there were roles.
DO $$ DECLARE it record; BEGIN
  FOR it IN SELECT oid::regclass AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND (relname LIKE 'loda\\_%' OR relname = '{VERSIONS}')
  LOOP EXECUTE format('ALTER TABLE %s OWNER TO {OWNER}', it.name); END LOOP;
  FOR it IN SELECT oid::regprocedure AS name FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'loda\\_%'
  LOOP EXECUTE format('ALTER FUNCTION %s OWNER TO {OWNER}', it.name); END LOOP;
END $$;
COMMIT;
"""  # noqa: S608  # nosec B608


def grants() -> list[str]:
    """SQL statements by which the owner gives each role what it may do to each table, and takes what it may not."""
    tables = sorted({table.name for table in Base.metadata.sorted_tables})
    given = []
    for table in [*tables, VERSIONS]:
        given.append(f"REVOKE ALL ON {table} FROM PUBLIC, {APP}, {ANALYST}")
        rights = "SELECT"
        if table != VERSIONS:
            rights = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        given.append(f"GRANT {rights} ON {table} TO {APP}")
    given.append(f"GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP}")
    for table, columns in FOR_ANALYSTS.items():
        quoted = ", ".join(f'"{column}"' for column in columns)
        given.append(f"GRANT SELECT ({quoted}) ON {table} TO {ANALYST}")
    return given


def grant() -> bool:
    """Give the roles their rights in this ledger; False where they were never made, as on a laptop's SQLite.

    Raises:
        ConfigurationError: whoever asks does not own the tables.
    """
    if engine().dialect.name != "postgresql":
        return False
    with engine().begin() as connection:
        there = set(connection.scalars(sa.text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'loda\\_%'")))
        if not {OWNER, APP, ANALYST} <= there:
            return False
        owner = connection.scalar(
            sa.text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('loda_drop')")
        )
        if not owner:
            raise ConfigurationError(
                f"The ledger's tables belong to another role: run this as {MIGRATOR}, see docs/deploy.md."
            )
        for statement in grants():
            connection.execute(sa.text(statement))
    return True
