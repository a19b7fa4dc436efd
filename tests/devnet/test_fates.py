"""Faults in what happens to a swap once it is paid."""

from __future__ import annotations

from typing import Any

import pytest

from tests.devnet.faulty import FUNDS, fault
from tests.devnet.world import (
    ALICE,
    BOB,
    BTC,
    BTC_CHAIN,
    USDC,
    World,
    payload,
    transfer,
)

BTC_ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


@pytest.mark.parametrize("door", ["quote", "submit-intent"])
@pytest.mark.parametrize("state", ["PENDING_DEPOSIT", "PROCESSING"])
async def test_a_swap_is_stuck_for_ever(funded, door, state):
    await fault(funded, door, "stuck", state=state)
    quoted = await funded.quote()
    await funded.pay(ALICE, quoted)

    await funded.advance(86_400 * 30)

    assert (await funded.status(quoted))["status"] == state
    assert await funded.balance(quoted["quote"]["depositAddress"], USDC) == 10**9


@pytest.mark.parametrize("state", ["PENDING_DEPOSIT", "PROCESSING"])
async def test_a_swap_is_stuck_for_some_time(funded, state):
    await fault(funded, "submit-intent", "stuck", state=state, seconds=600)
    # Half an hour of patience, so that the market cannot run away from the quote.
    quoted = await funded.quote(slippageTolerance=5000)
    await funded.pay(ALICE, quoted)

    await funded.advance(500)
    assert (await funded.status(quoted))["status"] == state
    await funded.advance(150)

    assert (await funded.status(quoted))["status"] == "SUCCESS"


async def ended(world: World, kind: str, **settings: Any) -> dict[str, Any]:
    """The status of a swap that met this fate."""
    quoted = await world.quote()
    await fault(world, "submit-intent", kind, **settings)
    await world.pay(ALICE, quoted)
    await world.advance(20)
    return await world.status(quoted)


async def test_the_money_goes_back_late(funded):
    answer = await ended(funded, "refunded", reason="COMPLIANCE", seconds=3600)
    assert answer["status"] == "PROCESSING"
    await funded.advance(3600)

    quoted = answer["quoteResponse"]
    answer = await funded.status(quoted)

    assert answer["status"] == "REFUNDED"
    assert answer["swapDetails"]["refundReason"] == "COMPLIANCE"
    assert await funded.balance(ALICE.account, USDC) == FUNDS


async def test_failed_and_the_money_is_gone(funded):
    answer = await ended(funded, "failed-keeps-money")

    assert answer["status"] == "FAILED"
    assert await funded.balance(ALICE.account, USDC) == FUNDS - 10**9
    assert await funded.balance(ALICE.account, BTC) == 0


async def test_called_success_and_refunded(funded):
    answer = await ended(funded, "success-but-refunded")

    assert answer["status"] == "SUCCESS"
    assert answer["swapDetails"]["amountOut"] is None
    assert await funded.balance(ALICE.account, USDC) == FUNDS
    assert await funded.balance(ALICE.account, BTC) == 0


async def test_called_success_and_nothing_came(funded):
    answer = await ended(funded, "success-without-movement")

    assert answer["status"] == "SUCCESS"
    assert int(answer["swapDetails"]["amountOut"]) > 0
    assert await funded.balance(ALICE.account, BTC) == 0
    assert await funded.balance(ALICE.account, USDC) == FUNDS - 10**9


async def test_less_than_the_promised_minimum(funded):
    answer = await ended(funded, "below-minimum", percent=20)

    least = int(answer["quoteResponse"]["quote"]["minAmountOut"])
    assert answer["status"] == "SUCCESS"
    assert await funded.balance(ALICE.account, BTC) == least * 80 // 100
    assert answer["swapDetails"]["amountOut"] == str(least * 80 // 100)


async def test_paid_out_twice(funded):
    answer = await ended(funded, "paid-twice")

    out = int(answer["swapDetails"]["amountOut"])
    assert await funded.balance(ALICE.account, BTC) == 2 * out


async def test_a_withdrawal_that_does_not_arrive_comes_back_into_intents(funded):
    quoted = await funded.quote(
        recipientType="DESTINATION_CHAIN", recipient=BTC_ADDRESS, destinationAsset=BTC_CHAIN
    )
    await fault(funded, "submit-intent", "delivery-failed")
    await funded.pay(ALICE, quoted)

    await funded.advance(200)

    answer = await funded.status(quoted)
    assert answer["status"] == "REFUNDED"
    assert answer["swapDetails"]["destinationChainTxHashes"] == []
    assert answer["swapDetails"]["amountOut"] is None
    assert await funded.balance(ALICE.account, USDC) == FUNDS
    assert f"chain:btc:{BTC_ADDRESS}" not in await funded.accounts()


async def test_a_payload_is_accepted_and_never_executed_until_it_is_sent_again(funded):
    quoted = await funded.quote()
    address = quoted["quote"]["depositAddress"]
    signed = ALICE.sign(payload(ALICE.account, transfer(address, {USDC: str(10**9)})))
    await fault(funded, "submit-intent", "not-executed")

    taken = await funded.submit(signed)
    await funded.advance(60)
    assert taken.status_code == 201
    assert (await funded.status(quoted))["status"] == "PENDING_DEPOSIT"
    assert await funded.balance(ALICE.account, USDC) == FUNDS

    again = await funded.submit(signed)
    assert again.json()["intentHash"] == taken.json()["intentHash"]
    assert await funded.balance(ALICE.account, USDC) == FUNDS - 10**9


async def test_what_the_contract_refuses_is_not_accepted_either(funded):
    await fault(funded, "submit-intent", "not-executed")

    answer = await funded.submit(ALICE.sign(payload(BOB.account)))

    assert answer.status_code == 400
    assert "doesn't exist for account" in answer.json()["message"]
