"""`POST /v0/quote`: amounts, fees, echo, signature, refusals."""

from __future__ import annotations

import json
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import base58
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from ballast.devnet.quote_signature import QuoteSigner, quote_hash
from tests.devnet.world import (
    ALICE,
    BTC,
    BTC_CHAIN,
    ETH,
    START,
    USDC,
    USDC_BASE,
    XRP,
    World,
    iso,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "near-intents-vectors.json").read_text())
PLATFORM = "5880ad2b362620fadf759cbceb1cd5737ce8c6ed7fb8e9942881e6731f9247dd"
ETH_ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"
BTC_ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


async def prices(world: World) -> dict[str, Fraction]:
    """Exact prices of this instant per base unit; the clock stands on the token list's grid."""
    listed = (await world.get("/v0/tokens")).json()
    return {
        each["assetId"]: Fraction(str(each["price"])) / 10 ** each["decimals"] for each in listed
    }


def kept(origin: str, destination: str, fee_bps: int, spread: int, price) -> Fraction:
    """Destination base units per origin base unit, worked out here from the published fees."""
    return price[origin] / price[destination] * Fraction(10_000 - fee_bps - spread, 10_000)


@pytest.mark.parametrize(
    ("origin", "destination", "key", "fee", "spread"),
    [
        (USDC, BTC, True, 20, 4),
        (USDC, BTC, False, 25, 4),
        (BTC, ETH, True, 20, 6),
        (BTC, ETH, False, 25, 6),
        (USDC, USDC_BASE, True, 1, 1),
        (USDC, USDC_BASE, False, 25, 1),
    ],
)
async def test_what_comes_out_is_the_price_less_fee_and_spread_rounded_down(
    world, origin, destination, key, fee, spread
):
    quoted = await world.quote(
        key, dry=True, originAsset=origin, destinationAsset=destination, amount="123456789"
    )

    rate = kept(origin, destination, fee, spread, await prices(world))
    amount_out = int(quoted["quote"]["amountOut"])
    assert amount_out == 123456789 * rate // 1
    assert int(quoted["quote"]["minAmountOut"]) == amount_out * 9900 // 10000
    assert quoted["quoteRequest"]["appFees"] == [
        {"recipient": PLATFORM, "fee": fee, "limitOrderId": None}
    ]


