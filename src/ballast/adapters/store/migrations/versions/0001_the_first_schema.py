"""The first schema"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import (
    MOMENT,
    UNITS,
    CanonicalUnits,
    HeldNotNegative,
    only_where,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def canonical(table: str, column: str) -> sa.CheckConstraint:
    """An unsigned amount."""
    return sa.CheckConstraint(
        CanonicalUnits(column, signed=False, zero=True),
        name=op.f(f"ck_{table}_{column}_canonical"),
    )


def upgrade() -> None:
    op.create_table(
        "assets",
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.CheckConstraint("decimals BETWEEN 0 AND 77", name=op.f("ck_assets_decimals_range")),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_assets")),
        sqlite_strict=True,
    )
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit")),
        sqlite_strict=True,
    )
    op.create_index("ix_audit_owner", "audit", ["owner_id", "at"], unique=False)
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
        sqlite_strict=True,
    )
    op.create_table(
        "requests",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "operation", "request_id", name=op.f("pk_requests")),
        sqlite_strict=True,
    )
    op.create_table(
        "indexes",
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("base_asset_id", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("buffer_bps", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("last_rebalanced_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["base_asset_id"], ["assets.asset_id"], name=op.f("fk_indexes_base_asset_id")
        ),
        sa.PrimaryKeyConstraint("index_id", name=op.f("pk_indexes")),
        sa.UniqueConstraint("account_id", name=op.f("uq_indexes_account_id")),
        sa.UniqueConstraint("owner_id", "index_id", name="uq_indexes_owner_index"),
        sa.UniqueConstraint("owner_id", "name_key", name=op.f("uq_indexes_owner_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "balances",
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("units", UNITS, nullable=False),
        sa.CheckConstraint(
            HeldNotNegative(),
            name=op.f("ck_balances_held_not_negative"),
        ),
        sa.CheckConstraint(
            CanonicalUnits("units", signed=True, zero=True),
            name=op.f("ck_balances_units_canonical"),
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.asset_id"], name=op.f("fk_balances_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_balances_owner_id"),
        ),
        sa.PrimaryKeyConstraint("index_id", "asset_id", "account", name=op.f("pk_balances")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_decisions_owner_id"),
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decisions")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_decisions_history", "decisions", ["index_id", "at", "decision_id"], unique=False
    )
    op.create_index("ix_decisions_reference", "decisions", ["reference"], unique=False)
    op.create_table(
        "deposits",
        sa.Column("deposit_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("credit_asset_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=True),
        sa.Column("amount_units", UNITS, nullable=True),
        sa.Column("quoted_units", UNITS, nullable=False),
        sa.Column("minimum_units", UNITS, nullable=False),
        sa.Column("expected_units", UNITS, nullable=False),
        sa.Column("fee_bps", sa.Integer(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=False),
        sa.Column("credited_units", UNITS, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        canonical("deposits", "amount_units"),
        canonical("deposits", "credited_units"),
        canonical("deposits", "expected_units"),
        canonical("deposits", "minimum_units"),
        canonical("deposits", "quoted_units"),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.asset_id"], name=op.f("fk_deposits_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["credit_asset_id"], ["assets.asset_id"], name=op.f("fk_deposits_credit_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_deposits_owner_id"),
        ),
        sa.PrimaryKeyConstraint("deposit_id", name=op.f("pk_deposits")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_deposits_due",
        "deposits",
        ["due_at"],
        unique=False,
        **only_where("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deposits_history", "deposits", ["index_id", "created_at", "deposit_id"], unique=False
    )
    op.create_index(
        "uq_deposits_address",
        "deposits",
        ["address"],
        unique=True,
        **only_where("memo IS NULL"),
    )
    op.create_index(
        "uq_deposits_address_memo",
        "deposits",
        ["address", "memo"],
        unique=True,
        **only_where("memo IS NOT NULL"),
    )
    op.create_table(
        "entries",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("external_key", sa.Text(), nullable=False),
        sa.Column("event_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_entries_sequence_positive")),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_entries_owner_id"),
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entries")),
        sa.UniqueConstraint("external_key", name=op.f("uq_entries_external_key")),
        sa.UniqueConstraint("index_id", "sequence", name=op.f("uq_entries_index_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "keys",
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("master_key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_keys_owner_id"),
        ),
        sa.PrimaryKeyConstraint("index_id", name=op.f("pk_keys")),
        sqlite_strict=True,
    )
    op.create_table(
        "plans",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("swaps", sa.Text(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=False),
        sa.Column("through_base", sa.Text(), nullable=False),
        sa.Column("prices", sa.Text(), nullable=False),
        sa.Column("value_pico", UNITS, nullable=False),
        sa.Column("notional_pico", UNITS, nullable=False),
        sa.Column("fee_pico", UNITS, nullable=False),
        sa.Column("drift_before", sa.Text(), nullable=False),
        sa.Column("drift_after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("index_version", sa.Integer(), nullable=False),
        sa.Column("ledger_sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        canonical("plans", "notional_pico"),
        canonical("plans", "value_pico"),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_plans_owner_id"),
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plans")),
        sqlite_strict=True,
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("deposit_id", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("units", UNITS, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=False),
        canonical("payments", "units"),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposits.deposit_id"], name=op.f("fk_payments_deposit_id")
        ),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
        sa.UniqueConstraint("deposit_id", "external_id", name=op.f("uq_payments_deposit_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "postings",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("units", UNITS, nullable=False),
        sa.CheckConstraint(
            CanonicalUnits("units", signed=True, zero=False),
            name=op.f("ck_postings_units_canonical"),
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.asset_id"], name=op.f("fk_postings_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.entry_id"], name=op.f("fk_postings_entry_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", "position", name=op.f("pk_postings")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rebalances",
        sa.Column("rebalance_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_rebalances_owner_id"),
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.plan_id"], name=op.f("fk_rebalances_plan_id")),
        sa.PrimaryKeyConstraint("rebalance_id", name=op.f("pk_rebalances")),
        sa.UniqueConstraint("plan_id", name=op.f("uq_rebalances_plan_id")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_rebalances_active",
        "rebalances",
        ["index_id"],
        unique=True,
        **only_where("state IN ('executing', 'halted')"),
    )
    op.create_index(
        "ix_rebalances_due",
        "rebalances",
        ["due_at"],
        unique=False,
        **only_where("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_rebalances_history",
        "rebalances",
        ["index_id", "created_at", "rebalance_id"],
        unique=False,
    )
    op.create_table(
        "swaps",
        sa.Column("swap_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("rebalance_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sell", sa.Text(), nullable=False),
        sa.Column("buy", sa.Text(), nullable=False),
        sa.Column("input_units", UNITS, nullable=False),
        sa.Column("value_pico", UNITS, nullable=False),
        sa.Column("floor_units", UNITS, nullable=False),
        sa.Column("quoted_units", UNITS, nullable=True),
        sa.Column("minimum_units", UNITS, nullable=True),
        sa.Column("deposit_address", sa.Text(), nullable=True),
        sa.Column("deposit_memo", sa.Text(), nullable=True),
        sa.Column("quote_deadline", MOMENT, nullable=True),
        sa.Column("quote", sa.Text(), nullable=True),
        sa.Column("output_units", UNITS, nullable=True),
        sa.Column("refunded_units", UNITS, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        canonical("swaps", "floor_units"),
        canonical("swaps", "input_units"),
        canonical("swaps", "minimum_units"),
        canonical("swaps", "output_units"),
        canonical("swaps", "quoted_units"),
        canonical("swaps", "refunded_units"),
        canonical("swaps", "value_pico"),
        sa.ForeignKeyConstraint(["buy"], ["assets.asset_id"], name=op.f("fk_swaps_buy")),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_swaps_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["rebalance_id"], ["rebalances.rebalance_id"], name=op.f("fk_swaps_rebalance_id")
        ),
        sa.ForeignKeyConstraint(["sell"], ["assets.asset_id"], name=op.f("fk_swaps_sell")),
        sa.PrimaryKeyConstraint("swap_id", name=op.f("pk_swaps")),
        sa.UniqueConstraint("rebalance_id", "position", name=op.f("uq_swaps_rebalance_id")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_swaps_due",
        "swaps",
        ["due_at"],
        unique=False,
        **only_where("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_swaps_index_history", "swaps", ["index_id", "created_at", "swap_id"], unique=False
    )
    op.create_index(
        "ix_swaps_owner_history", "swaps", ["owner_id", "created_at", "swap_id"], unique=False
    )
    op.create_table(
        "intents",
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("swap_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("intent_hash", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("units", UNITS, nullable=False),
        sa.Column("deadline", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        canonical("intents", "units"),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.asset_id"], name=op.f("fk_intents_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_intents_owner_id"),
        ),
        sa.ForeignKeyConstraint(["swap_id"], ["swaps.swap_id"], name=op.f("fk_intents_swap_id")),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_intents")),
        sa.UniqueConstraint("intent_hash", name=op.f("uq_intents_intent_hash")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_intents_swap", "intents", ["swap_id", "created_at", "intent_id"], unique=False
    )


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
