"""The tables of what happens by itself: where each index stands, and when to look next."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, text

from ballast.adapters.store.columns import (
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

# One row for each index, which an exact look replaces. A pass that finds nothing to look at leaves
# it alone: `times` and `checked_at` are as of the pass `counted`, and grow with those of its shard.
checks = Table(
    "checks",
    metadata,
    key_column("index_id"),
    text_column("owner_id"),
    text_column("reason"),
    text_column("summary"),
    moment_column("since"),
    moment_column("checked_at"),
    number_column("times"),
    text_column("outside"),  # JSON, as are the facts
    text_column("reference"),
    text_column("facts"),
    number_column("index_version"),
    moment_column("ran_at", null=True),
    moment_column("purchased_at", null=True),
    moment_column("due_at", null=True),
    Column("counted", Integer, nullable=False, server_default=text("0")),
    of_index(),
    # All that a pass reads of it: a row is as large as a page of the file, for its facts.
    Index("ix_checks_standing", "index_id", "reason", "index_version", "purchased_at"),
    Index("ix_checks_due", "due_at", **only_where("due_at IS NOT NULL")),
    sqlite_strict=True,
)

# Stretches of all indexes in the order of their ids; each ends where the next begins.
shards = Table(
    "shards",
    metadata,
    key_column("behind"),
    moment_column("due_at"),
    number_column("passes"),
    moment_column("passed_at", null=True),
    sqlite_strict=True,
)

# Work that is about all indexes, by its name.
schedules = Table(
    "schedules",
    metadata,
    key_column("name"),
    moment_column("due_at"),
    sqlite_strict=True,
)

# What a unit of each index was worth, hour by hour.
unit_values = Table(
    "unit_values",
    metadata,
    text_column("index_id"),
    moment_column("at"),
    text_column("owner_id"),
    units_column("value_pico"),
    units_column("unit_pico"),
    units_column("paid_pico"),
    number_column("sequence"),
    PrimaryKeyConstraint("index_id", "at"),
    # What was paid in less what was paid out is below zero where there was a gain.
    *canonical_units("value_pico", "unit_pico"),
    of_index(),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