async def test_exact_output_asks_for_enough_and_a_slippage_buffer(world):
    quoted = await world.quote(dry=True, swapType="EXACT_OUTPUT", amount="1000000")

    rate = kept(USDC, BTC, 20, 4, await prices(world))
    needed = -(-1_000_000 / rate // 1)
    assert int(quoted["quote"]["minAmountIn"]) == needed
    assert int(quoted["quote"]["amountIn"]) == -(-needed * 10_100 // 10_000)
    assert quoted["quote"]["amountOut"] == quoted["quote"]["minAmountOut"] == "1000000"


async def test_flexible_input_lets_slippage_act_on_both_sides(world):
    quote = (await world.quote(dry=True, swapType="FLEX_INPUT"))["quote"]

    assert quote["minAmountIn"] == "990000000"
    assert int(quote["minAmountOut"]) == int(quote["amountOut"]) * 99 // 100


@given(
    units=st.integers(10**6, 10**30),
    slippage=st.one_of(st.integers(0, 10_000), st.sampled_from([0.5, 12.25])),
)
def test_no_quote_promises_more_than_the_amount_is_worth(tmp_path_factory, units, slippage):
    import asyncio

    world = World.open(tmp_path_factory.mktemp("quotes") / "devnet.db")

    async def ask():
        quote = (await world.quote(dry=True, amount=str(units), slippageTolerance=slippage))[
            "quote"
        ]
        rate = kept(USDC, BTC, 20, 4, await prices(world))
        assert int(quote["amountOut"]) <= units * rate < int(quote["amountOut"]) + 1
        floor = int(quote["amountOut"]) * (1 - Fraction(str(slippage)) / 10_000) // 1
        assert int(quote["minAmountOut"]) == floor

    asyncio.run(ask())
    world.devnet.close()


async def test_a_partners_fee_is_shared_and_the_echo_adds_up_to_what_is_charged(world):
    mine = {"recipient": "partner.near", "fee": 30}
    quoted = await world.quote(dry=True, appFees=[mine])

    fees = quoted["quoteRequest"]["appFees"]
    assert [(each["recipient"], each["fee"]) for each in fees] == [
        ("partner.near", 30),
        (PLATFORM, 5),  # half of 30 counts towards 1Click's least fee of 20
    ]
    rate = kept(USDC, BTC, 35, 4, await prices(world))
    assert int(quoted["quote"]["amountOut"]) == 10**9 * rate // 1


async def test_fees_above_five_percent_are_refused(world):
    assert "500 basis points" in await world.refusal(
        appFees=[{"recipient": "partner.near", "fee": 501}]
    )


async def test_defaults_are_echoed_and_unknown_fields_dropped(world):
    request = (await world.quote(slippageTolerance=50.0, surprise=1))["quoteRequest"]

    assert request["depositMode"] == "SIMPLE"
    assert request["confidentiality"] == "public"
    assert request["insured"] is False
    assert json.dumps(request["slippageTolerance"]) == "50"
    assert "surprise" not in request
    assert "referral" not in request


async def test_a_live_quote_opens_a_new_address_each_time_for_three_more_days(world):
    first, second = await world.quote(), await world.quote()

    assert first["quote"]["depositAddress"] != second["quote"]["depositAddress"]
    assert len(bytes.fromhex(first["quote"]["depositAddress"])) == 32
    until = iso(START + timedelta(hours=1, days=3))
    assert first["quote"]["deadline"] == first["quote"]["timeWhenInactive"] == until


async def test_a_dry_quote_leaves_no_trace(world):
    quoted = await world.quote(dry=True)

    assert not {"depositAddress", "deadline", "timeWhenInactive"} & set(quoted["quote"])
    assert (await world.get("/devnet/swaps")).json() == {"swaps": []}


async def test_amounts_are_written_as_the_real_service_writes_them(world):
    quote = (await world.quote(dry=True, amount="25000000"))["quote"]

    assert quote["amountInFormatted"] == "25.0"
    assert quote["amountOutFormatted"] == "0.00027" + quote["amountOut"][2:].rstrip("0")
    assert quote["amountInUsd"].startswith("24.9")
    assert len(quote["amountInUsd"].partition(".")[2]) == 12
    assert quote["refundFee"] == quote["withdrawFee"] == "0"
    assert quote["timeEstimate"] == 10


@pytest.mark.parametrize("vector", VECTORS["quote_signatures"], ids=lambda each: each["name"])
def test_quotes_are_signed_as_the_official_sdk_verifies_them(vector):
    signer = QuoteSigner(bytes.fromhex(vector["manager_secret_seed_hex_test_only"]))

    assert quote_hash(vector["response"]) == vector["quote_hash"]
    assert signer.sign(vector["response"]) == vector["response"]["signature"]
    assert signer.public_key() == vector["manager_public_key"]


def test_a_live_quote_is_signed_for_what_the_quote_says_and_not_the_request():
    """What the service did not take over into its quote is not promised."""
    live = next(v for v in VECTORS["quote_signatures"] if not v["response"]["quoteRequest"]["dry"])
    asked_for_more = live["response"]["quoteRequest"] | {"customRecipientMsg": "hello"}

    assert quote_hash(live["response"] | {"quoteRequest": asked_for_more}) == live["quote_hash"]


@pytest.mark.parametrize("dry", [True, False])
async def test_the_signature_verifies_with_the_published_key(world, dry):
    quoted = await world.quote(dry=dry, referral="ballast", quoteWaitingTimeMs=1500)

    published = (await world.get("/devnet/info")).json()["manager_public_key"]
    key = Ed25519PublicKey.from_public_bytes(base58.b58decode(published.removeprefix("ed25519:")))
    signature = base58.b58decode(quoted["signature"].removeprefix("ed25519:"))
    key.verify(signature, quote_hash(quoted).encode())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"originAsset": "nep141:nothing.near"}, "tokenIn is not valid"),
        ({"destinationAsset": "nep141:nothing.near"}, "tokenOut is not valid"),
        ({"destinationAsset": BTC_CHAIN}, "tokenOut is not valid"),
        ({"destinationAsset": "nep141:btc.omft.near"}, "tokenOut is not valid"),
        ({"originAsset": BTC_CHAIN}, f"{BTC_CHAIN} is not supported as origin asset"),
        ({"destinationAsset": USDC}, "Quoting for this pair is not available"),
        ({"recipient": ETH_ADDRESS}, "recipient is not valid"),  # upper case inside Intents
        ({"refundTo": "Alice.near"}, "refundTo is not valid"),
        ({"refundTo": ""}, "refundTo should not be empty"),
        ({"depositMode": "MEMO"}, "Incorrect depositMode"),
        ({"originAsset": XRP, "depositType": "ORIGIN_CHAIN"}, "Incorrect depositMode"),
        ({"deadline": iso(START)}, "deadline must be in the future"),
        ({"deadline": "tomorrow"}, "deadline must be a valid ISO 8601 date string"),
        ({"amount": "1"}, "Failed to get quote"),
        *[
            ({"amount": amount}, "amount must be a positive integer string in base units")
            for amount in ("0", "-1", "1.5", "1_0", "٣", "", "1e9", str(2**128))
        ],
        ({"amount": str(2**128 - 1), "originAsset": BTC, "destinationAsset": ETH}, "No liquidity"),
        ({"recipientType": "CONFIDENTIAL_INTENTS"}, "Confidential intents are not available"),
        ({"swapType": "ANY_INPUT"}, "ANY_INPUT is not available"),
        ({"appFees": [{"recipient": "No", "fee": 1}]}, "appFees recipient is not valid"),
    ],
)
async def test_what_the_service_refuses_it_refuses_in_its_words(world, fields, message):
    assert message in await world.refusal(**fields)
    assert (await world.get("/devnet/swaps")).json() == {"swaps": []}


