"""Money going out: withdrawals and destinations; a schedule to reconcile; prices as seen"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT, UNITS, CanonicalUnits, only_where

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def canonical(table: str, column: str) -> sa.CheckConstraint:
    """An unsigned amount."""
    return sa.CheckConstraint(
        CanonicalUnits(column, signed=False, zero=True),
        name=op.f(f"ck_{table}_{column}_canonical"),
    )


def upgrade() -> None:
    op.add_column("indexes", sa.Column("reconcile_at", MOMENT, nullable=True))
    op.create_index(
        "ix_indexes_due",
        "indexes",
        ["reconcile_at"],
        unique=False,
        **only_where("reconcile_at IS NOT NULL"),
    )
    op.add_column("swaps", sa.Column("purpose", sa.Text(), nullable=False, server_default="swap"))
    op.add_column("swaps", sa.Column("recipient", sa.Text(), nullable=True))
    op.add_column("swaps", sa.Column("recipient_memo", sa.Text(), nullable=True))
    op.create_table(
        "destinations",
        sa.Column("destination_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=True),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("usable_at", MOMENT, nullable=False),
        sa.Column("wall_usable_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("destination_id", name=op.f("pk_destinations")),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_destinations_label",
        "destinations",
        ["owner_id", "label"],
        unique=True,
        **only_where("removed_at IS NULL"),
    )
    op.create_table(
        "observations",
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("observed_at", MOMENT, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("usd", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "observed_at", "source", name=op.f("pk_observations")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "withdrawals",
        sa.Column("withdrawal_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("rebalance_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("everything", sa.Text(), nullable=False),
        sa.Column("base_asset_id", sa.Text(), nullable=False),
        sa.Column("asked_units", UNITS, nullable=False),
        sa.Column("payout_asset_id", sa.Text(), nullable=True),
        sa.Column("chain", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("memo", sa.Text(), nullable=True),
        sa.Column("expected_units", UNITS, nullable=False),
        sa.Column("minimum_units", UNITS, nullable=False),
        sa.Column("fee_units", UNITS, nullable=False),
        sa.Column("sent_units", UNITS, nullable=True),
        sa.Column("delivered_units", UNITS, nullable=True),
        sa.Column("transactions", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        canonical("withdrawals", "asked_units"),
        canonical("withdrawals", "expected_units"),
        canonical("withdrawals", "minimum_units"),
        canonical("withdrawals", "fee_units"),
        canonical("withdrawals", "sent_units"),
        canonical("withdrawals", "delivered_units"),
        sa.ForeignKeyConstraint(
            ["base_asset_id"], ["assets.asset_id"], name=op.f("fk_withdrawals_base_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_withdrawals_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["payout_asset_id"], ["assets.asset_id"], name=op.f("fk_withdrawals_payout_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.plan_id"], name=op.f("fk_withdrawals_plan_id")
        ),
        sa.ForeignKeyConstraint(
            ["rebalance_id"],
            ["rebalances.rebalance_id"],
            name=op.f("fk_withdrawals_rebalance_id"),
        ),
        sa.PrimaryKeyConstraint("withdrawal_id", name=op.f("pk_withdrawals")),
        sa.UniqueConstraint("plan_id", name=op.f("uq_withdrawals_plan_id")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_withdrawals_history",
        "withdrawals",
        ["index_id", "created_at", "withdrawal_id"],
        unique=False,
    )
    op.create_index("ix_withdrawals_rebalance", "withdrawals", ["rebalance_id"], unique=False)


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
