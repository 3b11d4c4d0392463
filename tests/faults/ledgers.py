"""A ledger on PostgreSQL with the rows of one on SQLite, so that a world is built once and broken on both."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from pipelines.core.ledger.models import Base


def copy_rows(source: Path, target: sa.Engine) -> None:
    """Put the rows of a SQLite ledger into a PostgreSQL one that has its tables and no rows."""
    with sa.create_engine(f"sqlite:///{source}").connect() as old, target.begin() as new:
        for table in Base.metadata.sorted_tables:
            rows = [dict(row._mapping) for row in old.execute(sa.select(table))]
            if rows:
                new.execute(sa.insert(table), rows)
            for column in table.primary_key.columns:
                if isinstance(column.type, sa.Integer):
                    _count_on(new, table.name, column.name)


def _count_on(connection: sa.Connection, table: str, column: str) -> None:
    """Let the numbers that the server gives go on behind those that are there."""
    sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table, column)))
    if sequence is not None:
        highest = connection.scalar(sa.select(sa.func.max(sa.column(column))).select_from(sa.table(table)))
        connection.execute(sa.select(sa.func.setval(sequence, highest or 1, highest is not None)))
