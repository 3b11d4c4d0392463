"""Alembic's entry: migrations of the ledger, run in one transaction."""

from __future__ import annotations

from alembic import context

from pipelines.core.ledger import officers  # noqa: F401 - its tables are part of the schema
from pipelines.core.ledger.engine import engine
from pipelines.core.ledger.models import Base

with engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        include_name=lambda name, kind, _parents: kind != "table" or str(name).startswith("loda_"),
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
