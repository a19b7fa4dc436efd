"""The tables of limits. A change here needs a migration beside it.

An index's limits stand in its own row; here are its owner's, what waits to become wider, and which
plans a person has agreed to.
"""

from __future__ import annotations

from sqlalchemy import Index, Table

from ballast.adapters.store.columns import (
    key_column,
    metadata,
    moment_column,
    only_where,
    text_column,
)

owner_limits = Table(
    "owner_limits",
    metadata,
    key_column("owner_id"),
    text_column("limits"),  # JSON
    moment_column("updated_at"),
    sqlite_strict=True,
)

limit_changes = Table(
    "limit_changes",
    metadata,
    key_column("change_id"),
    text_column("owner_id"),
    text_column("index_id"),  # empty for the owner's own
    text_column("field"),
    text_column("value"),
    moment_column("asked_at"),
    moment_column("usable_at"),
    moment_column("wall_usable_at"),
    moment_column("ended_at", null=True),
    text_column("outcome"),
    moment_column("due_at", null=True),
    Index("ix_limit_changes_owner", "owner_id", "asked_at"),
    Index("ix_limit_changes_due", "due_at", **only_where("due_at IS NOT NULL")),
    sqlite_strict=True,
)

confirmations = Table(
    "confirmations",
    metadata,
    key_column("plan_id"),
    text_column("owner_id"),
    moment_column("confirmed_at"),
    text_column("by"),
    sqlite_strict=True,
)
