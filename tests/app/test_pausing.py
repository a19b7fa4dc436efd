"""Pausing an index while something runs: what is signed goes on, all else waits or is given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.app.destinations import add_destination
from ballast.core.ids import LOCAL_OWNER
from tests.app.world import USDC, World

HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SIGNED = {"signed", "published"}


async def started(world: World):
    """An index far from its targets, and a rebalance of several swaps that has just begun."""
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    assert len(plan.swaps) > 1
    running = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    return index, running.rebalance_id


async def step_all(world: World) -> None:
    await world.engine.start_due()
    for task in list(world.engine.running.values()):
        await task


async def until_a_swap_is(world: World, handle: str, state: str):
    """Step one swap alone, until it is in this state; the others are planned still."""
    for _ in range(200):
        progress = await world.call("get_progress", id=handle)
        first = progress.swaps[0]
        if first.state == state:
            return progress
        async with world.app.store.read() as reader:
            due = await reader.due_rows(world.app.clock.now(), 100)
        mine = [row for row in due if row.row_id == first.swap_id]
        for row in mine:
            await world.engine._step(row)
        if not mine:
            world.pass_time(timedelta(seconds=1))
    raise AssertionError(f"no swap became {state}")


@pytest.mark.parametrize("state", ["planned", "quoted", "signed", "published", "settled"])
async def test_paused_while_a_swap_is_in_any_state_it_waits_and_then_goes_on(world, state):
    index, handle = await started(world)
    before = await until_a_swap_is(world, handle, state)
    executed = world.executed_by(index.account_id)
    signed = sum(one.state in SIGNED for one in before.swaps)

    paused = await world.call("pause_index", index_id=index.index_id)
    await world.run(timedelta(minutes=2))
    waiting = await world.call("get_progress", id=handle)
    resumed = await world.call("resume_index", index_id=index.index_id)
    ended = await world.follow(handle)

    assert paused.state == "paused"
    assert handle in paused.next_step
    assert waiting.state == "halted"
    assert not waiting.done
    assert "resume_index" in waiting.next_step
    assert {one.state for one in waiting.swaps} <= {"planned", "quoted", "settled"}
    assert sum(one.state == "settled" for one in waiting.swaps) <= signed + sum(
        one.state == "settled" for one in before.swaps
    )
    assert handle in resumed.next_step
    assert ended.state == "completed"
    assert world.executed_by(index.account_id) > executed
    assert await world.verified()


@pytest.mark.parametrize("state", ["planned", "quoted", "signed", "published", "settled"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_given_up_while_a_swap_is_in_any_state_only_what_was_signed_is_done(
    world, state, at_once
):
    index, handle = await started(world)
    before = await until_a_swap_is(world, handle, state)
    if not at_once:
        await world.call("pause_index", index_id=index.index_id)
        await world.run(timedelta(minutes=2))

    await world.call("pause_index", index_id=index.index_id, cancel=True)
    ended = await world.follow(handle)
    told = await world.call("explain", index_id=index.index_id, rebalance_id=handle)

    was_signed = {one.swap_id for one in before.swaps if one.state in SIGNED | {"settled"}}
    assert ended.state == "cancelled"
    assert {one.swap_id for one in ended.swaps if one.state == "settled"} == was_signed
    assert {one.swap_id for one in ended.swaps if one.state == "failed"} == {
        one.swap_id for one in before.swaps
    } - was_signed
    assert "Cancelled by the owner" in ended.problem
    assert "rebalance_cancelled" in {one.reason for one in told.decisions}
    assert await world.verified()

    await world.call("resume_index", index_id=index.index_id)
    again = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    assert again.swaps


async def withdrawing(world: World, **what: str):
    """An index with some cash, and a withdrawal that has just begun."""
    index = await world.funded_index()
    await world.call("pause_index", index_id=index.index_id)
    await world.deposit(index.index_id, "100")
    await world.call("resume_index", index_id=index.index_id)
    await add_destination(world.app, LOCAL_OWNER, "home", "eth", HOME, None)
    plan = await world.call(
        "preview_withdrawal", index_id=index.index_id, destination="home", **what
    )
    running = await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)
    return index, running.withdrawal_id


@pytest.mark.parametrize("state", ["planned", "published", "settled"])
async def test_a_withdrawal_given_up_during_its_sales_sends_nothing_and_keeps_the_cash(
    world, state
):
    index, handle = await withdrawing(world, share_percent="80")
    before = await until_a_swap_is(world, handle, state)

    await world.call("pause_index", index_id=index.index_id, cancel=True)
    await world.run(timedelta(minutes=30))
    ended = await world.call("get_progress", id=handle)

    assert ended.state == "failed"
    assert "kept as cash" in ended.problem
    assert all(one.purpose == "swap" for one in ended.swaps)
    sold = [one for one in before.swaps if one.state not in ("planned", "quoted")]
    assert sum(one.state == "settled" for one in ended.swaps) == len(sold)
    assert await world.verified()


async def test_a_withdrawal_paused_after_its_sales_pays_out_when_it_is_resumed(world):
    index, handle = await withdrawing(world, share_percent="80")
    while True:
        before = await world.call("get_progress", id=handle)
        if all(one.state == "published" for one in before.swaps):
            break
        await step_all(world)
    await world.call("pause_index", index_id=index.index_id)
    await world.run(timedelta(minutes=30))
    waiting = await world.call("get_progress", id=handle)

    await world.call("resume_index", index_id=index.index_id)
    ended = await world.follow(handle)

    assert {(one.purpose, one.state) for one in waiting.swaps} == {("swap", "settled")}
    assert waiting.state == "selling"
    assert "resume_index" in waiting.next_step
    assert ended.state == "sent"
    assert await world.verified()


async def test_a_payout_that_is_signed_is_not_stopped_by_pausing(world):
    index, handle = await withdrawing(world, amount="20")
    await until_a_swap_is(world, handle, "signed")

    paused = await world.call("pause_index", index_id=index.index_id, cancel=True)
    ended = await world.follow(handle)

    assert "1 signed and going on to the end" in paused.next_step
    assert ended.state == "sent"
    assert await world.verified()


async def test_money_may_leave_an_index_that_is_paused(world):
    index = await world.funded_index()
    await world.call("pause_index", index_id=index.index_id)
    await add_destination(world.app, LOCAL_OWNER, "home", "eth", HOME, None)
    plan = await world.call(
        "preview_withdrawal", index_id=index.index_id, amount="20", destination="home"
    )

    running = await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)

    assert (await world.follow(running.withdrawal_id)).state == "sent"


async def test_under_the_kill_switch_progress_says_who_lifts_it_and_what_waits_can_be_given_up(
    world,
):
    index, handle = await started(world)
    await world.call("halt_trading")
    await world.run(timedelta(minutes=1))
    stopped = await world.call("get_progress", id=handle)

    await world.call("pause_index", index_id=index.index_id, cancel=True)
    ended = await world.follow(handle)
    shown = await world.call("get_index", index_id=index.index_id)

    assert "ballast resume" in stopped.next_step
    assert ended.state == "cancelled"
    assert {one.state for one in ended.swaps} == {"failed"}
    assert any(one.asset_id == USDC and one.amount_units != "0" for one in shown.holdings)
    assert await world.verified()
