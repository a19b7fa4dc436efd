"""A text that the venue wrote is signed only if it is, to the letter, what was ordered."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.adapters.near_intents import sign_given
from ballast.adapters.near_intents.given_payload import check_given
from ballast.adapters.near_intents.signing import (
    account_of,
    sign_text,
    sign_transfer,
    versioned_nonce,
)
from ballast.app.ports import TransferOrder
from ballast.errors import BallastError, ErrorCode

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "tests/data/near-intents-vectors.json").read_text("utf-8"))["vectors"]

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
BEFORE = NOON - timedelta(minutes=10)
KEY = bytes(range(1, 33))
USDC = "nep141:eth-0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48.omft.near"
ORDER = TransferOrder(
    signer_id=account_of(KEY),
    receiver_id="424e5c5563e91285baf35e110eaa31e7ed83d71707ec456fc88a7222b76dc0d4",
    asset_id=USDC,
    units=25_000_000,
    deadline=NOON,
    nonce_deadline=NOON + timedelta(hours=1),
    salt="252812b3",
    random=bytes(15),
)
LATER = NOON + timedelta(days=3)
SECOND = timedelta(seconds=1)


def nonce_until(deadline, salt=ORDER.salt):
    return base64.b64encode(versioned_nonce(salt, deadline, bytes(15))).decode()


NONCE = nonce_until(LATER)
TRANSFER = {
    "intent": "transfer",
    "receiver_id": ORDER.receiver_id,
    "tokens": {USDC: "25000000"},
}
FIELDS = {
    "signer_id": ORDER.signer_id,
    "verifying_contract": "intents.near",
    "deadline": "2027-01-18T12:00:00.000Z",
    "nonce": NONCE,
    "intents": [TRANSFER],
}


def text(**changes):
    return json.dumps(FIELDS | changes)


def problems_of(payload, order=ORDER, now=BEFORE):
    with pytest.raises(BallastError) as refused:
        check_given(payload, order, now)
    assert refused.value.code is ErrorCode.QUOTE_REFUSED
    return refused.value.details["problems"]


@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "pretty"])
def test_a_good_text_is_signed_byte_for_byte(indent):
    payload = json.dumps(FIELDS, indent=indent)

    signed = sign_given(payload, ORDER, KEY, BEFORE)

    assert signed.payload == payload
    assert (signed.signature, signed.intent_hash) == sign_text(payload, KEY)
    assert (signed.nonce, signed.deadline) == (NONCE, LATER)


def test_what_we_write_ourselves_would_pass():
    ours = sign_transfer(ORDER, KEY)

    assert sign_given(ours.payload, ORDER, KEY, BEFORE) == ours


BAD = {
    "another signer": ({"signer_id": "0x" + "ab" * 20}, "signer"),
    "the signer in capitals": ({"signer_id": ORDER.signer_id.upper()}, "signer"),
    "no signer": ({"signer_id": None}, "signer"),
    "another contract": ({"verifying_contract": "intents.far"}, "contract"),
    "a deadline that is past": ({"deadline": "2027-01-15T11:50:00.000Z"}, "deadline"),
    "a deadline beyond three days": (
        {"deadline": "2027-01-18T12:00:00.001Z", "nonce": nonce_until(LATER + SECOND)},
        "deadline",
    ),
    "a deadline without a zone": ({"deadline": "2027-01-18T12:00:00.000"}, "no time"),
    "a deadline that is a number": ({"deadline": 1800000000}, "no time"),
    "no intents": ({"intents": []}, "exactly one"),
    "two intents": ({"intents": [TRANSFER, TRANSFER]}, "exactly one"),
    "intents that are no list": ({"intents": TRANSFER}, "exactly one"),
    "another kind": ({"intents": [TRANSFER | {"intent": "ft_withdraw"}]}, "not a transfer"),
    "another receiver": ({"intents": [TRANSFER | {"receiver_id": "x.near"}]}, "receiver"),
    "more": ({"intents": [TRANSFER | {"tokens": {USDC: "25000001"}}]}, "tokens"),
    "less": ({"intents": [TRANSFER | {"tokens": {USDC: "24999999"}}]}, "tokens"),
    "an amount as a number": ({"intents": [TRANSFER | {"tokens": {USDC: 25000000}}]}, "tokens"),
    "a zero before": ({"intents": [TRANSFER | {"tokens": {USDC: "025000000"}}]}, "tokens"),
    "another token": ({"intents": [TRANSFER | {"tokens": {"nep141:x": "25000000"}}]}, "tokens"),
    "a token more": (
        {"intents": [TRANSFER | {"tokens": {USDC: "25000000", "nep141:x": "1"}}]},
        "tokens",
    ),
    "no token": ({"intents": [TRANSFER | {"tokens": {}}]}, "tokens"),
    "a message": ({"intents": [TRANSFER | {"msg": "call me"}]}, "field msg"),
    "gas": ({"intents": [TRANSFER | {"min_gas": "1"}]}, "field min_gas"),
    "code": ({"intents": [TRANSFER | {"state_init": {}}]}, "field state_init"),
    "a memo": ({"intents": [TRANSFER | {"memo": ""}]}, "field memo"),
    "a field of its own": ({"auth": "x"}, "field auth"),
    "a nonce of another kind": ({"nonce": base64.b64encode(bytes(32)).decode()}, "nonce"),
    "a nonce under another salt": ({"nonce": nonce_until(LATER, "00000000")}, "nonce"),
    "a nonce that is too short": ({"nonce": NONCE[:-4]}, "nonce"),
    "a nonce in another alphabet": ({"nonce": NONCE[:-2] + "-="}, "nonce"),
    "a nonce that is none": ({"nonce": 7}, "nonce"),
    "a nonce that is forgotten too early": ({"nonce": nonce_until(NOON)}, "forgotten"),
}


@pytest.mark.parametrize(("changes", "words"), BAD.values(), ids=BAD.keys())
def test_anything_else_than_what_was_ordered_is_not_signed(changes, words):
    (problem,) = problems_of(text(**changes))

    assert words in problem


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_must_be_there(name):
    fields = {key: value for key, value in FIELDS.items() if key != name}

    assert f"it has no {name}" in problems_of(json.dumps(fields))


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "[]",
        "null",
        "{",
        text()[:-1] + ',"intents":[]}',
        text().replace('"intent": "transfer"', '"intent": "transfer", "intent": "x"'),
        text(nonce=float("nan")),
        "\ufeff" + text(),
        text(memo="x" * 20_000),
        "[" * 100_000,
        '"\\ud800"',
    ],
    ids=[
        "nothing", "a list", "null", "half", "intents twice", "a kind twice", "NaN", "a mark",
        "too long", "too deep", "half a character",
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_or_not_at_all_is_not_signed(payload):
    assert problems_of(payload)


def test_everything_wrong_is_named_at_once():
    found = problems_of(text(signer_id="x.near", verifying_contract="y.near", intents=[], z=1))

    assert len(found) == 4


def test_an_order_for_another_address_is_another_order():
    assert problems_of(text(), replace(ORDER, receiver_id="ab" * 32))
    assert problems_of(text(), replace(ORDER, units=1))
    assert problems_of(text(), replace(ORDER, salt="00000000"))
    assert problems_of(text(), now=LATER)


@given(data=st.data())
def test_no_changed_character_goes_unnoticed(data):
    good = json.dumps(FIELDS, separators=(",", ":"))
    place = data.draw(st.integers(0, len(good) - 1))
    letter = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    changed = good[:place] + letter + good[place + 1 :]
    if changed == good:
        return
    try:
        given = check_given(changed, ORDER, BEFORE)
    except BallastError:
        return
    # What may differ is what the venue may choose: an earlier deadline, and the nonce's last part.
    assert given.deadline <= LATER
    assert json.loads(changed) | {"deadline": 0, "nonce": 0} == FIELDS | {"deadline": 0, "nonce": 0}


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if each["inputs"]["nonce_kind"] == "versioned"],
    ids=lambda each: each["name"],
)  # fmt: skip
def test_a_payload_of_the_sdk_passes_exactly_if_it_is_one_plain_transfer(vector):
    inputs = vector["inputs"]
    (first, *others) = inputs["intents"] or [{"tokens": {USDC: "1"}, "receiver_id": "ab" * 32}]
    asset_id, units = next(iter(first["tokens"].items()))
    deadline = datetime.fromisoformat(inputs["deadline"])
    order = replace(
        ORDER,
        signer_id=vector["account_id"],
        receiver_id=first["receiver_id"],
        asset_id=asset_id,
        units=int(units),
        deadline=deadline,
        salt=inputs["salt"],
    )
    plain = inputs["intents"] and not others and len(first["tokens"]) == 1 and "memo" not in first

    if plain:
        check_given(vector["expected"]["payload"], order, deadline - timedelta(minutes=1))
    else:
        problems_of(vector["expected"]["payload"], order, deadline - timedelta(minutes=1))
