"""Events: what is told to others, written with what happened"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT, only_where

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=True),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_events_sequence_positive")),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_events_owner_id"),
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_events")),
        sa.UniqueConstraint("stream", "sequence", name=op.f("uq_events_stream")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_events_untold",
        "events",
        ["stream", "sequence"],
        unique=False,
        **only_where("told_at IS NULL"),
    )


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
