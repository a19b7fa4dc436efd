"""Webhooks: make one, look at it, change it, end it. A URL is tried before it is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ballast.app.app import App
from ballast.app.fields import Name, WebhookId, from_json_text
from ballast.app.inputs import Input, RepeatableInput
from ballast.app.master_key import require_present_master_key
from ballast.app.operation import Call
from ballast.app.ports import Attempt, Reader, Transaction
from ballast.app.problems import Wrong
from ballast.app.webhooks.messages import new_secret, seal_secret, trial_message
from ballast.app.webhooks.views import (
    NewSecretView,
    WebhookGone,
    WebhookLine,
    WebhookList,
    WebhookTestView,
    WebhookView,
    webhook_view,
)
from ballast.core.events import EventKind
from ballast.core.ids import IdKind
from ballast.core.states import WebhookState, move
from ballast.core.webhooks import MOST_PER_OWNER, SECRET_OVERLAP, Webhook
from ballast.errors import BallastError, ErrorCode

# A receiver that verifies cannot take the first message: it has no secret to verify it with yet.
_VERIFIES = (400, 401, 403)


def _words(value: Any) -> Any:
    """Names between commas, as they are typed on a command line."""
    value = from_json_text(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2048,
        description="https URL on the public internet that takes a POST and answers with a 2xx.",
    ),
]
Label = Annotated[Name, Field(max_length=64, description="What the owner calls it.")]
Events = Annotated[
    list[EventKind],
    BeforeValidator(_words),
    Field(max_length=40, description="Which events it is told of; empty for all."),
]


class CreateWebhook(RepeatableInput):
    """Input of create_webhook."""

    url: Url
    label: Label = "Webhook"
    events: Events | None = None


class ListWebhooks(Input):
    """Input of list_webhooks."""


class GetWebhook(Input):
    """Input of get_webhook."""

    webhook_id: WebhookId


class UpdateWebhook(RepeatableInput):
    """Input of update_webhook."""

    webhook_id: WebhookId
    url: Url | None = None
    label: Label | None = None
    events: Events | None = None
    state: Annotated[
        Literal["active", "paused"] | None,
        Field(description="active: tried first, then told. paused: events become dead letters."),
    ] = None


class ChangeWebhook(RepeatableInput):
    """Input of test_webhook and delete_webhook."""

    webhook_id: WebhookId


class RotateWebhookSecret(RepeatableInput):
    """Input of rotate_webhook_secret."""

    webhook_id: WebhookId
    overlap_hours: Annotated[
        int,
        Field(ge=0, le=168, description="Hours in which both secrets verify; 0 if one leaked."),
    ] = int(SECRET_OVERLAP / timedelta(hours=1))


# --- operations -------------------------------------------------------------------------------


async def check_webhook(
    app: App, call: Call, given: CreateWebhook | UpdateWebhook, wrong: Wrong
) -> None:
    """What is wrong with a wish for a webhook, before its URL is tried."""
    if isinstance(given, UpdateWebhook) and given.webhook_id:
        with wrong.about("webhook_id"):
            async with app.store.read_short() as reader:
                await _require(reader, call, given.webhook_id)
    if given.url:
        with wrong.about("url"):
            app.receivers.check_url(given.url)


async def create_webhook(app: App, call: Call, given: CreateWebhook) -> NewSecretView:
    """Tell a URL of events, signed as Standard Webhooks says. The URL is tried first. The answer
    holds the secret, this once: let the owner keep it where the receiver finds it."""
    now = app.wall.now()
    app.receivers.check_url(given.url)
    async with app.store.read_once() as reader:
        _require_room(await reader.list_webhooks(call.owner_id))
    webhook_id, secret = app.ids.new(IdKind.WEBHOOK), new_secret(app)
    webhook = Webhook(
        webhook_id=webhook_id,
        owner_id=call.owner_id,
        url=given.url,
        label=given.label,
        kinds=tuple(dict.fromkeys(given.events or ())),
        state=WebhookState.ACTIVE,
        secret=seal_secret(app, webhook_id, secret),
        previous_secret=None,
        previous_until=None,
        failing_since=None,
        problem="",
        created_at=now,
        updated_at=now,
    )
    await _try(app, webhook, may_refuse=True)
    async with app.store.transaction() as tx:
        _require_room(await tx.list_webhooks(call.owner_id))
        await require_present_master_key(tx, webhook.sealed_under)
        await tx.add_webhook(webhook)
        return await _record_secret(app, tx, call, webhook, secret)


async def list_webhooks(app: App, call: Call, given: ListWebhooks) -> WebhookList:
    """List the webhooks with their URLs, states and how many deliveries were given up."""
    async with app.store.read() as reader:
        found = await reader.list_webhooks(call.owner_id)
        dead = await reader.dead_letters(call.owner_id)
    lines = [
        WebhookLine(
            webhook_id=one.webhook_id,
            url=one.url,
            label=one.label,
            state=one.state.value,
            dead_letters=dead.get(one.webhook_id, 0),
        )
        for one in found
    ]
    return WebhookList(mode=app.mode, webhooks=lines)


async def get_webhook(app: App, call: Call, given: GetWebhook) -> WebhookView:
    """Show one webhook: which events it is told of, whether it takes them, and since when not."""
    async with app.store.read() as reader:
        return await _shown(app, reader, await _require(reader, call, given.webhook_id))


async def update_webhook(app: App, call: Call, given: UpdateWebhook) -> WebhookView:
    """Change a webhook's URL, label or events, pause it, or let it be told again. A new URL, and
    one that is to be told again, is tried first."""
    async with app.store.read_once() as reader:
        before = await _require(reader, call, given.webhook_id)
    wanted = _changed(before, given, app.wall.now())
    if wanted.url != before.url:
        app.receivers.check_url(wanted.url)
    if wanted.state is WebhookState.ACTIVE and (before.state, before.url) != (
        WebhookState.ACTIVE,
        wanted.url,
    ):
        await _try(app, wanted, may_refuse=False)
    async with app.store.transaction() as tx:
        present = await _require(tx, call, given.webhook_id)
        changed = _changed(present, given, app.wall.now())
        await tx.save_webhook(changed, was=present.state)
        if changed.state is WebhookState.PAUSED:
            await tx.bury_deliveries(changed.webhook_id, "The webhook was paused.", app.wall.now())
        view = await _shown(app, tx, changed)
        await call.record(app, tx, view, changed.webhook_id)
    return view


async def delete_webhook(app: App, call: Call, given: ChangeWebhook) -> WebhookGone:
    """Delete a webhook: it is told nothing more, what was on its way is given up, its secret is
    forgotten. The record of what was sent stays."""
    async with app.store.transaction() as tx:
        present = await _require(tx, call, given.webhook_id)
        now = app.wall.now()
        gone = replace(
            present,
            state=move(present.state, WebhookState.DELETED),
            secret="",
            previous_secret=None,
            updated_at=now,
        )
        await tx.save_webhook(gone, was=present.state)
        await tx.bury_deliveries(gone.webhook_id, "The webhook was deleted.", now)
        view = WebhookGone(
            mode=app.mode,
            webhook_id=gone.webhook_id,
            state=gone.state.value,
            next_step="Call create_webhook for another one.",
        )
        await call.record(app, tx, view, gone.webhook_id)
    return view


async def test_webhook(app: App, call: Call, given: ChangeWebhook) -> WebhookTestView:
    """Send a webhook.test message now, and say with which HTTP status it was answered."""
    async with app.store.read_once() as reader:
        webhook = await _require(reader, call, given.webhook_id)
    attempt = await app.receivers.send(trial_message(app, webhook))
    view = WebhookTestView(
        mode=app.mode,
        webhook_id=webhook.webhook_id,
        delivered=attempt.ok,
        status=attempt.status,
        problem=attempt.problem,
        next_step="Nothing is left to do."
        if attempt.ok
        else "Let the receiver answer with a 2xx within ten seconds, and test again.",
    )
    async with app.store.transaction() as tx:
        await call.record(app, tx, view, webhook.webhook_id)
    return view


async def rotate_webhook_secret(app: App, call: Call, given: RotateWebhookSecret) -> NewSecretView:
    """Give a webhook a new secret, shown this once. For the hours of the overlap each message
    carries both signatures, so that the receiver can change over without missing one."""
    secret = new_secret(app)
    async with app.store.transaction() as tx:
        present = await _require(tx, call, given.webhook_id)
        now = app.wall.now()
        overlap = timedelta(hours=given.overlap_hours)
        rotated = replace(
            present,
            secret=seal_secret(app, present.webhook_id, secret),
            previous_secret=present.secret if overlap else None,
            previous_until=now + overlap if overlap else None,
            updated_at=now,
        )
        await require_present_master_key(tx, rotated.sealed_under)
        await tx.save_webhook(rotated, was=present.state)
        return await _record_secret(app, tx, call, rotated, secret)


# --- parts ------------------------------------------------------------------------------------


async def _require(reader: Reader, call: Call, webhook_id: str) -> Webhook:
    webhook = await reader.get_webhook(call.owner_id, webhook_id)
    if webhook is None:
        raise no_such_webhook(webhook_id)
    return webhook


def no_such_webhook(webhook_id: str) -> BallastError:
    """The refusal for a webhook that is not there, or is another owner's: the same for both."""
    return BallastError(
        ErrorCode.NOT_FOUND,
        "There is no such webhook.",
        webhook_id=webhook_id,
    ).advising("Check the id. list_webhooks shows what there is.")


