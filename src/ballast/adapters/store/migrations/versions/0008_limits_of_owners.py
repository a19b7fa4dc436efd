"""Limits of owners, changes of limits that wait, plans a person agreed to; what a swap cost"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT, UNITS, CanonicalUnits, only_where

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "swaps",
        sa.Column(
            "cost_pico",
            UNITS,
            sa.CheckConstraint(
                CanonicalUnits("cost_pico", signed=False, zero=True),
                name=op.f("ck_swaps_cost_pico_canonical"),
            ),
            nullable=False,
            server_default="0",
        ),
    )
    op.create_table(
        "owner_limits",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_owner_limits")),
        sqlite_strict=True,
    )
    op.create_table(
        "limit_changes",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("usable_at", MOMENT, nullable=False),
        sa.Column("wall_usable_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_limit_changes")),
        sqlite_strict=True,
    )
    op.create_index("ix_limit_changes_owner", "limit_changes", ["owner_id", "asked_at"])
    op.create_index(
        "ix_limit_changes_due",
        "limit_changes",
        ["due_at"],
        **only_where("due_at IS NOT NULL"),
    )
    op.create_table(
        "confirmations",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_confirmations")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
