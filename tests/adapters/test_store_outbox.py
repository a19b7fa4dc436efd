"""What is told to others, as the store keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ballast.app.ports import StateMovedError
from ballast.core.events import EventKind
from ballast.core.notifications import NoticeState
from ballast.core.webhooks import delivered
from ballast.errors import BallastError
from tests.adapters import store_rows as a
from tests.adapters.limit_rows import template


async def test_events_come_back_as_they_were_in_the_order_of_their_stream(store):
    second = a.event(2, kind=EventKind.INDEX_PAUSED)
    about_none = a.event(3, sequence=1, index_id=None, stream=a.OWNER)
    async with store.transaction() as tx:
        await a.add_ground(tx)
        for one in (second, a.event(1), about_none):
            await tx.add_event(one)

    async with store.read() as reader:
        assert await reader.untold_events(10) == [a.event(1), second, about_none]
        assert await reader.untold_events(1) == [a.event(1)]
        assert await reader.last_event_sequence(a.INDEX) == 2
        assert await reader.last_event_sequence("idx_9") == 0


async def test_two_events_never_have_one_place(store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_event(a.event(1))

    with pytest.raises(BallastError):
        await _add(store, a.event(2, sequence=1))


async def test_an_event_belongs_to_the_owner_of_its_index(store):
    async with store.transaction() as tx:
        await a.add_ground(tx)

    with pytest.raises(BallastError):
        await _add(store, a.event(1, owner_id="own_other"))


async def test_whether_the_same_was_said_lately(store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_event(a.event(1))
    said = (a.INDEX, EventKind.INDEX_CREATED, a.event().data)

    async with store.read() as reader:
        assert await reader.event_since(*said, a.NOON - timedelta(seconds=1))
        assert not await reader.event_since(*said, a.NOON)
        other = {**a.event().data, "name": "other"}
        assert not await reader.event_since(*said[:2], other, a.NOON - timedelta(days=1))


async def in_order(store, count):
    """So many events of one index and a webhook's deliveries of them, none of them due."""
    events = [a.event(number) for number in range(1, count + 1)]
    made = [
        replace(a.delivery(one), delivery_id=f"dlv_{one.sequence}", due_at=None) for one in events
    ]
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_webhook(a.webhook())
        for one in events:
            await tx.add_event(one)
        await tx.add_deliveries(made)
        await tx.add_deliveries(made)
    return made


async def due(store, each=9):
    async with store.read() as reader:
        return [one.delivery_id for one in await reader.due_deliveries(a.NOON, each, 9)]


async def test_of_a_stream_the_first_pending_delivery_alone_is_woken(store):
    first, second, _ = await in_order(store, 3)
    places = [(first.webhook_id, first.stream)]
    async with store.transaction() as tx:
        await tx.wake_deliveries(places, a.NOON)
        await tx.wake_deliveries(places, a.NOON)
    woken = await due(store)
    taken = delivered(replace(first, due_at=a.NOON), 200, a.NOON)
    async with store.transaction() as tx:
        await tx.save_delivery(taken, was=first)
        await tx.wake_deliveries(places, a.NOON)

    assert woken == [first.delivery_id]
    assert await due(store) == [second.delivery_id]


async def test_what_was_buried_comes_back_in_order(store):
    made = await in_order(store, 3)
    async with store.transaction() as tx:
        await tx.bury_deliveries("whk_1", "The webhook was paused.", a.NOON)
        letters = await tx.dead_letters(a.OWNER)
        revived = await tx.revive_deliveries("whk_1", a.NOON)

    assert letters == {"whk_1": 3}
    assert revived == 3
    assert await due(store) == [made[0].delivery_id]


async def test_a_delivery_that_another_process_took_is_not_taken_again(store):
    (mine,) = await in_order(store, 1)
    claimed = replace(mine, attempts=1, due_at=a.after(60))
    async with store.transaction() as tx:
        await tx.save_delivery(claimed, was=mine)

    with pytest.raises(StateMovedError):
        await _claim(store, claimed, mine)


async def _claim(store, claimed, mine):
    async with store.transaction() as tx:
        await tx.save_delivery(claimed, was=mine)


async def test_one_webhook_does_not_fill_the_line_of_what_is_due(store):
    await in_order(store, 1)
    async with store.transaction() as tx:
        for number in range(2, 6):
            event = a.event(number, event_id=f"evt_o{number}", index_id=None, stream=f"s{number}")
            await tx.add_event(event)
            late = replace(a.delivery(event), delivery_id=f"dlv_o{number}")
            await tx.add_deliveries([late])

    assert len(await due(store, each=9)) == 4
    assert len(await due(store, each=2)) == 2


async def test_channels_and_what_waits_for_them(store):
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_event(a.event())
        await tx.add_channel(a.channel())
        nothing_waits = await tx.due_channels(a.NOON, 9)
        await tx.add_notices([a.notice(a.event())])
        await tx.add_notices([a.notice(a.event())])
        waiting = await tx.due_channels(a.NOON, 9)
        too_early = await tx.due_channels(a.after(-1), 9)
        sent = a.notice(a.event(), state=NoticeState.SENT, ended_at=a.NOON)
        await tx.end_notices([sent])
        after = await tx.due_channels(a.NOON, 9)
        history = await tx.list_notices(a.OWNER, 9)
        await tx.remove_channel(a.channel(), a.NOON)
        there = await tx.list_channels(a.OWNER)
        await tx.add_channel(a.channel(channel_id="chn_2"))

    assert nothing_waits == too_early == after == there == []
    assert waiting == [a.channel()]
    assert history == [sent]
    async with store.read() as reader:
        assert [one.channel_id for one in await reader.all_channels(a.OWNER)] == ["chn_1", "chn_2"]


async def test_of_an_owners_words_for_an_event_the_last_count(store):
    other, changed = template(subject="info"), template(title="", updated_at=a.after(1))
    of_one = template(channel_id="chn_1", text="there")
    async with store.transaction() as tx:
        for one in (other, template(), of_one, template(owner_id="own_other"), changed):
            await tx.put_template(one)

    async with store.read() as reader:
        assert await reader.list_templates(a.OWNER) == [changed, of_one, other]


async def test_the_words_for_a_channel_are_forgotten_with_it(store):
    async with store.transaction() as tx:
        for channel_id in ("chn_1", "chn_2"):
            await tx.add_channel(a.channel(channel_id=channel_id, label=channel_id))
        for channel_id in ("", "chn_1", "chn_2"):
            await tx.put_template(template(channel_id=channel_id))
        await tx.remove_channel(a.channel(), a.NOON)

    async with store.read() as reader:
        assert [one.channel_id for one in await reader.list_templates(a.OWNER)] == ["", "chn_2"]


async def _add(store, event):
    async with store.transaction() as tx:
        await tx.add_event(event)
