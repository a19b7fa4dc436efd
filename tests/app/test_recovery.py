"""Lost answers, restarts and a switched-off venue: nothing is lost, nothing happens twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.app.switch import HALTED_KEY
from tests.app.world import open_world

SUBMIT = "/v0/submit-intent"


async def started(world):
    """A rebalance that has been asked for and not been worked on; index, plan, rebalance."""
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    rebalance = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    return index, plan, rebalance


async def test_an_answer_lost_after_the_venue_acted_never_leads_to_a_second_movement(world):
    index, plan, rebalance = await started(world)
    before = world.executed_by(index.account_id)
    world.way.lose_answers += [SUBMIT] * len(plan.swaps)

    ended = await world.follow(rebalance.rebalance_id)

    assert ended.state == "completed"
    assert world.executed_by(index.account_id) - before == len(plan.swaps)
    assert await world.verified()


async def test_a_request_lost_on_the_way_is_sent_again_with_the_same_bytes(world):
    index, plan, rebalance = await started(world)
    before = world.executed_by(index.account_id)
    world.way.lose_requests += [SUBMIT] * len(plan.swaps)

    ended = await world.follow(rebalance.rebalance_id)

    async with world.app.store.read() as reader:
        intents = [await reader.intents_of(one.swap_id) for one in ended.swaps]
    assert ended.state == "completed"
    assert [len(one) for one in intents] == [1] * len(plan.swaps)
    assert world.executed_by(index.account_id) - before == len(plan.swaps)
    assert await world.verified()


async def test_a_venue_that_takes_nothing_until_the_deadline_moves_nothing(world):
    index, _plan, rebalance = await started(world)
    held = {one.asset_id: one.amount_units for one in index.holdings}
    world.way.lose_requests += [SUBMIT] * 1_000

    ended = await world.follow(rebalance.rebalance_id, steps=2_000)

    shown = await world.call("get_index", index_id=index.index_id)
    assert ended.state == "failed"
    assert {one.state for one in ended.swaps} == {"failed"}
    assert {one.asset_id: one.amount_units for one in shown.holdings} == held
    assert await world.verified()


@pytest.mark.parametrize("steps_before", range(0, 14, 2))
async def test_a_process_that_stops_in_the_middle_is_finished_by_the_next_one(
    tmp_path, steps_before
):
    async with open_world(tmp_path) as world:
        index, plan, rebalance = await started(world)
        before = world.executed_by(index.account_id)
        for _ in range(steps_before):
            await world.engine.start_due()
            for task in list(world.engine.running.values()):
                await task
            world.pass_time(timedelta(seconds=0.5))

    async with open_world(tmp_path) as world:
        ended = await world.follow(rebalance.rebalance_id)

        assert ended.state == "completed"
        assert world.executed_by(index.account_id) - before == len(plan.swaps)
        assert await world.verified()


async def test_two_engines_on_one_database_do_not_double_anything(tmp_path):
    async with open_world(tmp_path) as world:
        index, plan, rebalance = await started(world)
        before = world.executed_by(index.account_id)
        async with open_world(tmp_path) as other:
            for _ in range(200):
                await world.engine.start_due()
                await other.engine.start_due()
                for engine in (world.engine, other.engine):
                    for task in list(engine.running.values()):
                        await task
                world.pass_time(timedelta(seconds=1))
        ended = await world.follow(rebalance.rebalance_id)

        assert ended.state == "completed"
        assert world.executed_by(index.account_id) - before == len(plan.swaps)
        assert await world.verified()


async def test_with_the_kill_switch_on_nothing_is_signed_and_looking_goes_on(world):
    index, plan, rebalance = await started(world)
    before = world.executed_by(index.account_id)
    async with world.app.store.transaction() as tx:
        await tx.put_meta(HALTED_KEY, "yes")

    await world.run(timedelta(minutes=5))
    halted = await world.call("get_progress", id=rebalance.rebalance_id)
    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    async with world.app.store.transaction() as tx:
        await tx.put_meta(HALTED_KEY, "no")
    ended = await world.follow(rebalance.rebalance_id)

    assert world.executed_by(index.account_id) - before == len(plan.swaps)
    assert not halted.done
    assert {one.state for one in halted.swaps} <= {"planned", "quoted"}
    assert refusal.code in ("plan_used", "trading_halted")
    assert ended.state == "completed"


async def test_a_paper_payment_asked_for_twice_is_paid_once(world):
    index = await world.new_index()
    deposit = await world.call("deposit_address", index_id=index.index_id, amount="100")

    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    await world.follow(deposit.deposit_id)

    shown = await world.call("get_index", index_id=index.index_id)
    total = sum(float(one.value_usd or 0) for one in shown.holdings)
    assert 95 < total < 101
    assert await world.verified()


async def test_an_open_deposit_address_is_given_again(world):
    index = await world.new_index()

    first = await world.call("deposit_address", index_id=index.index_id, amount="100")
    again = await world.call("deposit_address", index_id=index.index_id, amount="100")
    other = await world.call("deposit_address", index_id=index.index_id, amount="200")

    assert again.address == first.address
    assert other.address != first.address


async def test_a_deposit_that_nobody_pays_expires(world):
    index = await world.new_index()
    deposit = await world.call("deposit_address", index_id=index.index_id, amount="100")

    await world.run(timedelta(hours=25))

    progress = await world.call("get_progress", id=deposit.deposit_id)
    late = await world.refused("send_paper_deposit", deposit_id=deposit.deposit_id)
    assert progress.state == "expired"
    assert progress.done
    assert late.code == "deposit_closed"
    assert await world.verified()


async def test_a_paper_payment_whose_answer_was_lost_is_repeated_without_paying_twice(world):
    index = await world.new_index()
    deposit = await world.call("deposit_address", index_id=index.index_id, amount="100")
    world.way.lose_answers += ["/devnet/send"] * 9

    lost = await world.refused("send_paper_deposit", deposit_id=deposit.deposit_id)
    world.way.lose_answers.clear()
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    done = await world.follow(deposit.deposit_id)
    more = await world.refused("send_paper_deposit", deposit_id=deposit.deposit_id, amount="5")

    assert lost.code == "venue_unavailable"
    assert float(done.credited_amount) < 101
    assert more.code == "deposit_closed"
    assert await world.verified()


async def test_after_a_start_what_was_signed_is_looked_at_before_anything_new_is_signed(tmp_path):
    async with open_world(tmp_path) as world:
        indexes = [await world.funded_index("First"), await world.funded_index("Second")]
        world.pass_time(timedelta(days=200))
        running = await start_target(world, indexes[0])
        while not await in_state(world, running, "published"):
            await world.engine.start_due()
            for task in list(world.engine.running.values()):
                await task
        await start_target(world, indexes[1])

    async with open_world(tmp_path) as world:
        await world.engine.look_first()

        assert "/v0/status" in world.way.seen
        assert "/v0/submit-intent" not in world.way.seen
        assert "/v0/quote" not in world.way.seen


async def start_target(world, index):
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    return await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)


async def in_state(world, rebalance, state):
    progress = await world.call("get_progress", id=rebalance.rebalance_id)
    return all(one.state == state for one in progress.swaps)


@pytest.mark.parametrize("ways", [("relay",), ("oneclick", "relay"), ("relay", "oneclick")])
async def test_an_intent_can_be_published_in_any_of_the_configured_ways(tmp_path, ways):
    async with open_world(tmp_path, publish=ways) as world:
        index = await world.funded_index()

        assert world.executed_by(index.account_id) == 3
        assert ("/relay/rpc" in world.way.seen) == (ways[0] == "relay")
        assert await world.verified()


async def test_when_the_first_way_loses_everything_the_next_carries_the_same_bytes(tmp_path):
    async with open_world(tmp_path, publish=("oneclick", "relay")) as world:
        world.way.lose_requests += [SUBMIT] * 1_000
        index = await world.funded_index()

        assert world.executed_by(index.account_id) == 3
        assert await world.verified()
