"""One attempt of a delivery: claimed, sent, and what came of it written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.events import emit
from ballast.app.observing import Activity, Doing
from ballast.app.ports import Attempt, StateMovedError, Transaction
from ballast.app.webhooks.fan_out import COURIER
from ballast.app.webhooks.messages import event_message
from ballast.core.events import EventKind
from ballast.core.states import DeliveryState, WebhookState, move
from ballast.core.webhooks import Delivery, Webhook, delivered, given_up, not_delivered
from ballast.errors import BallastError

log = structlog.get_logger(__name__)

# How long a claim holds: longer than any attempt. After a crash the delivery is due again then.
LEASE: Final = timedelta(minutes=1)


async def claim(app: App, due: Sequence[Delivery]) -> list[Delivery]:
    """Take deliveries for this process: no other tries them before the lease is over. One that
    another process took first is left out."""
    if not due:
        return []
    now = app.wall.now()
    claimed = []
    async with app.store.transaction(COURIER) as tx:
        for one in due:
            mine = replace(one, attempts=one.attempts + 1, due_at=now + LEASE, updated_at=now)
            present = await tx.get_delivery(one.owner_id, one.delivery_id)
            if present == one:
                await tx.save_delivery(mine, was=one)
                claimed.append(mine)
    return claimed


async def attempt(app: App, claimed: Delivery) -> None:
    """Send a claimed delivery and write down what came of it.

    Raises:
        StateMovedError: it was replayed, deleted or taken over meanwhile; nothing is written.
    """
    made = await _observed(app, claimed)
    if made is None:
        return
    now = app.wall.now()
    async with app.store.transaction(COURIER) as tx:
        webhook = await tx.get_webhook(claimed.owner_id, claimed.webhook_id)
        if webhook is None:
            raise StateMovedError("the webhook was deleted")
        if made.ok:
            assert made.status is not None, "what is well has a status"
            after = delivered(claimed, made.status, now)
            await _healthy(tx, webhook, now)
        else:
            chance = app.ids.random_bytes(1)[0]
            after = not_delivered(claimed, made.status, made.problem, now, chance)
        await tx.save_delivery(after, was=claimed)
        if after.state is not DeliveryState.PENDING:
            await tx.wake_deliveries([(after.webhook_id, after.stream)], now)
        if not made.ok:
            await _failing(tx, webhook, made, now)
    if not made.ok:
        await _give_up(app, claimed, made)


async def _observed(app: App, claimed: Delivery) -> Attempt | None:
    ids = {"delivery": claimed.delivery_id, "event": claimed.event_id}
    with app.observer.observe(Activity(Doing.DELIVERY, "deliver event", ids=ids)) as seen:
        made = await _send(app, claimed)
        if made is None:
            seen.outcome = "nobody"
        elif not made.ok:
            seen.outcome = "failed" if made.status is None else f"status_{made.status // 100}xx"
        return made


async def _send(app: App, claimed: Delivery) -> Attempt | None:
    """What a receiver made of it; None when there is nobody to send it to any more."""
    async with app.store.read() as reader:
        webhook = await reader.get_webhook(claimed.owner_id, claimed.webhook_id)
        event = await reader.get_event(claimed.owner_id, claimed.event_id)
    assert event is not None, "a delivery has an event"
    if webhook is None:
        return None
    try:
        message = event_message(app, webhook, event)
    except BallastError as sealed:
        return Attempt(None, sealed.message)
    return await app.receivers.send(message)


async def _healthy(tx: Transaction, webhook: Webhook, now: datetime) -> None:
    if webhook.failing_since is not None:
        well = replace(webhook, failing_since=None, problem="", updated_at=now)
        await tx.save_webhook(well, was=webhook.state)


async def _failing(tx: Transaction, webhook: Webhook, made: Attempt, now: datetime) -> None:
    """Remember since when it fails."""
    failing = replace(
        webhook,
        failing_since=webhook.failing_since or now,
        problem=made.problem,
        updated_at=now,
    )
    await tx.save_webhook(failing, was=webhook.state)


async def _give_up(app: App, claimed: Delivery, made: Attempt) -> None:
    """Disable a webhook that has failed for long enough, or says that it is gone, and tell its
    owner elsewhere.

    What is told is about no single index, so it is written in a transaction that runs alone. If we
    end before that, the next failure comes here again.
    """
    now = app.wall.now()
    async with app.store.read_once() as reader:
        webhook = await reader.get_webhook(claimed.owner_id, claimed.webhook_id)
    if webhook is None or given_up(webhook, made.status, now) is None:
        return
    async with app.store.transaction() as tx:
        webhook = await tx.get_webhook(claimed.owner_id, claimed.webhook_id)
        why = given_up(webhook, made.status, now) if webhook else None
        if webhook is None or why is None or webhook.state is not WebhookState.ACTIVE:
            return
        state = move(webhook.state, WebhookState.DISABLED)
        disabled = replace(webhook, state=state, problem=why.words, updated_at=now)
        await tx.save_webhook(disabled, was=webhook.state)
        await tx.bury_deliveries(webhook.webhook_id, "The webhook was disabled.", now)
        await emit(
            app,
            tx,
            EventKind.WEBHOOK_DISABLED,
            owner_id=webhook.owner_id,
            index_id=None,
            webhook_id=webhook.webhook_id,
            label=webhook.label,
            why=why.value,
        )
    log.warning("webhook_disabled", webhook_id=webhook.webhook_id, reason=why.value)
