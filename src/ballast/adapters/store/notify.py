"""Reads and writes of messages to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Integer, bindparam, delete, literal_column, null, select, text, update

from ballast.adapters.store import errors
from ballast.adapters.store import outbox_tables as t
from ballast.adapters.store.phrases import InsertOr
from ballast.adapters.store.queries import by
from ballast.adapters.store.row_session import RowReader, RowWriter
from ballast.adapters.store.rows import Record
from ballast.core.ledger import microseconds
from ballast.core.notice_templates import NoticeTemplate
from ballast.core.notifications import Channel, Notice
from ballast.errors import BallastError, ErrorCode

CHANNELS: Final = Record(Channel, t.channels)
NOTICES: Final = Record(Notice, t.notices)
TEMPLATES: Final = Record(NoticeTemplate, t.notice_templates)

_c, _n = t.channels.c, t.notices.c
_in_use = _c.removed_at.is_(null())
# Word for word the condition of the partial index, so that the planner sees it.
_is_pending = text("notices.state = 'pending'")
_CHANNELS: Final = by(t.channels, "owner_id").where(_in_use).order_by(_c.label)
_EVERY_CHANNEL: Final = by(t.channels, "owner_id")
_CHANNELS_OF_ALL: Final = select(t.channels).where(_in_use).order_by(_c.channel_id)
_DUE: Final = (
    select(t.channels)
    .where(
        _in_use,
        _c.next_at <= bindparam("now"),
        select(_n.event_id).where(_n.channel_id == _c.channel_id, _is_pending).exists(),
    )
    .order_by(_c.next_at, _c.channel_id)
    .limit(bindparam("limit", type_=Integer))
)
_PENDING: Final = (
    by(t.notices, "channel_id")
    .where(_is_pending)
    .order_by(_n.created_at, _n.event_id)
    .limit(bindparam("limit", type_=Integer))
)
_HISTORY: Final = (
    by(t.notices, "owner_id")
    .order_by(_n.created_at.desc(), _n.event_id.desc(), _n.channel_id)
    .limit(bindparam("limit", type_=Integer))
)
_SAVE_CHANNEL: Final = CHANNELS.replace("channel_id", "next_at").where(_in_use)
_REMOVE_CHANNEL: Final = (
    update(t.channels)
    .where(_c.channel_id == bindparam("key_channel_id"), _in_use)
    .values(removed_at=bindparam("at"), address=literal_column("''"))
)
_DROP: Final = (
    update(t.notices)
    .where(_n.channel_id == bindparam("of_channel"), _is_pending)
    .values(state=literal_column("'failed'"), ended_at=bindparam("at"))
)
_w = t.notice_templates.c
_TEMPLATES: Final = by(t.notice_templates, "owner_id").order_by(_w.subject, _w.channel_id)
_PUT_TEMPLATE: Final = InsertOr(
    t.notice_templates,
    on=["owner_id", "channel_id", "subject"],
    replace=["title", "text", "updated_at"],
)
_FORGET_TEMPLATES: Final = delete(t.notice_templates).where(
    _w.owner_id == bindparam("of_owner"), _w.channel_id == bindparam("of_channel")
)
_ADD_NOTICE: Final = InsertOr(t.notices, ["channel_id", "event_id"])
_END_NOTICE: Final = (
    update(t.notices)
    .where(
        _n.channel_id == bindparam("of_channel"),
        _n.event_id == bindparam("of_event"),
        _is_pending,
    )
    .values(state=bindparam("new_state"), ended_at=bindparam("at"))
)


class SqlNotifyReader(RowReader):
    """Fulfils the port `NotifyReader`."""

    async def list_channels(self, owner_id: str) -> list[Channel]:
        """Those in use, by label."""
        return await self._all(CHANNELS, _CHANNELS, owner_id=owner_id)

    async def all_channels(self, owner_id: str) -> list[Channel]:
        """Those in use and those that were removed."""
        return await self._all(CHANNELS, _EVERY_CHANNEL, owner_id=owner_id)

    async def channels_of_all(self) -> list[Channel]:
        """Those of every owner that are in use."""
        return await self._all(CHANNELS, _CHANNELS_OF_ALL)

    async def due_channels(self, now: datetime, limit: int) -> list[Channel]:
        """Channels of every owner that something waits for and whose time has come."""
        return await self._all(CHANNELS, _DUE, now=microseconds(now), limit=limit)

    async def pending_notices(self, channel_id: str, limit: int) -> list[Notice]:
        """What waits for a channel, oldest first."""
        return await self._all(NOTICES, _PENDING, channel_id=channel_id, limit=limit)

    async def list_notices(self, owner_id: str, limit: int) -> list[Notice]:
        """Newest first."""
        return await self._all(NOTICES, _HISTORY, owner_id=owner_id, limit=limit)

    async def list_templates(self, owner_id: str) -> list[NoticeTemplate]:
        """By subject."""
        return await self._all(TEMPLATES, _TEMPLATES, owner_id=owner_id)


class SqlNotifyWrites(RowWriter):
    """Fulfils what the port `NotifyTransaction` adds to it."""

    async def add_channel(self, channel: Channel) -> None:
        """Add a channel. Raises BallastError `name_taken` while its label is in use."""
        try:
            await self._add(CHANNELS, channel)
        except errors.RuleBrokenError as error:
            raise BallastError(
                ErrorCode.NAME_TAKEN,
                "There is a channel of this label already.",
                label=channel.label,
            ).advising(
                "Choose another label. ballast notify list shows the channels; ballast notify "
                "remove ends one."
            ) from error

    async def save_channel(self, channel: Channel, was: Channel) -> None:
        """Replace a channel in use whose next time is still that of `was`."""
        await self._save(
            _SAVE_CHANNEL,
            CHANNELS.to_row(channel),
            key_channel_id=channel.channel_id,
            key_owner_id=channel.owner_id,
            was_next_at=microseconds(was.next_at),
        )

    async def remove_channel(self, channel: Channel, at: datetime) -> None:
        """End a channel, forget its address and its words, and drop what waits for it."""
        moment = microseconds(at)
        await self._save(_REMOVE_CHANNEL, {"at": moment}, key_channel_id=channel.channel_id)
        dropped = {"of_channel": channel.channel_id, "at": moment}
        await self._session.change(_DROP, dropped)
        whose = {"of_owner": channel.owner_id, "of_channel": channel.channel_id}
        await self._session.change(_FORGET_TEMPLATES, whose)

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """Let events wait for channels; one that is there already is left as it is."""
        await self._session.change_each(_ADD_NOTICE, [NOTICES.to_row(one) for one in notices])

    async def end_notices(self, notices: Sequence[Notice]) -> None:
        """Note what became of notices that were pending."""
        ended = [
            {
                "of_channel": one.channel_id,
                "of_event": one.event_id,
                "new_state": one.state.value,
                "at": microseconds(one.ended_at or one.created_at),
            }
            for one in notices
        ]
        await self._session.change_each(_END_NOTICE, ended)

    async def put_template(self, template: NoticeTemplate) -> None:
        """In place of the one for its channel and subject."""
        await self._session.change(_PUT_TEMPLATE, TEMPLATES.to_row(template))
