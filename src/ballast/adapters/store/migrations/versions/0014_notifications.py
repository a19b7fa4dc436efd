"""Notifications: where people are told, and each event that waits to be told there"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT, only_where

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channels",
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channels")),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_channels_label",
        "channels",
        ["owner_id", "label"],
        unique=True,
        **only_where("removed_at IS NULL"),
    )
    op.create_table(
        "notices",
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.channel_id"], name=op.f("fk_notices_channel_id")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.event_id"], name=op.f("fk_notices_event_id")
        ),
        sa.PrimaryKeyConstraint("channel_id", "event_id", name=op.f("pk_notices")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_notices_pending",
        "notices",
        ["channel_id", "created_at"],
        unique=False,
        **only_where("state = 'pending'"),
    )
    op.create_index("ix_notices_history", "notices", ["owner_id", "created_at"], unique=False)


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
