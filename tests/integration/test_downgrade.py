"""Every revision of the ledger's schema, back and forth with a row in every table, on each database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from pipelines.core.ledger.engine import alembic_config, engine, schema_revisions, upgrade
from pipelines.core.ledger.models import UtcDateTime
from pipelines.core.ledger.officers import Base

VALUES: dict[type, Any] = {
    str: "x",
    int: 1,
    float: 0.5,
    bool: True,
    date: date(2026, 9, 30),
    datetime: datetime(2026, 9, 30, 2, tzinfo=UTC),
    dict: {"a": 1},
    list: ["a"],
}


def _value(column: sa.Column[Any]) -> Any:
    if isinstance(column.type, UtcDateTime):
        return VALUES[datetime]
    return VALUES[dict if isinstance(column.type, sa.JSON) else column.type.python_type]


def _fill() -> None:
    with engine().begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(table.insert().values({c.name: _value(c) for c in table.columns}))


def _counts() -> dict[str, int]:
    with engine().connect() as connection:
        names = [n for n in sa.inspect(connection).get_table_names() if n.startswith("loda_")]
        return {n: connection.execute(sa.text(f'SELECT count(*) FROM "{n}"')).scalar_one() for n in names}  # noqa: S608


REVISIONS = [r.revision for r in ScriptDirectory.from_config(alembic_config()).walk_revisions()]


@pytest.mark.parametrize("revision", [r for r in REVISIONS if r != REVISIONS[0]])
def test_what_a_revision_knows_outlives_a_downgrade_to_it_and_the_way_up_again(ledger: str, revision: str):
    command.downgrade(alembic_config(), "base") if schema_revisions()[0] else None
    upgrade()
    _fill()
    command.downgrade(alembic_config(), revision)
    below = _counts()
    assert set(below.values()) == {1}, "no table that is left has lost its row"
    upgrade()
    again = _counts()
    assert {name: again[name] for name in below} == below
    assert set(again) == {table.name for table in Base.metadata.sorted_tables}
    command.downgrade(alembic_config(), "base")
