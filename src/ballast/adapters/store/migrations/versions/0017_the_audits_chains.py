"""The audit's chains: the place of each row behind another, and the keys of their hashes

Rows that are there stay as they are. When the first key is made, the first row under it says how
many they are and what they say.
"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit", sa.Column("facts", sa.Text(), server_default="{}", nullable=False))
    op.add_column("audit", sa.Column("stream", sa.Text(), nullable=True))
    op.add_column("audit", sa.Column("sequence", sa.Integer(), nullable=True))
    op.add_column("audit", sa.Column("previous_hash", sa.Text(), nullable=True))
    op.add_column("audit", sa.Column("key_id", sa.Text(), nullable=True))
    op.add_column("audit", sa.Column("hash", sa.Text(), nullable=True))
    op.create_index("uq_audit_place", "audit", ["stream", "sequence"], unique=True)
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "audit_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_audit_keys")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
