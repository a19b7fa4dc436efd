"""Money out: what is shown, what is sold, what leaves, where it may go, and what stays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ballast.app.destinations import add_destination, list_destinations, remove_destination
from ballast.app.engine.reconciliation import INTERVAL, PATIENCE
from ballast.app.export import export
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError
from tests.app.world import USDC

HOME = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


async def allow(world, label="home", chain="ethereum", address=HOME, memo=None):
    return await add_destination(world.app, LOCAL_OWNER, label, chain, address, memo)


async def preview(world, index, **more):
    arguments = {"amount": "300", "destination": "home"} | more
    return await world.call("preview_withdrawal", index_id=index.index_id, **arguments)


async def carry_out(world, index, plan):
    started = await world.call("withdraw", index_id=index.index_id, plan_id=plan.plan_id)
    return await world.follow(started.withdrawal_id)


def delivered_to(world, address):
    """What the devnet's books say lies at an address outside."""
    rows = world.devnet.network.store.all("SELECT account, asset_id, amount FROM balances")
    return {
        row["asset_id"]: int(row["amount"])
        for row in rows
        if address.lower() in row["account"].lower() and int(row["amount"])
    }


async def test_a_withdrawal_sells_overweights_first_and_then_sends_once(world):
    index = await world.funded_index()
    await allow(world)

    plan = await preview(world, index)
    ended = await carry_out(world, index, plan)

    assert plan.swaps
    assert {one.buy for one in plan.swaps} == {"USDC"}
    assert Decimal(plan.network_fee) > 0
    assert ended.state == "sent"
    assert Decimal(ended.credited_amount) >= Decimal(plan.minimum_amount)
    (asset, units), *more = delivered_to(world, HOME).items()
    assert not more
    assert asset == plan.payout.asset_id
    assert units == int(Decimal(ended.credited_amount) * 10**6)
    assert await world.verified()


async def test_explain_tells_of_a_withdrawal_what_was_sold_and_what_arrived(world):
    index = await world.funded_index()
    await allow(world)

    ended = await carry_out(world, index, await preview(world, index))

    told = await world.call("explain", index_id=index.index_id)
    assert "because the owner asked for money to be paid out" in told.answer
    assert f"{ended.credited_amount} USDC arrived on eth" in told.answer
    assert "through the base" not in told.answer


async def test_an_export_has_what_went_out_and_where_to(world):
    index = await world.funded_index()
    await allow(world)
    await carry_out(world, index, await preview(world, index))

    everything = await export(world.app)

    (sent,) = everything["indexes"][0]["withdrawals"]
    assert (sent["state"], sent["address"]) == ("sent", HOME)
    assert [one["label"] for one in everything["destinations"]] == ["home"]


async def test_what_is_left_is_said_before_and_is_left_after(world):
    index = await world.funded_index()
    await allow(world)

    plan = await preview(world, index)
    await carry_out(world, index, plan)

    after = await world.call("get_index", index_id=index.index_id)
    assert abs(Decimal(after.value_usd) - Decimal(plan.left_usd)) < 5


async def test_cash_that_is_there_is_sent_without_selling(world):
    index = await world.funded_index()
    await allow(world)

    plan = await preview(world, index, amount="40")
    ended = await carry_out(world, index, plan)

    assert plan.swaps == [] or {one.buy for one in plan.swaps} == {"USDC"}
    assert ended.state == "sent"
    assert await world.verified()


async def test_everything_leaves_nothing_but_dust(world):
    index = await world.funded_index()
    await allow(world)

    plan = await preview(world, index, amount=None, everything=True)
    ended = await carry_out(world, index, plan)

    after = await world.call("get_index", index_id=index.index_id)
    assert ended.state == "sent"
    assert Decimal(after.value_usd) < 1
    assert await world.verified()


async def test_a_liquidation_turns_everything_into_the_base_asset_and_sends_nothing(world):
    index = await world.funded_index()

    plan = await preview(world, index, amount=None, everything=True, destination=None)
    ended = await carry_out(world, index, plan)

    after = await world.call("get_index", index_id=index.index_id)
    held = {one.symbol for one in after.holdings if int(one.amount_units)}
    assert plan.payout is None
    assert ended.kind == "liquidation"
    assert ended.state == "sent"
    assert held == {"USDC"}
    assert await world.verified()


async def test_a_share_of_the_index_can_be_withdrawn(world):
    index = await world.funded_index()
    await allow(world)

    plan = await preview(world, index, amount=None, share_percent=25)

    assert abs(Decimal(plan.send_amount) - Decimal(index.value_usd) / 4) < 2


