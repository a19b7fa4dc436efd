"""A swap that never resolves is ended by the owner; never one that can still end by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.app.write_off import preview_write_off, write_off
from ballast.core.ids import LOCAL_OWNER
from ballast.devnet.faults import add_fault, clear_faults
from ballast.errors import BallastError
from tests.app import paying
from tests.app.world import USDC

HOUR = timedelta(hours=1)
PAID = "600"


async def stuck(world, kind="success-without-movement", **settings):
    """A rebalance of which the first swap has come to nothing; its progress and that swap."""
    index = await world.funded_index(basket=(("BTC", "50"), ("USDC", "50")))
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    add_fault(world.devnet.network, "submit-intent", kind, settings, count=1)
    await world.run(HOUR)
    clear_faults(world.devnet.network)
    progress = await world.call("get_progress", id=started.rebalance_id)
    return progress, progress.swaps[0]


async def stuck_sale(world, kind="success-without-movement", **settings):
    """As `stuck`, but a sale: it should have brought what deposits bring."""
    index = await world.funded_index(basket=(("BTC", "50"), ("USDC", "50")))
    plan = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    add_fault(world.devnet.network, "submit-intent", kind, settings, count=1)
    await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)
    await world.run(HOUR)
    async with world.app.store.read() as reader:
        rebalance = await reader.active_rebalance(index.index_id)
    progress = await world.call("get_progress", id=rebalance.rebalance_id)
    return progress, progress.swaps[0]


async def deposit_in_attention(world, index_id):
    """A deposit that nobody can tell anything about; then its money comes, and it is not looked at
    until later."""
    deposit = await world.call("deposit_address", index_id=index_id, asset=USDC, amount=PAID)
    add_fault(world.devnet.network, "status", "status-word", {"word": "NEW_WORD"}, count=None)
    await world.run(timedelta(minutes=1))
    assert (await world.call("get_progress", id=deposit.deposit_id)).state == "attention"
    clear_faults(world.devnet.network)
    paying.pay(world, deposit, PAID)
    world.pass_time(timedelta(minutes=1))
    return deposit


async def refused(world, swap_id):
    with pytest.raises(BallastError) as caught:
        await preview_write_off(world.app, LOCAL_OWNER, swap_id)
    return caught.value


async def test_what_is_missing_is_said_before_and_stays_unexplained_after(world):
    progress, swap = await stuck(world)
    assert "ballast write-off" in progress.next_step

    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)
    ended = await write_off(world.app, seen)
    await world.run(HOUR)

    after = await world.call("get_progress", id=progress.id)
    told = await world.call("explain", index_id=progress.index_id)
    assert f"{swap.sell_amount} USDC are missing" in seen.summary
    assert ended.state == "written_off"
    assert (after.state, after.done) == ("failed", True)
    assert "given up" in after.next_step
    assert "swap_written_off" in [one.reason for one in told.decisions]


async def test_what_arrived_below_the_minimum_is_booked_as_what_the_swap_brought(world):
    _, swap = await stuck(world, "below-minimum", percent=10)

    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)
    await write_off(world.app, seen)

    assert "BTC arrived" in seen.summary
    assert seen.missing == 0
    assert await world.verified()


async def test_a_swap_that_has_ended_is_not_ended_again(world):
    _, swap = await stuck(world)
    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)
    await write_off(world.app, seen)

    again = await refused(world, swap.swap_id)

    assert again.code == "invalid_input"
    assert "written_off" in again.message


async def test_a_swap_that_is_still_watched_as_usual_is_left_to_the_engine(world):
    _, swap = await stuck(world, "refunded")

    assert (await refused(world, swap.swap_id)).code == "invalid_input"


async def test_nothing_is_ended_that_is_not_there(world):
    assert (await refused(world, "swp_01KAHX0000000000000000000A")).code == "not_found"


async def test_a_deposit_beside_a_swap_that_needs_attention_is_credited(world):
    progress, swap = await stuck(world)
    deposit = await world.call("deposit_address", index_id=progress.index_id, amount="50")
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)

    await world.run(HOUR)

    assert (await world.call("get_progress", id=deposit.deposit_id)).state == "credited"
    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)
    assert seen.missing == int(swap.sell_amount_units)


async def test_what_was_seen_is_not_booked_once_the_ledger_has_gone_on(world):
    _, swap = await stuck(world)
    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)
    deposit = await world.call("deposit_address", index_id=swap_index(seen), amount="50")
    await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    await world.run(HOUR)

    with pytest.raises(BallastError) as caught:
        await write_off(world.app, seen)

    assert caught.value.code == "plan_stale"


def swap_index(seen):
    return seen.swap.index_id


async def test_money_that_comes_after_all_is_named_as_money_from_outside(world):
    progress, swap = await stuck(world, "stuck", seconds=3 * 3600)
    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)
    await write_off(world.app, seen)

    await world.run(5 * HOUR)

    async with world.app.store.read() as reader:
        kinds = [one.entry.kind for one in await reader.list_entries(progress.index_id)]
    assert kinds[-2:] == ["swap_written_off", "outside_deposit"]


async def test_what_a_deposit_in_attention_has_brought_is_not_the_swaps(world):
    progress, swap = await stuck_sale(world)
    deposit = await deposit_in_attention(world, progress.index_id)

    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)
    await write_off(world.app, seen)
    await world.run(HOUR)

    assert (seen.bought, seen.returned) == (0, 0)
    assert (await world.call("get_progress", id=deposit.deposit_id)).state == "credited"


async def test_what_a_deposit_that_says_nothing_may_have_brought_is_not_the_swaps(world):
    progress, swap = await stuck_sale(world)
    deposit = await deposit_in_attention(world, progress.index_id)
    add_fault(world.devnet.network, "status", "status-word", {"word": "NEW_WORD"}, count=None)

    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)
    await write_off(world.app, seen)
    clear_faults(world.devnet.network)
    await world.run(HOUR)

    assert (seen.bought, seen.missing) == (0, int(swap.sell_amount_units))
    assert (await world.call("get_progress", id=deposit.deposit_id)).state == "credited"


async def test_a_deposit_in_attention_takes_nothing_from_what_the_swap_has_brought(world):
    progress, swap = await stuck_sale(world, "below-minimum", percent=10)
    await deposit_in_attention(world, progress.index_id)

    seen = await preview_write_off(world.app, LOCAL_OWNER, swap.swap_id)

    assert 0 < seen.bought < 600 * 10**6
