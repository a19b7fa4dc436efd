"""The tables, as SQLAlchemy Core metadata. A change here needs a migration beside it.

The same for both databases; what they call differently is in `columns`. Amounts are never summed,
compared or ordered in SQL. Times are integer microseconds since 1970 UTC. A column that holds JSON
says so. `owner_id` is in every table that holds something of somebody's, and a pair of foreign keys
makes it agree with the owner of the index.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from ballast.adapters.store.columns import (
    UNITS,
    CanonicalUnits,
    HeldNotNegative,
    asset_column,
    canonical_units,
    key_column,
    metadata,
    moment_column,
    number_column,
    of_index,
    only_where,
    text_column,
    units_column,
)

# At most one rebalance of an index is in one of these states; the database itself refuses another.
ACTIVE_REBALANCE: Final = "state IN ('executing', 'halted')"
# On accounts that are empty while nothing runs.
OUT: Final = "account IN ('in_flight', 'unexplained') AND units <> '0'"
_DUE: Final = "due_at IS NOT NULL"
_ADDRESSED: Final = "deposit_address IS NOT NULL"


meta = Table("meta", metadata, key_column("key"), text_column("value"), sqlite_strict=True)

assets = Table(
    "assets",
    metadata,
    key_column("asset_id"),
    text_column("symbol"),
    text_column("chain"),
    number_column("decimals"),
    CheckConstraint("decimals BETWEEN 0 AND 77", name="decimals_range"),
    sqlite_strict=True,
)

# Targets, policy and limits are JSON: they are always read and replaced as a whole, with the
# version beside them, and one row answers a read. Child tables would gain nothing but joins.
indexes = Table(
    "indexes",
    metadata,
    key_column("index_id"),
    text_column("owner_id"),
    text_column("name"),
    text_column("name_key"),
    text_column("mode"),
    text_column("account_id"),
    asset_column("base_asset_id"),
    text_column("targets"),
    number_column("buffer_bps"),
    text_column("policy"),
    text_column("limits"),
    text_column("state"),
    number_column("version"),
    moment_column("created_at"),
    moment_column("updated_at"),
    moment_column("last_rebalanced_at", null=True),
    moment_column("reconcile_at", null=True),
    Index("ix_indexes_due", "reconcile_at", **only_where("reconcile_at IS NOT NULL")),
    UniqueConstraint("owner_id", "name_key"),
    UniqueConstraint("owner_id", "index_id", name="uq_indexes_owner_index"),
    UniqueConstraint("account_id"),
    sqlite_strict=True,
)

keys = Table(
    "keys",
    metadata,
    key_column("index_id"),
    text_column("owner_id"),
    text_column("account_id"),
    text_column("master_key_id"),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    of_index(),
    sqlite_strict=True,
)

entries = Table(
    "entries",
    metadata,
    key_column("entry_id"),
    text_column("owner_id"),
    text_column("index_id"),
    number_column("sequence"),
    text_column("kind"),
    text_column("reference"),
    text_column("external_key"),
    moment_column("event_at"),
    moment_column("recorded_at"),
    text_column("previous_hash"),
    text_column("hash"),
    # An outside fact is booked once, in one index: the key is unique over all of them.
    UniqueConstraint("external_key"),
    UniqueConstraint("index_id", "sequence"),
    CheckConstraint("sequence > 0", name="sequence_positive"),
    of_index(),
    sqlite_strict=True,
)

postings = Table(
    "postings",
    metadata,
    Column("entry_id", Text, ForeignKey("entries.entry_id"), nullable=False),
    number_column("position"),
    text_column("owner_id"),
    text_column("account"),
    asset_column("asset_id"),
    units_column("units"),
    PrimaryKeyConstraint("entry_id", "position"),
    CheckConstraint(CanonicalUnits("units", signed=True, zero=False), name="units_canonical"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

balances = Table(
    "balances",
    metadata,
    text_column("index_id"),
    asset_column("asset_id"),
    text_column("account"),
    text_column("owner_id"),
    units_column("units"),
    PrimaryKeyConstraint("index_id", "asset_id", "account"),
    CheckConstraint(CanonicalUnits("units", signed=True, zero=True), name="units_canonical"),
    CheckConstraint(HeldNotNegative(), name="held_not_negative"),
    of_index(),
    Index("ix_balances_out", "account", "asset_id", "units", **only_where(OUT)),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

plans = Table(
    "plans",
    metadata,
    key_column("plan_id"),
    text_column("owner_id"),
    text_column("index_id"),
    text_column("kind"),
    text_column("state"),
    text_column("swaps"),  # JSON, as are skipped, through_base, prices and the two drifts
    text_column("skipped"),
    text_column("through_base"),
    text_column("prices"),
    units_column("value_pico"),
    units_column("notional_pico"),
    units_column("fee_pico"),
    text_column("drift_before"),
    text_column("drift_after"),
    text_column("reason"),
    text_column("digest"),
    number_column("index_version"),
    number_column("ledger_sequence"),
    moment_column("created_at"),
    moment_column("expires_at"),
    # A fee may be negative: a venue can offer more than the reference price says.
    *canonical_units("value_pico", "notional_pico"),
    of_index(),
    sqlite_strict=True,
)

rebalances = Table(
    "rebalances",
    metadata,
    key_column("rebalance_id"),
    text_column("owner_id"),
    text_column("index_id"),
    Column("plan_id", Text, ForeignKey("plans.plan_id"), nullable=False),
    text_column("kind"),
    text_column("state"),
    text_column("started_by"),
    moment_column("created_at"),
    moment_column("updated_at"),
    moment_column("ended_at", null=True),
    moment_column("due_at", null=True),
    text_column("note"),
    UniqueConstraint("plan_id"),  # a plan is used once
    of_index(),
    Index("ix_rebalances_active", "index_id", unique=True, **only_where(ACTIVE_REBALANCE)),
    Index("ix_rebalances_history", "index_id", "created_at", "rebalance_id"),
    Index("ix_rebalances_due", "due_at", **only_where(_DUE)),
    sqlite_strict=True,
)

swaps = Table(
    "swaps",
    metadata,
    key_column("swap_id"),
    text_column("owner_id"),
    text_column("index_id"),
    Column("rebalance_id", Text, ForeignKey("rebalances.rebalance_id"), nullable=False),
    number_column("position"),
    Column("purpose", Text, nullable=False, server_default="swap"),
    text_column("recipient", null=True),
    text_column("recipient_memo", null=True),
    text_column("state"),
    asset_column("sell"),
    asset_column("buy"),
    units_column("input_units"),
    units_column("value_pico"),
    Column("cost_pico", UNITS, nullable=False, server_default="0"),
    units_column("floor_units"),
    units_column("quoted_units", null=True),
    units_column("minimum_units", null=True),
    text_column("deposit_address", null=True),
    text_column("deposit_memo", null=True),
    moment_column("quote_deadline", null=True),
    text_column("quote", null=True),  # JSON: the venue's answer, as evidence
    units_column("output_units", null=True),
    units_column("refunded_units", null=True),
    moment_column("created_at"),
    moment_column("updated_at"),
    moment_column("published_at", null=True),
    moment_column("ended_at", null=True),
    moment_column("due_at", null=True),
    number_column("attempts"),
    text_column("problem"),
    UniqueConstraint("rebalance_id", "position"),
    *canonical_units(
        "input_units",
        "value_pico",
        "cost_pico",
        "floor_units",
        "quoted_units",
        "minimum_units",
        "output_units",
        "refunded_units",
    ),
    of_index(),
    Index("ix_swaps_owner_history", "owner_id", "created_at", "swap_id"),
    Index("ix_swaps_index_history", "index_id", "created_at", "swap_id"),
    Index("ix_swaps_due", "due_at", **only_where(_DUE)),
    Index("ix_swaps_address", "deposit_address", **only_where(_ADDRESSED)),
    sqlite_strict=True,
)

intents = Table(
    "intents",
    metadata,
    key_column("intent_id"),
    text_column("owner_id"),
    text_column("index_id"),
    Column("swap_id", Text, ForeignKey("swaps.swap_id"), nullable=False),
    text_column("purpose"),
    text_column("state"),
    text_column("intent_hash"),
    text_column("payload"),
    text_column("signature"),
    text_column("nonce"),
    text_column("receiver_id"),
    asset_column("asset_id"),
    units_column("units"),
    moment_column("deadline"),
    moment_column("created_at"),
    moment_column("updated_at"),
    number_column("attempts"),
    UniqueConstraint("intent_hash"),
    *canonical_units("units"),
    of_index(),
    Index("ix_intents_swap", "swap_id", "created_at", "intent_id"),
    Index("ix_intents_state", "state", "created_at"),
    sqlite_strict=True,
)

deposits = Table(
    "deposits",
    metadata,
    key_column("deposit_id"),
    text_column("owner_id"),
    text_column("index_id"),
    text_column("state"),
    asset_column("asset_id"),
    text_column("chain"),
    asset_column("credit_asset_id"),
    text_column("address"),
    text_column("memo", null=True),
    units_column("amount_units", null=True),
    units_column("quoted_units"),
    units_column("minimum_units"),
    units_column("expected_units"),
    number_column("fee_bps"),
    text_column("quote"),  # JSON: the venue's answer, as evidence
    moment_column("deadline"),
    units_column("credited_units", null=True),
    moment_column("created_at"),
    moment_column("updated_at"),
    moment_column("ended_at", null=True),
    moment_column("due_at", null=True),
    number_column("attempts"),
    text_column("problem"),
    *canonical_units(
        "amount_units", "quoted_units", "minimum_units", "expected_units", "credited_units"
    ),
    of_index(),
    # An address belongs to one deposit. In a unique index all NULLs differ, so those without a memo
    # have one of their own.
    Index("uq_deposits_address", "address", unique=True, **only_where("memo IS NULL")),
    Index(
        "uq_deposits_address_memo",
        "address",
        "memo",
        unique=True,
        **only_where("memo IS NOT NULL"),
    ),
    Index("ix_deposits_history", "index_id", "created_at", "deposit_id"),
    Index("ix_deposits_due", "due_at", **only_where(_DUE)),
    sqlite_strict=True,
)

payments = Table(
    "payments",
    metadata,
    key_column("payment_id"),
    text_column("owner_id"),
    Column("deposit_id", Text, ForeignKey("deposits.deposit_id"), nullable=False),
    text_column("external_id"),
    units_column("units", null=True),
    moment_column("seen_at"),
    UniqueConstraint("deposit_id", "external_id"),
    *canonical_units("units"),
    sqlite_strict=True,
)

destinations = Table(
    "destinations",
    metadata,
    key_column("destination_id"),
    text_column("owner_id"),
    text_column("label"),
    text_column("chain"),
    text_column("address"),
    text_column("memo", null=True),
    moment_column("added_at"),
    moment_column("usable_at"),
    moment_column("wall_usable_at"),
    moment_column("removed_at", null=True),
    Index(
        "uq_destinations_label",
        "owner_id",
        "label",
        unique=True,
        **only_where("removed_at IS NULL"),
    ),
    sqlite_strict=True,
)

withdrawals = Table(
    "withdrawals",
    metadata,
    key_column("withdrawal_id"),
    text_column("owner_id"),
    text_column("index_id"),
    Column("plan_id", Text, ForeignKey("plans.plan_id"), nullable=False),
    Column("rebalance_id", Text, ForeignKey("rebalances.rebalance_id"), nullable=True),
    text_column("state"),
    text_column("everything"),  # JSON: true or false
    asset_column("base_asset_id"),
    units_column("asked_units"),
    Column("payout_asset_id", Text, ForeignKey("assets.asset_id"), nullable=True),
    text_column("chain", null=True),
    text_column("address", null=True),
    text_column("memo", null=True),
    units_column("expected_units"),
    units_column("minimum_units"),
    units_column("fee_units"),
    units_column("sent_units", null=True),
    units_column("delivered_units", null=True),
    text_column("transactions"),  # JSON
    moment_column("created_at"),
    moment_column("updated_at"),
    moment_column("ended_at", null=True),
    text_column("problem"),
    UniqueConstraint("plan_id"),
    *canonical_units(
        "asked_units",
        "expected_units",
        "minimum_units",
        "fee_units",
        "sent_units",
        "delivered_units",
    ),
    of_index(),
    Index("ix_withdrawals_history", "index_id", "created_at", "withdrawal_id"),
    Index("ix_withdrawals_rebalance", "rebalance_id"),
    sqlite_strict=True,
)

observations = Table(
    "observations",
    metadata,
    Column("asset_id", Text, nullable=False),
    moment_column("observed_at"),
    text_column("source"),
    text_column("usd"),  # decimal text
    PrimaryKeyConstraint("asset_id", "observed_at", "source"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

decisions = Table(
    "decisions",
    metadata,
    key_column("decision_id"),
    text_column("owner_id"),
    text_column("index_id"),
    moment_column("at"),
    text_column("reason"),
    text_column("summary"),
    text_column("reference"),
    text_column("facts"),  # JSON
    of_index(),
    Index("ix_decisions_history", "index_id", "at", "decision_id"),
    Index("ix_decisions_reference", "reference"),
    sqlite_strict=True,
)

requests = Table(
    "requests",
    metadata,
    text_column("owner_id"),
    text_column("operation"),
    text_column("request_id"),
    text_column("digest"),
    text_column("answer"),  # JSON, as it was given
    moment_column("at"),
    PrimaryKeyConstraint("owner_id", "operation", "request_id"),
    sqlite_strict=True,
)
