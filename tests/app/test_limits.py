"""Limits in the whole product: what counts, who may change them, and a person's word."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ballast.app.confirming import confirm_plan, question_about
from ballast.app.limit_changes import cancel_change, change_limit
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError
from tests.app.world import USDC

DAY = timedelta(days=1)


async def set_limit(world, name, value, index=None):
    index_id = None if index is None else index.index_id
    return await change_limit(world.app, world.caller, name, value, index_id)


async def plan_of(world, index, destination="target"):
    return await world.call("preview_rebalance", index_id=index.index_id, destination=destination)


async def drifted(world, amount="1000"):
    index = await world.funded_index(amount=amount)
    world.pass_time(timedelta(days=200))
    return index


async def later(world, span):
    world.pass_time(span)
    await world.run(timedelta(seconds=1))


async def limits_of(world, index):
    return (await world.call("get_index", index_id=index.index_id)).limits


async def test_a_conversation_lowers_a_limit_at_once_and_never_widens_one(world):
    index = await world.new_index()

    lowered = await world.call(
        "update_index", index_id=index.index_id, limits={"day_usd": "500", "assets": "BTC, ETH"}
    )
    refusal = await world.refused(
        "update_index",
        index_id=index.index_id,
        limits={"day_usd": "500.01", "swap_usd": "10", "assets": "any"},
    )

    assert lowered.limits["day_usd"] == "500.00"
    assert refusal.code.value == "limit_exceeded"
    assert [one["limit"] for one in refusal.details["limits"]] == ["day_usd", "assets"]
    assert (await limits_of(world, index))["swap_usd"] == lowered.limits["swap_usd"]


async def test_limits_that_do_not_read_are_all_named_at_once(world):
    index = await world.new_index()

    refusal = await world.refused(
        "update_index",
        index_id=index.index_id,
        limits={"day_usd": "much", "days": "3", "run_percent": "1000", "assets": "NOSUCHCOIN"},
    )

    assert refusal.code.value == "invalid_input"
    assert [one["field"] for one in refusal.details["problems"]] == [
        "limits.day_usd", "limits.days", "limits.run_percent", "limits.assets",
    ]  # fmt: skip


async def test_the_owners_day_counts_all_indexes_together(world):
    first = await world.funded_index(amount="600")
    await set_limit(world, "day_usd", "1000")
    second = await world.new_index(name="Second")
    await world.deposit(second.index_id, "600")
    await world.run(timedelta(seconds=30))

    shown = await world.call("get_index", index_id=second.index_id)
    status = await world.call("get_status")
    told = await world.call("explain", index_id=second.index_id)

    assert {one.symbol for one in shown.holdings if Decimal(one.amount)} == {"USDC"}
    assert Decimal(status.limits_used["day_usd"]) > 400
    assert "over all indexes" in told.model_dump_json()
    assert (await limits_of(world, first))["day_usd"] != "1000.00"


async def test_what_counted_yesterday_counts_no_more_today(world):
    index = await drifted(world)
    await set_limit(world, "day_usd", "100", index)
    plan = await plan_of(world, index)
    await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    await world.run(timedelta(minutes=1))
    world.pass_time(timedelta(days=30))
    used = (await world.call("get_status")).limits_used

    assert used == {"day_usd": "0.00", "month_usd": "0.00", "cost_month_usd": "0.00"}


async def test_the_budget_for_costs_counts_what_was_really_lost(world):
    index = await world.funded_index(amount="1000")
    used = Decimal((await world.call("get_status")).limits_used["cost_month_usd"])
    shown = await world.call("get_index", index_id=index.index_id)
    lost = Decimal(1000) - Decimal(shown.value_usd)

    assert abs(used - lost) < Decimal("0.5")
    assert used > 0

    world.pass_time(timedelta(days=20))
    await set_limit(world, "cost_month_usd", str(used), index)
    plan = await plan_of(world, index)
    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    assert refusal.details["limits"][0]["limit"] == "cost_per_month"


async def test_what_may_be_bought_is_held_to_and_selling_into_cash_is_always_allowed(world):
    index = await drifted(world)
    await set_limit(world, "assets", "BTC", index)

    plan = await plan_of(world, index)
    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    sale = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    started = await world.call("withdraw", index_id=index.index_id, plan_id=sale.plan_id)
    await world.follow(started.withdrawal_id)

    assert refusal.details["limits"][0]["limit"] == "allowed_assets"
    shown = await world.call("get_index", index_id=index.index_id)
    assert {one.asset_id for one in shown.holdings if Decimal(one.amount)} == {USDC}


# --- a person's word ------------------------------------------------------------------------------


async def test_a_large_plan_waits_for_a_person_and_then_runs_once(world):
    index = await drifted(world)
    await set_limit(world, "confirm_above_usd", "5", index)
    plan = await plan_of(world, index)
    given = {"index_id": index.index_id, "plan_id": plan.plan_id}

    refusal = await world.refused("rebalance_index", **given)
    question = await question_about(world.app, LOCAL_OWNER, plan.plan_id)
    await confirm_plan(world.app, world.caller, plan.plan_id, "terminal")
    await confirm_plan(world.app, world.caller, plan.plan_id, "terminal")
    started = await world.call("rebalance_index", **given)
    ended = await world.follow(started.rebalance_id)
    again = await world.refused("rebalance_index", **given)

    assert refusal.code.value == "confirmation_needed"
    assert f"ballast confirm {plan.plan_id}" in refusal.message
    assert len(question.lines) == len(plan.swaps) + 1
    assert ended.state == "completed"
    assert again.code.value == "plan_used"
    assert await world.verified()


async def test_a_word_for_one_plan_is_none_for_the_next(world):
    index = await drifted(world)
    await set_limit(world, "confirm_above_usd", "5", index)
    agreed, other = await plan_of(world, index), await plan_of(world, index)
    await confirm_plan(world.app, world.caller, agreed.plan_id, "terminal")

    refusal = await world.refused("rebalance_index", index_id=index.index_id, plan_id=other.plan_id)

    assert refusal.code.value == "confirmation_needed"


async def test_nothing_so_large_is_started_without_a_person(world):
    await set_limit(world, "confirm_above_usd", "50")
    index = await world.new_index()
    await world.deposit(index.index_id, "1000")
    await world.run(timedelta(seconds=30))

    shown = await world.call("get_index", index_id=index.index_id)
    told = await world.call("explain", index_id=index.index_id)

    assert {one.symbol for one in shown.holdings if Decimal(one.amount)} == {"USDC"}
    assert "without a person" in told.model_dump_json()


@pytest.mark.parametrize("end", ["used", "expired", "unknown"])
async def test_a_plan_that_cannot_be_carried_out_cannot_be_agreed_to(world, end):
    index = await drifted(world)
    plan_id = (await plan_of(world, index)).plan_id
    if end == "used":
        await world.call("rebalance_index", index_id=index.index_id, plan_id=plan_id)
    elif end == "expired":
        world.pass_time(timedelta(hours=1))
    else:
        plan_id = "pln_00000000000000000000000000"

    for ask in (
        question_about(world.app, LOCAL_OWNER, plan_id),
        confirm_plan(world.app, world.caller, plan_id, "terminal"),
    ):
        with pytest.raises(BallastError) as refusal:
            await ask
        assert refusal.value.code.value in {"plan_used", "plan_expired", "not_found"}


# --- the wait ---------------------------------------------------------------------------------


async def test_a_wider_limit_waits_for_both_clocks(world):
    index = await world.new_index()
    await set_limit(world, "day_usd", "100", index)
    world.app.widening_delay = DAY
    wall = world.app.wall
    changed = await set_limit(world, "day_usd", "200", index)

    await later(world, timedelta(days=2))
    held_back = (await limits_of(world, index))["day_usd"]
    world.app.wall = Ahead(wall, DAY)
    await later(world, timedelta(hours=1))

    assert changed.waiting is not None
    assert held_back == "100.00"
    assert (await limits_of(world, index))["day_usd"] == "200.00"


async def test_lowering_again_gives_up_what_waits(world):
    index = await world.new_index()
    world.app.widening_delay = DAY
    await set_limit(world, "day_usd", "100", index)
    await set_limit(world, "day_usd", "200", index)
    await set_limit(world, "day_usd", "50", index)
    world.app.wall = Ahead(world.app.wall, 2 * DAY)

    await later(world, timedelta(days=2))

    assert (await limits_of(world, index))["day_usd"] == "50.00"


async def test_a_change_that_was_cancelled_never_holds_and_is_cancelled_once(world):
    await set_limit(world, "day_usd", "100")
    world.app.widening_delay = DAY
    changed = await set_limit(world, "day_usd", "200")
    await cancel_change(world.app, world.caller, changed.waiting.change_id)
    world.app.wall = Ahead(world.app.wall, 2 * DAY)
    await later(world, timedelta(days=2))

    with pytest.raises(BallastError) as refusal:
        await cancel_change(world.app, world.caller, changed.waiting.change_id)

    assert refusal.value.code.value == "not_found"
    assert (await world.call("get_status")).limits["day_usd"] == "100.00"


async def test_a_new_index_starts_with_its_owners_limits(world):
    await set_limit(world, "swap_usd", "77")

    index = await world.new_index()

    assert (await limits_of(world, index))["swap_usd"] == "77.00"


class Ahead:
    """A clock that goes before another."""

    def __init__(self, clock, by):
        self._clock, self._by = clock, by

    def now(self):
        return self._clock.now() + self._by

    def real_seconds(self, seconds):
        return self._clock.real_seconds(seconds)
