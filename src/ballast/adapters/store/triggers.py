"""What the database itself refuses to change, for us and for anyone who opens the file.

A table that a migration rebuilds loses its triggers, so every migration ends with `put_triggers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Rows that are written once: no update, no delete.
APPEND_ONLY: Final = ("entries", "postings", "decisions", "audit", "confirmations", "unit_values")

# Columns that keep the value the row was born with.
FIXED: Final = {
    "assets": ("asset_id", "decimals"),
    "indexes": ("index_id", "owner_id", "mode", "account_id", "created_at"),
    "keys": ("index_id", "owner_id", "account_id"),
    "plans": ("plan_id", "owner_id", "index_id", "kind", "swaps", "digest", "created_at"),
    "rebalances": ("rebalance_id", "owner_id", "index_id", "plan_id", "kind", "created_at"),
    "swaps": ("swap_id", "owner_id", "index_id", "rebalance_id", "position", "sell", "buy"),
    # The bytes that may have been sent are the bytes on record.
    "intents": (
        "intent_id",
        "owner_id",
        "index_id",
        "swap_id",
        "intent_hash",
        "payload",
        "signature",
        "nonce",
        "receiver_id",
        "asset_id",
        "units",
        "deadline",
    ),
    "deposits": ("deposit_id", "owner_id", "index_id", "asset_id", "address", "memo"),
    "payments": ("payment_id", "owner_id", "deposit_id", "external_id"),
    # What was shown and agreed to is what is carried out.
    "withdrawals": (
        "withdrawal_id",
        "owner_id",
        "index_id",
        "plan_id",
        "everything",
        "base_asset_id",
        "asked_units",
        "payout_asset_id",
        "chain",
        "address",
        "memo",
    ),
    "audit_keys": ("key_id", "made_at"),
    "panic_sales": ("sale_id", "owner_id", "index_id", "budget_bps", "asked_at"),
    "checks": ("index_id", "owner_id"),
    "shards": ("behind",),
    "schedules": ("name",),
    "destinations": (
        "destination_id",
        "owner_id",
        "label",
        "chain",
        "address",
        "memo",
        "added_at",
        "usable_at",
        "wall_usable_at",
    ),
    "webhooks": ("webhook_id", "owner_id", "created_at"),
    "channels": ("channel_id", "owner_id", "label", "service", "level", "created_at"),
    "notices": ("channel_id", "event_id", "owner_id", "created_at"),
    "deliveries": (
        "delivery_id",
        "owner_id",
        "webhook_id",
        "event_id",
        "stream",
        "sequence",
        "kind",
        "created_at",
    ),
    # What happened stays as it was told.
    "events": (
        "event_id",
        "owner_id",
        "index_id",
        "stream",
        "sequence",
        "kind",
        "at",
        "data",
    ),
    # What was asked for is what comes into force, and not before it may.
    "limit_changes": (
        "change_id",
        "owner_id",
        "index_id",
        "field",
        "value",
        "asked_at",
        "usable_at",
        "wall_usable_at",
    ),
    "api_keys": ("key_id", "owner_id", "name", "prefix", "secret_hash", "scopes", "created_at"),
    "login_accounts": ("account_id", "owner_id", "name", "name_key", "created_at"),
    "sessions": (
        "session_id",
        "owner_id",
        "account_id",
        "client_id",
        "scopes",
        "created_at",
        "expires_at",
    ),
    "identities": ("provider", "subject", "account_id", "owner_id", "added_at"),
    "oauth_clients": ("client_id", "information", "registered_at"),
    "authorizations": ("request_hash", "client_id", "redirect_uri", "code_challenge"),
    "challenges": ("message_hash", "address", "expires_at"),
    "refresh_tokens": ("token_hash", "session_id", "owner_id", "created_at", "expires_at"),
}

# Rows that others lean on, or that prove what was done, are never deleted.
KEPT: Final = (
    "indexes",
    "keys",
    "plans",
    "rebalances",
    "swaps",
    "intents",
    "deposits",
    "payments",
    "withdrawals",
    "destinations",
    "api_keys",
    "login_accounts",
    "sessions",
    "events",
    "limit_changes",
    "webhooks",
    "channels",
    "notices",
    "deliveries",
    "audit_keys",
    "panic_sales",
)


# Raised where a row must not change. Postgres says 23001, restrict_violation.
_REFUSE: Final = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        MESSAGE = TG_TABLE_NAME || ' ' || TG_ARGV[0], ERRCODE = 'restrict_violation';
END $$
"""

_APPEND_ONLY: Final = "is append-only"
_NEVER_CHANGE: Final = "has columns that never change"
_KEEPS: Final = "keeps its rows"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One trigger: what it refuses, and why.

    Attributes:
        event: update or delete.
        columns: those that must not change; none for all of them.
    """

    table: str
    event: str
    columns: tuple[str, ...]
    reason: str

    @property
    def name(self) -> str:
        """Of the trigger."""
        return f"refuse_{self.event}_{self.table}"


def refusals() -> Iterator[Refusal]:
    """Every trigger there is."""
    for table in APPEND_ONLY:
        yield Refusal(table, "update", (), _APPEND_ONLY)
        yield Refusal(table, "delete", (), _APPEND_ONLY)
    for table, columns in FIXED.items():
        yield Refusal(table, "update", columns, _NEVER_CHANGE)
    for table in KEPT:
        yield Refusal(table, "delete", (), _KEEPS)


def _on_sqlite() -> Iterator[str]:
    for one in refusals():
        moved = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in one.columns)
        condition = f"WHEN {moved}" if moved else ""
        yield f"DROP TRIGGER IF EXISTS {one.name}"
        yield (
            f"CREATE TRIGGER {one.name} BEFORE {one.event.upper()} ON {one.table} {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{one.table} {one.reason}'); END"
        )


def _on_postgres() -> Iterator[str]:
    yield _REFUSE
    for one in refusals():
        moved = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in one.columns)
        condition = f"WHEN ({moved})" if moved else ""
        yield (
            f"CREATE OR REPLACE TRIGGER {one.name} BEFORE {one.event.upper()} ON {one.table} "
            f"FOR EACH ROW {condition} EXECUTE FUNCTION refuse_change('{one.reason}')"
        )
    for table in (*APPEND_ONLY, *KEPT):
        # Emptying a whole table passes by the triggers of its rows.
        yield (
            f"CREATE OR REPLACE TRIGGER refuse_truncate_{table} BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('{_KEEPS}')"
        )


def put_triggers(connection: Connection) -> None:
    """Put every trigger in place, within the connection's transaction; safe to run again."""
    on_sqlite = connection.dialect.name == "sqlite"
    for statement in _on_sqlite() if on_sqlite else _on_postgres():
        connection.exec_driver_sql(statement)
