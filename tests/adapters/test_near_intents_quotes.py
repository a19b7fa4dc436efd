"""A quote that is not what was asked for is refused, and says why."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.adapters.near_intents.asking import refuse_routing_id
from ballast.adapters.near_intents.quote_costs import CostRules
from ballast.adapters.near_intents.quote_signature import is_signed_by, quote_hash
from ballast.adapters.near_intents.quotes import QuoteRules, checked_quote
from ballast.adapters.strict_json import parse_json
from ballast.errors import BallastError, ErrorCode
from tests.adapters.quote_answers import (
    ACCOUNT,
    ADDRESS,
    DEADLINE,
    DEPOSIT,
    DRY,
    OTHER,
    SWAP,
    answer_to,
    changed,
    problems_of,
)

ROOT = Path(__file__).resolve().parents[2]
VECTORS = parse_json((ROOT / "tests/data/near-intents-vectors.json").read_bytes())
SIGNED = VECTORS["quote_signatures"]


def test_a_good_offer_is_taken_with_our_own_deadline():
    response = answer_to(SWAP)

    quote = checked_quote(SWAP, response, DEADLINE, QuoteRules())

    assert (quote.units_in, quote.minimum_in_units) == (25_000_000, 25_000_000)
    assert (quote.units_out, quote.minimum_out_units) == (37_123, 36_937)
    assert (quote.deposit_address, quote.deposit_memo) == (ADDRESS, None)
    assert quote.deadline == DEADLINE
    assert (quote.seconds, quote.fee_bps) == (10, 25)
    assert quote.wire == response


def test_a_dry_offer_has_no_handle():
    quote = checked_quote(DRY, answer_to(DRY), DEADLINE, QuoteRules())

    assert quote.deposit_address is None


def test_a_deposit_may_be_smaller_than_asked_but_not_larger():
    smaller = changed("quote", DEPOSIT, minAmountIn="24875000")
    larger = changed("quote", DEPOSIT, minAmountIn="25000001")

    assert checked_quote(DEPOSIT, smaller, DEADLINE, QuoteRules()).minimum_in_units == 24_875_000
    assert problems_of(DEPOSIT, larger)


@pytest.mark.parametrize(
    "echo",
    [
        {"dry": True},
        {"dry": 0},
        {"swapType": "EXACT_OUTPUT"},
        {"slippageTolerance": 51},
        {"slippageTolerance": Decimal("50.5")},
        {"slippageTolerance": "50"},
        {"originAsset": "nep141:wrap.near"},
        {"destinationAsset": "1cs_v1:btc:native:coin"},
        {"depositType": "ORIGIN_CHAIN"},
        {"amount": "25000001"},
        {"amount": 25000000},
        {"refundTo": OTHER},
        {"refundType": "ORIGIN_CHAIN"},
        {"recipient": OTHER},
        {"recipient": ACCOUNT.upper()},
        {"recipientType": "DESTINATION_CHAIN"},
        {"deadline": "2027-01-15T12:00:00.001Z"},
        {"deadline": None},
        {"depositMode": "MEMO"},
    ],
    ids=str,
)
def test_a_changed_echo_is_refused_by_the_fields_name(echo):
    (problem,) = problems_of(SWAP, changed("quoteRequest", **echo))

    (name,) = echo
    assert problem.startswith(f"it changed {name} ")


def test_every_asked_field_must_come_back():
    for name in SWAP.body().keys() - {"quoteWaitingTimeMs", "depositMode"}:
        response = answer_to(SWAP)
        del response["quoteRequest"][name]

        assert any(name in problem for problem in problems_of(SWAP, response))


@pytest.mark.parametrize(
    "echo",
    [
        {"virtualChainRecipient": OTHER},
        {"virtualChainRefundRecipient": OTHER},
        {"customRecipientMsg": "call me"},
        {"insured": True},
        {"rebates": [{"recipient": OTHER, "share": 100}]},
        {"confidentiality": "advanced"},
    ],
    ids=str,
)
def test_what_was_not_asked_for_is_refused(echo):
    assert problems_of(SWAP, changed("quoteRequest", **echo))


@pytest.mark.parametrize(
    "echo",
    [
        {"deadline": "2027-01-15T14:00:00+02:00"},
        {"slippageTolerance": Decimal("50.0")},
        {"quoteWaitingTimeMs": 0},
        {"appFees": None},
        {"something": {"new": True}},
    ],
    ids=str,
)
def test_an_echo_that_means_the_same_is_taken(echo):
    checked_quote(SWAP, changed("quoteRequest", **echo), DEADLINE, QuoteRules())


@pytest.mark.parametrize(
    "offer",
    [
        {"amountIn": "25000001"},
        {"amountIn": "24999999", "minAmountIn": "24999999"},
        {"minAmountIn": "24999999"},
        {"minAmountIn": "0"},
        {"minAmountOut": "36935"},
        {"minAmountOut": "37124"},
        {"amountOut": "0", "minAmountOut": "0"},
        {"depositAddress": None},
        {"depositAddress": ADDRESS[:-1]},
        {"depositAddress": ADDRESS.upper()},
        {"depositAddress": "somebody.near"},
        {"depositMemo": "12345"},
        {"deadline": None},
        {"deadline": "2027-01-15T11:59:59.999Z"},
    ],
    ids=str,
)
def test_a_bad_offer_is_refused(offer):
    assert problems_of(SWAP, changed("quote", **offer))


@pytest.mark.parametrize("amount", ["1e9", "+1", "-1", "01", "1.0", "", " 1", "１", None, True, []])
@pytest.mark.parametrize("name", ["amountIn", "minAmountIn", "amountOut", "minAmountOut"])
def test_an_amount_that_is_no_whole_number_of_units_is_refused(name, amount):
    (problem,) = problems_of(SWAP, changed("quote", **{name: amount}))

    assert name in problem


def test_a_fraction_is_no_amount():
    assert problems_of(SWAP, changed("quote", amountOut=Decimal("37123.0")))


@pytest.mark.parametrize(
    "response", [{}, {"quote": {}}, {"quote": [], "quoteRequest": {}}], ids=str
)
def test_an_answer_of_another_shape_is_refused(response):
    assert "cannot be read" in problems_of(SWAP, response)[0]


@pytest.mark.parametrize(
    ("address", "memo", "mode", "taken"),
    [
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", None, "SIMPLE", True),
        ("GBXGQJWVLWOYHFLVTKWV5FGHA3LNYY2JQKM7OAJAUEQFU6LPCSEFVXON", "10001", "MEMO", True),
        ("GBXGQJWVLWOYHFLVTKWV5FGHA3LNYY2JQKM7OAJAUEQFU6LPCSEFVXON", None, "MEMO", False),
        ("bc1q with a space", None, "SIMPLE", False),
        ("bc1q\u202eabcdefgh", None, "SIMPLE", False),
        ("GBXGQJWVLWOYHFLVTKWV5FGHA3LNYY2JQKM7OAJAUEQFU6LPCSEFVXON", "1\n2", "MEMO", False),
    ],
)
def test_a_chains_address_and_memo_have_the_form_of_one(address, memo, mode, taken):
    request = DEPOSIT.model_copy(update={"deposit_mode": mode})
    response = changed("quote", request, depositAddress=address, depositMemo=memo)

    if taken:
        quote = checked_quote(request, response, DEADLINE, QuoteRules())
        assert (quote.deposit_address, quote.deposit_memo) == (address, memo)
    else:
        assert problems_of(request, response)


def test_our_own_account_is_no_deposit_address():
    assert problems_of(DEPOSIT, changed("quote", DEPOSIT, depositAddress=ACCOUNT))


def test_fees_are_counted_whoever_gets_them():
    fees = [{"recipient": OTHER, "fee": 100}, {"recipient": "x", "fee": Decimal("50.5")}]
    response = changed("quoteRequest", appFees=fees)
    rules = QuoteRules(CostRules(max_fee_bps=151))

    assert checked_quote(SWAP, response, DEADLINE, rules).fee_bps == 151
    assert "151 bps" in problems_of(SWAP, response, max_fee_bps=150)[0]


@pytest.mark.parametrize(
    "fees", [[{"fee": -1}], [{"fee": "25"}], [{"recipient": "x"}], "25", [{"fee": True}], [25]]
)
def test_fees_that_cannot_be_read_are_refused(fees):
    assert problems_of(SWAP, changed("quoteRequest", appFees=fees))


def test_everything_wrong_is_named_at_once():
    response = changed("quoteRequest", recipient=OTHER, amount="1")
    response["quote"]["minAmountOut"] = "1"

    assert len(problems_of(SWAP, response)) == 3


def test_text_of_the_venue_is_cleaned_in_what_we_say():
    (problem,) = problems_of(SWAP, changed("quoteRequest", recipient="\u202eevil\n" + "x" * 999))

    assert "\u202e" not in problem
    assert "\n" not in problem
    assert len(problem) < 300


@pytest.mark.parametrize("asset_id", ["1cs_v1:btc:native:coin", "1cs_v1:any", "1cs:any"])
def test_a_delivery_route_cannot_be_bought(asset_id):
    with pytest.raises(BallastError) as refused:
        refuse_routing_id(asset_id)

    assert refused.value.code is ErrorCode.QUOTE_REFUSED


@given(units_out=st.integers(1, 10**30), slippage=st.integers(0, 500), lie=st.integers(2, 10**6))
def test_an_offer_never_promises_less_than_the_slippage_allows(units_out, slippage, lie):
    request = SWAP.model_copy(update={"slippage_tolerance": slippage})
    floor = max(1, units_out * (10_000 - slippage) // 10_000)
    honest = changed("quote", request, amountOut=str(units_out), minAmountOut=str(floor))

    assert checked_quote(request, honest, DEADLINE, QuoteRules()).minimum_out_units == floor
    if floor > lie:
        honest["quote"]["minAmountOut"] = str(floor - lie)
        assert problems_of(request, honest)


# --- the signature ----------------------------------------------------------------------------


@pytest.mark.parametrize("vector", SIGNED, ids=[each["name"] for each in SIGNED])
def test_the_signed_text_of_a_quote_is_that_of_the_sdk(vector):
    assert quote_hash(vector["response"]) == vector["quote_hash"]
    assert is_signed_by(vector["response"], vector["manager_public_key"])


@pytest.mark.parametrize("vector", SIGNED, ids=[each["name"] for each in SIGNED])
def test_whatever_the_signature_covers_cannot_be_changed(vector):
    names = {
        "quoteRequest": ["dry", "recipient", "amount", "originAsset", "refundTo"],
        "quote": ["amountIn", "amountOut", "minAmountOut", "minAmountIn"],
    }
    if not vector["response"]["quoteRequest"]["dry"]:
        names["quote"] += ["depositAddress", "deadline"]
    for part, fields in names.items():
        for name in fields:
            response = copy.deepcopy(vector["response"])
            response[part][name] = "7" if name != "dry" else not response[part][name]
            assert not is_signed_by(response, vector["manager_public_key"]), name


@pytest.mark.parametrize("signature", [None, "", "ed25519:", "ed25519:0OIl", "rsa:xyz", 7])
def test_what_is_no_signature_does_not_verify(signature):
    response = SIGNED[0]["response"] | {"signature": signature}

    assert not is_signed_by(response, SIGNED[0]["manager_public_key"])


def test_numbers_are_signed_as_javascript_writes_them():
    plain, written_otherwise = (copy.deepcopy(SIGNED[1]["response"]) for _ in range(2))
    written_otherwise["quoteRequest"]["slippageTolerance"] = Decimal("50.0")

    assert quote_hash(written_otherwise) == quote_hash(plain)


def test_with_a_known_key_an_unsigned_firm_offer_is_refused():
    vector = next(each for each in SIGNED if each["name"].startswith("live"))
    key = vector["manager_public_key"]
    response = vector["response"]
    request = SWAP  # the vector answers this very request

    taken = checked_quote(request, response, DEADLINE, QuoteRules(manager_public_key=key))
    assert taken.deposit_address == ADDRESS

    forged = copy.deepcopy(response)
    forged["quote"]["depositAddress"] = "ab" * 32
    assert "signature" in problems_of(request, forged, key=key)[0]
    del forged["signature"]
    assert "signature" in problems_of(request, forged, key=key)[0]


def test_the_evidence_is_json_whatever_numbers_came():
    response = changed("quote", timeEstimate=Decimal("10.5"))

    quote = checked_quote(SWAP, response, DEADLINE, QuoteRules())

    assert json.loads(json.dumps(quote.wire))["quote"]["timeEstimate"] == "10.5"
    assert quote.seconds == 10
