"""What people decide about links

Revision: 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('loda_link_review',
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('canonical', sa.Text(), nullable=False),
    sa.Column('postcode', sa.String(length=10), nullable=False),
    sa.Column('address_written', sa.Text(), nullable=False),
    sa.Column('postcode_written', sa.Text(), nullable=False),
    sa.Column('verdict', sa.String(length=10), nullable=False),
    sa.Column('uprn', sa.String(length=12), nullable=False),
    sa.Column('datasets', sa.JSON(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('who', sa.String(length=120), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('superseded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('superseded_by', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('number'),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('loda_link_review', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_loda_link_review_borough'), ['borough'], unique=False)
        batch_op.create_index(batch_op.f('ix_loda_link_review_uprn'), ['uprn'], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table('loda_link_review', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_loda_link_review_uprn'))
        batch_op.drop_index(batch_op.f('ix_loda_link_review_borough'))

    op.drop_table('loda_link_review')
