"""Messages to people: the rows of channels and of what waits for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ballast.core.notice_templates import NoticeTemplate
from ballast.core.notifications import Channel, Notice


class NotifyReader(Protocol):
    """Reads of channels and notices."""

    async def list_channels(self, owner_id: str) -> list[Channel]:
        """Those in use, by label."""
        ...

    async def all_channels(self, owner_id: str) -> list[Channel]:
        """Those in use and those that were removed."""
        ...

    async def channels_of_all(self) -> list[Channel]:
        """Those of every owner that are in use."""
        ...

    async def due_channels(self, now: datetime, limit: int) -> list[Channel]:
        """Channels of every owner that something waits for and whose time has come, the longest
        due first."""
        ...

    async def pending_notices(self, channel_id: str, limit: int) -> list[Notice]:
        """What waits for a channel, oldest first."""
        ...

    async def list_notices(self, owner_id: str, limit: int) -> list[Notice]:
        """Newest first."""
        ...

    async def list_templates(self, owner_id: str) -> list[NoticeTemplate]:
        """By subject; of one subject those for every channel first."""
        ...


class NotifyTransaction(NotifyReader, Protocol):
    """Writes of channels and notices."""

    async def add_channel(self, channel: Channel) -> None:
        """Raises BallastError `name_taken` while its label is in use."""
        ...

    async def save_channel(self, channel: Channel, was: Channel) -> None:
        """Replace a channel in use whose next time is still that of `was`."""
        ...

    async def remove_channel(self, channel: Channel, at: datetime) -> None:
        """End a channel, forget its address and its words, and drop what waits for it."""
        ...

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """Let events wait for channels; one that is there already is left as it is."""
        ...

    async def end_notices(self, notices: Sequence[Notice]) -> None:
        """Note what became of notices that were pending."""
        ...

    async def put_template(self, template: NoticeTemplate) -> None:
        """In place of the one for its channel and subject."""
        ...
