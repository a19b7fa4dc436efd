"""Money in and out by chain: addresses, minimums, memos, partial and late payments."""

from __future__ import annotations

import re

import pytest

from ballast.devnet.addresses import checksummed
from ballast.devnet.chains import CHAINS
from tests.devnet.faulty import FUNDS
from tests.devnet.world import ALICE, BTC_CHAIN, ETH, START, USDC, USDC_BASE, XRP, World, iso

DAY = 86_400
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # an example of EIP-55
XLM = "nep245:v2_1.omni.hot.tg:1100_111bzQBB5v7AhLyPMDwS8uJgQV24KaAPXtwyVWu2KXbbfQU6NXRCz"

# Published examples of whole addresses.
GOOD = [
    ("eth", EVM),
    ("eth", EVM.lower()),
    ("btc", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    ("btc", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("btc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("btc", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    ("sol", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("xrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
    ("stellar", "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"),
    ("ton", "EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N"),
    (
        "cardano",
        "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2"
        "xwl2wywfgse35a3x",
    ),
    ("near", "alice.near"),
]


@pytest.mark.parametrize(("chain", "address"), GOOD)
def test_a_whole_address_is_taken(chain, address):
    assert CHAINS[chain].is_address(address)


@pytest.mark.parametrize(
    ("chain", "address"), [pair for pair in GOOD if pair[0] != "near" and pair[1] != EVM.lower()]
)
def test_an_address_with_one_wrong_character_is_not(chain, address):
    """Solana's has no checksum: there only the length and the alphabet are known."""
    middle = len(address) // 2
    other = "q" if address[middle] != "q" else "p"
    if address.startswith("0x"):
        middle = next(i for i, c in enumerate(address) if i > 10 and c.isalpha())
        other = address[middle].swapcase()
    wrong = address[:middle] + other + address[middle + 1 :]

    assert CHAINS[chain].is_address(wrong) is (chain == "sol")
    chopped = () if chain == "sol" else (address[:-1], address + "1")
    for other_length in (*chopped, address[:-9], " " + address, ""):
        assert not CHAINS[chain].is_address(other_length)


@pytest.mark.parametrize("chain", CHAINS)
def test_what_a_chain_makes_it_also_takes(world, chain):
    for number in range(20):
        made = CHAINS[chain].make_address(world.devnet.network.draws.bytes("test", number))
        assert CHAINS[chain].is_address(made)


def test_the_capitals_of_an_evm_address():
    assert checksummed(EVM.lower()) == EVM


async def withdraw(world: World, **fields):
    base = {"recipientType": "DESTINATION_CHAIN", "recipient": EVM, "destinationAsset": USDC_BASE}
    return await world.quote(**(base | fields))


@pytest.mark.parametrize(
    ("asset", "recipient"),
    [
        (USDC_BASE, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        (USDC_BASE, EVM.replace("5aAe", "5AAe")),
        (USDC_BASE, ALICE.account + "00"),
        (BTC_CHAIN, EVM),
        (BTC_CHAIN, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"),
    ],
)
async def test_a_withdrawal_to_an_address_of_another_form_is_refused(world, asset, recipient):
    fields = {"recipientType": "DESTINATION_CHAIN", "destinationAsset": asset}

    assert await world.refusal(recipient=recipient, **fields) == "recipient is not valid"


@pytest.mark.parametrize("asset", [USDC_BASE, BTC_CHAIN, ETH, XRP])
@pytest.mark.parametrize("kind", ["EXACT_INPUT", "EXACT_OUTPUT"])
async def test_the_bridges_minimum_is_what_its_refusal_says(world, asset, kind):
    """N base units are taken, N - 1 are not; of the destination for EXACT_OUTPUT."""
    chain = next(
        token.blockchain for token in world.devnet.network.tokens() if token.asset_id == asset
    )
    address = CHAINS[chain].make_address(b"\x07" * 32)
    fields = {
        "recipientType": "DESTINATION_CHAIN",
        "recipient": address,
        "destinationAsset": asset,
        "swapType": kind,
    }
    message = await world.refusal(amount="2", **fields)
    least = int(re.fullmatch(r"Amount is too low for bridge, try at least (\d+)", message)[1])

    assert await world.refusal(amount=str(least - 1), **fields) == message
    assert await world.quote(amount=str(least), **fields)


async def test_the_address_is_checked_before_the_minimum(world):
    fields = {"recipientType": "DESTINATION_CHAIN", "destinationAsset": BTC_CHAIN, "amount": "2"}

    assert await world.refusal(recipient="nowhere", **fields) == "recipient is not valid"


async def test_the_fee_of_a_withdrawal_is_already_taken_off_what_comes_out(world):
    inside = await world.quote(destinationAsset=USDC_BASE)
    outside = await withdraw(world)

    fee = int(outside["quote"]["withdrawFee"])
    assert 19_900 < fee < 20_100  # two cents, in units of the destination
    assert int(outside["quote"]["amountOut"]) == int(inside["quote"]["amountOut"]) - fee


async def test_one_asset_can_be_withdrawn_as_itself(funded):
    quoted = await withdraw(funded, destinationAsset=USDC)

    await funded.pay(ALICE, quoted)
    await funded.advance(60)

    answer = await funded.status(quoted)
    assert answer["status"] == "SUCCESS"
    out = int(answer["swapDetails"]["amountOut"])
    assert (await funded.accounts())[f"chain:eth:{EVM}"] == {USDC: out}


async def test_a_withdrawal_whose_price_has_run_away_comes_back_into_intents(funded):
    quotes = [
        await withdraw(funded, destinationAsset=ETH, slippageTolerance=0),
        await withdraw(
            funded, originAsset=ETH, amount=str(10**18), destinationAsset=USDC, slippageTolerance=0
        ),
    ]
    await funded.mint(ALICE.account, ETH, 10**18)
    await funded.advance(2 * DAY)
    for quoted in quotes:
        await funded.pay(ALICE, quoted)
    await funded.advance(100)

    answers = [await funded.status(quoted) for quoted in quotes]
    assert sorted(each["status"] for each in answers) == ["REFUNDED", "SUCCESS"]
    back = next(each for each in answers if each["status"] == "REFUNDED")["swapDetails"]
    assert back["destinationChainTxHashes"] == []
    origin, whole = (USDC, FUNDS) if answers[0]["status"] == "REFUNDED" else (ETH, 10**18)
    assert await funded.balance(ALICE.account, origin) == whole


async def test_flexible_deposits_add_up_until_they_are_enough(world):
    quoted = await world.quote(
        depositType="ORIGIN_CHAIN", destinationAsset=USDC_BASE, swapType="FLEX_INPUT"
    )
    least = int(quoted["quote"]["minAmountIn"])
    assert least == 990_000_000
    seen = []
    for part in (400_000_000, 400_000_000, least - 800_000_000):
        await world.send(quoted, part)
        await world.advance(50)
        seen.append((await world.status(quoted))["status"])
    await world.advance(20)

    answer = await world.status(quoted)
    assert seen == ["INCOMPLETE_DEPOSIT", "INCOMPLETE_DEPOSIT", "PROCESSING"]
    assert answer["status"] == "SUCCESS"
    assert answer["swapDetails"]["depositedAmount"] == answer["swapDetails"]["amountIn"]
    assert len(answer["swapDetails"]["originChainTxHashes"]) == 3
    promised = int(quoted["quote"]["minAmountOut"]) * least // 10**9  # in proportion
    assert await world.balance(ALICE.account, USDC_BASE) >= promised


async def test_a_flexible_deposit_of_a_unit_too_little_goes_back(world):
    quoted = await world.quote(
        depositType="ORIGIN_CHAIN", destinationAsset=USDC_BASE, swapType="FLEX_INPUT"
    )
    await world.send(quoted, int(quoted["quote"]["minAmountIn"]) - 1)

    await world.advance(4 * DAY)

    assert (await world.status(quoted))["swapDetails"]["refundReason"] == "PARTIAL_DEPOSIT"
    assert await world.balance(ALICE.account, USDC) == int(quoted["quote"]["minAmountIn"]) - 1


async def test_the_same_deposit_twice_is_swapped_once_and_returned_once(world):
    quoted = await world.quote(depositType="ORIGIN_CHAIN", destinationAsset=USDC_BASE)
    await world.send(quoted, 10**9)
    await world.advance(100)
    out = await world.balance(ALICE.account, USDC_BASE)

    await world.send(quoted, 10**9)
    await world.advance(100)

    answer = await world.status(quoted)
    assert answer["status"] == "SUCCESS"
    assert answer["swapDetails"]["refundedAmount"] == str(10**9)
    assert await world.balance(ALICE.account, USDC_BASE) == out
    assert await world.balance(ALICE.account, USDC) == 10**9


async def test_a_deposit_after_the_deadline_goes_back(world):
    quoted = await world.quote(depositType="ORIGIN_CHAIN", destinationAsset=USDC_BASE)
    await world.advance(3 * DAY + 3601)

    await world.send(quoted, 10**9)
    await world.advance(60)

    answer = await world.status(quoted)
    assert answer["status"] == "REFUNDED"
    assert answer["swapDetails"]["refundReason"] == "DEADLINE_EXCEEDED"
    assert await world.balance(ALICE.account, USDC) == 10**9


async def test_every_listed_asset_can_be_deposited_from_its_chain(world):
    """Each is seen on its own chain, by its memo where there is one, and credited."""
    tokens = (await world.get("/v0/tokens")).json()
    for token in tokens:
        asset_id, units = token["assetId"], 10 ** token["decimals"] * 1000
        memo = CHAINS[token["blockchain"]].needs_memo
        quoted = await world.quote(
            originAsset=asset_id,
            depositType="ORIGIN_CHAIN",
            depositMode="MEMO" if memo else "SIMPLE",
            destinationAsset=USDC if asset_id != USDC else USDC_BASE,
            amount=str(units),
            deadline=iso(START.replace(year=2030)),
            slippageTolerance=5000,
        )
        assert ("depositMemo" in quoted["quote"]) is memo
        paid = (await world.send(quoted, units)).json()
        assert paid["chain"] == token["blockchain"]
        await world.advance(140)
        assert (await world.status(quoted))["status"] == "SUCCESS", asset_id
    await world.accounts()


@pytest.mark.parametrize("asset", [XRP, XLM])
@pytest.mark.parametrize(("mode", "status"), [("SIMPLE", 400), ("MEMO", 201)])
async def test_chains_that_need_a_memo_say_so(world, asset, mode, status):
    fields = {"originAsset": asset, "depositType": "ORIGIN_CHAIN", "depositMode": mode}
    if status == 400:
        assert await world.refusal(**fields) == "Incorrect depositMode"
    else:
        assert (await world.quote(**fields))["quote"]["depositMemo"]
    assert await world.refusal(depositMode="MEMO") == "Incorrect depositMode"
