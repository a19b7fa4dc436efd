"""An owner's own words for messages to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.core.events import EVENTS, EventKind, Level
from ballast.core.notice_templates import NoticeTemplate, check_template, example_of
from ballast.core.notifications import text_of, title_of


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would be sent."""

    title: str
    text: str
    level: Level


async def set_template(
    app: App, caller: Caller, subject: str, title: str, text: str
) -> NoticeTemplate:
    """Keep an owner's words for an event or a level; empty ones are Ballast's own again.

    Raises:
        BallastError: `invalid_input` with everything that is wrong.
    """
    check_template(subject, title, text)
    template = NoticeTemplate(caller.owner_id, subject, title, text, app.wall.now())
    async with app.store.transaction() as tx:
        await tx.put_template(template)
        await audit(app, tx, caller, "notify_template", "", subject=subject)
    return template


async def list_templates(app: App, owner_id: str) -> list[NoticeTemplate]:
    """Those that say anything, by subject."""
    async with app.store.read() as reader:
        found = await reader.list_templates(owner_id)
    return [one for one in found if one.title or one.text]


async def preview(app: App, owner_id: str, subject: str) -> Preview:
    """The message about an event of this kind, or the first one of this level, with names of fields
    in place of what they hold.

    Raises:
        BallastError: `invalid_input` for what is no event and no level.
    """
    check_template(subject, "", "")
    kind = next(one for one in EventKind if subject in (one.value, EVENTS[one].level.value))
    templates: Mapping[str, NoticeTemplate] = {
        one.subject: one for one in await list_templates(app, owner_id)
    }
    event = [example_of(kind, owner_id, app.wall.now())]
    title = title_of(event, app.mode, {}, templates)
    return Preview(title, text_of(event, app.mode, {}, templates), EVENTS[kind].level)
