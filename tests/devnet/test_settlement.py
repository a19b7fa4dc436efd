"""From a deposit to SUCCESS or REFUNDED, by due time."""

from __future__ import annotations

import pytest

from tests.devnet.faulty import FUNDS
from tests.devnet.world import ALICE, BTC, BTC_CHAIN, ETH, USDC, USDC_BASE, XRP, World

DAY = 86_400
BTC_ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


async def test_a_swap_goes_from_waiting_through_processing_to_success(funded):
    quoted = await funded.quote()
    assert (await funded.status(quoted))["status"] == "PENDING_DEPOSIT"

    intent_hash = await funded.pay(ALICE, quoted)
    seen = []
    for _ in range(14):
        seen.append((await funded.status(quoted))["status"])
        await funded.advance(1)

    assert list(dict.fromkeys(seen)) == ["PENDING_DEPOSIT", "PROCESSING", "SUCCESS"]
    details = (await funded.status(quoted))["swapDetails"]
    assert details["intentHashes"] == [intent_hash]
    assert details["amountIn"] == details["depositedAmount"] == "1000000000"
    assert details["refundedAmount"] == "0"
    assert await funded.balance(ALICE.account, BTC) == int(details["amountOut"])
    assert await funded.balance(ALICE.account, USDC) == FUNDS - 10**9


