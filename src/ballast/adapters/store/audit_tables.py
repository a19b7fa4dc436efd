"""The tables of the audit."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from ballast.adapters.store.columns import (
    key_column,
    metadata,
    moment_column,
    number_column,
    text_column,
)

audit = Table(
    "audit",
    metadata,
    key_column("audit_id"),
    text_column("owner_id"),
    moment_column("at"),
    text_column("operation"),
    text_column("caller"),
    text_column("input_digest"),
    text_column("outcome"),
    text_column("reference"),
    text_column("credential_id", null=True),
    Column("facts", Text, nullable=False, server_default="{}"),  # canonical JSON
    # The place in a chain; without one: from the time before there were any.
    text_column("stream", null=True),
    number_column("sequence", null=True),
    text_column("previous_hash", null=True),
    text_column("key_id", null=True),
    text_column("hash", null=True),
    Index("uq_audit_place", "stream", "sequence", unique=True),
    Index("ix_audit_owner", "owner_id", "at"),
    Index("ix_audit_at", "at"),
    sqlite_strict=True,
)

audit_keys = Table(
    "audit_keys",
    metadata,
    key_column("key_id"),
    text_column("sealed"),
    moment_column("made_at"),
    sqlite_strict=True,
)
