"""Withdrawn lists, marks of keys, an audit log that the database itself lets only grow

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

TOLD = 'the audit log is append-only'


def upgrade() -> None:
    """Apply."""
    op.create_table('loda_key',
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.add_column('loda_list', sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('loda_list', sa.Column('withdrawn_why', sa.Text(), nullable=True))
    if op.get_bind().dialect.name == 'sqlite':
        for act in ('UPDATE', 'DELETE'):
            op.execute(
                f"CREATE TRIGGER loda_audit_no_{act.lower()} BEFORE {act} ON loda_audit_event "
                f"BEGIN SELECT RAISE(ABORT, '{TOLD}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION loda_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{TOLD}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER loda_audit_no_change BEFORE UPDATE OR DELETE ON loda_audit_event "
            "FOR EACH ROW EXECUTE FUNCTION loda_audit_append_only()"
        )
        op.execute(
            "CREATE TRIGGER loda_audit_no_truncate BEFORE TRUNCATE ON loda_audit_event "
            "FOR EACH STATEMENT EXECUTE FUNCTION loda_audit_append_only()"
        )


def downgrade() -> None:
    """Take back."""
    if op.get_bind().dialect.name == 'sqlite':
        for act in ('update', 'delete'):
            op.execute(f"DROP TRIGGER loda_audit_no_{act}")
    else:
        op.execute("DROP TRIGGER loda_audit_no_truncate ON loda_audit_event")
        op.execute("DROP TRIGGER loda_audit_no_change ON loda_audit_event")
        op.execute("DROP FUNCTION loda_audit_append_only()")
    # Not as a batch: that would make the table anew, and the entries would go with the old one.
    op.drop_column('loda_list', 'withdrawn_why')
    op.drop_column('loda_list', 'withdrawn_at')
    op.drop_table('loda_key')
