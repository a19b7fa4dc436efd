"""What the simulation has found, each told once more by itself, with the seed that found it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.app.destinations import add_destination
from ballast.app.engine.reconciliation import PATIENCE, step_index
from ballast.app.engine.swaps import step_swap
from ballast.app.ports import DueRow
from ballast.core.ids import LOCAL_OWNER
from ballast.core.index import UNFUNDED_INTERVAL
from ballast.devnet.books import ISSUANCE, Move
from ballast.devnet.clock import to_us
from ballast.devnet.faults import add_fault
from tests.app import paying
from tests.app.world import USDC, open_world

HOME = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.fixture
async def world(tmp_path):
    async with open_world(tmp_path) as opened:
        yield opened


def give(world, index, units, asset_id=USDC):
    """Somebody transfers something to an index's account, unasked."""
    network = world.devnet.network
    with network.store.write():
        moves = [Move(ISSUANCE, index.account_id, asset_id, units)]
        network.books.post("mint", "gift", to_us(network.clock.now()), moves)


async def start_withdrawal(world, index, destination, **asked):
    """Ask for a withdrawal; nothing has worked on it yet."""
    plan = await world.call(
        "preview_withdrawal", index_id=index.index_id, destination=destination, **asked
    )
    return await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)


async def allow_home(world, label="home", chain="ethereum"):
    await add_destination(world.app, LOCAL_OWNER, label, chain, HOME, None)


async def test_seed_27_a_gift_while_a_payout_runs_does_not_keep_it_from_ending(world):
    index = await world.funded_index()
    await allow_home(world)
    started = await start_withdrawal(world, index, "home", amount="50")
    give(world, index, 1)

    ended = await world.follow(started.withdrawal_id)
    await world.run(timedelta(hours=1))

    assert ended.state == "sent"
    await paying.agrees(world, index)


async def test_seed_27_a_deposit_while_a_payout_runs_keeps_neither_from_ending(world):
    index = await world.funded_index()
    await allow_home(world)
    deposit = await world.call("deposit_address", index_id=index.index_id, asset=USDC, amount="500")
    started = await start_withdrawal(world, index, "home", amount="50")
    paying.pay(world, deposit, "500")

    sent = await world.follow(started.withdrawal_id)
    credited = await world.follow(deposit.deposit_id)
    await world.run(timedelta(hours=1))

    assert (sent.state, credited.state) == ("sent", "credited")
    await paying.agrees(world, index)


async def test_seed_22_a_deposit_that_was_withdrawn_before_it_was_invested_is_over(world):
    index = await world.funded_index()
    await allow_home(world)
    deposit = await world.call("deposit_address", index_id=index.index_id, asset=USDC, amount="100")
    started = await start_withdrawal(world, index, "home", everything=True)
    paying.pay(world, deposit, "100")

    sent = await world.follow(started.withdrawal_id)
    ended = await world.follow(deposit.deposit_id)
    await world.run(timedelta(hours=1))

    assert sent.state == "sent"
    assert ended.done
    await paying.agrees(world, index)


async def test_seed_25_after_a_restart_an_address_that_was_given_out_before_is_refused(tmp_path):
    async with open_world(tmp_path) as world:
        index = await world.new_index()
        await paying.address(world, index, USDC, "100")

    async with open_world(tmp_path) as world:
        add_fault(world.devnet.network, "quote", "reused-address", {}, count=1)
        refusal = await world.refused(
            "deposit_address", index_id=index.index_id, asset=USDC, amount="200"
        )
        again = await paying.address(world, index, USDC, "200")

    assert refusal.code == "quote_refused"
    assert again.state == "awaiting"


async def test_seed_4_what_comes_to_an_index_that_was_never_funded_is_seen(world):
    index = await world.new_index()
    give(world, index, 2_500_000)

    await world.run(2 * UNFUNDED_INTERVAL)

    shown = await world.call("get_index", index_id=index.index_id)
    assert shown.state == "active"
    assert await paying.holdings(world, index) == {USDC: 2_500_000}
    await paying.agrees(world, index)


async def test_seed_52_an_address_that_is_allowed_on_two_chains_can_be_paid_on_both(world):
    index = await world.funded_index()
    await allow_home(world, "on Ethereum", "ethereum")
    await allow_home(world, "on Base", "base")

    for place in ("on Ethereum", "on Base"):
        started = await start_withdrawal(world, index, place, amount="50")
        assert (await world.follow(started.withdrawal_id)).state == "sent"


