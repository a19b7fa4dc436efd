"""Webhooks and their deliveries as they are shown. Secrets are shown once, where they are made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from ballast.app.operation import Output
from ballast.app.views import View
from ballast.core.states import WebhookState
from ballast.core.webhooks import Delivery, Webhook

_NEXT = {
    WebhookState.ACTIVE: "list_webhook_deliveries shows what was sent; test_webhook sends a test.",
    WebhookState.PAUSED: "Call update_webhook with state active to let it be told again.",
    WebhookState.DISABLED: "Mend the receiver, call update_webhook with state active, then "
    "replay_webhook.",
}


class WebhookView(Output):
    """One webhook."""

    webhook_id: str
    url: str
    label: str
    events: Annotated[list[str], Field(description="Which events; empty for all.")]
    state: Annotated[str, Field(description="active, paused, or disabled for failing.")]
    failing_since: datetime | None
    problem: str
    dead_letters: Annotated[int, Field(description="Deliveries given up; replay_webhook.")]
    old_secret_until: Annotated[
        datetime | None, Field(description="Until then the secret before verifies as well.")
    ]
    created_at: datetime
    next_step: str


class NewSecretView(WebhookView):
    """A webhook with the secret that was just made."""

    secret: Annotated[
        str | None,
        Field(description="Shown this once; null when the same request is repeated."),
    ]


class WebhookLine(View):
    """One webhook in a list."""

    webhook_id: str
    url: str
    label: str
    state: str
    dead_letters: int


class WebhookList(Output):
    """An owner's webhooks, oldest first."""

    webhooks: list[WebhookLine]


class WebhookGone(Output):
    """A webhook that was deleted."""

    webhook_id: str
    state: str
    next_step: str


class DeliveryView(View):
    """One event on its way to one webhook."""

    delivery_id: str
    event: str
    event_id: Annotated[str, Field(description="The webhook-id header of every attempt.")]
    index_id: str | None
    state: str
    attempts: int
    status: Annotated[int | None, Field(description="HTTP status of the last answer.")]
    problem: str
    created_at: datetime
    next_attempt_at: datetime | None
    ended_at: datetime | None


class DeliveryPage(Output):
    """A page of deliveries, newest first."""

    webhook_id: str
    deliveries: list[DeliveryView]
    next_cursor: str | None


class WebhookTestView(Output):
    """What came of a test."""

    webhook_id: str
    delivered: bool
    status: int | None
    problem: str
    next_step: str


class ReplayView(Output):
    """What will be sent again."""

    webhook_id: str
    replayed: int
    next_step: str


def webhook_view(mode: str, webhook: Webhook, dead_letters: int, now: datetime) -> WebhookView:
    """A webhook as it is shown."""
    overlap = len(webhook.secrets_at(now)) > 1
    return WebhookView(
        mode=mode,
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        label=webhook.label,
        events=[one.value for one in webhook.kinds],
        state=webhook.state.value,
        failing_since=webhook.failing_since,
        problem=webhook.problem,
        dead_letters=dead_letters,
        old_secret_until=webhook.previous_until if overlap else None,
        created_at=webhook.created_at,
        next_step=_NEXT[webhook.state],
    )


def delivery_view(delivery: Delivery) -> DeliveryView:
    """A delivery as it is shown."""
    about_index = delivery.stream != delivery.owner_id
    return DeliveryView(
        delivery_id=delivery.delivery_id,
        event=delivery.kind.value,
        event_id=delivery.event_id,
        index_id=delivery.stream if about_index else None,
        state=delivery.state.value,
        attempts=delivery.attempts,
        status=delivery.status,
        problem=delivery.problem,
        created_at=delivery.created_at,
        next_attempt_at=delivery.due_at,
        ended_at=delivery.ended_at,
    )
