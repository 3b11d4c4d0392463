"""Profiles of drops, quality measures, gate decisions, notices, erasures

Revision: 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('loda_drop_profile',
    sa.Column('drop_id', sa.String(length=120), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('dataset', sa.String(length=60), nullable=False),
    sa.Column('source', sa.String(length=60), nullable=False),
    sa.Column('extract_date', sa.Date(), nullable=False),
    sa.Column('measured_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('profile', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('drop_id')
    )
    with op.batch_alter_table('loda_drop_profile', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_loda_drop_profile_borough'), ['borough'], unique=False)

    op.create_table('loda_erasure',
    sa.Column('token', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('who', sa.String(length=120), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('token')
    )
    op.create_table('loda_gate_decision',
    sa.Column('drop_id', sa.String(length=120), nullable=False),
    sa.Column('decision', sa.String(length=20), nullable=False),
    sa.Column('held_for', sa.String(length=60), nullable=False),
    sa.Column('who', sa.String(length=120), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('drop_id')
    )
    op.create_table('loda_notice',
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('dataset', sa.String(length=60), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('due', sa.Date(), nullable=False),
    sa.Column('sentence', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('borough', 'dataset', 'kind', 'due')
    )
    op.create_table('loda_quality_measure',
    sa.Column('drop_id', sa.String(length=120), nullable=False),
    sa.Column('dimension', sa.String(length=20), nullable=False),
    sa.Column('measure', sa.String(length=120), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('dataset', sa.String(length=60), nullable=False),
    sa.Column('source', sa.String(length=60), nullable=False),
    sa.Column('extract_date', sa.Date(), nullable=False),
    sa.Column('measured_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('good', sa.BigInteger(), nullable=False),
    sa.Column('of', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('drop_id', 'dimension', 'measure')
    )
    with op.batch_alter_table('loda_quality_measure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_loda_quality_measure_borough'), ['borough'], unique=False)



def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table('loda_quality_measure', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_loda_quality_measure_borough'))

    op.drop_table('loda_quality_measure')
    op.drop_table('loda_notice')
    op.drop_table('loda_gate_decision')
    op.drop_table('loda_erasure')
    with op.batch_alter_table('loda_drop_profile', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_loda_drop_profile_borough'))

    op.drop_table('loda_drop_profile')
