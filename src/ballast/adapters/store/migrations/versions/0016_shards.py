"""Shards: passes over parts of all indexes, which count checks for all in them"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shards",
        sa.Column("behind", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("passes", sa.Integer(), nullable=False),
        sa.Column("passed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("behind", name=op.f("pk_shards")),
        sqlite_strict=True,
    )
    # One that holds every index: ids begin with "idx_".
    op.execute(
        "INSERT INTO shards (behind, due_at, passes) "
        "SELECT 'idx', due_at, 0 FROM schedules WHERE name = 'monitor'"
    )
    op.execute("DELETE FROM schedules WHERE name = 'monitor'")
    op.add_column(
        "checks",
        sa.Column("counted", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )
    op.create_index(
        "ix_checks_standing",
        "checks",
        ["index_id", "reason", "index_version", "purchased_at"],
        unique=False,
    )


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
