"""Money in: whatever is paid, when, how often and in what, ends in a state that tells the truth."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ballast.app.deposits import DEPOSIT_LIFETIME, LEAST_TIME_LEFT
from ballast.app.engine.deposit_rows import TIME_LIMIT, VENUE_GRACE
from ballast.app.engine.reconciliation import INTERVAL, PATIENCE
from ballast.core.ledger import EntryKind
from ballast.devnet.chains import CHAINS
from ballast.devnet.faults import clear_faults
from tests.app.paying import (
    address,
    agrees,
    entries,
    fault,
    holdings,
    pay,
    pay_over_http,
    payments,
    progress,
    reasons,
)
from tests.app.world import USDC

ON_BASE = "USDC on Base"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def index(world):
    """An index that keeps what comes as cash, so that it is seen as it came."""
    return await world.new_index(policy={"invest_deposits": False})


# --- the ways a payment can go --------------------------------------------------------------------


async def test_a_payment_is_seen_then_converted_then_credited(world, index):
    deposit = await address(world, index, ON_BASE)
    pay(world, deposit, "100")
    states = []
    for _ in range(60):
        await world.run(timedelta(seconds=0.5))
        found = await progress(world, deposit)
        states += [found.state] if found.state not in states else []

    assert states == ["awaiting", "seen", "processing", "credited"]
    assert found.done
    assert found.summary.startswith(f"{found.credited_amount} USDC credited. Kept as cash")
    assert "get_index" in found.next_step
    await agrees(world, index)


async def test_every_listed_asset_can_be_paid_from_its_own_chain(world, index):
    listed = await world.app.venue.list_assets()
    made = [await address(world, index, one, None) for one in listed]
    for deposit in made:
        decimals = listed[deposit.pay.asset_id].asset.decimals
        pay(world, deposit, int(Decimal(deposit.minimum_amount) * 2 * 10**decimals))

    await world.run(HOUR)

    assert {(await progress(world, one)).state for one in made} == {"credited"}
    for one in made:
        assert (one.memo is not None) == CHAINS[one.pay.chain].needs_memo
        # A link that a memo gets lost on is none.
        assert (one.payment_uri is None) == (one.memo is not None)
    await agrees(world, index)


@pytest.mark.parametrize(
    ("asset", "chain", "said"),
    [
        ("BTC", None, "btc"),
        ("BTC", "Bitcoin", "btc"),
        ("BTC", "near", "near"),
        ("ETH", "Base", "base"),
        ("ETH", None, "eth"),
        ("NEAR", None, "near"),
        ("USDC", None, "near"),
        ("USDC on Solana", None, "sol"),
    ],
)
async def test_what_is_paid_is_named_as_people_name_it(world, index, asset, chain, said):
    deposit = await world.call("deposit_address", index_id=index.index_id, asset=asset, chain=chain)

    assert deposit.pay.chain == said


async def test_two_payments_that_are_too_little_alone_add_up(world, index):
    deposit = await address(world, index, ON_BASE)
    first = pay(world, deposit, "60")
    await world.run(MINUTE)

    waiting = await progress(world, deposit)
    assert (waiting.state, waiting.done) == ("seen", False)
    assert "60 of at least 99 USDC have come. Pay 39 more" in waiting.problem
    assert "Pay what is missing" in waiting.next_step

    second = pay(world, deposit, "39.5")
    ended = await world.follow(deposit.deposit_id)

    assert (ended.state, ended.problem) == ("credited", "")
    assert await payments(world, deposit) == [(first, 60_000_000), (second, 39_500_000)]
    await agrees(world, index)


async def test_too_little_comes_back_into_the_index_once_the_address_has_closed(world, index):
    deposit = await address(world, index, ON_BASE)
    pay(world, deposit, "60")
    await world.run(MINUTE)
    world.pass_time(DEPOSIT_LIFETIME)
    await world.run(MINUTE)
    assert "has closed" in (await progress(world, deposit)).problem

    world.pass_time(VENUE_GRACE)
    await world.run(MINUTE)

    ended = await progress(world, deposit)
    assert (ended.state, ended.done) == ("refunded", True)
    assert ended.problem.startswith("Less than the minimum came")
    assert "held in the index" in ended.next_step
    assert await holdings(world, index) == {deposit.pay.asset_id: 60_000_000}
    assert (await world.call("get_index", index_id=index.index_id)).state == "active"
    await agrees(world, index)


async def test_what_came_back_is_put_to_use_by_the_next_rebalance(world):
    index = await world.new_index()
    deposit = await address(world, index, ON_BASE)
    pay(world, deposit, "60")
    world.pass_time(DEPOSIT_LIFETIME + VENUE_GRACE)
    await world.run(MINUTE)

    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)
    await world.follow(started.rebalance_id)

    assert deposit.pay.asset_id not in await holdings(world, index)
    assert await world.verified()


async def test_more_than_was_asked_for_is_credited_whole(world, index):
    deposit = await address(world, index, ON_BASE)
    pay(world, deposit, "5000")

    ended = await world.follow(deposit.deposit_id)

    assert ended.state == "credited"
    assert Decimal(ended.credited_amount) > 4900
    await agrees(world, index)


async def test_nothing_in_time_expires_and_says_so(world, index):
    deposit = await address(world, index, ON_BASE)

    world.pass_time(DEPOSIT_LIFETIME)
    await world.run(MINUTE)

    ended = await progress(world, deposit)
    assert (ended.state, ended.done) == ("expired", True)
    assert "deposit_address" in ended.next_step


async def test_a_payment_after_the_end_that_the_venue_still_converts_is_credited(world, index):
    deposit = await address(world, index, ON_BASE)
    world.pass_time(DEPOSIT_LIFETIME)
    await world.run(HOUR)
    assert (await progress(world, deposit)).state == "expired"
    pay(world, deposit, "100")

    await world.run(2 * HOUR)

    assert (await progress(world, deposit)).state == "credited"
    assert "deposit_attention" in await reasons(world, index)
    await agrees(world, index)


async def test_a_payment_after_the_venue_has_closed_is_booked_when_it_comes_back(world, index):
    deposit = await address(world, index, ON_BASE)
    world.pass_time(DEPOSIT_LIFETIME + VENUE_GRACE)
    await world.run(HOUR)
    late = pay(world, deposit, "100")

    await world.run(2 * HOUR)

    ended = await progress(world, deposit)
    assert ended.state == "refunded"
    assert "after the address had closed" in ended.problem
    assert await payments(world, deposit) == [(late, 100_000_000)]
    assert await holdings(world, index) == {deposit.pay.asset_id: 100_000_000}
    assert [one.kind for one in await entries(world, index)] == [EntryKind.DEPOSIT_RETURNED]
    await agrees(world, index)


async def test_a_second_payment_is_an_item_of_its_own_and_what_comes_back_is_booked(world, index):
    deposit = await address(world, index, ON_BASE)
    first = pay(world, deposit, "100")
    credited = await world.follow(deposit.deposit_id)
    await world.run(MINUTE)
    second = pay(world, deposit, "25")

    await world.run(3 * HOUR)

    ended = await progress(world, deposit)
    assert (ended.state, ended.credited_amount) == ("credited", credited.credited_amount)
    assert await payments(world, deposit) == [(first, 100_000_000), (second, 25_000_000)]
    assert [one.kind for one in await entries(world, index)] == [
        EntryKind.DEPOSIT_CREDITED,
        EntryKind.DEPOSIT_RETURNED,
    ]
    assert {one.reference for one in await entries(world, index)} == {deposit.deposit_id}
    assert {"second_payment", "deposit_returned"} <= set(await reasons(world, index))
    assert (await holdings(world, index))[deposit.pay.asset_id] == 25_000_000
    await agrees(world, index)


async def test_reconciliation_leaves_a_second_payment_to_its_deposit(world, index):
    """It looks every quarter of an hour, a deposit that has ended only every hour and less."""
    deposit = await address(world, index, ON_BASE)
    pay(world, deposit, "100")
    await world.follow(deposit.deposit_id)
    await world.run(INTERVAL)
    pay(world, deposit, "25")

    await world.run(INTERVAL + 3 * PATIENCE)

    kinds = [one.kind for one in await entries(world, index)]
    assert kinds == [EntryKind.DEPOSIT_CREDITED, EntryKind.DEPOSIT_RETURNED]
    await agrees(world, index)


async def test_an_asset_that_was_not_agreed_is_not_taken_for_a_payment(world, index):
    deposit = await address(world, index, ON_BASE)
    pay(world, deposit, 10**18, asset_id="nep141:base.omft.near")

    world.pass_time(DEPOSIT_LIFETIME)
    await world.run(MINUTE)

    assert (await progress(world, deposit)).state == "expired"
    assert await payments(world, deposit) == []
    assert await holdings(world, index) == {}
    await agrees(world, index)


async def test_an_unused_address_hides_no_money_from_the_books(world, index):
    """It is open for a day; a surplus that comes meanwhile has another cause."""
    first = await address(world, index, USDC)
    pay(world, first, "100")
    await world.follow(first.deposit_id)
    await address(world, index, USDC, "7")
    await world.run(HOUR)
    _mint(world, index, USDC, 5_000_000)

    await world.run(INTERVAL + 3 * PATIENCE)

    assert (await reasons(world, index))[0] == "outside_deposit"
    await agrees(world, index)


# --- side by side -------------------------------------------------------------------------------


async def test_a_deposit_credited_while_a_rebalance_runs_is_invested_after_it(world):
    index = await world.funded_index()
    world.pass_time(timedelta(days=200))
    deposit = await address(world, index, ON_BASE, "500")
    plan = await world.call("preview_rebalance", index_id=index.index_id, destination="target")
    pay(world, deposit, "500")
    started = await world.call("rebalance_index", index_id=index.index_id, plan_id=plan.plan_id)

    assert (await world.follow(started.rebalance_id)).state == "completed"
    credited = await world.follow(deposit.deposit_id)
    invested = await world.follow(credited.follow_up_id)

    assert credited.state == "credited"
    assert invested.state == "completed"
    await agrees(world, index)


async def test_several_deposits_at_once_are_each_booked_once(world, index):
    made = [await address(world, index, ON_BASE, str(100 + number)) for number in range(5)]
    for number, one in enumerate(made):
        pay(world, one, str(100 + number))

    await world.run(HOUR)

    booked = await entries(world, index)
    assert len(booked) == 5
    assert {one.reference for one in booked} == {one.deposit_id for one in made}
    await agrees(world, index)


async def test_no_unit_is_booked_for_two_deposits_though_both_are_reported_as_done(world, index):
    """One has brought nothing, and both look at the same balance at the same time."""
    made = [await address(world, index, ON_BASE, amount) for amount in ("100", "100.5")]
    fault(world, "success-without-movement")
    for one in made:
        await pay_over_http(world, one, "100")
    world.pass_time(HOUR)
    await world.run(HOUR)

    assert sorted([(await progress(world, one)).state for one in made]) == [
        "credited",
        "processing",
    ]
    assert len(await entries(world, index)) == 1

    # In the end the balance decides. Which of the two was looked at first decides how it is said:
    # what is left is too little for the other, or nothing is left and a person must look.
    await world.run(TIME_LIMIT)
    assert {"deposit_short", "deposit_attention"} & set(await reasons(world, index))
    await agrees(world, index)


async def test_an_index_paused_meanwhile_keeps_the_money_as_cash_and_says_why(world):
    index = await world.funded_index()
    deposit = await address(world, index, ON_BASE)
    await world.call("pause_index", index_id=index.index_id)
    pay(world, deposit, "100")

    ended = await world.follow(deposit.deposit_id)

    assert ended.state == "credited"
    assert ended.follow_up_id is None
    assert "the index is paused" in ended.summary
    await agrees(world, index)


async def test_what_is_credited_waits_for_a_price_and_says_so(world):
    index = await world.new_index()
    deposit = await address(world, index, ON_BASE, "1000")
    fault(world, "price", route="tokens", count=None, form="zero")
    world.pass_time(MINUTE)
    pay(world, deposit, "1000")
    await world.run(2 * MINUTE)

    waiting = await progress(world, deposit)
    assert not waiting.done
    assert waiting.problem.startswith("Not invested yet")

    clear_faults(world.devnet.network)
    await world.run(2 * MINUTE)
    ended = await world.follow(deposit.deposit_id)
    assert ended.problem == ""
    assert (await world.follow(ended.follow_up_id)).state == "completed"


async def test_a_payer_who_asks_for_a_look_is_not_overruled_by_a_look_under_way(world, index):
    """The step has read the row before the payment; its own due time must not replace the new."""
    deposit = await address(world, index, ON_BASE)
    world.pass_time(20 * HOUR)
    await world.run(MINUTE)
    paid = []

    async def pay_meanwhile(scope, receive, send):
        await inner(scope, receive, send)
        if scope["path"] == "/v0/status" and not paid:
            paid.append(True)
            await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)

    inner, world.way.inner = world.way.inner, pay_meanwhile
    world.pass_time(MINUTE)
    await world.run(timedelta(seconds=2))

    assert paid
    assert (await progress(world, deposit)).state == "seen"


async def test_a_payment_that_is_repeated_sends_nothing_more_and_says_so(world, index):
    deposit = await address(world, index, ON_BASE)
    first = await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)
    again = await world.call("send_paper_deposit", deposit_id=deposit.deposit_id)

    assert first.next_step.startswith("Call get_progress")
    assert again.next_step.startswith("It was paid before, so nothing more has been sent.")


# --- addresses ----------------------------------------------------------------------------------


async def test_an_address_that_is_about_to_close_is_not_given_out_again(world, index):
    first = await address(world, index, ON_BASE)
    again = await address(world, index, ON_BASE)
    world.pass_time(DEPOSIT_LIFETIME - LEAST_TIME_LEFT + MINUTE)
    fresh = await address(world, index, ON_BASE)

    assert again.deposit_id == first.deposit_id
    assert fresh.deposit_id != first.deposit_id


async def test_an_asset_without_a_price_needs_an_amount(world, index):
    fault(world, "price", route="tokens", count=None, form="zero")
    world.pass_time(HOUR)

    refusal = await world.refused("deposit_address", index_id=index.index_id, asset=ON_BASE)
    deposit = await address(world, index, ON_BASE)

    assert refusal.code == "price_unavailable"
    assert deposit.amount == "100"


def _mint(world, index, asset_id, units):
    from ballast.devnet.books import Move

    network = world.devnet.network
    with network.store.write():
        moves = [Move("system:issuance", index.account_id, asset_id, units)]
        network.books.post("test", "test", 0, moves)
