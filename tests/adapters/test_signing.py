"""What is signed is, byte for byte, what the official SDK signs."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from base58 import b58decode
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from ballast.adapters.near_intents import signing
from ballast.adapters.near_intents.signing import (
    Transfer,
    account_of,
    payload_text,
    sign_text,
    sign_transfer,
    versioned_nonce,
)
from ballast.app.ports import TransferOrder
from ballast.errors import BallastError

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "tests/data/near-intents-vectors.json").read_text("utf-8"))["vectors"]
BUILT = [each for each in VECTORS if "pretty" not in each["name"]]
ORDERS = [
    each
    for each in BUILT
    if each["inputs"]["nonce_kind"] == "versioned"
    and [len(one["tokens"]) for one in each["inputs"]["intents"]] == [1]
    and "memo" not in each["inputs"]["intents"][0]
]

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
KEY = bytes.fromhex("41123d64cb4c509983dcfc4b9b2e7d2162ad86c237a1d765e5e45485bc8017b6")
KEY_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ORDER = TransferOrder(
    signer_id="0x09093de8e25d063d807552815b002d0fad5961ef",
    receiver_id="424e5c5563e91285baf35e110eaa31e7ed83d71707ec456fc88a7222b76dc0d4",
    asset_id="nep141:eth.omft.near",
    units=1_500_000,
    deadline=NOON,
    nonce_deadline=NOON + timedelta(hours=1),
    salt="252812b3",
    random=bytes(15),
)


def by_name(vectors):
    return {"argvalues": vectors, "ids": [each["name"] for each in vectors]}


def key_of(vector):
    return bytes.fromhex(vector["private_key"][2:])


def nonce_of(inputs):
    if inputs["nonce_kind"] == "legacy":
        return bytes.fromhex(inputs["nonce_hex"])
    return versioned_nonce(
        inputs["salt"],
        datetime.fromisoformat(inputs["nonce_deadline"]),
        bytes.fromhex(inputs["nonce_random_15"]),
    )


@pytest.mark.parametrize("vector", **by_name(VECTORS))
def test_every_payload_is_signed_as_the_sdk_signs_it(vector):
    expected = vector["expected"]

    signature, intent_hash = sign_text(expected["payload"], key_of(vector))

    assert signature == expected["multi_payload"]["signature"]
    assert intent_hash == expected["intent_hash"]


@pytest.mark.parametrize("vector", **by_name(BUILT))
def test_every_payload_is_built_as_the_sdk_builds_it(vector):
    inputs, expected = vector["inputs"], vector["expected"]
    transfers = [
        Transfer(
            one["receiver_id"],
            {asset_id: int(units) for asset_id, units in one["tokens"].items()},
            one.get("memo"),
        )
        for one in inputs["intents"]
    ]

    text = payload_text(
        vector["account_id"],
        datetime.fromisoformat(inputs["deadline"]),
        nonce_of(inputs),
        transfers,
    )

    assert text == expected["payload"]


@pytest.mark.parametrize("vector", **by_name(VECTORS))
def test_every_nonce_is_encoded_as_the_sdk_encodes_it(vector):
    assert nonce_of(vector["inputs"]).hex() == vector["expected"]["nonce_hex"]


def test_the_nonce_of_the_contracts_readme_comes_out():
    deadline = datetime.fromtimestamp(2280047743, UTC)

    nonce = versioned_nonce("252812b3", deadline, bytes.fromhex("027015ec13dc11864973138fe6812f"))

    assert base64.b64encode(nonce) == b"Vij2xgAlKBKzADZykFdbpB8CcBXsE9wRhklzE4/mgS8="


@pytest.mark.parametrize("vector", **by_name(ORDERS))
def test_an_order_gives_the_whole_signed_intent(vector):
    inputs, expected = vector["inputs"], vector["expected"]
    (transfer,) = inputs["intents"]
    ((asset_id, units),) = transfer["tokens"].items()
    order = TransferOrder(
        signer_id=vector["account_id"],
        receiver_id=transfer["receiver_id"],
        asset_id=asset_id,
        units=int(units),
        deadline=datetime.fromisoformat(inputs["deadline"]),
        nonce_deadline=datetime.fromisoformat(inputs["nonce_deadline"]),
        salt=inputs["salt"],
        random=bytes.fromhex(inputs["nonce_random_15"]),
    )

    signed = sign_transfer(order, key_of(vector))

    assert signed.payload == expected["payload"]
    assert signed.signature == expected["multi_payload"]["signature"]
    assert signed.intent_hash == expected["intent_hash"]
    assert signed.nonce == expected["nonce"]


@pytest.mark.parametrize("vector", **by_name(VECTORS))
def test_an_account_is_the_lowercase_address_of_its_key(vector):
    assert account_of(key_of(vector)) == vector["account_id"]


@given(payload=st.text(max_size=200))
def test_any_text_is_signed_as_eth_account_signs_it(payload):
    signature, _ = sign_text(payload, KEY)

    theirs = Account.sign_message(encode_defunct(text=payload), KEY).signature
    ours = b58decode(signature.removeprefix("secp256k1:"))
    assert ours[:64] == theirs[:64]
    assert ours[64] + 27 == theirs[64]


@given(units=st.integers(1, 2**128 - 1), micros=st.integers(0, 999_999))
def test_the_signed_text_holds_the_order_and_nothing_else(units, micros):
    order = replace(ORDER, units=units, deadline=NOON + timedelta(microseconds=micros))

    signed = sign_transfer(order, KEY)

    payload = json.loads(signed.payload)
    assert set(payload) == {"signer_id", "verifying_contract", "deadline", "nonce", "intents"}
    assert payload["signer_id"] == order.signer_id
    assert payload["verifying_contract"] == "intents.near"
    assert payload["intents"] == [
        {
            "intent": "transfer",
            "receiver_id": order.receiver_id,
            "tokens": {order.asset_id: str(units)},
        }
    ]
    assert datetime.fromisoformat(payload["deadline"]) == signed.deadline <= order.deadline
    assert order.deadline - signed.deadline < timedelta(milliseconds=1)
    assert payload["nonce"] == signed.nonce


def test_a_deadline_of_another_zone_is_the_same_moment():
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert sign_transfer(replace(ORDER, deadline=there), KEY) == sign_transfer(ORDER, KEY)


BROKEN = {
    "a checksummed signer": {"signer_id": "0x09093De8E25D063D807552815B002D0faD5961EF"},
    "a receiver that is no account": {"receiver_id": "somebody else"},
    "the signer itself": {"receiver_id": ORDER.signer_id},
    "a routing id": {"asset_id": "1cs_v1:btc:native:coin"},
    "nothing": {"units": 0},
    "less than nothing": {"units": -1},
    "more than the contract can count": {"units": 2**128},
    "a deadline without a zone": {"deadline": NOON.replace(tzinfo=None)},
    "a nonce that is forgotten too early": {"nonce_deadline": NOON - timedelta(seconds=1)},
    "a salt of another form": {"salt": "252812B3"},
    "too little randomness": {"random": bytes(14)},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_an_order_that_could_not_be_carried_out_is_not_signed(change):
    with pytest.raises(BallastError, match="not signed"):
        sign_transfer(replace(ORDER, **change), KEY)


def test_both_ways_to_sign_give_the_same_bytes(monkeypatch):
    """Where coincurve has no build, eth-keys does its work, in Python."""
    monkeypatch.setenv("ECC_BACKEND_CLASS", "eth_keys.backends.NativeECCBackend")
    for number in range(1, 9):
        digest = hashlib.sha256(bytes([number])).digest()
        key = (KEY_ORDER // number - 1).to_bytes(32)
        assert signing._signed(digest, key) == signing._signed_slowly(digest, key)


def test_the_signing_library_is_imported_only_for_a_signature():
    program = (
        "import sys, pkgutil, importlib\n"
        "import ballast.adapters.vault, ballast.adapters.near_intents as package\n"
        "for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "print([name for name in ('eth_account', 'eth_keys', 'coincurve') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
