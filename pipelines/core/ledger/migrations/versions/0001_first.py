"""Ledger of drops, stages, models, lists and audit

Revision: 0001, after .
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('loda_arrival',
    sa.Column('path', sa.String(length=500), nullable=False),
    sa.Column('marker', sa.String(length=300), nullable=False),
    sa.Column('drop_id', sa.String(length=120), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('path')
    )
    op.create_table('loda_audit_event',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('who', sa.String(length=120), nullable=False),
    sa.Column('what', sa.String(length=60), nullable=False),
    sa.Column('about', sa.Text(), nullable=False),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('previous_hash', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('number')
    )
    op.create_table('loda_drop',
    sa.Column('id', sa.String(length=120), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('dataset', sa.String(length=60), nullable=False),
    sa.Column('source', sa.String(length=60), nullable=True),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('extract_date', sa.Date(), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('reason', sa.String(length=60), nullable=True),
    sa.Column('sentence', sa.Text(), nullable=True),
    sa.Column('duplicate_of', sa.String(length=120), nullable=True),
    sa.Column('rows_in', sa.BigInteger(), nullable=False),
    sa.Column('accepted', sa.BigInteger(), nullable=False),
    sa.Column('quarantined', sa.BigInteger(), nullable=False),
    sa.Column('mapping_name', sa.String(length=120), nullable=True),
    sa.Column('hashes', sa.JSON(), nullable=False),
    sa.Column('lake_version', sa.Integer(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('receipt', sa.JSON(), nullable=True),
    sa.Column('receipt_delivered', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('loda_drop', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_loda_drop_borough'), ['borough'], unique=False)
        batch_op.create_index(batch_op.f('ix_loda_drop_sha256'), ['sha256'], unique=False)
        batch_op.create_index(batch_op.f('ix_loda_drop_status'), ['status'], unique=False)

    op.create_table('loda_last_good',
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('dataset', sa.String(length=60), nullable=False),
    sa.Column('source', sa.String(length=60), nullable=False),
    sa.Column('drop_id', sa.String(length=120), nullable=False),
    sa.Column('extract_date', sa.Date(), nullable=False),
    sa.Column('rows', sa.BigInteger(), nullable=False),
    sa.Column('lake_version', sa.Integer(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('borough', 'dataset', 'source')
    )
    op.create_table('loda_list',
    sa.Column('id', sa.String(length=120), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('model_id', sa.String(length=80), nullable=False),
    sa.Column('input_hash', sa.String(length=64), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('tie_seed', sa.Integer(), nullable=False),
    sa.Column('expected_hits', sa.Double(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('files', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('borough', 'version')
    )
    with op.batch_alter_table('loda_list', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_loda_list_borough'), ['borough'], unique=False)

    op.create_table('loda_model_version',
    sa.Column('id', sa.String(length=80), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('trained_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('hashes', sa.JSON(), nullable=False),
    sa.Column('metrics', sa.JSON(), nullable=False),
    sa.Column('promoted_by', sa.String(length=120), nullable=True),
    sa.Column('promoted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('promotion_reason', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('loda_stage_state',
    sa.Column('stage', sa.String(length=60), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('input_hash', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('summary', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('stage', 'borough')
    )
    op.create_table('loda_list_entry',
    sa.Column('list_id', sa.String(length=120), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('uprn', sa.String(length=12), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('ward', sa.String(length=80), nullable=True),
    sa.Column('probability', sa.Double(), nullable=False),
    sa.Column('reasons', sa.JSON(), nullable=False),
    sa.Column('licence_needed', sa.String(length=20), nullable=False),
    sa.Column('licence_status', sa.String(length=40), nullable=False),
    sa.Column('licence_why', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['list_id'], ['loda_list.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('list_id', 'rank')
    )
    with op.batch_alter_table('loda_list_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_loda_list_entry_uprn'), ['uprn'], unique=False)



def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table('loda_list_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_loda_list_entry_uprn'))

    op.drop_table('loda_list_entry')
    op.drop_table('loda_stage_state')
    op.drop_table('loda_model_version')
    with op.batch_alter_table('loda_list', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_loda_list_borough'))

    op.drop_table('loda_list')
    op.drop_table('loda_last_good')
    with op.batch_alter_table('loda_drop', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_loda_drop_status'))
        batch_op.drop_index(batch_op.f('ix_loda_drop_sha256'))
        batch_op.drop_index(batch_op.f('ix_loda_drop_borough'))

    op.drop_table('loda_drop')
    op.drop_table('loda_audit_event')
    op.drop_table('loda_arrival')
