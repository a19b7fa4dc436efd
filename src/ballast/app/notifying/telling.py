"""One message for all that waits for a channel: claimed, sent, and noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.notifying.addresses import open_address
from ballast.app.ports import StateMovedError
from ballast.app.webhooks.fan_out import COURIER
from ballast.core.events import EVENTS, Event, Level
from ballast.core.notice_templates import Templates, templates_in
from ballast.core.notifications import (
    GROUPED_FOR,
    RETRY_AFTER,
    TRIED_FOR,
    Channel,
    Notice,
    NoticeState,
    text_of,
    title_of,
)
from ballast.errors import BallastError

# Longer than any message takes. After a crash the channel is due again then.
LEASE: Final = timedelta(minutes=2)
# Of one message; the rest waits for the next one.
MOST_EVENTS: Final = 200


async def tell(app: App, due: Channel) -> bool:
    """Send what waits for a channel; whether there was anything to send.

    Raises:
        StateMovedError: another process took it first, or it was removed; nothing more is written.
    """
    now = app.wall.now()
    claimed = replace(due, next_at=now + LEASE)
    async with app.store.transaction(COURIER) as tx:
        await tx.save_channel(claimed, was=due)
        notices = await tx.pending_notices(due.channel_id, MOST_EVENTS)
        found = [await tx.get_event(one.owner_id, one.event_id) for one in notices]
        events = [one for one in found if one is not None]
        names = {
            index.index_id: index.name
            for one in dict.fromkeys(one.index_id for one in events if one.index_id)
            if (index := await tx.get_index(due.owner_id, one)) is not None
        }
        templates = templates_in(due.channel_id, await tx.list_templates(due.owner_id))
    if not events:
        return False
    problem = await _send(app, claimed, events, names, templates)
    await _note(app, claimed, notices, problem)
    return True


async def _send(
    app: App,
    channel: Channel,
    events: Sequence[Event],
    names: dict[str, str],
    templates: Templates,
) -> str:
    try:
        address = open_address(app, channel)
    except BallastError as sealed:
        return sealed.message
    levels = {EVENTS[one.kind].level for one in events}
    worst = next(one for one in reversed(Level) if one in levels)
    title = title_of(events, app.mode, names, templates)
    text = text_of(events, app.mode, names, templates)
    return await app.notifier.send(address, title, text, worst)


async def _note(app: App, claimed: Channel, notices: Sequence[Notice], problem: str) -> None:
    now = app.wall.now()
    pause = RETRY_AFTER if problem else GROUPED_FOR
    async with app.store.transaction(COURIER) as tx:
        after = replace(claimed, next_at=now + pause, problem=problem)
        await tx.save_channel(after, was=claimed)
        over = [one for one in notices if not problem or now - one.created_at >= TRIED_FOR]
        state = NoticeState.FAILED if problem else NoticeState.SENT
        await tx.end_notices([replace(one, state=state, ended_at=now) for one in over])


async def tell_due(app: App) -> bool:
    """Send to the first channel that is due; whether there was one."""
    async with app.store.read_once() as reader:
        due = await reader.due_channels(app.wall.now(), 1)
    if not due:
        return False
    try:
        return await tell(app, due[0])
    except StateMovedError:
        return True
