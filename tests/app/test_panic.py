"""Everything into the base asset, within a budget: what is sold, what stays, what then holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ballast.app.confirming import confirm_plan, question_about
from ballast.app.operation import Caller
from ballast.app.panic import panic
from ballast.app.resuming import resume_trading
from ballast.core.access import Scope
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.core.money import PICO
from ballast.core.states import SaleState
from ballast.errors import BallastError
from tests.app.world import open_world

CLI = Caller(face="cli")
BUDGET = 300
TOO_NARROW = 50
TWO = (("BTC", "50"), ("ETH", "40"), ("USDC", "10"))
LONG = timedelta(minutes=5)


async def states(world):
    async with world.app.store.read() as reader:
        return {one.index_id: one for one in await reader.list_panic_sales(LOCAL_OWNER)}


async def held_beside_base(world, index_id):
    seen = await world.call("get_index", index_id=index_id)
    return {one.symbol for one in seen.holdings if one.symbol != "USDC" and Decimal(one.amount)}


async def test_every_index_becomes_its_base_asset_and_nothing_is_bought_afterwards(world):
    world.app.default_limits = replace(
        world.app.default_limits, max_day_pico=3_000 * PICO, confirm_above_pico=2_500 * PICO
    )
    first = await world.funded_index("One", basket=TWO)
    second = await world.funded_index("Two", basket=TWO)
    await world.call("pause_index", index_id=second.index_id)
    world.app.default_limits = replace(world.app.default_limits, max_swap_pico=PICO)
    await world.call("update_index", index_id=first.index_id, limits={"day_usd": "1"})

    sales = await panic(world.app, CLI, BUDGET)
    world.app.engine.state = "leading"
    assert "2 indexes are being sold" in (await world.call("get_status")).next_step
    await world.run(LONG)

    assert {one.index_id for one in sales} == {first.index_id, second.index_id}
    assert {one.state for one in (await states(world)).values()} == {SaleState.SOLD}
    for index in (first, second):
        assert not await held_beside_base(world, index.index_id)
    assert (await world.call("get_status")).trading == "no_new_risk"
    told = await world.call("explain", index_id=first.index_id)
    assert "Everything was sold into the base asset" in str(told.decisions)
    assert "because the owner had everything sold" in str(told)
    assert "paid out" not in str(told)
    assert await world.verified()


async def test_what_cannot_be_sold_within_the_budget_stays_and_is_named(world):
    index = await world.funded_index(basket=TWO)
    before = await held_beside_base(world, index.index_id)

    await panic(world.app, CLI, TOO_NARROW)
    await world.run(LONG)

    sale = (await states(world))[index.index_id]
    assert (sale.state, sale.rounds) == (SaleState.LEFT, 0)
    assert all(word in sale.note for word in ("0.5 %", "BTC worth $", "ETH worth $"))
    assert await held_beside_base(world, index.index_id) == before


async def test_what_is_sold_brings_no_less_than_the_budget_allows(world):
    index = await world.funded_index(basket=TWO)
    await panic(world.app, CLI, BUDGET)
    await world.run(LONG)

    async with world.app.store.read() as reader:
        [sold, *_] = await reader.list_rebalances(index.index_id, 1)
        plan = await reader.get_plan(LOCAL_OWNER, sold.plan_id)
        swaps = await reader.swaps_of(sold.rebalance_id)
    assert swaps
    for swap in swaps:
        worth = swap.input_units * plan.prices[swap.sell].usd / plan.prices[swap.buy].usd
        decimals = 8 if "btc" in swap.sell else 18
        assert swap.output_units >= swap.floor_units
        assert swap.floor_units >= int(worth * 10**6 / 10**decimals * Decimal("0.97")) - 1


async def test_what_runs_ends_first_and_what_rests_is_given_up(world):
    index = await world.funded_index(basket=TWO)
    world.pass_time(timedelta(days=200))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    running = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    await world.call("pause_index", index_id=index.index_id)

    await panic(world.app, CLI, BUDGET)
    await world.run(LONG)

    assert (await world.call("get_progress", id=running.rebalance_id)).state == "cancelled"
    assert (await states(world))[index.index_id].state is SaleState.SOLD
    assert await world.verified()


async def test_resuming_ends_what_has_not_been_started(world):
    index = await world.funded_index(basket=TWO)
    await panic(world.app, CLI, BUDGET)
    await resume_trading(world.app, LOCAL_OWNER)
    await world.run(LONG)

    assert (await states(world))[index.index_id].state is SaleState.CANCELLED
    assert await held_beside_base(world, index.index_id)


async def test_it_goes_on_after_a_restart_and_asking_again_changes_nothing(tmp_path):
    async with open_world(tmp_path) as world:
        index = await world.funded_index(basket=TWO)
        await world.call("halt_trading")
        first = await panic(world.app, CLI, BUDGET)
        assert (await world.call("get_status")).trading == "no_new_risk"
    async with open_world(tmp_path) as world:
        again = await panic(world.app, CLI, TOO_NARROW)
        await world.run(LONG)
        sale = (await states(world))[index.index_id]

    assert again == first
    assert (sale.state, sale.budget_bps) == (SaleState.SOLD, BUDGET)


async def test_a_halt_of_everything_holds_the_sale_up(world):
    index = await world.funded_index(basket=TWO)
    await panic(world.app, CLI, BUDGET)
    await world.call("halt_trading")
    await world.run(LONG)

    sale = (await states(world))[index.index_id]
    assert (sale.state, sale.rounds) == (SaleState.WAITING, 0)
    assert "Nothing is signed" in sale.note


async def test_a_conversation_does_the_same_index_by_index_by_plans_it_has_shown(world):
    index = await world.funded_index(basket=TWO)
    await world.call("halt_trading", level="no_new_risk")
    plan = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    sold = await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)

    assert (await world.follow(sold.withdrawal_id)).state == "sent"
    assert not await held_beside_base(world, index.index_id)


ASKED = {"level": "sell_everything", "slippage_percent": "3"}


async def asked(world, **more):
    """What a conversation that wants everything sold is told: the id of a question."""
    refusal = await world.refused("halt_trading", **ASKED | more)
    assert refusal.code.value == "confirmation_needed"
    assert f"ballast confirm {refusal.details['plan_id']}" in refusal.message
    return refusal.details["plan_id"]


async def test_a_conversation_has_everything_sold_once_a_person_has_agreed_and_not_before(world):
    index = await world.funded_index(basket=TWO)

    question = await asked(world)
    assert (await world.call("get_status")).trading == "no_new_risk"
    assert await asked(world) == question, "the same question, as long as it stands"
    assert not await states(world)
    shown = await question_about(world.app, LOCAL_OWNER, question)
    await confirm_plan(world.app, CLI, question, "terminal")
    started = await world.call("halt_trading", **ASKED)
    again = await world.call("halt_trading", **ASKED)
    await world.run(LONG)

    assert "all that Main holds" in shown.lines
    assert any("at worst 3 % below the price" in one for one in shown.lines)
    assert "1 index is being sold" in started.next_step
    assert "1 index is being sold" in again.next_step
    assert (await states(world))[index.index_id].state is SaleState.SOLD
    assert not await held_beside_base(world, index.index_id)
    assert await world.verified()


async def test_a_persons_word_is_for_just_that_once_and_for_five_minutes(world):
    await world.funded_index(basket=TWO)

    first = await asked(world)
    wider = await asked(world, slippage_percent="20")
    assert wider != first
    with pytest.raises(BallastError, match="Nobody asks this any more"):
        await confirm_plan(world.app, CLI, first, "terminal")
    await confirm_plan(world.app, CLI, wider, "terminal")
    assert await asked(world) != wider, "the word was for another budget"

    late = await asked(world)
    world.pass_time(timedelta(minutes=5))
    with pytest.raises(BallastError, match="was asked until"):
        await confirm_plan(world.app, CLI, late, "terminal")

    used = await asked(world)
    await confirm_plan(world.app, CLI, used, "terminal")
    await world.call("halt_trading", **ASKED)
    await resume_trading(world.app, LOCAL_OWNER)
    await world.run(LONG)
    assert await asked(world) != used, "a word that was used is used up"


async def test_a_word_for_some_indexes_sells_no_other(world):
    world.app.default_limits = replace(
        world.app.default_limits, max_day_pico=3_000 * PICO, confirm_above_pico=2_500 * PICO
    )
    await world.funded_index("One", basket=TWO)
    question = await asked(world)
    await resume_trading(world.app, LOCAL_OWNER)
    await world.funded_index("Two", basket=TWO)
    await confirm_plan(world.app, CLI, question, "terminal")

    assert await asked(world) != question
    assert not await states(world)


async def test_a_conversation_loosens_nothing_by_selling(world):
    await world.funded_index(basket=TWO)
    await world.call("halt_trading")

    refusal = await world.refused("halt_trading", **ASKED)

    assert refusal.code.value == "trading_halted"
    assert (await world.call("get_status")).trading == "halted"


async def test_who_may_not_spend_may_stop_and_not_sell(world):
    await world.funded_index(basket=TWO)
    world.caller = Caller(scopes=frozenset({Scope.READ, Scope.WRITE}))

    refusal = await world.refused("halt_trading", **ASKED)
    stopped = await world.call("halt_trading", level="no_new_risk")

    assert (refusal.code.value, stopped.trading) == ("scope_missing", "no_new_risk")


async def test_somebody_with_an_account_is_asked_about_what_is_theirs_alone(world):
    await world.funded_index(basket=TWO)
    world.caller = Caller(owner_id=world.app.ids.new(IdKind.OWNER))

    answer = await world.call("halt_trading", **ASKED)

    assert "0 indexes are being sold" in answer.next_step
    world.caller = Caller()
    assert (await world.call("get_status")).trading == "on"


@pytest.mark.parametrize("budget", [0, 49, 2_001])
async def test_a_budget_is_neither_nothing_nor_everything(world, budget):
    with pytest.raises(BallastError, match=r"0\.5 % to 20 %"):
        await panic(world.app, CLI, budget)
