"""The venue port beyond swaps: deliveries on chains, preflight, other ways to publish."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ballast.adapters.near_intents import (
    OneClick,
    OneClickPublisher,
    QuoteRules,
    asking,
    sign_given,
)
from ballast.adapters.near_intents.signing import account_of
from ballast.app.ports import PublishOutcome, VenueStatus
from ballast.errors import BallastError, ErrorCode
from tests.adapters.venue_world import BITCOIN, HOME, THOUSAND, USDC, World


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path / "devnet.sqlite")
    yield world
    await world.close()


async def test_money_goes_out_to_an_address_and_the_fee_is_said_before(world):
    venue = world.venue(rules=QuoteRules(manager_public_key=await world.manager_key()))
    await world.mint(USDC, THOUSAND)
    quote = await venue.quote_withdrawal(world.withdrawal_ask(), firm=True)

    await venue.publish(await world.sign(venue, quote))

    assert quote.withdraw_fee_units > 0
    fee = quote.units_in * quote.fee_bps // 10_000
    assert quote.units_out == quote.units_in - fee - quote.withdraw_fee_units
    world.clock.advance(timedelta(minutes=5))
    status = await venue.swap_status(quote.deposit_address, None)
    assert status.status is VenueStatus.SUCCESS
    assert len(status.deliveries) == 1
    assert await world.held() == {USDC: THOUSAND // 2}


async def test_a_delivery_of_another_asset_may_name_a_route(world):
    ask = world.withdrawal_ask(
        payout_asset_id=BITCOIN, recipient="bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
    )

    quote = await world.venue().quote_withdrawal(ask, firm=False)

    assert quote.deposit_address is None
    assert quote.withdraw_fee_units > 0


async def test_too_little_for_the_network_is_refused_with_the_least_there_is(world):
    with pytest.raises(BallastError) as refused:
        await world.venue().quote_withdrawal(world.withdrawal_ask(units=1_000_000), firm=False)

    assert refused.value.code is ErrorCode.AMOUNT_TOO_LOW
    least = int(refused.value.details["minimum_units"])
    enough = await world.venue().quote_withdrawal(world.withdrawal_ask(units=least), firm=False)
    assert enough.units_in == least


@pytest.mark.parametrize(
    ("recipient", "memo"),
    [(HOME[:-1] + "D", None), ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", None), (HOME, "7")],
    ids=["a wrong letter", "of another chain", "with a memo"],
)
async def test_an_address_that_does_not_fit_is_refused_before_the_venue_is_asked(
    world, recipient, memo
):
    ask = world.withdrawal_ask(recipient=recipient, memo=memo)

    with pytest.raises(BallastError) as refused:
        await world.venue().quote_withdrawal(ask, firm=True)

    assert refused.value.code is ErrorCode.ADDRESS_INVALID
    assert "/v0/quote" not in world.requests


async def test_a_chain_that_wants_a_memo_unexpectedly_gets_one(world, monkeypatch):
    monkeypatch.setattr(asking, "_MEMO_DEPOSITS", frozenset())
    listed = (await world.venue().list_assets()).values()
    (asset,) = [each.asset for each in listed if each.asset.chain == "stellar"]
    ask = world.deposit_ask(pay_asset_id=asset.asset_id, units=100 * 10**asset.decimals)

    assert (await world.venue().quote_deposit(ask)).deposit_memo


async def test_the_venue_decides_whether_a_chain_wants_a_memo(world):
    wrong = {"status": 400, "message": "Incorrect depositMode"}
    await world.fault("quote", "refused", **wrong)
    await world.fault("quote", "refused", **wrong)

    with pytest.raises(BallastError) as refused:
        await world.venue().quote_deposit(world.deposit_ask())

    assert refused.value.code is ErrorCode.ADDRESS_INVALID
    assert world.requests.count("/v0/quote") == 2


# --- before it is sent, and other ways to send it -----------------------------------------------


async def test_the_contract_says_beforehand_what_it_would_refuse(world):
    venue = world.venue()
    quote, signed = await world.signed_swap(venue)
    too_much = await world.sign(venue, quote, units=2 * THOUSAND)

    assert await venue.preflight(signed) is None
    assert await venue.preflight(too_much) == "insufficient balance or overflow"
    assert await world.held() == {USDC: THOUSAND}
    await venue.publish(signed)
    assert await venue.preflight(signed) == "nonce was already used"


async def test_when_nobody_can_say_the_preflight_says_nothing(world):
    venue = world.venue()
    _, signed = await world.signed_swap(venue)
    await world.fault("rpc:simulate_intents", "node-error", always=True)

    assert await venue.preflight(signed) is None


async def test_the_relay_publishes_and_its_transaction_is_hinted(world):
    venue = world.venue(publishers=[world.relay()])
    _, signed = await world.signed_swap(venue)

    result = await venue.publish(signed)

    assert result.outcome is PublishOutcome.ACCEPTED
    assert world.requests[-1] == "/v0/deposit/submit"
    assert await venue.nonce_used(world.account, signed.nonce)


async def test_a_hint_that_is_not_taken_changes_nothing(world):
    venue = world.venue(publishers=[world.relay()])
    _, signed = await world.signed_swap(venue)
    await world.fault("deposit-submit", "server-error", always=True)

    assert (await venue.publish(signed)).outcome is PublishOutcome.ACCEPTED


async def test_what_one_way_lost_another_one_finds_done(world):
    first_way = OneClickPublisher(OneClick(world.client("1Click")))
    venue = world.venue(publishers=[first_way, world.relay()])
    _, signed = await world.signed_swap(venue)
    world.lose_answers_of = "/v0/submit-intent"

    result = await venue.publish(signed)

    assert result.outcome is PublishOutcome.ACCEPTED
    assert await world.held() == {USDC: THOUSAND // 2}


# --- a payload that the venue writes ------------------------------------------------------------


async def test_our_own_payload_is_the_default(world):
    venue = world.venue()
    quote, _ = await world.signed_swap(venue)

    assert await venue.payload_for(await world.order(venue, quote)) is None
    assert "/v0/generate-intent" not in world.requests


async def test_the_venues_payload_is_checked_signed_and_carried_out(world):
    key = bytes(range(1, 33))
    world.account = account_of(key)
    venue = world.venue(payload_source="venue")
    await world.mint(USDC, THOUSAND)
    order = await world.order(venue, await venue.quote_swap(world.ask(), firm=True))

    text = await venue.payload_for(order)
    signed = sign_given(text, order, key, world.clock.now())

    assert signed.payload == text
    assert (await venue.publish(signed)).outcome is PublishOutcome.ACCEPTED
    assert await world.held() == {USDC: THOUSAND // 2}
