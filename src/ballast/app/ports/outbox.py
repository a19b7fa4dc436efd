"""What is told to others: the rows of events, webhooks and deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ballast.core.events import Event, EventKind
from ballast.core.states import DeliveryState, WebhookState
from ballast.core.webhooks import Delivery, Webhook


class OutboxReader(Protocol):
    """Reads of what is to be told."""

    async def last_event_sequence(self, stream: str) -> int:
        """Of the last event of an index or owner; 0 for none."""
        ...

    async def event_since(
        self, stream: str, kind: EventKind, data: Mapping[str, object], since: datetime
    ) -> bool:
        """Whether an event that says exactly this was added to a stream after that time."""
        ...

    async def untold_events(self, limit: int) -> list[Event]:
        """Events of every owner that were not handed on yet, in order within their streams."""
        ...

    async def events_of(self, owner_id: str, since: datetime, limit: int) -> list[Event]:
        """The owner's events of that time and later, oldest first."""
        ...

    async def get_event(self, owner_id: str, event_id: str) -> Event | None: ...
    async def get_webhook(self, owner_id: str, webhook_id: str) -> Webhook | None:
        """One webhook of this owner that is not deleted."""
        ...

    async def list_webhooks(self, owner_id: str) -> list[Webhook]:
        """Those that are not deleted, oldest first."""
        ...

    async def webhooks_of_all(self) -> list[Webhook]:
        """Those of every owner that are not deleted."""
        ...

    async def dead_letters(self, owner_id: str) -> dict[str, int]:
        """How many dead deliveries each webhook has; those without one are left out."""
        ...

    async def list_deliveries(
        self,
        owner_id: str,
        webhook_id: str,
        state: DeliveryState | None,
        after: str | None,
        limit: int,
    ) -> list[Delivery]:
        """Newest first, from behind the delivery `after` on."""
        ...

    async def get_delivery(self, owner_id: str, delivery_id: str) -> Delivery | None: ...
    async def due_deliveries(self, now: datetime, each: int, limit: int) -> list[Delivery]:
        """Deliveries of every owner whose time has come, oldest due first, at most `each` of one
        webhook."""
        ...


class OutboxTransaction(OutboxReader, Protocol):
    """Writes of what is to be told."""

    async def add_event(self, event: Event) -> None: ...
    async def mark_told(self, event_ids: Sequence[str], at: datetime) -> None:
        """Note that events were handed on."""
        ...

    async def add_webhook(self, webhook: Webhook) -> None: ...
    async def save_webhook(self, webhook: Webhook, was: WebhookState) -> None: ...
    async def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """One that is there already (same webhook and event) is left as it is."""
        ...

    async def save_delivery(self, delivery: Delivery, was: Delivery) -> None:
        """Replace a delivery that is still in the state and at the attempt of `was`."""
        ...

    async def wake_deliveries(self, places: Iterable[tuple[str, str]], at: datetime) -> None:
        """Let the first pending delivery of each pair of webhook and stream be due, if it is not
        due or under way already."""
        ...

    async def bury_deliveries(self, webhook_id: str, problem: str, at: datetime) -> None:
        """End every pending delivery of a webhook as dead."""
        ...

    async def revive_deliveries(self, webhook_id: str, at: datetime) -> int:
        """Let every dead delivery of a webhook be pending anew, the first of each stream due; how
        many there were."""
        ...
