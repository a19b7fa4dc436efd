"""Faults in what a good answer says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import base58
import pytest

from tests.devnet.faulty import FUNDS, fault, is_signed, raw_quote
from tests.devnet.world import (
    ALICE,
    BTC,
    ETH,
    USDC,
    World,
)


@pytest.mark.parametrize("signed", [0, 1])
async def test_any_field_can_say_anything(world, signed):
    await fault(world, "quote", "field", path="quote.timeEstimate", value=-5, signed=signed)

    quoted = (await raw_quote(world)).json()

    assert quoted["quote"]["timeEstimate"] == -5
    assert is_signed(world, quoted) is bool(signed)


async def test_a_field_of_every_element_and_of_a_views_result(world):
    await fault(world, "tokens", "field", path="*.symbol", value="X")
    await fault(world, "rpc", "field", path="view", value=["1", "2"])

    assert {each["symbol"] for each in (await world.get("/v0/tokens")).json()} == {"X"}
    assert await world.view("current_salt") == ["1", "2"]


async def test_any_field_can_be_missing(world):
    await fault(world, "quote", "missing-field", path="quote.minAmountOut")

    assert "minAmountOut" not in (await raw_quote(world)).json()["quote"]


FORMS: dict[str, Callable[[Any, str], bool]] = {
    "number": lambda got, true: got == int(true) and isinstance(got, int),
    "nan": lambda got, true: math.isnan(got),
    "infinity": lambda got, true: got == float("inf"),
    "huge": lambda got, true: int(got) > 2**128,
    "negative": lambda got, true: got == f"-{true}",
    "fraction": lambda got, true: got == f"{true}.5",
    "exponent": lambda got, true: got == f"{true}e0",
    "spaced": lambda got, true: got == f" {true} ",
    "empty": lambda got, true: got == "",
    "null": lambda got, true: got is None,
}


@pytest.mark.parametrize("form", FORMS)
async def test_an_amount_is_not_what_an_amount_should_be(funded, form):
    true = (await funded.quote(dry=True))["quote"]["amountOut"]
    await fault(funded, "quote", "amount-form", form=form)
    got = (await raw_quote(funded, dry=True)).json()["quote"]["amountOut"]
    assert FORMS[form](got, true)

    quoted = await funded.quote()
    await funded.pay(ALICE, quoted)
    await funded.advance(20)
    true = (await funded.status(quoted))["swapDetails"]["amountIn"]
    await fault(funded, "status", "amount-form", form=form, path="swapDetails.amountIn")
    assert FORMS[form]((await funded.status(quoted))["swapDetails"]["amountIn"], true)

    true = str(FUNDS - 10**9)
    await fault(funded, "rpc", "amount-form", form=form)
    (got,) = await funded.view("mt_batch_balance_of", account_id=ALICE.account, token_ids=[USDC])
    assert FORMS[form](got, true)


async def test_nan_is_written_as_a_bare_word(world):
    await fault(world, "quote", "amount-form", form="nan")

    assert '"amountOut":NaN,' in (await raw_quote(world)).text


async def tokens(world: World) -> dict[str, dict[str, Any]]:
    return {each["assetId"]: each for each in (await world.get("/v0/tokens")).json()}


async def test_one_assets_decimals_change(world):
    await fault(world, "tokens", "decimals", asset_id=BTC, by=10)

    listed = await tokens(world)

    assert (listed[BTC]["decimals"], listed[ETH]["decimals"]) == (18, 18)


@pytest.mark.parametrize(
    ("form", "holds"),
    [
        ("zero", lambda got, true: got == 0),
        ("negative", lambda got, true: got == -true),
        ("nan", lambda got, true: math.isnan(got)),
        ("infinity", lambda got, true: got == float("inf")),
        ("huge", lambda got, true: got == 1e300),
        ("text", lambda got, true: got == str(true)),
        ("null", lambda got, true: got is None),
        ("doubled", lambda got, true: got == 2 * true),
    ],
)
async def test_a_price_is_not_what_a_price_should_be(world, form, holds):
    honest = await tokens(world)
    await fault(world, "tokens", "price", asset_id=ETH, form=form)

    listed = await tokens(world)

    assert holds(listed[ETH]["price"], honest[ETH]["price"])
    assert listed[BTC] == honest[BTC]


async def test_prices_from_another_time(world):
    await fault(world, "tokens", "stale-price", seconds=900)
    await fault(world, "tokens", "future-price", seconds=900, asset_id=BTC)

    old, new = await tokens(world), await tokens(world)

    assert {each["priceUpdatedAt"] for each in old.values()} == {"2026-11-30T23:45:00.000Z"}
    assert new[BTC]["priceUpdatedAt"] == "2026-12-01T00:15:00.000Z"
    assert new[ETH]["priceUpdatedAt"] == "2026-12-01T00:00:00.000Z"


async def test_a_token_is_missing_from_the_list(world):
    await fault(world, "tokens", "dropped-token", asset_id=BTC)

    assert BTC not in await tokens(world)
    assert BTC in await tokens(world)


async def test_nobodys_signature(world):
    await fault(world, "quote", "bad-signature")

    quoted = (await raw_quote(world)).json()

    assert len(base58.b58decode(quoted["signature"].removeprefix("ed25519:"))) == 64
    assert not is_signed(world, quoted)
    assert is_signed(world, await world.quote())


async def test_a_good_signature_of_another_quote(world):
    await fault(world, "quote", "other-signature")

    quoted = (await raw_quote(world)).json()

    assert not is_signed(world, quoted)
    quoted["quote"]["amountOut"] = str(int(quoted["quote"]["amountOut"]) + 1)
    assert is_signed(world, quoted)


async def test_a_deposit_address_of_another_form(world):
    await fault(world, "quote", "wrong-address", count=2)

    quoted = (await raw_quote(world)).json()
    dry = (await raw_quote(world, dry=True)).json()

    assert quoted["quote"]["depositAddress"].startswith("0xAbCdEf")
    assert is_signed(world, quoted)
    assert "depositAddress" not in dry["quote"]


async def test_a_deposit_address_that_was_given_out_before(world):
    first = await world.quote()
    await fault(world, "quote", "reused-address")

    quoted = (await raw_quote(world)).json()

    assert quoted["quote"]["depositAddress"] == first["quote"]["depositAddress"]
    assert is_signed(world, quoted)


async def test_a_minimum_above_the_amount(world):
    await fault(world, "quote", "min-above-out")

    quoted = (await raw_quote(world)).json()

    assert int(quoted["quote"]["minAmountOut"]) > int(quoted["quote"]["amountOut"])
    assert is_signed(world, quoted)


PAYLOADS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "second-intent": lambda p: [i["receiver_id"] for i in p["intents"]][1:] == ["stranger.near"],
    "no-intent": lambda p: p["intents"] == [],
    "other-receiver": lambda p: p["intents"][0]["receiver_id"] == "stranger.near",
    "other-amount": lambda p: p["intents"][0]["tokens"] == {USDC: "2000000000"},
    "other-token": lambda p: p["intents"][0]["tokens"] == {"nep141:wrap.near": "1000"},
    "second-token": lambda p: len(p["intents"][0]["tokens"]) == 2,
    "msg": lambda p: p["intents"][0].get("msg") == "call me",
    "token-diff": lambda p: p["intents"][0]["intent"] == "token_diff",
    "wrong-signer": lambda p: p["signer_id"] == "stranger.near",
    "wrong-contract": lambda p: p["verifying_contract"] == "stranger.near",
    "long-deadline": lambda p: p["deadline"].startswith("2027-12-04"),
    "duplicate-key": lambda p: p["intents"][0]["receiver_id"] == "stranger.near",
}


async def generated(world: World, quoted: dict[str, Any]) -> str:
    body = {"type": "swap_transfer", "standard": "erc191", "signerId": ALICE.account}
    address = {"depositAddress": quoted["quote"]["depositAddress"]}
    answer = await world.post("/v0/generate-intent", body | address)
    assert answer.status_code == 201
    return answer.json()["intent"]["payload"]


@pytest.mark.parametrize("change", PAYLOADS)
async def test_the_payload_to_sign_says_something_else(funded, change):
    quoted = await funded.quote()
    honest = json.loads(await generated(funded, quoted))
    await fault(funded, "generate-intent", "payload", change=change)

    text = await generated(funded, quoted)

    assert not PAYLOADS[change](honest)
    assert PAYLOADS[change](json.loads(text))
    assert (len(text.split('"intents":')) == 3) is (change == "duplicate-key")


async def test_who_signs_a_second_intent_blindly_loses_his_money(funded):
    await fault(funded, "generate-intent", "payload")
    text = await generated(funded, await funded.quote())

    assert (await funded.submit(ALICE.sign(text))).status_code == 201

    assert await funded.balance("stranger.near", USDC) == 10**9


async def test_the_status_is_any_word(world):
    quoted = await world.quote()
    await fault(world, "status", "status-word", word="CONFUSED")

    assert (await world.status(quoted))["status"] == "CONFUSED"


async def test_the_status_goes_backwards(funded):
    quoted = await funded.quote()
    await funded.pay(ALICE, quoted)
    await funded.advance(20)
    seen = [await funded.status(quoted)]
    await fault(funded, "status", "status-backwards")
    seen += [await funded.status(quoted), await funded.status(quoted)]

    assert [each["status"] for each in seen] == ["SUCCESS", "PROCESSING", "SUCCESS"]
    assert seen[1]["swapDetails"]["amountOut"] is None


async def test_success_without_any_amount(funded):
    quoted = await funded.quote()
    await funded.pay(ALICE, quoted)
    await funded.advance(20)
    await fault(funded, "status", "null-amounts")

    answer = await funded.status(quoted)

    assert answer["status"] == "SUCCESS"
    names = ("amountIn", "amountOut", "amountOutUsd", "refundedAmount", "depositedAmount")
    assert [answer["swapDetails"][name] for name in names] == [None] * 5


async def test_a_node_that_is_behind_tells_old_balances(world):
    await world.mint(ALICE.account, USDC, 5)
    await world.advance(60)
    await world.mint(ALICE.account, USDC, 2)
    await world.mint(ALICE.account, BTC, 9)
    await fault(world, "rpc", "old-balance", seconds=30, count=3)

    assert await world.balance(ALICE.account, USDC) == 5
    both = {"account_id": ALICE.account, "token_ids": [USDC, BTC]}
    assert await world.view("mt_batch_balance_of", **both) == ["5", "0"]
    (held,) = await world.view("mt_tokens_for_owner", account_id=ALICE.account)
    assert held["token_id"] == USDC
    assert await world.view("mt_batch_balance_of", **both) == ["7", "9"]


async def test_a_node_answers_with_an_error_of_its_own(world):
    await fault(world, "rpc", "node-error", cause="TIMEOUT_ERROR", code=32001)
    request = {"jsonrpc": "2.0", "id": "x", "method": "status"}

    answer = (await world.post("/rpc", request)).json()

    assert answer["error"]["cause"]["name"] == "TIMEOUT_ERROR"
    assert (answer["error"]["code"], answer["id"]) == (-32001, "x")
    assert "result" not in answer


async def test_the_contract_panics(world):
    await fault(world, "rpc", "panic", text='no "such" thing')

    answer = await world.rpc("current_salt")

    assert 'Smart contract panicked: no \\"such\\" thing' in answer["error"]
    assert "result" not in answer


async def test_an_answer_to_another_request(world):
    await fault(world, "rpc", "wrong-id")
    request = {"jsonrpc": "2.0", "id": "x", "method": "status"}

    assert (await world.post("/rpc", request)).json()["id"] != "x"
