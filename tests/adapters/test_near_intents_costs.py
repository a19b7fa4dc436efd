"""What a quote may cost, and the kinds of swap beside an exact input."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ballast.adapters.near_intents.quote_costs import CostRules
from ballast.adapters.near_intents.quotes import QuoteRules, checked_quote
from ballast.adapters.near_intents.wire import AppFeeWire
from tests.adapters.quote_answers import (
    BTC,
    DEADLINE,
    DEPOSIT,
    SWAP,
    USDC,
    answer_to,
    changed,
    problems_of,
)

OUT = SWAP.model_copy(update={"swap_type": "EXACT_OUTPUT", "amount": "37123"})
WITHDRAWAL = SWAP.model_copy(
    update={"recipient_type": "DESTINATION_CHAIN", "recipient": "bc1qar0srrr7xfkvy5l643lydnw9"}
)


def dollars(paid, got, request=SWAP, **offer):
    return changed("quote", request, amountInUsd=paid, amountOutUsd=got, **offer)


@pytest.mark.parametrize(
    ("paid", "got"),
    [
        ("100.000000000000", "97.000000000000"),
        ("100.000000000000", "97.000000000001"),
        ("100", "250"),
        (None, "1"),
        ("100", None),
        ("0", "0"),
        (100, Decimal("97.5")),
    ],
    ids=str,
)
def test_a_bearable_loss_is_taken_and_dollars_that_are_missing_are_not_judged(paid, got):
    checked_quote(SWAP, dollars(paid, got), DEADLINE, QuoteRules())


@pytest.mark.parametrize(("paid", "got"), [("100", "96.99"), ("100", "0"), ("0.01", "0.001")])
def test_a_loss_above_the_limit_is_refused(paid, got):
    (problem,) = problems_of(SWAP, dollars(paid, got))

    assert "300 bps" in problem


def test_the_limit_of_the_loss_can_be_set():
    assert problems_of(SWAP, dollars("100", "99.4"), max_loss_bps=50)
    checked_quote(SWAP, dollars("100", "90"), DEADLINE, QuoteRules(CostRules(max_loss_bps=1000)))


@pytest.mark.parametrize("dollar", ["NaN", "-1", "1e3", "ten", "Infinity", "", True])
def test_dollars_that_are_no_number_are_refused(dollar):
    assert "amountInUsd" in problems_of(SWAP, dollars(dollar, "1"))[0]


def test_the_fee_of_a_delivery_is_said_and_is_no_loss_of_the_swap():
    # 37,123 units worth $15 arrive after a fee of 12,374 units, which are $5.
    response = dollars("20.2", "15", WITHDRAWAL, withdrawFee="12374")

    quote = checked_quote(WITHDRAWAL, response, DEADLINE, QuoteRules())

    assert quote.withdraw_fee_units == 12_374


def test_a_quote_that_names_no_fee_of_a_delivery_has_none():
    response = changed("quote", WITHDRAWAL)
    del response["quote"]["withdrawFee"]

    assert checked_quote(WITHDRAWAL, response, DEADLINE, QuoteRules()).withdraw_fee_units == 0


@pytest.mark.parametrize(
    ("request_", "offer", "words"),
    [
        (WITHDRAWAL, {"withdrawFee": "37124"}, "37124 units of 74247"),
        (WITHDRAWAL, {"withdrawFee": "2000", "amountInUsd": "1000", "amountOutUsd": "980"},
         "above 50 dollars"),
        (WITHDRAWAL, {"withdrawFee": "-1"}, "withdrawFee"),
        (SWAP, {"withdrawFee": "1"}, "nothing leaves"),
        (SWAP, {"refundFee": "1"}, "nothing leaves"),
        (DEPOSIT.model_copy(update={"refund_type": "ORIGIN_CHAIN"}), {"refundFee": "12500001"},
         "refund is 12500001 units of 25000000"),
    ],
)  # fmt: skip
def test_a_network_fee_out_of_bounds_is_refused(request_, offer, words):
    (problem,) = problems_of(request_, changed("quote", request_, **offer))

    assert words in problem


def test_amounts_written_for_people_must_be_the_same_amounts():
    ours = {USDC: 6, BTC: 8}
    response = changed("quote", amountOutFormatted="0.00037123")

    checked_quote(SWAP, response, DEADLINE, QuoteRules(), ours)
    checked_quote(SWAP, changed("quote", amountInFormatted=None), DEADLINE, QuoteRules(), ours)
    (problem,) = problems_of(SWAP, response, decimals={USDC: 6, BTC: 9})
    assert "37123 units is not the 0.00037123 it writes" in problem


def test_a_text_for_people_may_be_rounded():
    response = changed("quote", amountOut="123456789123", minAmountOut="123456789000",
                       amountOutFormatted="1234.567891")  # fmt: skip

    checked_quote(SWAP, response, DEADLINE, QuoteRules(), {BTC: 8})


# --- the other kinds of swap --------------------------------------------------------------------


def out_offer(**offer):
    return changed("quote", OUT, amountIn="25125000", minAmountIn="25000000", **offer)


def test_an_exact_output_fixes_what_comes_out():
    quote = checked_quote(OUT, out_offer(), DEADLINE, QuoteRules())

    assert (quote.units_out, quote.units_in, quote.minimum_in_units) == (
        37_123,
        25_125_000,
        25_000_000,
    )


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        ({"amountOut": "37122", "minAmountOut": "37122"}, "gives 37122 units"),
        ({"amountIn": "25126000"}, "more than the slippage"),
        ({"minAmountIn": "25125001"}, "smallest input"),
        ({"minAmountIn": "0"}, "smallest input"),
        ({"minAmountOut": "36000"}, "smallest output"),
    ],
)
def test_an_exact_output_that_is_another_or_too_dear_is_refused(offer, words):
    response = out_offer()
    response["quote"] |= offer

    assert any(words in problem for problem in problems_of(OUT, response))


def test_what_was_asked_for_may_come_back():
    fee = {"recipient": "partner.near", "fee": 10}
    request = SWAP.model_copy(
        update={"referral": "ballast", "app_fees": (AppFeeWire(**fee),), "insured": True}
    )
    response = answer_to(request)
    response["quoteRequest"] |= {"appFees": [fee, {"recipient": "x", "fee": 25}], "insured": True}

    assert request.body()["appFees"] == [fee]
    assert checked_quote(request, response, DEADLINE, QuoteRules()).fee_bps == 35
    response["quoteRequest"]["referral"] = "somebody"
    assert "referral" in problems_of(request, response)[0]


def test_what_was_not_set_is_not_sent():
    assert not {"appFees", "referral", "insured", "customRecipientMsg"} & SWAP.body().keys()