async def test_seed_27_what_a_route_sends_back_is_its_deposits_whoever_looks_first(world):
    index = await world.funded_index()
    deposit = await paying.address(world, index, "BTC", "0.04")
    paying.pay(world, deposit, 2_400_000)
    await world.run(timedelta(hours=2))
    world.pass_time(timedelta(days=4))

    for _ in range(2):
        await step_index(
            world.app,
            DueRow("index", index.index_id, LOCAL_OWNER, index.index_id, world.app.clock.now()),
        )
        world.pass_time(2 * PATIENCE)
    ended = await world.follow(deposit.deposit_id)

    assert ended.state == "refunded"
    kinds = {one.kind.value for one in await paying.entries(world, index)}
    assert "deposit_returned" in kinds
    assert "outside_deposit" not in kinds


async def test_seed_1011_a_liquidation_with_nothing_to_sell_is_refused(world):
    index = await world.funded_index(basket=(("USDC", "100"),))
    plan = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)

    refusal = await world.refused("withdraw", index_id=index.index_id, plan_id=plan.plan_id)

    assert refusal.code == "nothing_to_do"


async def test_seed_2033_one_wrong_answer_about_decimals_does_not_stop_an_asset_on_record(tmp_path):
    async with open_world(tmp_path) as world:
        index = await world.funded_index()

    async with open_world(tmp_path) as world:
        add_fault(world.devnet.network, "tokens", "decimals", {}, count=1)
        refusal = await world.refused("preview_rebalance", index_id=index.index_id)
        world.pass_time(timedelta(minutes=1))
        plan = await world.call("preview_rebalance", index_id=index.index_id)

    assert refusal.code == "price_unavailable"
    assert plan.index_id == index.index_id


async def liquidate(world, index, *, lies):
    """Sell everything; of so many swaps the venue says that they are done, and moves nothing. The
    rebalance that it is."""
    plan = await world.call("preview_withdrawal", index_id=index.index_id, everything=True)
    add_fault(world.devnet.network, "submit-intent", "success-without-movement", {}, count=lies)
    await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)
    async with world.app.store.read() as reader:
        return await reader.active_rebalance(index.index_id)


async def swaps_by_lie(world, rebalance):
    """The swaps, by whether the venue has lied about them."""
    async with world.app.store.read() as reader:
        swaps = await reader.swaps_of(rebalance.rebalance_id)
    rows = world.devnet.network.store.all("SELECT address FROM swaps WHERE fate NOT NULL")
    lied = {row["address"] for row in rows}
    return {one.deposit_address in lied: one for one in swaps}


async def look_at_the_lie(world, rebalance):
    """Before anything else is looked at."""
    swap = (await swaps_by_lie(world, rebalance))[True]
    row = DueRow("swap", swap.swap_id, LOCAL_OWNER, swap.index_id, world.app.clock.now())
    await step_swap(world.app, row)


async def test_seed_10039_a_deposit_does_not_settle_a_swap_that_has_brought_nothing(world):
    index = await world.funded_index(basket=(("BTC", "50"), ("USDC", "50")))
    deposit = await paying.address(world, index, USDC, "600")
    started = await liquidate(world, index, lies=1)
    await world.run(timedelta(minutes=1))
    world.pass_time(timedelta(hours=1))
    await world.run(timedelta(minutes=1))
    paying.pay(world, deposit, "600")
    world.pass_time(timedelta(minutes=2))
    await look_at_the_lie(world, started)

    for _ in range(2):
        await world.run(timedelta(minutes=1))
        world.pass_time(timedelta(minutes=10))

    assert (await paying.progress(world, deposit)).state == "credited"
    assert (await swaps_by_lie(world, started))[True].state == "attention"


@pytest.mark.parametrize("basket", ["25 60", "60 25"])
async def test_what_one_swap_has_brought_does_not_settle_another_that_brought_nothing(
    world, basket
):
    bitcoin, ether = basket.split()
    index = await world.funded_index(basket=(("BTC", bitcoin), ("ETH", ether), ("USDC", "15")))
    started = await liquidate(world, index, lies=1)
    await world.engine.run_until_idle()
    world.pass_time(timedelta(minutes=2))

    await look_at_the_lie(world, started)
    await world.run(timedelta(minutes=1))
    world.pass_time(timedelta(hours=1))
    await world.run(timedelta(minutes=1))

    swaps = await swaps_by_lie(world, started)
    assert (swaps[True].state, swaps[False].state) == ("attention", "settled")
