"""The tables of those who may ask. A change here needs a migration beside it.

No secret is kept: of keys, tokens and passwords their hashes alone.
"""

from __future__ import annotations

from sqlalchemy import (
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
    only_where,
    text_column,
)

api_keys = Table(
    "api_keys",
    metadata,
    key_column("key_id"),
    text_column("owner_id"),
    text_column("name"),
    text_column("prefix"),
    text_column("secret_hash"),
    text_column("scopes"),  # JSON
    moment_column("created_at"),
    moment_column("expires_at"),
    moment_column("last_used_at", null=True),
    moment_column("revoked_at", null=True),
    text_column("replaced_by", null=True),
    UniqueConstraint("secret_hash"),
    Index(
        "uq_api_keys_name",
        "owner_id",
        "name",
        unique=True,
        **only_where("revoked_at IS NULL AND replaced_by IS NULL"),
    ),
    sqlite_strict=True,
)

login_accounts = Table(
    "login_accounts",
    metadata,
    key_column("account_id"),
    text_column("owner_id"),
    text_column("name"),
    text_column("name_key"),
    text_column("password_hash", null=True),
    moment_column("created_at"),
    moment_column("disabled_at", null=True),
    UniqueConstraint("name_key"),
    sqlite_strict=True,
)

sessions = Table(
    "sessions",
    metadata,
    key_column("session_id"),
    text_column("owner_id"),
    Column("account_id", Text, ForeignKey("login_accounts.account_id"), nullable=False),
    text_column("client_id", null=True),
    text_column("scopes"),  # JSON
    moment_column("created_at"),
    moment_column("expires_at"),
    moment_column("ended_at", null=True),
    text_column("end_reason"),
    Index("ix_sessions_account", "account_id"),
    sqlite_strict=True,
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    key_column("token_hash"),
    Column("session_id", Text, ForeignKey("sessions.session_id"), nullable=False),
    text_column("owner_id"),
    moment_column("created_at"),
    moment_column("expires_at"),
    moment_column("used_at", null=True),
    Index("ix_refresh_tokens_expiry", "expires_at"),
    sqlite_strict=True,
)

identities = Table(
    "identities",
    metadata,
    text_column("provider"),
    text_column("subject"),
    Column("account_id", Text, ForeignKey("login_accounts.account_id"), nullable=False),
    text_column("owner_id"),
    moment_column("added_at"),
    PrimaryKeyConstraint("provider", "subject"),
    sqlite_strict=True,
)

challenges = Table(
    "challenges",
    metadata,
    key_column("message_hash"),
    text_column("address"),
    moment_column("expires_at"),
    moment_column("used_at", null=True),
    Index("ix_challenges_expiry", "expires_at"),
    sqlite_strict=True,
)

oauth_clients = Table(
    "oauth_clients",
    metadata,
    key_column("client_id"),
    text_column("information"),  # JSON, as the protocol has it
    moment_column("registered_at"),
    moment_column("allowed_at", null=True),
    sqlite_strict=True,
)

# Short-lived: asked, allowed and exchanged within minutes, then removed.
authorizations = Table(
    "authorizations",
    metadata,
    key_column("request_hash"),
    Column("client_id", Text, ForeignKey("oauth_clients.client_id"), nullable=False),
    text_column("redirect_uri"),
    text_column("redirect_given"),  # JSON: true or false
    text_column("state", null=True),
    text_column("code_challenge"),
    text_column("scopes"),  # JSON
    moment_column("expires_at"),
    text_column("code_hash", null=True),
    text_column("account_id", null=True),
    text_column("owner_id", null=True),
    text_column("session_id", null=True),
    UniqueConstraint("code_hash"),
    Index("ix_authorizations_client", "client_id"),
    Index("ix_authorizations_expiry", "expires_at"),
    sqlite_strict=True,
)
