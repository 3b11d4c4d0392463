"""Changes of champion in their order, and which entries of a list a random draw gave

Revision: 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. What is known of earlier promotions, the last of each model, begins the sequence."""
    op.create_table('loda_model_change',
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('act', sa.String(length=20), nullable=False),
    sa.Column('model_id', sa.String(length=80), nullable=False),
    sa.Column('before', sa.String(length=80), nullable=True),
    sa.Column('who', sa.String(length=120), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('number'),
    sqlite_autoincrement=True
    )
    op.execute(
        "INSERT INTO loda_model_change (act, model_id, before, who, reason, at) "
        "SELECT 'promote', id, LAG(id) OVER (ORDER BY promoted_at, id), COALESCE(promoted_by, ''), "
        "COALESCE(promotion_reason, ''), promoted_at FROM loda_model_version WHERE promoted_at IS NOT NULL "
        "ORDER BY promoted_at, id"
    )
    op.add_column('loda_list', sa.Column('control_frame', sa.Integer(), nullable=True))
    op.add_column('loda_list_entry', sa.Column('control_slot', sa.Integer(), nullable=True))
    op.add_column('loda_list_entry', sa.Column('control_inclusion', sa.Float(), nullable=True))


def downgrade() -> None:
    """Take back."""
    # Not as a batch: that would make the tables anew, and the entries would go with the old one.
    op.drop_column('loda_list_entry', 'control_inclusion')
    op.drop_column('loda_list_entry', 'control_slot')
    op.drop_column('loda_list', 'control_frame')
    op.drop_table('loda_model_change')
