"""What was sent, what was not, and sending it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from ballast.app.app import App
from ballast.app.fields import DeliveryId, WebhookId
from ballast.app.inputs import Input, RepeatableInput
from ballast.app.operation import Call
from ballast.app.ports import Transaction
from ballast.app.webhooks.managing import no_such_webhook
from ballast.app.webhooks.views import DeliveryPage, ReplayView, delivery_view
from ballast.core.states import DeliveryState, WebhookState, move
from ballast.core.webhooks import Webhook
from ballast.errors import BallastError, ErrorCode


class ListWebhookDeliveries(Input):
    """Input of list_webhook_deliveries."""

    webhook_id: WebhookId
    state: Annotated[
        Literal["pending", "delivered", "dead"] | None,
        Field(description="Only those in this state; dead: given up."),
    ] = None
    cursor: Annotated[
        str | None,
        Field(pattern=r"^dlv_[0-9A-Z]{26}$", description="next_cursor of the page before."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Deliveries a page.")] = 20


class ReplayWebhook(RepeatableInput):
    """Input of replay_webhook."""

    webhook_id: WebhookId
    delivery_id: Annotated[
        DeliveryId | None,
        Field(description="Only this delivery, whatever became of it; all dead ones without it."),
    ] = None


async def list_webhook_deliveries(
    app: App, call: Call, given: ListWebhookDeliveries
) -> DeliveryPage:
    """List what was sent to a webhook, newest first: event, attempts, HTTP status, what is next."""
    state = DeliveryState(given.state) if given.state else None
    async with app.store.read() as reader:
        if await reader.get_webhook(call.owner_id, given.webhook_id) is None:
            raise no_such_webhook(given.webhook_id)
        found = await reader.list_deliveries(
            call.owner_id, given.webhook_id, state, given.cursor, given.limit + 1
        )
    page = found[: given.limit]
    return DeliveryPage(
        mode=app.mode,
        webhook_id=given.webhook_id,
        deliveries=[delivery_view(one) for one in page],
        next_cursor=page[-1].delivery_id if len(found) > given.limit else None,
    )


async def replay_webhook(app: App, call: Call, given: ReplayWebhook) -> ReplayView:
    """Send deliveries again: one, or every one that was given up. The receiver sees the same
    webhook-id as before, so that it can tell a repetition."""
    async with app.store.transaction() as tx:
        webhook = await tx.get_webhook(call.owner_id, given.webhook_id)
        if webhook is None:
            raise no_such_webhook(given.webhook_id)
        if webhook.state is not WebhookState.ACTIVE:
            raise BallastError(
                ErrorCode.INVALID_INPUT,
                f"This webhook is {webhook.state.value}: let it be told again first, with "
                "update_webhook and state active.",
                problems=[{"field": "webhook_id", "problem": f"is {webhook.state.value}"}],
            )
        count = await _replay(app, tx, webhook, given.delivery_id)
        app.news.set()
        view = ReplayView(
            mode=app.mode,
            webhook_id=webhook.webhook_id,
            replayed=count,
            next_step="list_webhook_deliveries shows what becomes of them.",
        )
        await call.record(app, tx, view, given.delivery_id or webhook.webhook_id)
    return view


async def _replay(app: App, tx: Transaction, webhook: Webhook, delivery_id: str | None) -> int:
    now = app.wall.now()
    if delivery_id is None:
        return await tx.revive_deliveries(webhook.webhook_id, now)
    found = await tx.get_delivery(webhook.owner_id, delivery_id)
    if found is None or found.webhook_id != webhook.webhook_id:
        raise BallastError(
            ErrorCode.NOT_FOUND,
            "This webhook has no such delivery.",
            delivery_id=delivery_id,
        ).advising("Check the id. list_webhook_deliveries shows what this webhook has.")
    if found.state is DeliveryState.PENDING:
        return 0
    again = replace(
        found,
        state=move(found.state, DeliveryState.PENDING),
        attempts=0,
        due_at=now,
        updated_at=now,
        ended_at=None,
    )
    await tx.save_delivery(again, was=found)
    return 1
