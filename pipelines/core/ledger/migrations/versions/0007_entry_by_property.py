"""A list's entry is found by its property at once, and a property stands on a list once

Revision: 0007, after 0006.
"""

from __future__ import annotations

from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_index('ix_loda_list_entry_uprn', 'loda_list_entry')
    op.create_index('ix_loda_list_entry_property', 'loda_list_entry', ['uprn', 'list_id'], unique=True)


def downgrade() -> None:
    """Take back."""
    op.drop_index('ix_loda_list_entry_property', 'loda_list_entry')
    op.create_index('ix_loda_list_entry_uprn', 'loda_list_entry', ['uprn'])
