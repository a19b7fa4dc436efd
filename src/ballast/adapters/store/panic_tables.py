"""The table of sales of everything."""

from __future__ import annotations

from sqlalchemy import Index, Table

from ballast.adapters.store.columns import (
    key_column,
    metadata,
    moment_column,
    number_column,
    of_index,
    only_where,
    text_column,
)

panic_sales = Table(
    "panic_sales",
    metadata,
    key_column("sale_id"),
    text_column("owner_id"),
    text_column("index_id"),
    text_column("state"),
    number_column("budget_bps"),
    number_column("rounds"),
    text_column("rebalance_id", null=True),
    text_column("note"),
    moment_column("asked_at"),
    moment_column("updated_at"),
    moment_column("ended_at", null=True),
    moment_column("due_at", null=True),
    of_index(),
    Index("ix_panic_sales_owner", "owner_id", "asked_at"),
    Index("ix_panic_sales_due", "due_at", **only_where("due_at IS NOT NULL")),
    # One at a time for each index.
    Index("uq_panic_sales_open", "index_id", unique=True, **only_where("ended_at IS NULL")),
    sqlite_strict=True,
)
