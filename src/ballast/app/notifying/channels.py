"""Where a person is told. Kept at a terminal and nowhere else: an address holds tokens, and what
sends messages can reach any place its address names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.master_key import require_present_master_key
from ballast.app.notifying.addresses import open_address, seal_address
from ballast.app.notifying.labels import channel_named
from ballast.app.notifying.templates import Preview
from ballast.app.operation import Caller
from ballast.core.events import Event, Level
from ballast.core.ids import IdKind
from ballast.core.index import check_name
from ballast.core.notifications import Channel, Notice
from ballast.errors import BallastError, ErrorCode

TEST: Final = Preview("Ballast: a test", "This channel works.", Level.INFO)


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the history: an event, the channel it was for, and what became of it."""

    label: str
    event: Event
    notice: Notice


async def require_channels(app: App, label: str) -> None:
    """Check what can be checked before anybody is asked for an address.

    Raises:
        BallastError: `settings_invalid` without the extra, `invalid_input` for the label.
    """
    app.notifier.require()
    check_name(label)


async def add_channel(app: App, caller: Caller, label: str, address: str, level: Level) -> Channel:
    """Keep a channel, after a test message went through.

    Raises:
        BallastError: `invalid_input` for the label or the address, `settings_invalid` without the
            extra, `receiver_failed` when the test did not go through, `name_taken`.
    """
    service, now = app.notifier.service_of(address), app.wall.now()
    name = check_name(label)
    channel_id = app.ids.new(IdKind.CHANNEL)
    channel = Channel(
        channel_id=channel_id,
        owner_id=caller.owner_id,
        label=name,
        service=service,
        address=seal_address(app, channel_id, address),
        level=level,
        next_at=now,
        problem="",
        created_at=now,
        removed_at=None,
    )
    await _test(app, address, TEST)
    async with app.store.transaction() as tx:
        await require_present_master_key(tx, channel.sealed_under)
        await tx.add_channel(channel)
        await audit(app, tx, caller, "notify_add", channel_id)
    return channel


async def remove_channel(app: App, caller: Caller, label: str) -> Channel:
    """Tell nothing more there; the address is forgotten.

    Raises:
        BallastError: `not_found`.
    """
    channel = await channel_named(app, caller.owner_id, label)
    async with app.store.transaction() as tx:
        await tx.remove_channel(channel, app.wall.now())
        await audit(app, tx, caller, "notify_remove", channel.channel_id)
    return channel


async def test_channel(app: App, owner_id: str, label: str, message: Preview) -> Channel:
    """Send a test message.

    Args:
        message: what is sent; of an event, to see it in the owner's words.

    Raises:
        BallastError: `not_found`, `receiver_failed`, `keys_unavailable`.
    """
    channel = await channel_named(app, owner_id, label)
    await _test(app, open_address(app, channel), message)
    return channel


async def notified(app: App, owner_id: str, limit: int) -> list[Told]:
    """What was told where, newest first."""
    async with app.store.read() as reader:
        labels = {one.channel_id: one.label for one in await reader.all_channels(owner_id)}
        found = await reader.list_notices(owner_id, limit)
        lines = []
        for notice in found:
            event = await reader.get_event(owner_id, notice.event_id)
            assert event is not None, "a notice has an event"
            lines.append(Told(labels[notice.channel_id], event, notice))
    return lines


async def _test(app: App, address: str, message: Preview) -> None:
    problem = await app.notifier.send(address, message.title, message.text, message.level)
    if problem:
        raise BallastError(
            ErrorCode.RECEIVER_FAILED, f"The test message was not sent: {problem}.", problem=problem
        ).advising(
            "Check the channel's URL (its tokens, its room or number) and whether the service "
            "is reached from here, and call again."
        )
