"""Reading what 1Click and NEAR nodes say: tolerant about the unknown, strict about money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ballast.adapters.http import HttpAnswer
from ballast.adapters.near_intents.publishing import result_of
from ballast.adapters.near_intents.refusals import refusal_text
from ballast.adapters.near_intents.wire import (
    StatusAnswer,
    TokenWire,
    clean_text,
    read_time,
    read_units,
)
from ballast.app.ports import PublishOutcome

ACCEPTED, REJECTED, UNKNOWN = PublishOutcome


@given(units=st.integers(0, 2**128 - 1))
def test_every_amount_reads_as_itself(units):
    assert read_units(str(units)) == units
    assert read_units(units) == units


@pytest.mark.parametrize(
    "value",
    [
        *["", "-1", "+1", "01", "1.0", "1e3", "1_000", " 1", "1\n", "NaN", "１２", str(2**128)],
        *[-1, True, None, Decimal(1), Decimal("1.5"), [], {}],
    ],
    ids=repr,
)
def test_what_is_no_whole_number_of_base_units_is_refused(value):
    with pytest.raises(ValueError, match="base units"):
        read_units(value)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2027-01-15T12:00:00Z", 0),
        ("2027-01-15T12:00:00.5Z", 500_000),
        ("2027-01-15T12:00:00.123456789Z", 123_456),
        ("2027-01-15T14:30:00.001+02:30", 1_000),
        ("2027-01-15t12:00:00z", 0),
    ],
)
def test_times_are_read_into_utc(text, micros):
    assert read_time(text) == datetime(2027, 1, 15, 12, 0, 0, micros, tzinfo=UTC)
    assert read_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2027-01-15T12:00:00",
        "2027-01-15",
        "2027-01-15 12:00:00Z",
        "2027-13-15T12:00:00Z",
        "2027-01-15T25:00:00Z",
        "1800014400",
        1800014400,
        None,
        "",
    ],
    ids=repr,
)
def test_a_time_without_its_zone_or_form_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011 - the message is Python's own for bad dates
        read_time(value)


@given(text=st.text(max_size=2000))
def test_text_from_outside_becomes_one_short_visible_line(text):
    cleaned = clean_text(text)

    assert len(cleaned) <= 200
    assert cleaned.isprintable()
    assert clean_text(cleaned) == cleaned


def test_text_that_would_turn_around_or_hide_is_stripped():
    assert (
        clean_text("pay \u202e0001\u202c\u200b\x1b[31m USDC\r\nnow\x00") == "pay 0001[31m USDC now"
    )


def test_a_token_is_read_with_unknown_fields_and_without_optional_ones():
    token = TokenWire.model_validate(
        {"assetId": "nep141:x.near", "decimals": 8, "blockchain": "newchain", "symbol": "X"}
        | {"price": Decimal("0.1"), "coingeckoId": "x", "contractAddress": None}
    )

    assert (token.blockchain, token.price, token.price_updated_at) == (
        "newchain",
        Decimal("0.1"),
        None,
    )


@pytest.mark.parametrize("price", [None, "cheap", [], {}])
def test_a_token_without_a_readable_price_stays_listed(price):
    fields = {"assetId": "a", "decimals": 8, "blockchain": "near", "symbol": "A"}

    assert TokenWire.model_validate(fields | {"price": price}).price is None


@pytest.mark.parametrize("decimals", [-1, 37, "8", 8.0, None, True])
def test_a_token_of_doubtful_decimals_is_not_read(decimals):
    fields = {"assetId": "a", "blockchain": "near", "symbol": "A", "decimals": decimals}

    with pytest.raises(ValidationError):
        TokenWire.model_validate(fields)


def test_a_status_is_read_with_nulls_everywhere():
    answer = StatusAnswer.model_validate(
        {
            "status": "SOMETHING_NEW",
            "updatedAt": None,
            "swapDetails": {"amountIn": None, "nearTxHashes": None, "refundReason": None},
            "quoteResponse": None,
        }
    )

    assert answer.status == "SOMETHING_NEW"
    assert answer.deposit_type is None


def test_a_transaction_is_named_by_text_or_by_object():
    answer = StatusAnswer.model_validate(
        {
            "status": "SUCCESS",
            "swapDetails": {"originChainTxHashes": [{"hash": "0xa", "explorerUrl": ""}, "0xb"]},
        }
    )

    assert answer.swap_details.origin_chain_tx_hashes == ["0xa", "0xb"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": "tokenOut is not valid", "path": "/v0/quote"}, "tokenOut is not valid"),
        ({"message": ["amount must be a string", "x"]}, "amount must be a string; x"),
        ({"message": None}, ""),
        ({}, ""),
        (None, ""),
        (["no"], ""),
    ],
)
def test_a_refusal_says_what_it_says(body, text):
    assert refusal_text(HttpAnswer(400, body)) == text


# --- what the answer to a published intent means ------------------------------------------------


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("nonce was already used", ACCEPTED),
        ("Failed to publish intent: Nonce was already used", ACCEPTED),
        ("Intent already processed", ACCEPTED),
        ("deadline has expired", REJECTED),
        ("invalid signature", REJECTED),
        ("invalid salt", REJECTED),
        ("insufficient balance or overflow", REJECTED),
        ("deadline is greater than nonce", REJECTED),
        ("nonce was already expired", REJECTED),
        ("wrong verifying_contract", REJECTED),
        ("invalid intent", REJECTED),
        ("JSON: missing field `nonce` at line 1", REJECTED),
        ("public key 'secp256k1:abc' doesn't exist for account '0xabc'", REJECTED),
        ("account '0xabc' is locked", REJECTED),
        ("Internal server error", UNKNOWN),
        ("something new", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_refusal_is_read_by_its_text(text, outcome):
    result = result_of(HttpAnswer(400, {"message": text}), None, "ours")

    assert result.outcome is outcome
    assert result.reason == (text or "status 400")


def test_a_yes_counts_only_for_our_own_intent():
    assert result_of(HttpAnswer(201, {}), "ours", "ours").outcome is ACCEPTED
    assert result_of(HttpAnswer(200, {}), "another", "ours").outcome is UNKNOWN
    assert result_of(HttpAnswer(200, {}), None, "ours").outcome is UNKNOWN


def test_a_refused_key_says_nothing_about_the_intent():
    refused = result_of(HttpAnswer(401, {"message": "invalid signature of the token"}), None, "x")

    assert refused.outcome is UNKNOWN
