"""An owner's own words for messages to them."""

from __future__ import annotations

from dataclasses import dataclass

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.notifying.labels import channel_named, list_channels
from ballast.app.operation import Caller
from ballast.core.events import EVENTS, EventKind, Level
from ballast.core.notice_templates import (
    EVERY_CHANNEL,
    NoticeTemplate,
    check_template,
    example_of,
    templates_in,
)
from ballast.core.notifications import text_of, title_of


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would be sent."""

    title: str
    text: str
    level: Level


@dataclass(frozen=True, slots=True)
class Worded:
    """One line of the list: words, and the label of the channel they are for alone, if any."""

    template: NoticeTemplate
    label: str | None


async def set_template(
    app: App, caller: Caller, subject: str, title: str, text: str, label: str | None = None
) -> NoticeTemplate:
    """Keep an owner's words for an event or a level; empty ones take back what was kept.

    Args:
        label: of the one channel they are for; None for every one without words of its own.

    Raises:
        BallastError: `invalid_input` with everything that is wrong, `not_found` for the label.
    """
    check_template(subject, title, text)
    channel_id = await _channel_of(app, caller.owner_id, label)
    template = NoticeTemplate(caller.owner_id, channel_id, subject, title, text, app.wall.now())
    async with app.store.transaction() as tx:
        await tx.put_template(template)
        await audit(app, tx, caller, "notify_template", channel_id, subject=subject)
    return template


async def list_templates(app: App, owner_id: str) -> list[Worded]:
    """Those that say anything, by subject; those for every channel first."""
    labels = {one.channel_id: one.label for one in await list_channels(app, owner_id)}
    async with app.store.read() as reader:
        found = await reader.list_templates(owner_id)
    worded = [Worded(one, labels.get(one.channel_id)) for one in found if not one.says_nothing]
    kept = [one for one in worded if one.label or one.template.channel_id == EVERY_CHANNEL]
    return sorted(kept, key=lambda one: (one.template.subject, one.label or ""))


async def preview(app: App, owner_id: str, subject: str, label: str | None = None) -> Preview:
    """The message about an event of this kind, or the first one of this level, with names of fields
    in place of what they hold.

    Args:
        label: of the channel it would be sent to; None for one without words of its own.

    Raises:
        BallastError: `invalid_input` for what is no event and no level, `not_found` for the label.
    """
    check_template(subject, "", "")
    kind = next(one for one in EventKind if subject in (one.value, EVENTS[one].level.value))
    channel_id = await _channel_of(app, owner_id, label)
    async with app.store.read() as reader:
        templates = templates_in(channel_id, await reader.list_templates(owner_id))
    event = [example_of(kind, owner_id, app.wall.now())]
    title = title_of(event, app.mode, {}, templates)
    return Preview(title, text_of(event, app.mode, {}, templates), EVENTS[kind].level)


async def _channel_of(app: App, owner_id: str, label: str | None) -> str:
    if label is None:
        return EVERY_CHANNEL
    return (await channel_named(app, owner_id, label)).channel_id
