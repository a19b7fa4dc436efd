"""The venue port on NEAR Intents, held against the devnet, which keeps books of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from ballast.adapters.http import HttpClient
from ballast.adapters.near_intents import (
    CostRules,
    NearIntentsVenue,
    OneClick,
    QuoteRules,
    VerifierViews,
)
from ballast.adapters.prices import VenuePrices
from ballast.app.ports import DepositAsk, PublishOutcome, VenueStatus
from ballast.errors import BallastError, ErrorCode
from tests.adapters.venue_world import (
    BTC,
    ETH,
    QUICK,
    START,
    THOUSAND,
    USDC,
    World,
)


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path / "devnet.sqlite")
    yield world
    await world.close()


async def test_a_swap_goes_from_quote_to_balance(world):
    venue = world.venue(rules=QuoteRules(manager_public_key=await world.manager_key()))
    quote, signed = await world.signed_swap(venue)
    before = await venue.swap_status(quote.deposit_address, None)

    result = await venue.publish(signed)

    assert before.status is VenueStatus.PENDING_DEPOSIT
    assert result.outcome is PublishOutcome.ACCEPTED
    world.clock.advance(Decimal(3))
    after = await venue.swap_status(quote.deposit_address, None)
    assert after.status is VenueStatus.SUCCESS
    assert (after.units_in, after.refunded_units) == (quote.units_in, 0)
    assert after.units_out >= quote.minimum_out_units
    assert len(after.transactions) >= 1
    assert after.updated_at.tzinfo is UTC
    assert await venue.nonce_used(world.account, signed.nonce)
    assert await venue.balances(world.account, [ETH, BTC, USDC]) == {
        ETH: after.units_out,
        BTC: 0,
        USDC: THOUSAND - quote.units_in,
    }
    assert set(await venue.tokens_of(world.account)) == {ETH, USDC}


async def test_a_dry_quote_prices_and_opens_nothing(world):
    venue = world.venue()

    quote = await venue.quote_swap(world.ask(), firm=False)

    assert quote.deposit_address is None
    assert quote.fee_bps == 20
    assert 0 < quote.minimum_out_units <= quote.units_out
    assert (await world.admin.get("/devnet/swaps")).json["swaps"] == []


async def test_a_deadline_is_ours_and_in_whole_milliseconds(world):
    deadline = START + timedelta(minutes=5, microseconds=123_456)

    quote = await world.venue().quote_swap(world.ask(deadline=deadline), firm=True)

    assert quote.deadline == START + timedelta(minutes=5, microseconds=123_000)


async def test_a_deposit_from_outside_is_credited_to_the_account(world):
    venue = world.venue()
    ask = DepositAsk(world.account, USDC, USDC, THOUSAND, 50, START + timedelta(hours=2), None)
    quote = await venue.quote_deposit(ask)

    tx_hash = await world.wallet.send(quote.deposit_address, None, USDC, THOUSAND, reference="one")

    assert quote.minimum_in_units < quote.units_in == THOUSAND
    world.clock.advance(timedelta(minutes=5))
    status = await venue.swap_status(quote.deposit_address, None)
    assert status.status is VenueStatus.SUCCESS
    assert status.transactions == (tx_hash,)
    assert status.deposited_units == THOUSAND
    assert await venue.balances(world.account, [USDC]) == {USDC: status.units_out}


async def test_a_chain_with_memos_gets_one(world):
    venue = world.venue()
    listed = (await venue.list_assets()).values()
    (asset,) = [each.asset for each in listed if each.asset.chain == "stellar"]
    units = 100 * 10**asset.decimals
    ask = DepositAsk(
        world.account, asset.asset_id, USDC, units, 100, START + timedelta(hours=2), None
    )

    quote = await venue.quote_deposit(ask)

    assert quote.deposit_memo
    assert await venue.swap_status(quote.deposit_address, quote.deposit_memo) is not None
    assert await venue.swap_status(quote.deposit_address, None) is None
    assert await world.wallet.send(
        quote.deposit_address, quote.deposit_memo, asset.asset_id, units, reference="one"
    )


async def test_a_refund_goes_where_it_was_asked_to_go(world):
    home = "0x" + "ab" * 20
    ask = DepositAsk(world.account, ETH, USDC, 10**18, 50, START + timedelta(hours=2), home)

    quote = await world.venue().quote_deposit(ask)

    echo = quote.wire["quoteRequest"]
    assert (echo["refundTo"], echo["refundType"]) == (home, "ORIGIN_CHAIN")


async def test_an_asset_that_is_not_listed_has_no_deposit_address(world):
    ask = DepositAsk(world.account, "nep141:x.near", USDC, 1, 50, START + timedelta(hours=1), None)

    with pytest.raises(BallastError) as refused:
        await world.venue().quote_deposit(ask)

    assert refused.value.code is ErrorCode.VENUE_REFUSED


async def test_the_same_bytes_sent_again_are_accepted_and_move_nothing_more(world):
    venue = world.venue()
    _, signed = await world.signed_swap(venue)

    first, second = await venue.publish(signed), await venue.publish(signed)

    assert first.outcome is second.outcome is PublishOutcome.ACCEPTED
    assert "already used" in second.reason
    left = await venue.balances(world.account, [USDC])
    assert left == {USDC: THOUSAND // 2}


async def test_a_lost_answer_is_unknown_and_the_venue_knows_better(world):
    venue = world.venue()
    _, signed = await world.signed_swap(venue)
    world.lose_answers_of = "/v0/submit-intent"

    result = await venue.publish(signed)

    assert result.outcome is PublishOutcome.UNKNOWN
    assert await venue.nonce_used(world.account, signed.nonce)
    world.lose_answers_of = ""
    assert (await venue.publish(signed)).outcome is PublishOutcome.ACCEPTED


async def test_nothing_sent_is_unknown_too_and_says_so(world, unused_tcp_port):
    venue = world.venue()
    _, signed = await world.signed_swap(venue)
    nowhere = HttpClient(f"http://127.0.0.1:{unused_tcp_port}", name="1Click", limits=QUICK)
    unreachable = NearIntentsVenue(
        OneClick(nowhere), VerifierViews([world.client("node", "/rpc")]), world.clock
    )

    result = await unreachable.publish(signed)

    assert result.outcome is PublishOutcome.UNKNOWN
    assert result.reason.startswith("Nothing was sent.")
    assert not await venue.nonce_used(world.account, signed.nonce)
    await nowhere.close()


async def test_a_missing_partner_key_leaves_the_intent_unknown(world):
    _, signed = await world.signed_swap(world.venue())
    world.key = ""

    result = await world.venue().publish(signed)

    assert result.outcome is PublishOutcome.UNKNOWN
    assert "key" in result.reason


async def test_what_can_never_execute_is_rejected_with_the_contracts_reason(world):
    venue = world.venue()
    await world.mint(USDC, THOUSAND)
    quote = await venue.quote_swap(world.ask(), firm=True)
    spoilt = {
        "insufficient balance": await world.sign(venue, quote, units=2 * THOUSAND),
        "invalid salt": await world.sign(venue, quote, salt="00000000"),
        "deadline has expired": await world.sign(venue, quote, deadline=START - timedelta(hours=1)),
        "doesn't exist for account": replace(
            signed := await world.sign(venue, quote),
            payload=signed.payload.replace(str(quote.units_in), "1"),
        ),
        "invalid signature": replace(signed, signature="secp256k1:" + "1" * 65),
    }
    for reason, intent in spoilt.items():
        result = await venue.publish(intent)

        assert result.outcome is PublishOutcome.REJECTED, reason
        assert reason in result.reason
    assert await venue.balances(world.account, [USDC]) == {USDC: THOUSAND}


async def test_a_retired_salt_is_read_anew_after_the_refusal(world):
    venue = world.venue()
    quote, signed = await world.signed_swap(venue)
    old = await venue.current_salt()
    retire = {"salt": "00c0ffee", "retire_others": True}
    await world.admin.post("/devnet/salt", retire, repeatable=False)

    assert await venue.current_salt() == old
    assert (await venue.publish(signed)).outcome is PublishOutcome.REJECTED
    assert await venue.current_salt() == "00c0ffee"
    assert (await venue.publish(await world.sign(venue, quote))).outcome is PublishOutcome.ACCEPTED


async def test_an_unused_nonce_past_its_deadline_is_seen_by_final_time(world):
    venue = world.venue()
    _, signed = await world.signed_swap(venue)

    assert await venue.final_time() <= signed.deadline
    world.clock.advance(timedelta(minutes=11))

    assert await venue.final_time() > signed.deadline
    assert not await venue.nonce_used(world.account, signed.nonce)
    assert (await venue.publish(signed)).outcome is PublishOutcome.REJECTED


async def test_an_address_the_venue_never_gave_out_has_no_status(world):
    assert await world.venue().swap_status("ab" * 32, None) is None


async def test_balances_are_read_in_batches_and_keep_their_order(world):
    held = {f"nep141:asset-{n}.near": n + 1 for n in range(7)}
    for asset_id, units in held.items():
        await world.mint(asset_id, units)
    ids = sorted(held, key=lambda asset_id: -held[asset_id])

    found = await world.venue(batch=3).balances(world.account, [*ids, "nonsense"])

    assert list(found.items()) == [(asset_id, held[asset_id]) for asset_id in ids] + [
        ("nonsense", 0)
    ]
    assert await world.venue().balances(world.account, []) == {}


async def test_everything_held_is_found_page_by_page(world):
    ids = {f"nep141:asset-{n}.near" for n in range(6)}
    for asset_id in ids:
        await world.mint(asset_id, 1)

    assert set(await world.venue(batch=3).tokens_of(world.account)) == ids


async def test_the_list_is_read_again_when_the_domain_has_moved_on(world):
    venue = world.venue(list_seconds=15)
    await venue.list_assets()
    world.clock.advance(timedelta(seconds=14))
    await venue.list_assets()
    assert world.requests.count("/v0/tokens") == 1

    world.clock.advance(timedelta(seconds=1))
    listed = await venue.list_assets()

    assert world.requests.count("/v0/tokens") == 2
    assert listed[USDC].price.observed_at <= world.clock.now()
    assert (listed[USDC].asset.symbol, listed[USDC].asset.decimals) == ("USDC", 6)


async def test_the_list_is_read_again_in_real_time_though_the_domain_stands_still(world):
    venue = world.venue(list_seconds=15, list_real_seconds=0)

    await venue.list_assets()
    await venue.list_assets()

    assert world.requests.count("/v0/tokens") == 2


async def test_the_devnets_prices_pass_the_gates_at_any_moment(world):
    prices = VenuePrices(world.venue(), world.clock)

    for _ in range(5):
        found = await prices.get([USDC, ETH, BTC])
        assert all(price.usd > 0 for price in found.values())
        world.clock.advance(timedelta(hours=7, seconds=13))


async def test_a_delivery_route_is_never_bought(world):
    with pytest.raises(BallastError) as refused:
        await world.venue().quote_swap(world.ask(buy="1cs_v1:btc:native:coin"), firm=False)

    assert refused.value.code is ErrorCode.QUOTE_REFUSED
    assert "/v0/quote" not in world.requests


async def test_a_retired_id_that_the_venue_rewrites_is_refused(world):
    ask = world.ask(sell="nep141:btc.omft.near", buy=USDC, units=10_000)

    with pytest.raises(BallastError):
        await world.venue().quote_swap(ask, firm=True)


async def test_the_venues_words_come_cleaned_in_the_details(world):
    with pytest.raises(BallastError) as refused:
        await world.venue().quote_swap(world.ask(deadline=START), firm=False)

    assert refused.value.code is ErrorCode.VENUE_REFUSED
    assert refused.value.details["venue_message"] == "deadline must be in the future"


async def test_what_is_not_listed_is_not_even_asked_for(world):
    with pytest.raises(BallastError) as refused:
        await world.venue().quote_swap(world.ask(buy="nep141:nothing.near"), firm=False)

    assert refused.value.code is ErrorCode.VENUE_REFUSED
    assert refused.value.details["asset_id"] == "nep141:nothing.near"
    assert "/v0/quote" not in world.requests


async def test_a_firm_quote_is_not_asked_for_twice(world):
    world.lose_answers_of = "/v0/quote"
    with pytest.raises(BallastError) as refused:
        await world.venue().quote_swap(world.ask(), firm=True)
    assert refused.value.code is ErrorCode.VENUE_UNAVAILABLE
    assert world.requests.count("/v0/quote") == 1

    with pytest.raises(BallastError):
        await world.venue().quote_swap(world.ask(), firm=False)

    assert world.requests.count("/v0/quote") == 1 + QUICK.attempts


async def test_fees_above_the_limit_are_refused(world):
    venue = world.venue(rules=QuoteRules(CostRules(max_fee_bps=19)))
    with pytest.raises(BallastError, match="not what was asked for") as refused:
        await venue.quote_swap(world.ask(), firm=False)

    assert "20 bps" in refused.value.details["problems"][0]


async def test_another_manager_key_is_refused(world):
    stranger = "ed25519:3SBiejythtZCYNFGME5jufnAkzJVDvC6nU9Yyeg8wdcE"
    venue = world.venue(rules=QuoteRules(manager_public_key=stranger))

    with pytest.raises(BallastError) as refused:
        await venue.quote_swap(world.ask(), firm=True)

    assert "signature" in refused.value.details["problems"][0]


async def test_the_outside_wallet_says_why_it_cannot_pay(world):
    with pytest.raises(BallastError) as refused:
        await world.wallet.send("0x" + "ab" * 20, None, USDC, THOUSAND, reference="one")

    assert refused.value.code is ErrorCode.VENUE_REFUSED


async def test_the_outside_wallet_pays_once_for_a_reference_however_often_it_is_asked(world):
    venue = world.venue()
    ask = DepositAsk(world.account, USDC, USDC, THOUSAND, 50, START + timedelta(hours=2), None)
    address = (await venue.quote_deposit(ask)).deposit_address
    world.lose_answers_of = "/devnet/send"
    with pytest.raises(BallastError) as lost:
        await world.wallet.send(address, None, USDC, THOUSAND, reference="one")

    world.lose_answers_of = ""
    await world.wallet.send(address, None, USDC, THOUSAND, reference="one")

    world.clock.advance(timedelta(minutes=5))
    status = await venue.swap_status(address, None)
    assert lost.value.code is ErrorCode.VENUE_UNAVAILABLE
    assert status.deposited_units == THOUSAND
