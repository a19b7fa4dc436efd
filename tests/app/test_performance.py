"""How an index has done, whatever was paid in and out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest


async def test_a_deposit_is_no_gain(world):
    index = await world.funded_index(amount="1000")
    await world.run(timedelta(minutes=61))
    before = await world.call("get_performance", index_id=index.index_id)
    await world.deposit(index.index_id, "9000")
    await world.run(timedelta(minutes=2))
    after = await world.call("get_performance", index_id=index.index_id)

    (gained,) = [one.percent for one in after.returns if one.window == "inception"]
    assert abs(Decimal(before.gain_usd)) < 10
    assert Decimal(after.paid_in_usd) == pytest.approx(Decimal(10_000), rel=Decimal("0.01"))
    assert abs(Decimal(gained)) < 2
    gain = Decimal(after.value_usd) - Decimal(after.paid_in_usd)
    assert abs(Decimal(after.gain_usd) - gain) <= Decimal("0.01")
    assert after.since < after.as_of


async def test_the_return_is_the_markets_less_the_costs(world):
    index = await world.funded_index(
        basket=(("BTC", "100"),), policy={"auto": "off"}, buffer_percent="0"
    )
    await world.run(timedelta(minutes=61))
    world.pass_time(timedelta(days=8))
    await world.run(timedelta(minutes=61))
    end = await world.call("get_performance", index_id=index.index_id)

    async with world.app.store.read() as reader:
        kept = await reader.list_unit_values(index.index_id)
    week_ago = [one for one in kept if one.at <= end.as_of - timedelta(days=7)][-1]
    grown = Decimal(end.value_usd) * 10**12 / week_ago.value_pico - 1
    windows = {one.window: one.percent for one in end.returns}
    assert Decimal(windows["7d"]) == pytest.approx(grown * 100, abs=Decimal("0.02"))
    assert windows["30d"] is None
    since_start = Decimal(end.value_usd) / Decimal(end.paid_in_usd) - 1
    assert Decimal(windows["inception"]) == pytest.approx(since_start * 100, abs=Decimal("0.02"))
    assert Decimal(end.max_drawdown_percent) <= 0
    assert "8766 a year" in end.basis


async def test_what_was_never_funded_has_no_figures(world):
    index = await world.new_index()

    found = await world.call("get_performance", index_id=index.index_id)

    assert found.value_usd == "0.00"
    assert {one.percent for one in found.returns} == {None}
    assert "deposit_address" in found.next_step


async def test_everything_paid_out_leaves_the_return_as_it_was(world):
    index = await world.funded_index()
    await world.run(timedelta(hours=2))
    before = await world.call("get_performance", index_id=index.index_id)
    plan = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    gone = await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)
    await world.follow(gone.withdrawal_id)
    after = await world.call("get_performance", index_id=index.index_id)

    was, now = (
        Decimal(next(r.percent for r in one.returns if r.window == "inception"))
        for one in (before, after)
    )
    # A liquidation costs its fees, and no more.
    assert was - Decimal("0.6") < now < was
