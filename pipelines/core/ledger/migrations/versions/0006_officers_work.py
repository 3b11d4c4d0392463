"""Officers' work: plans, outcomes, overrides, sign-ins, tokens, and what stands behind an entry

Revision: 0006, after 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('loda_api_token',
    sa.Column('id', sa.String(length=20), nullable=False),
    sa.Column('secret_hash', sa.String(length=64), nullable=False),
    sa.Column('label', sa.String(length=120), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('made_by', sa.String(length=120), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', sa.String(length=120), nullable=True),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('secret_hash')
    )
    op.create_index('ix_loda_api_token_borough', 'loda_api_token', ['borough'])

    op.create_table('loda_outcome',
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('uprn', sa.String(length=12), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('list_id', sa.String(length=120), nullable=True),
    sa.Column('rank', sa.Integer(), nullable=True),
    sa.Column('found', sa.String(length=30), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=True),
    sa.Column('visited_on', sa.Date(), nullable=False),
    sa.Column('method', sa.String(length=30), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('officer', sa.String(length=120), nullable=False),
    sa.Column('recorded_by', sa.String(length=120), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_through', sa.String(length=10), nullable=False),
    sa.Column('corrects', sa.Integer(), nullable=True),
    sa.Column('superseded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('superseded_by', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('number'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_loda_outcome_list_id', 'loda_outcome', ['list_id'])
    op.create_index('ix_loda_outcome_property', 'loda_outcome', ['borough', 'uprn'])

    op.create_table('loda_outcome_file',
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('who', sa.String(length=120), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('rows_in', sa.Integer(), nullable=False),
    sa.Column('accepted', sa.Integer(), nullable=False),
    sa.Column('refused', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('borough', 'sha256')
    )
    op.create_table('loda_override',
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('uprn', sa.String(length=12), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('who', sa.String(length=120), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.String(length=120), nullable=True),
    sa.PrimaryKeyConstraint('number'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_loda_override_property', 'loda_override', ['borough', 'uprn'])

    op.create_table('loda_property_case',
    sa.Column('borough', sa.String(length=60), nullable=False),
    sa.Column('uprn', sa.String(length=12), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('assigned_to', sa.String(length=120), nullable=True),
    sa.Column('planned_for', sa.Date(), nullable=True),
    sa.Column('changed_by', sa.String(length=120), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('borough', 'uprn')
    )
    op.create_index('ix_loda_property_case_assigned_to', 'loda_property_case', ['assigned_to'])

    op.create_table('loda_sign_in',
    sa.Column('secret_hash', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=255), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('grants', sa.JSON(), nullable=False),
    sa.Column('through', sa.String(length=10), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', sa.String(length=120), nullable=True),
    sa.PrimaryKeyConstraint('secret_hash')
    )
    op.create_index('ix_loda_sign_in_subject', 'loda_sign_in', ['subject'])

    op.create_table('loda_sign_in_attempt',
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('origin', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('number')
    )
    op.create_index('ix_loda_sign_in_attempt_at', 'loda_sign_in_attempt', ['at'])
    op.create_index('ix_loda_sign_in_attempt_origin', 'loda_sign_in_attempt', ['origin'])

    op.create_table('loda_dossier',
    sa.Column('list_id', sa.String(length=120), nullable=False),
    sa.Column('uprn', sa.String(length=12), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['list_id'], ['loda_list.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('list_id', 'uprn')
    )
    # Not as a batch: that would make the table anew, and the entries would go with the old one.
    op.add_column('loda_list_entry', sa.Column('easting', sa.Float(), nullable=True))
    op.add_column('loda_list_entry', sa.Column('northing', sa.Float(), nullable=True))
    op.add_column('loda_list_entry', sa.Column('landlord_id', sa.String(length=80), nullable=True))
    op.add_column('loda_list_entry', sa.Column('landlord_name', sa.Text(), nullable=True))
    op.create_index('ix_loda_list_entry_landlord_id', 'loda_list_entry', ['landlord_id'])


def downgrade() -> None:
    """Take back."""
    op.drop_index('ix_loda_list_entry_landlord_id', 'loda_list_entry')
    for name in ('landlord_name', 'landlord_id', 'northing', 'easting'):
        op.drop_column('loda_list_entry', name)
    op.drop_table('loda_dossier')
    op.drop_index('ix_loda_sign_in_attempt_origin', 'loda_sign_in_attempt')
    op.drop_index('ix_loda_sign_in_attempt_at', 'loda_sign_in_attempt')
    op.drop_table('loda_sign_in_attempt')
    op.drop_index('ix_loda_sign_in_subject', 'loda_sign_in')
    op.drop_table('loda_sign_in')
    op.drop_index('ix_loda_property_case_assigned_to', 'loda_property_case')
    op.drop_table('loda_property_case')
    op.drop_index('ix_loda_override_property', 'loda_override')
    op.drop_table('loda_override')
    op.drop_table('loda_outcome_file')
    op.drop_index('ix_loda_outcome_property', 'loda_outcome')
    op.drop_index('ix_loda_outcome_list_id', 'loda_outcome')
    op.drop_table('loda_outcome')
    op.drop_index('ix_loda_api_token_borough', 'loda_api_token')
    op.drop_table('loda_api_token')