async def test_fee_and_spread_have_accounts_of_their_own(funded):
    quoted = await funded.quote(appFees=[{"recipient": "partner.near", "fee": 10}])
    await funded.pay(ALICE, quoted)
    await funded.advance(20)

    accounts = await funded.accounts()
    assert accounts["partner.near"] == {USDC: 10**9 * 5 // 10_000}
    assert accounts["system:fees"] == {USDC: 10**9 * 20 // 10_000}
    assert accounts["system:spread"] == {USDC: 10**9 * 4 // 10_000}
    assert accounts["system:solver"] == {USDC: 10**9 * 9971 // 10_000}


async def test_what_comes_out_lies_between_the_minimum_and_a_hundredth_above_the_quote(funded):
    for _ in range(5):
        quoted = await funded.quote()
        await funded.pay(ALICE, quoted)
        await funded.advance(20)
        out = int((await funded.status(quoted))["swapDetails"]["amountOut"])
        assert int(quoted["quote"]["minAmountOut"]) <= out
        assert out <= int(quoted["quote"]["amountOut"]) * 101 // 100


async def test_without_slippage_the_quote_is_kept_to_the_unit_or_bettered(tmp_path):
    world = World.open(tmp_path / "devnet.db", settle_seconds=(0, 0))
    await world.use_salt()
    await world.mint(ALICE.account, USDC, FUNDS)
    quoted = await world.quote(slippageTolerance=0)

    await world.pay(ALICE, quoted)

    answer = await world.status(quoted)
    assert answer["status"] == "SUCCESS"  # settled at once: no time has passed
    assert int(answer["swapDetails"]["amountOut"]) >= int(quoted["quote"]["amountOut"])
    world.devnet.close()


async def test_too_much_is_returned(funded):
    quoted = await funded.quote()

    await funded.pay(ALICE, quoted, 10**9 + 77)
    await funded.advance(20)

    details = (await funded.status(quoted))["swapDetails"]
    assert (details["amountIn"], details["refundedAmount"]) == ("1000000000", "77")
    assert await funded.balance(ALICE.account, USDC) == FUNDS - 10**9


async def test_too_little_waits_and_can_be_topped_up(funded):
    quoted = await funded.quote()
    await funded.pay(ALICE, quoted, 4 * 10**8)
    await funded.advance(20)
    assert (await funded.status(quoted))["status"] == "INCOMPLETE_DEPOSIT"

    await funded.pay(ALICE, quoted, 6 * 10**8)
    await funded.advance(20)

    answer = await funded.status(quoted)
    assert answer["status"] == "SUCCESS"
    assert len(answer["swapDetails"]["intentHashes"]) == 2


async def test_too_little_goes_back_after_the_deadline(funded):
    quoted = await funded.quote()
    await funded.pay(ALICE, quoted, 4 * 10**8)

    await funded.advance(3 * DAY)
    assert (await funded.status(quoted))["status"] == "INCOMPLETE_DEPOSIT"
    await funded.advance(3600)

    answer = await funded.status(quoted)
    assert answer["status"] == "REFUNDED"
    assert answer["swapDetails"]["refundReason"] == "PARTIAL_DEPOSIT"
    assert answer["swapDetails"]["refundedAmount"] == "400000000"
    assert await funded.balance(ALICE.account, USDC) == FUNDS


async def test_a_quote_that_nobody_pays_waits_for_ever(world):
    quoted = await world.quote()

    await world.advance(1000 * DAY)

    assert (await world.status(quoted))["status"] == "PENDING_DEPOSIT"


async def test_money_after_the_deadline_goes_back(funded):
    quoted = await funded.quote()
    await funded.advance(3 * DAY + 3601)

    await funded.pay(ALICE, quoted)
    await funded.advance(20)

    answer = await funded.status(quoted)
    assert answer["status"] == "REFUNDED"
    assert answer["swapDetails"]["refundReason"] == "DEADLINE_EXCEEDED"
    assert await funded.balance(ALICE.account, USDC) == FUNDS


async def test_money_after_success_goes_back_and_success_stays(funded):
    quoted = await funded.quote()
    await funded.pay(ALICE, quoted)
    await funded.advance(20)

    await funded.pay(ALICE, quoted, 5)
    await funded.advance(20)

    answer = await funded.status(quoted)
    assert answer["status"] == "SUCCESS"
    assert answer["swapDetails"]["refundedAmount"] == "5"
    assert await funded.balance(ALICE.account, USDC) == FUNDS - 10**9


async def test_a_price_beyond_the_slippage_returns_the_money(funded):
    """Two days later the price has moved by more than nothing, which is all that is allowed."""
    pairs = ((USDC, ETH, 10**9), (ETH, USDC, 10**18))
    quotes = [
        await funded.quote(
            slippageTolerance=0, originAsset=origin, destinationAsset=target, amount=str(units)
        )
        for origin, target, units in pairs
    ]
    await funded.mint(ALICE.account, ETH, 10**18)
    await funded.advance(2 * DAY)
    for quoted in quotes:
        await funded.pay(ALICE, quoted)
    await funded.advance(20)

    answers = [await funded.status(quoted) for quoted in quotes]
    # Whichever way the market went, one of the two directions got worse.
    assert sorted(each["status"] for each in answers) == ["REFUNDED", "SUCCESS"]
    details = next(each for each in answers if each["status"] == "REFUNDED")["swapDetails"]
    assert details["refundReason"] == "SLIPPAGE_EXCEEDED"
    assert details["refundedAmount"] == details["depositedAmount"]
    assert details["amountOut"] is None


async def test_another_asset_than_the_quotes_is_never_noticed(funded):
    quoted = await funded.quote(originAsset=ETH, amount=str(10**18))
    wrong = {"quote": quoted["quote"], "quoteRequest": {"originAsset": USDC}}

    await funded.pay(ALICE, wrong, 100)
    await funded.advance(4 * DAY)

    assert (await funded.status(quoted))["status"] == "PENDING_DEPOSIT"
    assert await funded.balance(quoted["quote"]["depositAddress"], USDC) == 100


async def test_exact_output_delivers_exactly_and_returns_the_buffer(funded):
    quoted = await funded.quote(swapType="EXACT_OUTPUT", amount="500000")

    await funded.pay(ALICE, quoted)
    await funded.advance(20)

    details = (await funded.status(quoted))["swapDetails"]
    assert details["amountOut"] == "500000" == str(await funded.balance(ALICE.account, BTC))
    assert int(details["refundedAmount"]) > 0
    spent = FUNDS - await funded.balance(ALICE.account, USDC)
    assert spent == int(details["amountIn"])


async def test_flexible_input_swaps_all_that_came(funded):
    quoted = await funded.quote(swapType="FLEX_INPUT")

    await funded.pay(ALICE, quoted, 1_500_000_000)
    await funded.advance(20)

    details = (await funded.status(quoted))["swapDetails"]
    assert (details["amountIn"], details["refundedAmount"]) == ("1500000000", "0")
    assert int(details["amountOut"]) >= int(quoted["quote"]["minAmountOut"]) * 3 // 2


async def test_a_deposit_from_a_chain_is_known_then_counted_then_credited(world):
    quoted = await world.quote(depositType="ORIGIN_CHAIN", destinationAsset=USDC_BASE)

    paid = (await world.send(quoted, 10**9)).json()
    assert (await world.status(quoted))["status"] == "KNOWN_DEPOSIT_TX"
    await world.advance(45)
    assert (await world.status(quoted))["status"] == "PROCESSING"
    await world.advance(20)

    details = (await world.status(quoted))["swapDetails"]
    assert details["originChainTxHashes"][0]["hash"] == paid["tx_hash"]
    assert await world.balance(ALICE.account, USDC_BASE) == int(details["amountOut"])
    assert 999_000_000 < int(details["amountOut"]) < 1_001_000_000


async def test_a_deposit_of_the_same_asset_costs_one_basis_point(world):
    quoted = await world.quote(depositType="ORIGIN_CHAIN", destinationAsset=USDC)

    assert quoted["quote"]["amountOut"] == str(10**9 * 9999 // 10_000)


async def test_a_memo_tells_two_deposits_at_one_address_apart(world):
    asked = {"originAsset": XRP, "depositMode": "MEMO", "depositType": "ORIGIN_CHAIN"}
    first, second = await world.quote(**asked), await world.quote(**asked)

    await world.send(second, 10**9)

    assert (await world.status(first))["status"] == "PENDING_DEPOSIT"
    assert (await world.status(second))["status"] == "KNOWN_DEPOSIT_TX"
    address = first["quote"]["depositAddress"]
    assert (await world.get("/v0/status", depositAddress=address)).status_code == 404


async def test_a_refund_to_a_chain_pays_that_chains_fee(world):
    home = "0x52908400098527886E0F7030069857D2E4169EE7"
    quoted = await world.quote(depositType="ORIGIN_CHAIN", refundType="ORIGIN_CHAIN", refundTo=home)
    fee = int(quoted["quote"]["refundFee"])
    assert fee > 0

    await world.send(quoted, 5_000_000)
    await world.advance(4 * DAY)

    assert (await world.status(quoted))["swapDetails"]["refundFee"] == str(fee)
    accounts = await world.accounts()
    assert accounts[f"chain:eth:{home}"] == {USDC: 5_000_000 - fee}
    assert accounts["system:network"] == {USDC: fee}


async def test_bitcoin_sent_from_outside_is_refunded_as_what_intents_can_hold(world):
    quoted = await world.quote(
        originAsset=BTC_CHAIN, depositType="ORIGIN_CHAIN", destinationAsset=USDC
    )

    await world.send(quoted, 5000)
    await world.advance(4 * DAY)

    assert (await world.status(quoted))["status"] == "REFUNDED"
    assert await world.balance(ALICE.account, BTC) == 5000
    await world.accounts()


async def test_a_withdrawal_arrives_on_the_chain_less_its_fee(funded):
    quoted = await funded.quote(
        recipientType="DESTINATION_CHAIN", recipient=BTC_ADDRESS, destinationAsset=BTC_CHAIN
    )

    await funded.pay(ALICE, quoted)
    await funded.advance(20)
    assert (await funded.status(quoted))["status"] == "PROCESSING"  # on its way to Bitcoin
    assert f"chain:btc:{BTC_ADDRESS}" not in await funded.accounts()
    await funded.advance(120)

    details = (await funded.status(quoted))["swapDetails"]
    accounts = await funded.accounts()
    assert accounts[f"chain:btc:{BTC_ADDRESS}"] == {BTC_CHAIN: int(details["amountOut"])}
    assert details["withdrawFee"] == quoted["quote"]["withdrawFee"]
    assert accounts["system:network"] == {BTC_CHAIN: int(details["withdrawFee"])}
    assert details["destinationChainTxHashes"][0]["hash"]


async def test_a_hint_makes_the_deposit_known_and_moves_nothing(world):
    quoted = await world.quote()
    hint = {"txHash": "abc", "depositAddress": quoted["quote"]["depositAddress"]}

    answer = await world.post("/v0/deposit/submit", hint, key=False)

    assert answer.json()["status"] == "KNOWN_DEPOSIT_TX"
    assert answer.json()["swapDetails"]["depositedAmount"] is None
    unknown = hint | {"depositAddress": "nowhere"}
    assert (await world.post("/v0/deposit/submit", unknown)).status_code == 404
    assert (await world.post("/v0/deposit/submit", {"txHash": 5})).status_code == 400


async def test_the_echo_in_a_status_differs_from_the_quote_as_it_does_live(world):
    quoted = await world.quote(quoteWaitingTimeMs=1000)

    echoed = (await world.status(quoted))["quoteResponse"]

    assert "correlationId" not in echoed
    assert not {"quoteWaitingTimeMs", "insured"} & set(echoed["quoteRequest"])
    assert echoed["quoteRequest"]["referral"] is None
    assert echoed["quote"] == quoted["quote"]
    assert echoed["signature"] == quoted["signature"]


async def test_who_looks_and_when_makes_no_difference(tmp_path):
    """One world is watched every second, the other only at the end."""
    outcomes = []
    for name, step in (("watched.db", 1), ("left-alone.db", 60)):
        world = World.open(tmp_path / name)
        await world.use_salt()
        await world.mint(ALICE.account, USDC, FUNDS)
        quotes = [await world.quote(), await world.quote(destinationAsset=ETH)]
        for quoted in quotes:
            await world.pay(ALICE, quoted)
        for _ in range(60 // step):
            await world.advance(step)
            await world.status(quotes[0])
        details = [(await world.status(quoted))["swapDetails"] for quoted in quotes]
        outcomes.append((details, await world.accounts()))
        world.devnet.close()

    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"address": "nowhere"}, 404),
        ({"amount": "0"}, 400),
        ({"amount": "1.5"}, 400),
        ({"asset_id": "nep141:sol.omft.near"}, 400),
        ({"surprise": 1}, 400),
    ],
)
async def test_the_outside_wallet_only_pays_what_can_be_paid(world, fields, status):
    quoted = await world.quote(depositType="ORIGIN_CHAIN")
    body = {"address": quoted["quote"]["depositAddress"], "amount": "5"} | fields

    assert (await world.post("/devnet/send", body)).status_code == status
    assert await world.accounts() == {}


async def test_the_outside_wallet_cannot_pay_inside_intents(world):
    quoted = await world.quote()

    refused = await world.send(quoted, 5)

    assert refused.status_code == 400
    assert "inside Intents" in refused.json()["message"]


async def test_the_wrong_asset_at_the_right_address_stays_there(world):
    quoted = await world.quote(depositType="ORIGIN_CHAIN")

    assert (await world.send(quoted, 10**18, asset_id=ETH)).status_code == 201
    await world.advance(4 * DAY)

    assert (await world.status(quoted))["status"] == "PENDING_DEPOSIT"
    address = quoted["quote"]["depositAddress"]
    assert (await world.accounts())[f"chain:eth:{address}"] == {ETH: 10**18}
