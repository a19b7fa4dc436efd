"""What is sent: the body of an event, and the secret it is signed with."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from ballast.app.app import App
from ballast.app.ports import Message, Resealer
from ballast.core.events import Event
from ballast.core.ids import IdKind
from ballast.core.webhooks import Webhook

# Standard Webhooks: base64 of 24 to 64 random bytes behind this prefix.
_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
TEST_KIND: Final = "webhook.test"


def new_secret(app: App) -> str:
    """A secret that nobody can guess."""
    text = base64.b64encode(app.ids.random_bytes(_SECRET_BYTES)).decode("ascii")
    return f"{_PREFIX}{text}"


def seal_secret(app: App, webhook_id: str, secret: str) -> str:
    """A secret as it is kept: it opens for this webhook alone."""
    return app.vault.seal(_purpose(webhook_id), secret)


def resealed(webhook: Webhook, rotation: Resealer) -> Webhook:
    """A webhook with its secrets sealed under another master key.

    Raises:
        BallastError: `keys_unavailable` when one does not open.
    """
    purpose, before = _purpose(webhook.webhook_id), webhook.previous_secret
    return replace(
        webhook,
        secret=rotation.reseal_secret(purpose, webhook.secret),
        previous_secret=None if before is None else rotation.reseal_secret(purpose, before),
    )


def open_secrets(app: App, webhook: Webhook, now: datetime) -> tuple[str, ...]:
    """What messages are signed with now.

    Raises:
        BallastError: `keys_unavailable` when one does not open.
    """
    purpose = _purpose(webhook.webhook_id)
    return tuple(app.vault.unseal(purpose, one) for one in webhook.secrets_at(now))


def event_message(app: App, webhook: Webhook, event: Event) -> Message:
    """An event for a webhook. Its body depends on the event alone, so every attempt sends the same
    bytes.

    Raises:
        BallastError: `keys_unavailable`.
    """
    facts = {
        "index_id": event.index_id,
        "sequence": event.sequence,
        "mode": app.mode,
        **event.data,
    }
    body = _body(event.kind.value, event.at, facts)
    return _message(app, webhook, event.event_id, body)


def trial_message(app: App, webhook: Webhook) -> Message:
    """A message that tells of nothing.

    Raises:
        BallastError: `keys_unavailable`.
    """
    facts = {"webhook_id": webhook.webhook_id, "mode": app.mode}
    return _message(
        app, webhook, app.ids.new(IdKind.EVENT), _body(TEST_KIND, app.clock.now(), facts)
    )


def _message(app: App, webhook: Webhook, message_id: str, body: str) -> Message:
    # Receivers hold the time of sending against their own clock, so it is the machine's.
    now = app.wall.now()
    return Message(webhook.url, message_id, now, body, open_secrets(app, webhook, now))


def _body(kind: str, at: datetime, facts: Mapping[str, object]) -> str:
    body = {"type": kind, "timestamp": at.isoformat(), "data": facts}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _purpose(webhook_id: str) -> str:
    return f"webhook {webhook_id}"
