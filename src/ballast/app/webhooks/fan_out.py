"""From an event to one delivery for each webhook that wants it, and one notice for each channel."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ballast.app.app import App
from ballast.core.events import Event
from ballast.core.ids import IdKind
from ballast.core.notifications import Channel, Notice, NoticeState
from ballast.core.states import DeliveryState, WebhookState
from ballast.core.webhooks import Delivery, Webhook

# What the courier writes comes one after the other, and beside what is about indexes: a delivery
# that ends must see every later one of its stream, to wake it.
COURIER: Final = "courier"
# Events in one transaction: with the most webhooks there may be, five hundred rows, some ten
# milliseconds. One that trades waits no longer than that.
BATCH: Final = 5


async def fan_out(app: App) -> int:
    """Hand on events that were not handed on yet; how many were, at most a batch.

    All in one transaction: after a crash an event has all of its deliveries or none, and then it
    is handed on again.
    """
    async with app.store.read_once() as reader:
        if not await reader.untold_events(1):
            return 0
    now = app.wall.now()
    async with app.store.transaction(COURIER) as tx:
        events = await tx.untold_events(BATCH)
        owners = dict.fromkeys(one.owner_id for one in events)
        webhooks = {owner_id: await tx.list_webhooks(owner_id) for owner_id in owners}
        made = [
            _delivery(app, event, webhook, now)
            for event in events
            for webhook in webhooks[event.owner_id]
            if webhook.wants(event)
        ]
        await tx.add_deliveries(made)
        waiting = [one for one in made if one.state is DeliveryState.PENDING]
        places = dict.fromkeys((one.webhook_id, one.stream) for one in waiting)
        await tx.wake_deliveries(places, now)
        channels = {owner_id: await tx.list_channels(owner_id) for owner_id in owners}
        await tx.add_notices(
            [
                _notice(event, channel, now)
                for event in events
                for channel in channels[event.owner_id]
                if channel.wants(event)
            ]
        )
        await tx.mark_told([one.event_id for one in events], now)
    return len(events)


def _notice(event: Event, channel: Channel, now: datetime) -> Notice:
    return Notice(
        channel_id=channel.channel_id,
        event_id=event.event_id,
        owner_id=event.owner_id,
        state=NoticeState.PENDING,
        created_at=now,
        ended_at=None,
    )


def _delivery(app: App, event: Event, webhook: Webhook, now: datetime) -> Delivery:
    """Pending and not due: what is first in its stream is woken. While a webhook is not active,
    dead from the start, for a replay."""
    active = webhook.state is WebhookState.ACTIVE
    return Delivery(
        delivery_id=app.ids.new(IdKind.DELIVERY),
        owner_id=event.owner_id,
        webhook_id=webhook.webhook_id,
        event_id=event.event_id,
        stream=event.stream,
        sequence=event.sequence,
        kind=event.kind,
        state=DeliveryState.PENDING if active else DeliveryState.DEAD,
        attempts=0,
        due_at=None,
        status=None,
        problem="" if active else f"The webhook was {webhook.state}.",
        created_at=now,
        updated_at=now,
        ended_at=None if active else now,
    )
