"""An index ends only when there is no money in it or on its way to it, and its history stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.app.deposits import DEPOSIT_LIFETIME
from tests.app.paying import address, pay
from tests.app.world import USDC


async def test_an_empty_index_is_archived_and_stays_readable(world):
    index = await world.new_index()

    gone = await world.call("delete_index", index_id=index.index_id)
    again = await world.call("delete_index", index_id=index.index_id)

    assert gone.state == again.state == "archived"
    assert (await world.call("get_index", index_id=index.index_id)).state == "archived"
    assert (await world.refused("deposit_address", index_id=index.index_id)).code == (
        "index_archived"
    )
    assert (await world.call("list_indexes")).indexes == []
    assert len((await world.call("list_indexes", archived=True)).indexes) == 1


async def test_an_index_that_holds_money_is_not_archived_and_says_how_much(world):
    index = await world.funded_index()

    refusal = await world.refused("delete_index", index_id=index.index_id)

    assert refusal.code == "index_not_empty"
    assert refusal.details["value_usd"] == index.value_usd
    assert (await world.call("get_index", index_id=index.index_id)).state == "active"


async def test_what_has_no_price_is_no_dust(world):
    index = await world.funded_index()
    world.way.lose_requests += ["/v0/tokens"] * 50
    world.pass_time(timedelta(hours=1))

    refusal = await world.refused("delete_index", index_id=index.index_id)

    assert refusal.code == "index_not_empty"
    assert "without a price" in refusal.message


async def test_dust_does_not_keep_an_index(world):
    index = await world.new_index(policy={"invest_deposits": False})
    deposit = await address(world, index, USDC, "0.9")
    pay(world, deposit, "0.9")
    assert (await world.follow(deposit.deposit_id)).state == "credited"

    assert (await world.call("delete_index", index_id=index.index_id)).state == "archived"
    assert await world.verified()


@pytest.mark.parametrize("paid", [False, True])
async def test_while_a_deposit_is_open_an_index_stays(world, paid):
    index = await world.new_index(policy={"invest_deposits": False})
    deposit = await address(world, index, USDC, "100")
    if paid:
        pay(world, deposit, "100")
        await world.run(timedelta(seconds=3))

    refusal = await world.refused("delete_index", index_id=index.index_id)

    assert refusal.code == "index_not_empty"
    assert refusal.details["deposit_id"] == deposit.deposit_id


async def test_an_address_that_has_closed_unpaid_holds_nothing_up(world):
    index = await world.new_index()
    await address(world, index, USDC, "100")
    world.pass_time(DEPOSIT_LIFETIME)
    await world.run(timedelta(minutes=1))

    assert (await world.call("delete_index", index_id=index.index_id)).state == "archived"


async def test_while_a_rebalance_runs_an_index_stays(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=100))
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)

    refusal = await world.refused("delete_index", index_id=index.index_id)

    assert refusal.code == "rebalance_running"
