"""A command that ends tells what came up by it, and breaks nothing off in the middle."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ballast.app.webhooks.courier import Courier, see_off
from tests.app.receiving import new_webhook, receiving
from tests.app.world import open_world


async def deliveries(world, made):
    page = await world.call("list_webhook_deliveries", webhook_id=made.webhook_id)
    return [(one.event, one.state) for one in page.deliveries]


async def test_a_message_that_is_being_sent_when_the_courier_ends_gets_to_its_end(tmp_path):
    async with open_world(tmp_path, webhook_loopback=True) as world, receiving() as receiver:
        made = await new_webhook(world, receiver)
        receiver.hang = True
        await world.new_index()
        courier = Courier(world.app, grace=60)
        carrying = asyncio.create_task(courier.run())
        async with asyncio.timeout(60):
            await receiver.asked.wait()
        carrying.cancel()
        asyncio.get_running_loop().call_soon(receiver.over.set)
        with suppress(asyncio.CancelledError):
            await carrying

        assert await deliveries(world, made) == [("index.created", "delivered")]


async def test_what_came_up_is_told_before_a_command_ends(tmp_path):
    async with open_world(tmp_path, webhook_loopback=True) as world, receiving() as receiver:
        made = await new_webhook(world, receiver)
        index = await world.new_index()
        await world.call("update_index", index_id=index.index_id, name="Other")

        await see_off(world.app, seconds=60)

        assert receiver.kinds == ["index.created", "index.updated"]
        assert {state for _, state in await deliveries(world, made)} == {"delivered"}


async def test_nobody_waits_for_long_for_a_receiver_that_hangs(tmp_path):
    async with open_world(tmp_path, webhook_loopback=True) as world, receiving() as receiver:
        made = await new_webhook(world, receiver)
        receiver.hang = True
        await world.new_index()

        await see_off(world.app, seconds=0.5, grace=0)

        assert not receiver.over.is_set()
        listed = await deliveries(world, made)
        assert [state for _, state in listed] in ([], ["pending"]), "handed on in time, or not"


async def test_where_nothing_came_up_nobody_is_waited_for(tmp_path):
    async with open_world(tmp_path, webhook_loopback=True) as world, receiving() as receiver:
        made = await new_webhook(world, receiver)
        await world.new_index()
    async with open_world(tmp_path, webhook_loopback=True) as world:
        await world.call("list_indexes")

        await see_off(world.app, seconds=60)

        assert await deliveries(world, made) == []
