"""What 1Click refuses is told apart by its words: what to change, and whether to try again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.adapters.http import HttpAnswer
from ballast.adapters.near_intents.refusals import (
    is_trouble,
    refusal_of,
    units_for_usd,
    with_minimum,
)
from ballast.app.ports import ListedAsset
from ballast.core.index import Asset
from ballast.core.trading import Price
from ballast.errors import ErrorCode

TOO_LOW, ADDRESS = ErrorCode.AMOUNT_TOO_LOW, ErrorCode.ADDRESS_INVALID
LATER, NEVER = ErrorCode.QUOTE_REFUSED, ErrorCode.VENUE_REFUSED

# The messages of near-intents' reference and those seen live.
MESSAGES = {
    "tokenIn is not valid": NEVER,
    "tokenOut is not valid": NEVER,
    "nep141:x.near is not supported as origin asset": NEVER,
    "recipient is not valid": ADDRESS,
    "refundTo is not valid": ADDRESS,
    "refundTo should not be empty": ADDRESS,
    "Incorrect depositMode": ADDRESS,
    "Amount is too low for bridge, try at least 8300": TOO_LOW,
    "Amount is too low for bridge": TOO_LOW,
    "Temporary swap limits: minimum swap amount is $1,000": TOO_LOW,
    "No liquidity available": LATER,
    "Failed to get quote": LATER,
    "Quote error. NO_QUOTE": LATER,
    "Quoting for this pair is not available": LATER,
    "something new": NEVER,
    "": NEVER,
}


@pytest.mark.parametrize(("message", "code"), MESSAGES.items(), ids=str)
@pytest.mark.parametrize("form", ["text", "list", "capitals"])
def test_a_refusal_has_the_code_of_its_words(message, code, form):
    forms = {"text": message, "list": ["dry must be set", message], "capitals": message.upper()}

    refusal = refusal_of(HttpAnswer(400, {"message": forms[form], "path": "/v0/quote"}))

    assert refusal.code is code
    assert refusal.details["status"] == 400
    assert message.lower() in refusal.details["venue_message"].lower()


def test_only_what_may_pass_by_itself_is_worth_trying_again():
    codes = {refusal_of(HttpAnswer(400, {"message": text})) for text in MESSAGES}

    assert {error.code for error in codes if error.spec.retryable} == {LATER}


@pytest.mark.parametrize(
    ("message", "name", "least"),
    [
        ("Amount is too low for bridge, try at least 8300", "minimum_units", "8300"),
        ("Amount is too low for bridge, try at least 35000000000000", "minimum_units",
         "35000000000000"),
        ("Temporary swap limits: minimum swap amount is $1,000", "minimum_usd", "1000"),
        ("Temporary swap limits: minimum swap amount is $100", "minimum_usd", "100"),
        ("Temporary swap limits: minimum swap amount is $99.50 on tron", "minimum_usd", "99.50"),
    ],
)  # fmt: skip
def test_the_minimum_is_read_from_the_words(message, name, least):
    assert refusal_of(HttpAnswer(400, {"message": message})).details[name] == least


@pytest.mark.parametrize(
    "message",
    [
        "Amount is too low for bridge",
        "Amount is too low for bridge, try at least some",
        "Amount is too low for bridge, try at least " + "9" * 60,
        "Temporary swap limits: ask us",
        "Temporary swap limits: minimum swap amount is $",
    ],
)
def test_a_minimum_that_cannot_be_read_is_not_made_up(message):
    refusal = refusal_of(HttpAnswer(400, {"message": message}))

    assert refusal.code is TOO_LOW
    assert not {"minimum_units", "minimum_usd"} & refusal.details.keys()


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [None, {}, {"message": "No liquidity"}, {"message": None}])
def test_a_refused_key_is_about_the_key_whatever_else_it_says(status, body):
    refusal = refusal_of(HttpAnswer(status, body))

    assert refusal.code is NEVER
    assert "partner key" in refusal.message


def test_the_venues_words_are_data_and_never_in_our_sentences():
    message = "tokenIn is not valid\u202e\n" + "x" * 5000

    refusal = refusal_of(HttpAnswer(400, {"message": message}))

    assert "tokenIn" not in refusal.message
    assert "\u202e" not in refusal.details["venue_message"]
    assert len(refusal.details["venue_message"]) <= 200


def test_trouble_of_its_own_is_no_refusal_whatever_its_status():
    assert is_trouble(HttpAnswer(400, {"message": ["Internal server error"]}))
    assert not is_trouble(HttpAnswer(400, {"message": "tokenIn is not valid"}))
    assert not is_trouble(HttpAnswer(400, None))


@given(
    cents=st.integers(1, 10**7),
    price=st.decimals("0.000001", "200000", allow_nan=False, places=6),
    decimals=st.integers(0, 24),
)
def test_units_for_dollars_are_the_least_that_are_worth_them(cents, price, decimals):
    usd = Decimal(cents).scaleb(-2)

    units = units_for_usd(usd, price, decimals)

    def worth(count):
        return count * int(price * 10**6) * 100

    needed = cents * 10**6 * 10**decimals
    assert worth(units) >= needed > worth(units - 1)


def test_the_minimum_is_said_in_whole_units_of_what_is_sold():
    usdc = Asset("nep141:usdc", "USDC", "near", 6)
    price = Price(usdc.asset_id, Decimal(1), "1click", datetime(2026, 3, 2, tzinfo=UTC))
    sold = ListedAsset(usdc, price, None)
    message = "Amount is too low for bridge, try at least 2800666"

    refusal = with_minimum(refusal_of(HttpAnswer(400, {"message": message})), sold)

    assert refusal.message.endswith(" It takes 2.800666 USDC.")
    assert refusal.details["minimum_amount"] == "2.800666"
    assert message not in str(refusal.details), "the venue names it in base units"