def _require_room(there: list[Webhook]) -> None:
    if len(there) >= MOST_PER_OWNER:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"There are {MOST_PER_OWNER} webhooks, which is the most: delete one first.",
            problems=[{"field": "url", "problem": f"would be one more than {MOST_PER_OWNER}"}],
        )


def _changed(webhook: Webhook, given: UpdateWebhook, now: datetime) -> Webhook:
    state = WebhookState(given.state) if given.state else webhook.state
    resumed = state is WebhookState.ACTIVE and state is not webhook.state
    return replace(
        webhook,
        url=given.url or webhook.url,
        label=webhook.label if given.label is None else given.label,
        kinds=tuple(dict.fromkeys(given.events)) if given.events is not None else webhook.kinds,
        state=state if state is webhook.state else move(webhook.state, state),
        failing_since=None if resumed else webhook.failing_since,
        problem="" if resumed else webhook.problem,
        updated_at=now,
    )


async def _try(app: App, webhook: Webhook, *, may_refuse: bool) -> None:
    """Send a test before the URL is taken.

    Args:
        may_refuse: whether a receiver that verifies may say no, as it does until it has the secret.

    Raises:
        BallastError: `receiver_failed`.
    """
    attempt = await app.receivers.send(trial_message(app, webhook))
    if attempt.ok or (may_refuse and attempt.status in _VERIFIES):
        return
    raise _failed(attempt)


def _failed(attempt: Attempt) -> BallastError:
    return BallastError(
        ErrorCode.RECEIVER_FAILED,
        f"The receiver did not take a test message: {attempt.problem}.",
        status=attempt.status,
        problem=attempt.problem,
    )


async def _shown(app: App, reader: Reader, webhook: Webhook) -> WebhookView:
    dead = await reader.dead_letters(webhook.owner_id)
    return webhook_view(app.mode, webhook, dead.get(webhook.webhook_id, 0), app.wall.now())


async def _record_secret(
    app: App, tx: Transaction, call: Call, webhook: Webhook, secret: str
) -> NewSecretView:
    """The answer with the secret; what is kept for a repeated request is the one without."""
    shown = (await _shown(app, tx, webhook)).model_dump()
    shown["next_step"] = "Store the secret with the receiver, then call test_webhook."
    await call.record(app, tx, NewSecretView(**shown, secret=None), webhook.webhook_id)
    return NewSecretView(**shown, secret=secret)
