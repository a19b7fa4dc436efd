"""The monitor: where each index stands with it, and when all of them are looked at next"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT, only_where

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checks",
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("outside", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("index_version", sa.Integer(), nullable=False),
        sa.Column("ran_at", MOMENT, nullable=True),
        sa.Column("purchased_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_checks_owner_id"),
        ),
        sa.PrimaryKeyConstraint("index_id", name=op.f("pk_checks")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_checks_due",
        "checks",
        ["due_at"],
        unique=False,
        **only_where("due_at IS NOT NULL"),
    )
    schedules = op.create_table(
        "schedules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules")),
        sqlite_strict=True,
    )
    # Due at once: whoever works first looks at what there is.
    op.bulk_insert(schedules, [{"name": "monitor", "due_at": 0}])


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
