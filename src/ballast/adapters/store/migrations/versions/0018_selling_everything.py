"""Selling everything: one row for each index whose owner has asked for it"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT, only_where

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "panic_sales",
        sa.Column("sale_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("budget_bps", sa.Integer(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("rebalance_id", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_panic_sales_owner_id"),
        ),
        sa.PrimaryKeyConstraint("sale_id", name=op.f("pk_panic_sales")),
        sqlite_strict=True,
    )
    op.create_index("ix_panic_sales_owner", "panic_sales", ["owner_id", "asked_at"], unique=False)
    op.create_index(
        "ix_panic_sales_due",
        "panic_sales",
        ["due_at"],
        unique=False,
        **only_where("due_at IS NOT NULL"),
    )
    op.create_index(
        "uq_panic_sales_open",
        "panic_sales",
        ["index_id"],
        unique=True,
        **only_where("ended_at IS NULL"),
    )


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