async def test_a_misshapen_body_gets_a_list_of_complaints(world):
    complaints = await world.refusal(
        dry="false", swapType="SWAP", slippageTolerance="50", originAsset=..., amount=5
    )

    assert complaints == [
        "dry must be a boolean value",
        "swapType must be one of the following values: "
        "'EXACT_INPUT', 'EXACT_OUTPUT', 'FLEX_INPUT' or 'ANY_INPUT'",
        "slippageTolerance must be a number",
        "originAsset should not be empty",
        "amount must be a string",
    ]


async def test_a_retired_id_comes_back_replaced(world):
    quoted = await world.quote(
        dry=True, destinationAsset="nep245:v2_1.omni.hot.tg:56_11111111111111111111"
    )

    assert quoted["quoteRequest"]["destinationAsset"] == "nep141:bnb.omdep.near"


async def test_a_withdrawal_pays_for_its_chain_and_has_a_minimum(world):
    outward = {
        "recipientType": "DESTINATION_CHAIN",
        "recipient": BTC_ADDRESS,
        "destinationAsset": "nep141:btc.omft.near",  # replaced by the id of the chain's own coin
    }
    quoted = await world.quote(dry=True, amount="100000000", **outward)
    assert quoted["quoteRequest"]["destinationAsset"] == BTC_CHAIN
    rate = kept(USDC, BTC_CHAIN, 20, 4, await prices(world))
    gross = 10**8 * rate // 1
    assert int(quoted["quote"]["withdrawFee"]) > 0
    assert int(quoted["quote"]["amountOut"]) == gross - int(quoted["quote"]["withdrawFee"])

    refusal = await world.refusal(dry=True, amount="1000000", **outward)
    assert refusal.startswith("Amount is too low for bridge, try at least ")
    least = int(refusal.rpartition(" ")[2])
    await world.quote(dry=True, amount=str(least), **outward)
    assert "too low" in await world.refusal(dry=True, amount=str(least - 1), **outward)


async def test_the_address_of_a_withdrawal_is_checked_before_its_amount(world):
    message = await world.refusal(
        recipientType="DESTINATION_CHAIN",
        recipient=ETH_ADDRESS,
        destinationAsset=BTC_CHAIN,
        amount="1",
    )

    assert message == "recipient is not valid"


async def test_deposits_from_a_chain_get_an_address_of_that_chain(world):
    chain = {"depositType": "ORIGIN_CHAIN"}
    for origin, starts in ((USDC, "0x"), (BTC_CHAIN, "3"), ("nep141:sol.omft.near", "")):
        quoted = await world.quote(
            originAsset=origin, destinationAsset=ETH, amount=str(10**9), **chain
        )
        assert quoted["quote"]["depositAddress"].startswith(starts)
        assert "depositMemo" not in quoted["quote"]
    one, two = [
        (await world.quote(originAsset=XRP, depositMode="MEMO", **chain))["quote"] for _ in "ab"
    ]
    assert one["depositAddress"] == two["depositAddress"]
    assert one["depositMemo"] != two["depositMemo"]


async def test_two_runs_of_one_script_agree(tmp_path):
    answers = []
    for name in ("first.db", "second.db"):
        world = World.open(tmp_path / name)
        answers.append(
            [
                await world.quote(),
                await world.quote(dry=True),
                await world.quote(originAsset=BTC_CHAIN, depositType="ORIGIN_CHAIN"),
                (await world.get("/v0/tokens")).json(),
                await world.view("current_salt"),
            ]
        )
        world.devnet.close()

    assert answers[0] == answers[1]


async def test_another_seed_is_another_world(tmp_path):
    worlds = [World.open(tmp_path / f"{seed}.db", seed=seed) for seed in (1, 2)]

    one, two = [await world.quote() for world in worlds]
    assert one["quote"]["depositAddress"] != two["quote"]["depositAddress"]
    assert (await worlds[0].view("current_salt")) != (await worlds[1].view("current_salt"))
    for world in worlds:
        world.devnet.close()


async def test_generate_intent_builds_a_payload_that_executes_and_pays_the_quote(world):
    quoted = await world.quote()
    await world.mint(ALICE.account, USDC, 10**9)
    ask = {
        "type": "swap_transfer",
        "standard": "erc191",
        "signerId": ALICE.account,
        "depositAddress": quoted["quote"]["depositAddress"],
    }

    answer = await world.post("/v0/generate-intent", ask)

    text = answer.json()["intent"]["payload"]
    assert json.loads(text)["deadline"] == quoted["quote"]["deadline"]
    assert (await world.submit(ALICE.sign(text))).status_code == 201
    await world.advance(20)
    assert (await world.status(quoted))["status"] == "SUCCESS"
    assert (await world.post("/v0/generate-intent", ask, key=False)).status_code == 401
    unknown = ask | {"depositAddress": "00" * 32}
    assert (await world.post("/v0/generate-intent", unknown)).status_code == 404
    assert (await world.post("/v0/generate-intent", ask | {"type": "x"})).status_code == 400
