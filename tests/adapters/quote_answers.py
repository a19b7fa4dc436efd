"""A good answer to a quote request, and the ways to spoil it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest

from ballast.adapters.near_intents.quote_costs import CostRules
from ballast.adapters.near_intents.quotes import QuoteRules, checked_quote
from ballast.adapters.near_intents.wire import QuoteRequest
from ballast.errors import BallastError, ErrorCode

ACCOUNT = "0x09093de8e25d063d807552815b002d0fad5961ef"
OTHER = "0xe26266e392021cb0e6ea2d85ece1cd6bd3036ecc"
USDC = "nep141:eth-0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48.omft.near"
BTC = "nep141:nbtc.bridge.near"
ADDRESS = "424e5c5563e91285baf35e110eaa31e7ed83d71707ec456fc88a7222b76dc0d4"
DEADLINE = datetime(2027, 1, 15, 12, tzinfo=UTC)

SWAP = QuoteRequest(
    dry=False,
    swap_type="EXACT_INPUT",
    slippage_tolerance=50,
    origin_asset=USDC,
    deposit_type="INTENTS",
    destination_asset=BTC,
    amount="25000000",
    refund_to=ACCOUNT,
    refund_type="INTENTS",
    recipient=ACCOUNT,
    deadline="2027-01-15T12:00:00.000Z",
    quote_waiting_time_ms=3000,
)
DEPOSIT = SWAP.model_copy(update={"swap_type": "FLEX_INPUT", "deposit_type": "ORIGIN_CHAIN"})
DRY = SWAP.model_copy(update={"dry": True})


def answer_to(request):
    """A good answer, as 1Click gives it."""
    offer = {
        "amountIn": "25000000",
        "amountInFormatted": "25.0",
        "minAmountIn": "25000000",
        "amountOut": "37123",
        "minAmountOut": "36937",
        "timeEstimate": 10,
        "refundFee": "0",
        "withdrawFee": "0",
    }
    if not request.dry:
        offer |= {
            "depositAddress": ADDRESS,
            "deadline": "2027-01-18T12:00:00.000Z",
            "timeWhenInactive": "2027-01-18T12:00:00.000Z",
        }
    fee = {"recipient": "5880ad2b36", "fee": 25, "limitOrderId": None}
    echo = request.body() | {"confidentiality": "public", "insured": False, "appFees": [fee]}
    return {
        "correlationId": "7f3c",
        "timestamp": "2027-01-15T11:40:00.123Z",
        "signature": "ed25519:unknown",
        "quoteRequest": echo,
        "quote": offer,
    }


def problems_of(request, response, key=None, decimals=None, **costs):
    rules = QuoteRules(CostRules(**costs), manager_public_key=key)
    with pytest.raises(BallastError) as refused:
        checked_quote(request, response, DEADLINE, rules, decimals or {})
    assert refused.value.code is ErrorCode.QUOTE_REFUSED
    return refused.value.details["problems"]


def changed(part, request=SWAP, **fields):
    response = copy.deepcopy(answer_to(request))
    response[part] |= fields
    return response