async def test_too_little_and_too_much_are_refused_in_our_words(world):
    index = await world.funded_index(amount="3")
    await allow(world)
    asked = {"index_id": index.index_id, "destination": "home"}

    less = await world.refused("preview_withdrawal", **asked, share_percent="0.01")
    more = await world.refused("preview_withdrawal", **asked, amount="100000")

    assert less.code == "amount_too_low"
    assert "venue_message" not in less.details
    assert "eposit" not in more.next_step


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"destination": "nowhere"}, "destination_not_allowed"),
        ({"destination": HOME[:-6] + "000000"}, "destination_not_allowed"),
        ({"amount": "100000"}, "insufficient_holdings"),
        ({"amount": "0"}, "invalid_input"),
        ({"amount": "1.0000001"}, "invalid_amount"),
        ({"amount": "0.000001"}, "amount_too_low"),
        ({"amount": None}, "invalid_input"),
        ({"share_percent": 10}, "invalid_input"),
        ({"destination": None}, "invalid_input"),
        ({"asset": "NOSUCH"}, "unknown_asset"),
    ],
)
async def test_a_wish_that_cannot_be_carried_out_is_refused_before_anything_is_signed(
    world, arguments, code
):
    index = await world.funded_index()
    await allow(world)
    executed = world.executed_by(index.account_id)

    refusal = await world.refused(
        "preview_withdrawal",
        **({"index_id": index.index_id, "amount": "300", "destination": "home"} | arguments),
    )

    assert refusal.code == code
    assert world.executed_by(index.account_id) == executed


async def test_an_address_that_only_looks_like_an_allowed_one_is_pointed_out(world):
    index = await world.funded_index()
    await allow(world)
    fake = HOME[:8] + "0" * 28 + HOME[-6:]

    refusal = await world.refused(
        "preview_withdrawal", index_id=index.index_id, amount="300", destination=fake
    )

    assert refusal.code == "destination_not_allowed"
    assert refusal.details["looks_like"] == "home"


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("ethereum", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"),
        ("ethereum", "0x" + "0" * 40),
        ("ethereum", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        ("bitcoin", HOME),
        ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
        ("solana", HOME),
    ],
)
async def test_an_address_of_another_chain_or_with_a_wrong_checksum_is_never_listed(
    world, chain, address
):
    with pytest.raises(BallastError) as refusal:
        await allow(world, chain=chain, address=address)

    assert refusal.value.code == "address_invalid"
    assert await list_destinations(world.app, LOCAL_OWNER) == []


async def test_a_new_destination_waits_and_no_clock_jump_shortens_the_wait(world):
    index = await world.funded_index()
    world.app.widening_delay = timedelta(hours=24)
    await allow(world)
    # The paper world and its chain go on for two days; the clock of the machine does not.
    world.pass_time(timedelta(days=2))

    refusal = await world.refused(
        "preview_withdrawal", index_id=index.index_id, amount="300", destination="home"
    )

    assert refusal.code == "destination_not_allowed"
    assert "may be used from" in refusal.message


async def test_a_destination_taken_off_the_list_stops_a_withdrawal_already_shown(world):
    index = await world.funded_index()
    await allow(world)
    plan = await preview(world, index)
    await remove_destination(world.app, LOCAL_OWNER, "home")

    refusal = await world.refused("withdraw", index_id=index.index_id, plan_id=plan.plan_id)

    assert refusal.code == "destination_not_allowed"
    assert delivered_to(world, HOME) == {}


async def test_a_withdrawal_plan_is_used_once_and_is_no_rebalance_plan(world):
    index = await world.funded_index()
    await allow(world)
    plan = await preview(world, index)

    mistaken = await world.refused("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    await carry_out(world, index, plan)
    again = await world.refused("withdraw", index_id=index.index_id, plan_id=plan.plan_id)

    assert mistaken.code == "plan_mismatch"
    assert again.code == "plan_used"
    assert "Follow its withdrawal" in again.next_step
    assert len(delivered_to(world, HOME)) == 1


async def test_an_answer_lost_while_sending_never_sends_twice(world):
    index = await world.funded_index()
    await allow(world)
    plan = await preview(world, index)
    world.way.lose_answers += ["/v0/submit-intent"] * 20

    ended = await carry_out(world, index, plan)

    assert ended.state == "sent"
    assert sum(delivered_to(world, HOME).values()) == int(Decimal(ended.credited_amount) * 10**6)
    assert await world.verified()


async def test_money_sent_in_from_outside_is_booked_as_the_owners(world):
    index = await world.funded_index()
    _mint(world, index.account_id, USDC, 5_000_000)

    await world.run(INTERVAL + 3 * PATIENCE)

    told = await world.call("explain", index_id=index.index_id)
    assert told.decisions[0].reason == "outside_deposit"
    assert await world.verified()


async def test_money_that_is_missing_stops_the_index_and_is_named(world):
    index = await world.funded_index()
    _burn(world, index.account_id, USDC, 5_000_000)

    await world.run(INTERVAL + 3 * PATIENCE)

    shown = await world.call("get_index", index_id=index.index_id)
    told = await world.call("explain", index_id=index.index_id)
    assert shown.state == "paused"
    assert told.decisions[0].reason == "unexplained_difference"
    assert told.decisions[0].facts == {USDC: "-5000000"}


def _mint(world, account, asset, units):
    _move(world, "system:issuance", account, asset, units)


def _burn(world, account, asset, units):
    _move(world, account, "system:issuance", asset, units)


def _move(world, source, target, asset, units):
    from ballast.devnet.books import Move

    network = world.devnet.network
    with network.store.write():
        network.books.post("test", "test", 0, [Move(source, target, asset, units)])
