"""Channels by the labels that their owners call them by."""

from __future__ import annotations

from ballast.app.app import App
from ballast.core.notifications import Channel
from ballast.errors import BallastError, ErrorCode


async def list_channels(app: App, owner_id: str) -> list[Channel]:
    """The channels in use, by label."""
    async with app.store.read() as reader:
        return await reader.list_channels(owner_id)


async def channel_named(app: App, owner_id: str, label: str) -> Channel:
    """The channel in use of this label.

    Raises:
        BallastError: `not_found`.
    """
    for one in await list_channels(app, owner_id):
        if one.label == label:
            return one
    raise BallastError(
        ErrorCode.NOT_FOUND,
        "There is no channel of this label.",
        label=label,
    ).advising("ballast notify list shows the channels; ballast notify add makes one.")
