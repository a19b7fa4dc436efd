"""The engine outlives whatever goes wrong around it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from ballast.app.engine import Engine
from ballast.app.operation import Caller
from ballast.app.ports import Clock
from ballast.bootstrap import Places
from tests.adapters.test_store_sqlite import tamper


@dataclass
class StumblingClock:
    """Fails at every so many readings, the first one included: a disk that is sick now and then."""

    inner: Clock
    every: int
    readings: int = 0

    def now(self) -> datetime:
        self.readings += 1
        if self.readings % self.every == 1:
            raise OSError("the file cannot be read just now")
        return self.inner.now()

    def real_seconds(self, domain_seconds: float) -> float | None:
        self.readings += 1
        if self.readings % self.every == 1:
            raise OSError("the file cannot be read just now")
        return self.inner.real_seconds(domain_seconds)


async def test_an_engine_that_stumbles_at_any_point_goes_on_and_doubles_nothing(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    before = world.executed_by(index.account_id)
    world.devnet.clock.set_speed(Decimal(20))
    clock = StumblingClock(world.app.clock, every=13)

    engine = asyncio.create_task(Engine(replace(world.app, clock=clock)).run())
    async with asyncio.timeout(120):
        while not (ended := await world.call("get_progress", id=started.rebalance_id)).done:
            assert not engine.done(), engine
            await asyncio.sleep(0.05)
    engine.cancel()
    with suppress(asyncio.CancelledError):
        await engine

    assert ended.state == "completed"
    assert world.executed_by(index.account_id) - before == len(plan.swaps)
    assert clock.readings > 50
    assert await world.verified()


async def due(world, limit):
    async with world.app.store.read() as reader:
        return await reader.due_rows(world.app.clock.now(), limit)


async def test_an_index_with_a_hundred_due_rows_does_not_keep_the_others_waiting(world):
    busy = await world.new_index("Busy")
    for amount in range(100, 200):
        await world.call("deposit_address", index_id=busy.index_id, amount=str(amount))
    world.pass_time(timedelta(seconds=30))
    mine = await world.new_index("Mine")
    await world.call("deposit_address", index_id=mine.index_id, amount="100")
    world.caller = Caller(owner_id="own_other")
    theirs = await world.new_index("Theirs")
    await world.call("deposit_address", index_id=theirs.index_id, amount="100")
    world.pass_time(timedelta(seconds=30))

    first = [row for row in await due(world, 5) if row.index_id]

    assert len(await due(world, 1_000)) >= 102
    assert {row.index_id for row in first} == {busy.index_id, mine.index_id, theirs.index_id}


async def test_a_row_that_fails_again_and_again_is_left_alone_longer_and_not_tried_by_a_restart(
    world,
):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    world.way.lose_requests += ["/v0/quote"] * 1_000
    await world.run(timedelta(seconds=40))
    asked = world.way.seen.count("/v0/quote")

    world.engine = Engine(world.app)
    await world.engine.run_until_idle()
    after_restart = world.way.seen.count("/v0/quote")
    world.pass_time(timedelta(minutes=2))
    await world.engine.run_until_idle()

    assert asked > len(plan.swaps)
    assert after_restart == asked
    assert world.way.seen.count("/v0/quote") > asked


async def test_a_step_that_nobody_ever_answers_is_cut_off_and_tried_again(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    before = world.executed_by(index.account_id)
    world.way.never_answered.add("/v0/submit-intent")
    world.engine.step_limit = 0.2
    async with asyncio.timeout(120):
        while world.app.engine.failed_steps < len(plan.swaps):
            await world.engine.run_until_idle()
            world.pass_time(timedelta(seconds=1))

    world.way.never_answered.clear()
    world.engine.step_limit = 60
    ended = await world.follow(started.rebalance_id)

    assert ended.state == "completed"
    assert world.executed_by(index.account_id) - before == len(plan.swaps)
    assert await world.verified()


async def test_books_that_are_not_whole_halt_trading_before_anything_is_signed(world, tmp_path):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    before = world.executed_by(index.account_id)
    tamper(
        Places(tmp_path / "paper").database,
        "UPDATE postings SET units = units || '0' WHERE account = 'available'",
    )

    engine = asyncio.create_task(Engine(world.app).run())
    async with asyncio.timeout(60):
        while (await world.call("get_status")).trading != "halted":
            assert not engine.done(), engine
            await asyncio.sleep(0.05)
    # More than enough to sign, were it not halted.
    await asyncio.wait([engine], timeout=1)
    engine.cancel()
    await asyncio.wait([engine])

    assert world.executed_by(index.account_id) == before
