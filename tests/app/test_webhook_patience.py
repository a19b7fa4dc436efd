"""Telling others costs a trade nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from ballast.adapters.http import ReceiverLimits, ReceiverPoster
from ballast.adapters.webhooks import HttpReceivers
from ballast.app.webhooks.courier import CONCURRENCY, Courier
from tests.app.receiving import receiving
from tests.app.world import open_world


async def test_a_rebalance_ends_while_a_hundred_webhooks_hang(tmp_path):
    async with open_world(tmp_path, webhook_loopback=True) as world, receiving() as receiver:
        patient = ReceiverPoster(loopback=True, limits=ReceiverLimits(total_seconds=300))
        world.app.receivers = HttpReceivers(patient)
        index = await world.funded_index()
        for _ in range(100):
            await world.call("create_webhook", url=receiver.url)
        receiver.hang = True
        await world.call("update_index", index_id=index.index_id, name="Told of")
        courier = Courier(world.app, grace=0)
        while len(courier.running) < CONCURRENCY:
            assert await courier.start_due()
        carrying = asyncio.create_task(courier.run())
        world.pass_time(timedelta(days=200))
        plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
        started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
        ended = await world.follow(started.rebalance_id)
        still_hanging = len(courier.running)
        carrying.cancel()
        with suppress(asyncio.CancelledError):
            await carrying
        await patient.close()

        assert ended.state == "completed"
        assert still_hanging == CONCURRENCY
        assert receiver.got[100:] == []
        assert await world.verified()
