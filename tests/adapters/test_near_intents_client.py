"""1Click when it lists nonsense or has trouble of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ballast.adapters.http import HttpClient, HttpLimits
from ballast.adapters.near_intents import NearIntentsVenue, OneClick, VerifierViews
from ballast.app.ports import SwapAsk, VenueStatus
from ballast.errors import BallastError, ErrorCode

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
LIMITS = HttpLimits(attempts=1, failures_to_open=100)
ETH = {"assetId": "nep141:eth.omft.near", "decimals": 18, "blockchain": "eth", "symbol": "ETH"}
PRICED = ETH | {"price": 3120.55, "priceUpdatedAt": "2027-01-15T11:59:30.000Z"}


class Standing:
    """A clock that stands still."""

    def now(self):
        return NOON

    def real_seconds(self, domain_seconds):
        return None


def venue_that_answers(status, body):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    client = HttpClient("http://1click.invalid", name="1Click", app=app, limits=LIMITS)
    return NearIntentsVenue(OneClick(client), VerifierViews([client]), Standing())


async def test_a_listed_asset_keeps_its_price_to_the_digit():
    listed = await venue_that_answers(200, [PRICED]).list_assets()

    (one,) = listed.values()
    assert one.price.usd == Decimal("3120.55")
    assert one.price.observed_at == datetime(2027, 1, 15, 11, 59, 30, tzinfo=UTC)
    assert (one.asset.symbol, one.asset.chain, one.asset.decimals) == ("ETH", "eth", 18)
    assert one.contract is None


async def test_an_entry_that_cannot_be_read_hides_no_other():
    entries = [{"assetId": "nep141:bad.near"}, "nonsense", None, PRICED]

    assert set(await venue_that_answers(200, entries).list_assets()) == {ETH["assetId"]}


async def test_an_id_listed_twice_is_not_traded():
    entries = [PRICED, PRICED | {"decimals": 8}]

    assert await venue_that_answers(200, entries).list_assets() == {}


async def test_an_asset_without_a_price_is_listed_with_one_that_no_gate_passes():
    listed = await venue_that_answers(200, [ETH]).list_assets()

    price = listed[ETH["assetId"]].price
    assert price.usd == 0
    assert price.observed_at.year == 1970


async def test_symbols_are_cleaned():
    listed = await venue_that_answers(200, [PRICED | {"symbol": "E\u202eTH\n"}]).list_assets()

    assert listed[ETH["assetId"]].asset.symbol == "ETH"


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "Internal server error", ErrorCode.VENUE_UNAVAILABLE),
        (500, "Internal server error", ErrorCode.VENUE_UNAVAILABLE),
        (429, "slow down", ErrorCode.VENUE_UNAVAILABLE),
        (400, "No liquidity available", ErrorCode.QUOTE_REFUSED),
        (401, "Unauthorized", ErrorCode.VENUE_REFUSED),
        (451, "not for you", ErrorCode.VENUE_REFUSED),
    ],
)
async def test_a_quote_that_is_not_given_says_whether_it_may_be_later(status, message, code):
    ask = SwapAsk("0x" + "ab" * 20, ETH["assetId"], "nep141:wrap.near", 1, 50, NOON)

    with pytest.raises(BallastError) as refused:
        await venue_that_answers(status, {"message": message}).quote_swap(ask, firm=True)

    assert refused.value.code is code
    if code is ErrorCode.VENUE_REFUSED:
        assert refused.value.details["venue_message"] == message


@pytest.mark.parametrize("body", [[], "SUCCESS", {}, {"status": None}, None])
async def test_a_status_of_another_shape_is_no_answer(body):
    with pytest.raises(BallastError) as refused:
        await venue_that_answers(200, body).swap_status("ab" * 32, None)

    assert refused.value.code is ErrorCode.VENUE_UNAVAILABLE


async def test_a_state_we_do_not_know_is_unknown_and_shown():
    status = await venue_that_answers(200, {"status": "PAUSED\u202e"}).swap_status("ab" * 32, None)

    assert (status.status, status.raw_status) == (VenueStatus.UNKNOWN, "PAUSED")


async def test_a_success_without_amounts_claims_none():
    body = {"status": "SUCCESS", "swapDetails": {"amountIn": None, "amountOut": None}}

    status = await venue_that_answers(200, body).swap_status("ab" * 32, None)

    assert (status.units_in, status.units_out, status.refunded_units) == (None, None, None)


@pytest.mark.parametrize("amount", ["1.5", "-1", "1e6", 1.5, "ten"])
async def test_a_status_with_a_misshapen_amount_is_no_answer(amount):
    body = {"status": "SUCCESS", "swapDetails": {"amountOut": amount}}

    with pytest.raises(BallastError) as refused:
        await venue_that_answers(200, body).swap_status("ab" * 32, None)

    assert refused.value.code is ErrorCode.VENUE_UNAVAILABLE
