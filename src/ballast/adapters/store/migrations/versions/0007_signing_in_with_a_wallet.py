"""Signing in by something else than a password: identities, and messages for wallets to sign"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["login_accounts.account_id"], name=op.f("fk_identities_account_id")
        ),
        sa.PrimaryKeyConstraint("provider", "subject", name=op.f("pk_identities")),
        sqlite_strict=True,
    )
    op.create_table(
        "challenges",
        sa.Column("message_hash", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("message_hash", name=op.f("pk_challenges")),
        sqlite_strict=True,
    )
    op.create_index("ix_challenges_expiry", "challenges", ["expires_at"], unique=False)


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
