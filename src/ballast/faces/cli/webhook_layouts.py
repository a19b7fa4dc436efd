"""How webhooks and their deliveries look in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ballast.app.operation import Output
from ballast.app.webhooks.views import (
    DeliveryPage,
    NewSecretView,
    ReplayView,
    WebhookGone,
    WebhookList,
    WebhookTestView,
    WebhookView,
)
from ballast.faces.cli.layout import Layout, Listing, Shown, right

_FACTS: Final = (
    Shown("Id", "{webhook_id}"),
    Shown("URL", "{url}"),
    Shown("Told of", "{events:listed}"),
    Shown("Failing since", "{failing_since:time}"),
    Shown("Problem", "{problem}"),
    Shown("Dead letters", "{dead_letters}"),
    Shown("Old secret until", "{old_secret_until:time}"),
)

WEBHOOK_LAYOUTS: Final[Mapping[type[Output], Layout]] = MappingProxyType(
    {
        WebhookView: Layout("{label}: {state}", _FACTS),
        NewSecretView: Layout("{label}: {state}", (*_FACTS, Shown("Secret", "{secret}"))),
        WebhookList: Layout(
            "Webhooks",
            (),
            (
                Listing(
                    "webhooks",
                    (
                        Shown("Name", "{label}"),
                        Shown("State", "{state}"),
                        right("Dead letters", "{dead_letters}"),
                        Shown("Id", "{webhook_id}"),
                        Shown("URL", "{url}"),
                    ),
                    nothing="There is no webhook: create-webhook makes one.",
                ),
            ),
        ),
        WebhookGone: Layout("Webhook {state}", (Shown("Id", "{webhook_id}"),)),
        WebhookTestView: Layout(
            "Test",
            (
                Shown("Delivered", "{delivered:yes}"),
                Shown("Status", "{status}"),
                Shown("Problem", "{problem}"),
            ),
        ),
        DeliveryPage: Layout(
            "Deliveries",
            (),
            (
                Listing(
                    "deliveries",
                    (
                        Shown("Time", "{created_at:time}"),
                        Shown("Event", "{event}"),
                        Shown("State", "{state}"),
                        right("Attempts", "{attempts}"),
                        right("Status", "{status}"),
                        Shown("Next", "{next_attempt_at:time}"),
                        Shown("Id", "{delivery_id}"),
                    ),
                    nothing="Nothing was sent.",
                ),
            ),
        ),
        ReplayView: Layout("{replayed} will be sent again", (Shown("Id", "{webhook_id}"),)),
    }
)
