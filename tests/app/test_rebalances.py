"""From a deposit to a rebalance that has ended, and every way to ask for it wrongly."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from ballast.core.wording import shortened
from tests.app.world import USDC


def units(view):
    return {one.asset_id: int(one.amount_units) for one in view.holdings}


async def drifted(world, **more):
    """A funded index whose market has moved for half a year."""
    index = await world.funded_index(**more)
    world.pass_time(timedelta(days=200))
    return index


async def preview(world, index, **more):
    return await world.call("preview_rebalance", index_id=index.index_id, **more)


async def start(world, index, plan):
    return await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)


async def test_a_deposit_is_credited_and_invested_by_buying_only(world):
    index = await world.new_index()
    credited = await world.deposit(index.index_id, "1000")
    invested = await world.follow(credited.follow_up_id)

    assert credited.state == "credited"
    assert invested.kind == "construct"
    assert invested.state == "completed"
    assert {one.sell for one in invested.swaps} == {"USDC"}
    shown = await world.call("get_index", index_id=index.index_id)
    weights = {one.symbol: Decimal(one.weight_percent) for one in shown.holdings}
    assert abs(weights["BTC"] - 40) < 1
    assert abs(weights["USDC"] - 10) < 1
    assert await world.verified()


async def test_a_second_deposit_never_sells_anything_but_the_cash(world):
    index = await drifted(world)
    before = units(index)

    credited = await world.deposit(index.index_id, "50")
    invested = await world.follow(credited.follow_up_id)

    after = units(await world.call("get_index", index_id=index.index_id))
    assert invested.kind == "invest"
    assert {one.sell_asset_id for one in invested.swaps} == {USDC}
    assert all(after[asset] >= held for asset, held in before.items() if asset != USDC)
    assert await world.verified()


async def test_a_paused_index_keeps_a_deposit_as_cash_and_says_why(world):
    index = await world.funded_index()
    await world.call("pause_index", index_id=index.index_id)

    credited = await world.deposit(index.index_id, "500")
    told = await world.call("explain", index_id=index.index_id)

    assert credited.follow_up_id is None
    assert "kept" in told.decisions[0].reason
    assert await world.verified()


async def test_a_rebalance_brings_every_asset_to_its_target(world):
    index = await drifted(world)
    plan = await preview(world, index, destination="target")

    started = await start(world, index, plan)
    ended = await world.follow(started.rebalance_id)

    drift = await world.call("get_drift", index_id=index.index_id)
    assert f"get_progress with id={ended.id} " in started.next_step
    assert ended.state == "completed"
    assert Decimal(drift.max_drift_percent) < Decimal("0.5")
    assert await world.verified()


async def test_the_policy_moves_only_what_has_left_its_band(world):
    index = await drifted(world)
    before = await world.call("get_drift", index_id=index.index_id)
    outside = {one.symbol for one in before.assets if one.breached}

    plan = await preview(world, index)

    assert outside
    assert plan.reason == "band_breached"
    sold, bought = {one.sell for one in plan.swaps}, {one.buy for one in plan.swaps}
    assert not sold & bought
    ended = await world.follow((await start(world, index, plan)).rebalance_id)
    after = await world.call("get_drift", index_id=index.index_id)
    assert ended.state == "completed"
    assert after.breached == []


async def test_what_arrives_is_never_less_than_the_plan_allowed(world):
    index = await drifted(world)
    plan = await preview(world, index, destination="target")
    ended = await world.follow((await start(world, index, plan)).rebalance_id)

    floors = {one.buy_asset_id: int(one.minimum_amount_units) for one in plan.swaps}
    assert all(int(one.buy_amount_units) >= floors[one.buy_asset_id] for one in ended.swaps)


async def test_nothing_outside_its_band_means_a_plan_with_nothing_to_do(world):
    index = await world.funded_index()

    plan = await preview(world, index)
    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)

    assert plan.swaps == []
    assert plan.reason == "within_bands"
    assert refusal.code == "nothing_to_do"


async def test_a_plan_is_used_once_and_the_refusal_names_its_rebalance(world):
    index = await drifted(world)
    plan = await preview(world, index, destination="target")
    first = await start(world, index, plan)
    await world.follow(first.rebalance_id)
    executed = world.executed_by(index.account_id)

    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    await world.run(timedelta(minutes=1))

    assert refusal.code == "plan_used"
    assert refusal.details["rebalance_id"] == first.rebalance_id
    assert world.executed_by(index.account_id) == executed


async def test_repeating_a_start_with_its_request_id_starts_nothing_twice(world):
    index = await drifted(world)
    plan = await preview(world, index, destination="target")
    arguments = {"index_id": index.index_id, "plan_id": plan.plan_id, "request_id": "go-1"}

    first = await world.call("rebalance_index", **arguments)
    again = await world.call("rebalance_index", **arguments)
    await world.follow(first.rebalance_id)

    history = await world.call("trade_history", index_id=index.index_id)
    assert again == first
    assert len([s for s in history.swaps if s.rebalance_id == first.rebalance_id]) == len(
        plan.swaps
    )


async def test_a_plan_expires(world):
    index = await drifted(world)
    plan = await preview(world, index, destination="target")
    world.pass_time(timedelta(minutes=6))

    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)

    assert refusal.code == "plan_expired"


async def test_a_plan_belongs_to_its_index(world):
    index = await drifted(world)
    other = await world.funded_index("Other")
    plan = await preview(world, index, destination="target")

    refusal = await world.refused("rebalance_index", index_id=other.index_id, plan_id=plan.plan_id)

    assert refusal.code == "plan_mismatch"


async def test_a_plan_is_stale_once_the_index_has_changed(world):
    index = await drifted(world)
    plan = await preview(world, index, destination="target")
    await world.call("update_index", index_id=index.index_id, buffer_percent=2)

    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)

    assert refusal.code == "plan_stale"


async def test_a_second_rebalance_is_refused_while_one_runs(world):
    index = await drifted(world)
    first, second = (
        await preview(world, index, destination="target"),
        await preview(world, index, destination="target"),
    )
    running = await start(world, index, first)

    refusal = await world.refused(
        "rebalance_index", index_id=index.index_id, plan_id=second.plan_id
    )
    previewing = await world.refused("preview_rebalance", index_id=index.index_id)

    assert refusal.code == previewing.code == "rebalance_running"
    assert refusal.details["rebalance_id"] == running.rebalance_id
    assert (await world.follow(running.rebalance_id)).state == "completed"


async def test_a_paused_index_neither_previews_nor_trades(world):
    index = await drifted(world)
    plan = await preview(world, index, destination="target")
    await world.call("pause_index", index_id=index.index_id)

    previewing = await world.refused("preview_rebalance", index_id=index.index_id)
    trading = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)

    assert previewing.code == "index_paused"
    assert trading.code in ("index_paused", "plan_stale")


async def test_explain_tells_the_reason_the_drift_and_each_swap(world):
    index = await drifted(world)
    plan = await preview(world, index)
    started = await start(world, index, plan)
    await world.follow(started.rebalance_id)

    told = await world.call("explain", index_id=index.index_id)

    assert told.rebalance_id == started.rebalance_id
    assert "had left its band" in told.answer
    assert all(shortened(one.sell_amount) in told.answer for one in plan.swaps)
    assert told.decisions[0].facts["prices"]


async def test_history_pages_through_all_swaps_newest_first(world):
    index = await drifted(world)
    plan = await preview(world, index, destination="target")
    await world.follow((await start(world, index, plan)).rebalance_id)

    whole = await world.call("trade_history", index_id=index.index_id, limit=100)
    pages, cursor = [], None
    while True:
        page = await world.call("trade_history", index_id=index.index_id, limit=2, cursor=cursor)
        pages += page.swaps
        cursor = page.next_cursor
        if cursor is None:
            break

    assert pages == whole.swaps
    assert len(pages) > 4
    only = await world.call("trade_history", index_id=index.index_id, asset="SOL", state="settled")
    assert {("SOL" in (one.sell, one.buy)) for one in only.swaps} == {True}


async def test_a_limit_refuses_the_whole_rebalance_before_anything_is_reserved(world):
    from dataclasses import replace

    from ballast.core.limits import Limits
    from ballast.core.money import PICO

    world.app.default_limits = replace(Limits(), max_swap_pico=50 * PICO)
    index = await world.new_index()

    credited = await world.deposit(index.index_id, "1000")

    told = await world.call("explain", index_id=index.index_id)
    assert credited.state == "credited"
    assert told.decisions[0].reason == "limit_exceeded"
    assert await world.verified()
