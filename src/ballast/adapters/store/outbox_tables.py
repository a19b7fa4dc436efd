"""The tables of what is told to others. A change here needs a migration beside it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from ballast.adapters.store.columns import (
    key_column,
    metadata,
    moment_column,
    number_column,
    of_index,
    only_where,
    text_column,
)

events = Table(
    "events",
    metadata,
    key_column("event_id"),
    text_column("owner_id"),
    text_column("index_id", null=True),
    text_column("stream"),
    number_column("sequence"),
    text_column("kind"),
    moment_column("at"),
    text_column("data"),  # JSON
    moment_column("told_at", null=True),
    UniqueConstraint("stream", "sequence"),
    CheckConstraint("sequence > 0", name="sequence_positive"),
    # Holds only where there is an index.
    of_index(),
    Index("ix_events_owner_id", "owner_id", "at"),
    Index("ix_events_untold", "stream", "sequence", **only_where("told_at IS NULL")),
    sqlite_strict=True,
)

webhooks = Table(
    "webhooks",
    metadata,
    key_column("webhook_id"),
    text_column("owner_id"),
    text_column("url"),
    text_column("label"),
    text_column("kinds"),  # JSON
    text_column("state"),
    text_column("secret"),  # sealed, as is the one before
    text_column("previous_secret", null=True),
    moment_column("previous_until", null=True),
    moment_column("failing_since", null=True),
    text_column("problem"),
    moment_column("created_at"),
    moment_column("updated_at"),
    Index("ix_webhooks_owner", "owner_id", "webhook_id"),
    sqlite_strict=True,
)

_PENDING: Final = "state = 'pending'"

deliveries = Table(
    "deliveries",
    metadata,
    key_column("delivery_id"),
    text_column("owner_id"),
    Column("webhook_id", Text, ForeignKey("webhooks.webhook_id"), nullable=False),
    Column("event_id", Text, ForeignKey("events.event_id"), nullable=False),
    text_column("stream"),
    number_column("sequence"),
    text_column("kind"),
    text_column("state"),
    number_column("attempts"),
    moment_column("due_at", null=True),
    number_column("status", null=True),
    text_column("problem"),
    moment_column("created_at"),
    moment_column("updated_at"),
    moment_column("ended_at", null=True),
    UniqueConstraint("webhook_id", "event_id"),
    Index("ix_deliveries_due", "due_at", **only_where("due_at IS NOT NULL")),
    Index("ix_deliveries_pending", "webhook_id", "stream", "sequence", **only_where(_PENDING)),
    Index("ix_deliveries_dead", "owner_id", "webhook_id", **only_where("state = 'dead'")),
    Index("ix_deliveries_history", "webhook_id", "delivery_id"),
    sqlite_strict=True,
)

channels = Table(
    "channels",
    metadata,
    key_column("channel_id"),
    text_column("owner_id"),
    text_column("label"),
    text_column("service"),
    text_column("address"),  # sealed
    text_column("level"),
    moment_column("next_at"),
    text_column("problem"),
    moment_column("created_at"),
    moment_column("removed_at", null=True),
    Index(
        "uq_channels_label", "owner_id", "label", unique=True, **only_where("removed_at IS NULL")
    ),
    sqlite_strict=True,
)

notices = Table(
    "notices",
    metadata,
    Column("channel_id", Text, ForeignKey("channels.channel_id"), nullable=False),
    Column("event_id", Text, ForeignKey("events.event_id"), nullable=False),
    text_column("owner_id"),
    text_column("state"),
    moment_column("created_at"),
    moment_column("ended_at", null=True),
    PrimaryKeyConstraint("channel_id", "event_id"),
    Index("ix_notices_pending", "channel_id", "created_at", **only_where(_PENDING)),
    Index("ix_notices_history", "owner_id", "created_at"),
    sqlite_strict=True,
)

notice_templates = Table(
    "notice_templates",
    metadata,
    key_column("owner_id"),
    key_column("channel_id"),  # empty: for every channel
    key_column("subject"),
    text_column("title"),
    text_column("text"),
    moment_column("updated_at"),
    sqlite_strict=True,
)
