"""Faults that change the world, or what the service takes a request to say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.devnet.faulty import fault, is_signed, raw_quote
from tests.devnet.world import (
    ALICE,
    BOB,
    BTC,
    START,
    USDC,
    iso,
    nonce,
    payload,
    quote_body,
    transfer,
)


@pytest.mark.parametrize(
    "field",
    [
        "recipient", "refundTo", "originAsset", "destinationAsset", "amount", "deadline",
        "slippageTolerance", "swapType",
    ],
)  # fmt: skip
async def test_the_service_answers_and_signs_another_request(world, field):
    await fault(world, "quote", "other-request", field=field)

    quoted = (await raw_quote(world)).json()

    asked = quote_body()
    changed = {name for name in asked if quoted["quoteRequest"][name] != asked[name]}
    assert changed == {field}
    assert is_signed(world, quoted)


async def test_money_for_another_recipient_goes_to_him(funded):
    await fault(funded, "quote", "other-request", value=BOB.account)

    await funded.pay(ALICE, (await raw_quote(funded)).json())
    await funded.advance(20)

    assert await funded.balance(BOB.account, BTC) > 0
    assert await funded.balance(ALICE.account, BTC) == 0


async def test_a_strangers_fee_is_echoed_and_charged(funded):
    honest = await funded.quote(dry=True)
    await fault(funded, "quote", "foreign-fee", bps=400)

    quoted = (await raw_quote(funded)).json()
    await funded.pay(ALICE, quoted)
    await funded.advance(20)

    fees = {fee["recipient"]: fee["fee"] for fee in quoted["quoteRequest"]["appFees"]}
    assert fees["stranger.near"] == 400
    assert int(quoted["quote"]["amountOut"]) < int(honest["quote"]["amountOut"]) * 98 // 100
    assert await funded.balance("stranger.near", USDC) == 10**9 * 200 // 10_000


async def test_a_lagging_node_shows_an_old_block(world):
    await world.advance(1000)
    request = {"jsonrpc": "2.0", "id": 1, "method": "block", "params": {"finality": "final"}}
    fresh = (await world.post("/rpc", request)).json()["result"]["header"]
    await fault(world, "rpc:block", "lagging-block", seconds=300)

    old = (await world.post("/rpc", request)).json()["result"]["header"]

    assert fresh["height"] - old["height"] == 300
    assert fresh["timestamp"] - old["timestamp"] == 300 * 10**9


@pytest.mark.parametrize("retire", [0, 1])
async def test_the_salt_rotates_just_before_a_payload_arrives(funded, retire):
    await fault(funded, "submit-intent", "rotate-salt", retire=retire)

    answer = await funded.submit(ALICE.sign(payload(ALICE.account)))

    assert answer.status_code == (400 if retire else 201)
    assert ("invalid salt" in answer.text) is bool(retire)
    assert await funded.view("current_salt") != "252812b3"


async def test_a_forgotten_nonce_looks_unused_and_still_cannot_be_used_again(funded):
    end = START + timedelta(seconds=30)
    used = nonce(deadline=end)
    signed = ALICE.sign(
        payload(ALICE.account, transfer(BOB.account, {USDC: "5"}), deadline=iso(end), nonce=used)
    )
    assert (await funded.submit(signed)).status_code == 201
    legacy = {"nonce": "AAAA" * 10 + "AAA="}
    await funded.submit(ALICE.sign(payload(ALICE.account, **legacy)))
    await funded.advance(31)
    asked = {"account_id": ALICE.account, "nonce": used}
    assert await funded.view("is_nonce_used", **asked) is True
    await fault(funded, "rpc", "clean-nonces")

    assert await funded.view("is_nonce_used", **asked) is False
    assert await funded.view("is_nonce_used", **(asked | legacy)) is True
    assert "deadline has expired" in (await funded.submit(signed)).json()["message"]
    assert await funded.balance(BOB.account, USDC) == 5


async def test_a_moved_id_leaves_balances_behind(world):
    old, new = "nep141:bnb.omdep.near", "nep141:bnb-2.omdep.near"
    await world.mint(ALICE.account, old, 10**18)
    await fault(world, "tokens", "move-id")

    listed = {each["assetId"]: each for each in (await world.get("/v0/tokens")).json()}

    assert old not in listed
    assert listed[new]["symbol"] == "BNB"
    assert await world.balance(ALICE.account, old) == 10**18
    assert await world.balance(ALICE.account, new) == 0
    assert await world.refusal(originAsset=old, destinationAsset=USDC) == "tokenIn is not valid"
    assert await world.quote(originAsset=new, destinationAsset=USDC, amount=str(10**18))
