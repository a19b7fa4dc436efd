from __future__ import annotations

import asyncio
from contextlib import suppress

from ballast.app.until_cancelled import goes_on
from ballast.app.webhooks.courier import Courier


async def loses_its_cancellation() -> int:
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    return 1


class Losing(Courier):
    """One whose pass ends as if nothing had been cancelled."""

    async def start_due(self) -> int:
        return await loses_its_cancellation()


async def ends_when_cancelled(task: asyncio.Task[None]) -> bool:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=60)
    return task in done


async def test_a_loop_ends_although_what_it_awaits_has_lost_the_cancellation():
    async def loop() -> None:
        while goes_on():
            await loses_its_cancellation()

    assert await ends_when_cancelled(asyncio.create_task(loop()))


async def test_the_courier_ends_although_its_pass_has_lost_the_cancellation(world):
    assert await ends_when_cancelled(asyncio.create_task(Losing(world.app).run()))
