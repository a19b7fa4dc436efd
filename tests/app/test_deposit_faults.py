"""What a venue can do with a deposit that it should not: each ends in a state that says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.app.assets import ROUTING_PREFIX
from ballast.app.deposits import DEPOSIT_LIFETIME
from ballast.app.engine.deposit_rows import LATE_RECHECK, LATE_WATCH, TIME_LIMIT, VENUE_GRACE
from tests.app.paying import address, agrees, fault, holdings, pay, pay_over_http, progress

ON_BASE = "USDC on Base"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def index(world):
    """An index that keeps what comes as cash, so that it is seen as it came."""
    return await world.new_index(policy={"invest_deposits": False})


async def test_a_stuck_deposit_is_for_a_person_and_still_ends_by_evidence(world, index):
    fault(world, "stuck", state="PROCESSING", seconds=float(DAY.total_seconds()))
    deposit = await address(world, index, ON_BASE)
    await pay_over_http(world, deposit, "100")
    await world.run(TIME_LIMIT + HOUR)

    stuck = await progress(world, deposit)
    assert (stuck.state, stuck.done) == ("attention", False)
    assert "not ended this deposit in time" in stuck.problem
    assert f"ballast incident {deposit.deposit_id}" in stuck.next_step

    await world.run(DAY)

    assert (await progress(world, deposit)).state == "credited"
    await agrees(world, index)


@pytest.mark.parametrize(
    ("kind", "state", "words"),
    [
        ("refunded", "refunded", "could not convert"),
        ("success-but-refunded", "refunded", "could not convert"),
        ("success-without-movement", "attention", "balance does not show it"),
        ("failed-keeps-money", "attention", "reports that the deposit failed"),
        ("below-minimum", "credited", "Less has arrived"),
    ],
)
async def test_a_venue_that_breaks_its_word_ends_in_a_state_that_says_so(
    world, index, kind, state, words
):
    fault(world, kind)
    deposit = await address(world, index, ON_BASE)
    await pay_over_http(world, deposit, "100")

    await world.run(TIME_LIMIT + 2 * HOUR)

    found = await progress(world, deposit)
    assert found.state == state
    assert words in found.problem
    assert found.next_step
    await agrees(world, index)


@pytest.mark.parametrize("word", ["PENDING_DEPOSIT", "KNOWN_DEPOSIT_TX", "SOMETHING_NEW"])
async def test_whatever_word_comes_in_between_the_money_is_credited(world, index, word):
    deposit = await address(world, index, ON_BASE)
    pay(world, deposit, "100")
    await world.run(timedelta(seconds=8))
    fault(world, "status-word", route="status", count=4, word=word)

    await world.run(HOUR)

    assert (await progress(world, deposit)).state == "credited"
    await agrees(world, index)


async def test_a_refund_without_an_amount_is_booked_by_the_balance(world, index):
    fault(world, "refunded")
    deposit = await address(world, index, ON_BASE)
    await pay_over_http(world, deposit, "100")
    fault(world, "null-amounts", route="status", count=None)

    await world.run(HOUR)

    assert (await progress(world, deposit)).state == "refunded"
    assert await holdings(world, index) == {deposit.pay.asset_id: 100_000_000}
    await agrees(world, index)


async def test_a_deposit_that_was_never_paid_does_not_need_attention_for_ever(world, index):
    deposit = await address(world, index, ON_BASE)
    fault(world, "status-word", route="status", count=2, word="SOMETHING_NEW")
    await world.run(MINUTE)
    assert (await progress(world, deposit)).state == "attention"

    await world.run(DEPOSIT_LIFETIME + LATE_WATCH + 2 * LATE_RECHECK)

    ended = await progress(world, deposit)
    assert (ended.state, ended.done) == ("expired", True)


async def test_what_comes_over_a_route_that_holds_no_balance_comes_back_as_what_can_be_held(
    world, index
):
    """Bitcoin itself: paid over its chain, refunded as the wrapped asset inside the venue."""
    deposit = await address(world, index, "BTC", "0.01")
    assert deposit.pay.asset_id.startswith(ROUTING_PREFIX)
    pay(world, deposit, 400_000)
    world.pass_time(DEPOSIT_LIFETIME + VENUE_GRACE)

    await world.run(MINUTE)

    assert (await progress(world, deposit)).state == "refunded"
    assert await holdings(world, index) == {"nep141:nbtc.bridge.near": 400_000}
    await agrees(world, index)
