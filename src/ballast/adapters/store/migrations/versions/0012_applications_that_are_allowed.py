"""Applications that act for somebody: OAuth clients, and what they were allowed"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("information", sa.Text(), nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("allowed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_oauth_clients")),
        sqlite_strict=True,
    )
    op.create_table(
        "authorizations",
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("redirect_given", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("code_challenge", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.client_id"], name=op.f("fk_authorizations_client_id")
        ),
        sa.PrimaryKeyConstraint("request_hash", name=op.f("pk_authorizations")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_authorizations_code_hash")),
        sqlite_strict=True,
    )
    op.create_index("ix_authorizations_client", "authorizations", ["client_id"], unique=False)
    op.create_index("ix_authorizations_expiry", "authorizations", ["expires_at"], unique=False)


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
