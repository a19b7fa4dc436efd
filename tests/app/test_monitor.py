"""What happens by itself, and what does not: every check has its reason."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from ballast.app.engine import Engine
from ballast.app.monitor import look_with_new_prices, watching
from ballast.core.ledger import held
from ballast.core.states import RebalanceState
from ballast.core.trading import Starter
from ballast.devnet.faults import add_fault, clear_faults
from tests.app.world import open_world

FIVE_MINUTES = timedelta(minutes=5)
TRADE = {"auto": "trade"}
SENSITIVE = {"band_relative_percent": "0.01", "cooldown_minutes": 0}
# Another basket than the usual one: most of it has to be traded.
TURNED = [{"asset": "BTC", "percent": 10}, {"asset": "ETH", "percent": 90}]


async def check_of(world, index_id):
    async with world.app.store.read() as reader:
        return await reader.get_check(index_id)


async def decisions_of(world, index_id, limit=50):
    async with world.app.store.read() as reader:
        return [one.reason for one in await reader.list_decisions(index_id, limit)][::-1]


async def rebalances_of(world, index_id):
    async with world.app.store.read() as reader:
        return (await reader.list_rebalances(index_id, 50))[::-1]


async def until_breached(world, index_id, days=200):
    """Go on day by day, unwatched, until an asset is outside its band."""
    for _ in range(days):
        world.pass_time(timedelta(days=1))
        drift = await world.call("get_drift", index_id=index_id)
        if drift.breached:
            return drift
    raise AssertionError("the market is too calm for this test")


async def test_an_index_that_may_trade_is_brought_back_when_a_band_is_left(world):
    index = await world.funded_index(policy=TRADE)
    await world.run(FIVE_MINUTES)
    assert (await check_of(world, index.index_id)).reason == "within_bands"
    drift = await until_breached(world, index.index_id)
    assert drift.would_trade

    await world.run(FIVE_MINUTES)

    last = (await rebalances_of(world, index.index_id))[-1]
    assert (last.started_by, last.state) == (Starter.MONITOR, RebalanceState.COMPLETED)
    assert (await world.call("get_drift", index_id=index.index_id)).breached == []
    assert (await decisions_of(world, index.index_id))[-2:] == ["band_breached", "within_bands"]
    assert await world.verified()


def since_last_pass(world):
    return timedelta(seconds=world.app.clock.now().timestamp()) % FIVE_MINUTES


async def test_prices_that_somebody_asks_for_are_looked_at_before_the_schedule_says_so(world):
    index = await world.funded_index(amount="50000", policy=SENSITIVE)
    await world.run(FIVE_MINUTES)
    # Behind the pass that the schedule has at each fifth minute, with the next one far away.
    await world.run(FIVE_MINUTES - since_last_pass(world) + timedelta(seconds=1))
    await look_with_new_prices(world.app)
    before = await check_of(world, index.index_id)
    world.pass_time(timedelta(minutes=2))
    drift = await world.call("get_drift", index_id=index.index_id)
    await world.engine.run_until_idle()
    untouched = await check_of(world, index.index_id)

    await look_with_new_prices(world.app)
    await world.engine.run_until_idle()

    after = await check_of(world, index.index_id)
    assert drift.breached
    assert untouched.checked_at == before.checked_at
    assert (after.reason, after.checked_at) == ("alerted", world.app.clock.now())
    # The prices that a pass reads itself are none that it has not seen.
    await look_with_new_prices(world.app)
    assert await world.engine.start_due() == 0


async def test_by_default_the_owner_is_told_once_and_nothing_is_traded(world):
    index = await world.funded_index()
    before = await world.call("get_index", index_id=index.index_id)
    drift = await until_breached(world, index.index_id)

    await world.run(timedelta(hours=1))

    assert before.policy.auto == "alert"
    reasons = await decisions_of(world, index.index_id)
    assert reasons.count("alerted") == 1
    assert len(await rebalances_of(world, index.index_id)) == 1
    check = await check_of(world, index.index_id)
    assert check.times > 10
    assert drift.breached[0] in check.summary
    async with world.app.store.read() as reader:
        events = [one for one in await reader.untold_events(1_000) if one.kind == "drift.threshold"]
    assert [one.data["action"] for one in events] == ["alert"]


async def test_checks_that_find_nothing_new_are_counted_not_repeated(world):
    index = await world.funded_index(policy={"auto": "trade", "band_relative_percent": "90"})
    await world.run(timedelta(hours=2))

    check = await check_of(world, index.index_id)

    assert check.reason == "within_bands"
    assert check.times >= 24
    assert (await decisions_of(world, index.index_id)).count("within_bands") == 1
    assert check.checked_at - check.since >= timedelta(minutes=115)
    assert "would leave its band at a price" in check.summary


async def test_shards_are_passed_over_each_by_itself_and_no_index_is_left_out(world, monkeypatch):
    monkeypatch.setattr(watching, "PAGE", 1)
    monkeypatch.setattr(watching, "SHARD", 2)
    calm = {"auto": "trade", "band_relative_percent": "90"}
    made = [await world.funded_index(name, policy=calm) for name in ("A", "B", "C")]
    await world.run(FIVE_MINUTES)
    async with world.app.store.read() as reader:
        first = await reader.get_shard("idx")
        second = await reader.get_shard(first.until)
    kept = [await check_of(world, one.index_id) for one in made]

    await world.run(timedelta(minutes=30))

    counted = [await check_of(world, one.index_id) for one in made]
    assert (first.until, second.until) == (made[1].index_id, None)
    assert [one.reason for one in counted] == ["within_bands"] * 3
    assert [b.times - a.times for a, b in zip(kept, counted, strict=True)] == [6, 6, 6]
    # A pass that finds nothing to look at writes a row of its shard, and none of an index.
    assert [one.facts for one in counted] == [one.facts for one in kept]
    async with world.app.store.read() as reader:
        assert (await reader.get_shard("idx")).passes == first.passes + 6


async def test_what_is_switched_off_is_left_alone(world):
    index = await world.funded_index(policy={"auto": "off"})
    await until_breached(world, index.index_id)
    await world.run(FIVE_MINUTES)

    assert (await check_of(world, index.index_id)).reason == "auto_off"
    assert len(await rebalances_of(world, index.index_id)) == 1


async def test_a_halt_keeps_the_monitor_from_trading_until_it_is_lifted(world):
    index = await world.funded_index(policy=TRADE)
    await until_breached(world, index.index_id)
    await world.call("halt_trading")
    await world.run(timedelta(hours=1))
    halted = await check_of(world, index.index_id)
    async with world.app.store.transaction() as tx:
        await tx.put_meta("trading_halted", "no")

    await world.run(timedelta(minutes=10))

    assert halted.reason == "trading_halted"
    assert (await decisions_of(world, index.index_id)).count("trading_halted") == 1
    assert (await rebalances_of(world, index.index_id))[-1].started_by is Starter.MONITOR


async def test_a_paused_index_is_not_traded_and_says_so(world):
    index = await world.funded_index(policy=TRADE)
    await world.call("pause_index", index_id=index.index_id)
    await until_breached(world, index.index_id)

    await world.run(FIVE_MINUTES)
    assert (await check_of(world, index.index_id)).reason == "index_paused"
    assert len(await rebalances_of(world, index.index_id)) == 1

    await world.call("resume_index", index_id=index.index_id)
    await world.run(FIVE_MINUTES)
    assert (await rebalances_of(world, index.index_id))[-1].started_by is Starter.MONITOR


async def test_a_plan_above_the_cost_gate_is_not_carried_out(world):
    index = await world.funded_index(policy=TRADE)
    gate = {"max_cost_percent": "0.01"}
    await world.call("update_index", index_id=index.index_id, targets=TURNED, policy=gate)
    world.pass_time(timedelta(hours=2))

    await world.run(timedelta(minutes=30))

    check = await check_of(world, index.index_id)
    assert check.reason == "cost_above_limit"
    assert "It would cost $" in check.summary
    assert check.due_at - check.since == timedelta(hours=1)


async def test_a_limit_stops_the_monitor_as_it_stops_a_person(tmp_path):
    async with open_world(tmp_path, limit_swap_usd="2000", limit_day_usd="950") as world:
        index = await world.funded_index(amount="1000", policy=TRADE)
        await world.call("update_index", index_id=index.index_id, targets=TURNED)
        await world.run(timedelta(minutes=190))
        check = await check_of(world, index.index_id)
        async with world.app.store.read() as reader:
            events = [one for one in await reader.untold_events(99) if one.kind == "limit.refused"]

    assert check.reason == "limit_exceeded"
    assert check.facts["limits"][0]["limit"] == "per_day"
    assert check.times == 3
    assert [one.data for one in events] == [{"attempt": "monitor", "limit": "per_day"}]


async def test_quiet_hours_are_waited_out(world):
    index = await world.funded_index(policy=TRADE)
    await until_breached(world, index.index_id)
    now = world.app.clock.now()
    start, end = now - timedelta(hours=1), now + timedelta(hours=2)
    quiet = f"{start:%H:%M}-{end:%H:%M}"
    await world.call("update_index", index_id=index.index_id, policy={"quiet_hours": quiet})

    await world.run(timedelta(minutes=30))
    check = await check_of(world, index.index_id)
    assert check.reason == "quiet_hours"
    assert check.due_at == end.replace(second=0, microsecond=0)

    await world.run(timedelta(hours=2))
    assert (await rebalances_of(world, index.index_id))[-1].started_by is Starter.MONITOR


async def test_dates_that_were_slept_through_are_made_up_once(world):
    policy = {"auto": "trade", "method": "calendar", "schedule": "daily", "cooldown_minutes": 0}
    index = await world.funded_index(policy=policy)
    await world.run(FIVE_MINUTES)
    world.pass_time(timedelta(days=9))

    await world.run(timedelta(hours=1))

    (made_up,) = (await rebalances_of(world, index.index_id))[1:]
    assert made_up.started_by is Starter.MONITOR
    async with world.app.store.read() as reader:
        plan = await reader.get_plan(made_up.owner_id, made_up.plan_id)
    assert plan.reason == "calendar_due"
    check = await check_of(world, index.index_id)
    tomorrow = (world.app.clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    assert (check.reason, check.due_at) == ("not_due", tomorrow.replace(microsecond=0))


async def test_a_liquidated_index_is_not_built_up_again_by_itself(world):
    index = await world.funded_index(policy=TRADE)
    plan = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    gone = await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)
    await world.follow(gone.withdrawal_id)

    await world.run(timedelta(hours=2))

    assert (await check_of(world, index.index_id)).reason == "only_cash"
    assert len(await rebalances_of(world, index.index_id)) == 2


async def test_a_recurring_purchase_spends_its_amount_on_each_date_and_never_sells(world):
    policy = {
        "auto": "off",
        "invest_deposits": False,
        "purchase_usd": "100",
        "purchase_schedule": "0 * * * *",
    }
    index = await world.new_index(policy=policy)
    await world.deposit(index.index_id, "250")

    await world.run(timedelta(hours=4))

    bought = await rebalances_of(world, index.index_id)
    async with world.app.store.read() as reader:
        plans = [await reader.get_plan(one.owner_id, one.plan_id) for one in bought]
    base = index.base_asset.asset_id
    assert [one.started_by for one in bought] == [Starter.MONITOR] * len(bought)
    assert all(leg.sell == base for plan in plans for leg in plan.swaps)
    spent = [Decimal(plan.notional_pico) / 10**12 for plan in plans]
    assert spent[:2] == pytest.approx([Decimal(100), Decimal(100)], abs=Decimal("0.1"))
    # What is left is the base asset's own tenth of the index.
    assert sum(spent) == pytest.approx(Decimal(225), abs=1)
    assert "no_spare_cash" in await decisions_of(world, index.index_id)
    assert await world.verified()


async def test_cash_that_waits_for_its_purchase_is_no_drift(world):
    policy = {"auto": "trade", "purchase_usd": "10", "purchase_schedule": "0 * * * *"}
    index = await world.new_index(policy=policy | {"invest_deposits": False})
    await world.deposit(index.index_id, "500")

    await world.run(timedelta(hours=3))

    async with world.app.store.read() as reader:
        left = held(await reader.balances(index.index_id))[index.base_asset.asset_id]
    assert 469_000_000 < left < 471_000_000
    assert len(await rebalances_of(world, index.index_id)) == 3


async def test_a_frozen_price_is_a_reason_of_its_own_until_it_thaws(world):
    index = await world.funded_index(policy=TRADE)
    add_fault(world.devnet.network, "tokens", "stale-price", {"seconds": 600}, count=None)
    world.pass_time(FIVE_MINUTES)
    await world.run(timedelta(minutes=30))
    frozen = await check_of(world, index.index_id)
    clear_faults(world.devnet.network)
    await world.run(timedelta(minutes=10))

    assert frozen.reason == "price_unavailable"
    assert frozen.times > 3
    assert "last updated" in frozen.facts["assets"][0]["reason"]
    assert (await check_of(world, index.index_id)).reason == "within_bands"


async def test_two_monitors_at_once_start_one_rebalance(world):
    index = await world.funded_index(policy=TRADE)
    await until_breached(world, index.index_id)
    engines = [world.engine, Engine(world.app)]

    for _ in range(6):
        await asyncio.gather(*(one.run_until_idle() for one in engines))
        world.pass_time(timedelta(minutes=1))

    monitors = [
        one
        for one in await rebalances_of(world, index.index_id)
        if one.started_by is Starter.MONITOR
    ]
    assert len(monitors) == 1
    assert await world.verified()
