"""The verifier contract: the shared vectors, the order of its checks, and its words."""

from __future__ import annotations

import base64
import json
import random
from datetime import timedelta
from pathlib import Path

import base58
import pytest

from ballast.devnet import verifier
from tests.devnet.world import (
    ALICE,
    BOB,
    BTC,
    ETH,
    START,
    USDC,
    Wallet,
    World,
    iso,
    nonce,
    payload,
    transfer,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "near-intents-vectors.json").read_text())
SIGNED = [pytest.param(vector, id=vector["name"]) for vector in VECTORS["vectors"]]


async def fund_for(world: World, vector) -> None:
    await world.use_salt()
    for intent in vector["inputs"]["intents"]:
        for asset_id, units in intent["tokens"].items():
            await world.mint(vector["account_id"], asset_id, int(units))


@pytest.mark.parametrize("vector", SIGNED)
async def test_what_the_official_sdk_signed_is_carried_out(world, vector):
    await fund_for(world, vector)

    answer = await world.submit(vector["expected"]["multi_payload"])

    assert answer.status_code == 201
    assert answer.json()["intentHash"] == vector["expected"]["intent_hash"]
    for intent in vector["inputs"]["intents"]:
        for asset_id, units in intent["tokens"].items():
            assert await world.balance(intent["receiver_id"], asset_id) == int(units)
            assert await world.balance(vector["account_id"], asset_id) == 0
    assert await world.view(
        "is_nonce_used", account_id=vector["account_id"], nonce=vector["expected"]["nonce"]
    )


@pytest.mark.parametrize("vector", SIGNED)
async def test_a_changed_byte_in_the_payload_is_another_persons_signature(world, vector):
    await fund_for(world, vector)
    signed = dict(vector["expected"]["multi_payload"])
    units = next(iter(vector["inputs"]["intents"][0]["tokens"].values()))
    signed["payload"] = signed["payload"].replace(f'"{units}"', f'"{int(units) + 1}"', 1)

    answer = await world.submit(signed)

    assert answer.status_code == 400
    assert f"doesn't exist for account '{vector['account_id']}'" in answer.json()["message"]
    assert "public key 'secp256k1:" in answer.json()["message"]


@pytest.mark.parametrize("vector", SIGNED)
async def test_a_changed_byte_in_the_signature_never_executes(world, vector):
    await fund_for(world, vector)
    signed = dict(vector["expected"]["multi_payload"])
    raw = bytearray(base58.b58decode(signed["signature"].removeprefix("secp256k1:")))
    raw[40] ^= 1
    signed["signature"] = "secp256k1:" + base58.b58encode(bytes(raw)).decode()

    message = (await world.submit(signed)).json()["message"]

    assert "doesn't exist for account" in message or "invalid signature" in message
    assert await world.balance(vector["inputs"]["intents"][0]["receiver_id"], BTC) == 0


def places(vector, size: int) -> list[int]:
    """Every place of the first vector, and twelve drawn ones of each other."""
    if vector is VECTORS["vectors"][0]:
        return list(range(size))
    return random.Random(vector["name"]).sample(range(size), min(size, 12))


@pytest.mark.parametrize("vector", SIGNED)
async def test_any_one_changed_byte_of_a_payload_is_refused(world, vector):
    """A changed text recovers some other key, unless it is no payload any more."""
    await fund_for(world, vector)
    honest = vector["expected"]["multi_payload"]
    raw = honest["payload"].encode()
    for place in places(vector, len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        try:
            signed = honest | {"payload": changed.decode()}
        except UnicodeDecodeError:
            continue  # JSON over HTTP cannot carry it

        done = await world.rpc("simulate_intents", signed=[signed])

        assert any(text in done["error"] for text in REFUSALS), (place, done["error"])
    assert "result" in await world.rpc("simulate_intents", signed=[honest])


@pytest.mark.parametrize("vector", SIGNED)
async def test_any_one_changed_byte_of_a_signature_is_refused(world, vector):
    """Of r and s: another key, or none. Of v above 1, or s in the upper half: no signature."""
    await fund_for(world, vector)
    honest = vector["expected"]["multi_payload"]
    raw = base58.b58decode(honest["signature"].removeprefix("secp256k1:"))
    for place in sorted({*places(vector, 65), 32, 64}):
        for flip in (1, 0x80):
            changed = raw[:place] + bytes([raw[place] ^ flip]) + raw[place + 1 :]
            encoded = "secp256k1:" + base58.b58encode(changed).decode()

            done = await world.rpc("simulate_intents", signed=[honest | {"signature": encoded}])

            other_key = f"doesn't exist for account '{vector['account_id']}'" in done["error"]
            certainly_none = flip == 0x80 and place in {32, 64}
            assert "invalid signature" in done["error"] or (other_key and not certainly_none)


# What a changed payload text can end in: checks 2 to 5 of the contract.
REFUSALS = (
    "JSON: ",
    "wrong verifying_contract",
    "deadline has expired",
    "public key 'secp256k1:",
    "invalid signature",
)


def high_s(signed):
    """The other signature of the same key over the same text, which most verifiers also take."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = base58.b58decode(signed["signature"].removeprefix("secp256k1:"))
    flipped = (order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    twin = raw[:32] + flipped + bytes([1 - raw[64]])
    return signed | {"signature": "secp256k1:" + base58.b58encode(twin).decode()}


def with_v27(signed):
    raw = base58.b58decode(signed["signature"].removeprefix("secp256k1:"))
    shifted = raw[:64] + bytes([raw[64] + 27])
    return signed | {"signature": "secp256k1:" + base58.b58encode(shifted).decode()}


@pytest.mark.parametrize(
    "spoil",
    [
        high_s,
        with_v27,
        lambda s: s | {"signature": s["signature"].replace("secp256k1:", "ed25519:")},
        lambda s: s | {"signature": "secp256k1:" + base58.b58encode(bytes(65)).decode()},
        lambda s: s | {"signature": "secp256k1:0OIl"},
        lambda s: s | {"signature": s["signature"][:-5]},
    ],
)
async def test_a_malformed_signature_is_refused_before_anything_is_read(world, spoil):
    signed = ALICE.sign("not even JSON")

    message = (await world.submit(spoil(signed))).json()["message"]

    assert message.endswith("invalid signature")


# One fault per check, in the contract's order. A payload with the faults k and k+1 fails at k.
CHECKS = [
    ({"intents": "none"}, "JSON: invalid type: expected a sequence"),
    ({"verifying_contract": "other.near"}, "wrong verifying_contract"),
    ({"deadline": iso(START - timedelta(seconds=1))}, "deadline has expired"),
    ({"signer_id": BOB.account}, f"doesn't exist for account '{BOB.account}'"),
    ({"nonce": nonce(salt="00000000")}, "invalid salt"),
    (
        {"nonce": nonce(deadline=START + timedelta(minutes=1))},
        "deadline is greater than nonce",
    ),
]


@pytest.mark.parametrize("first", range(len(CHECKS)))
async def test_checks_come_in_the_contracts_order(world, first):
    await world.use_salt()
    later = [fields for fields, _ in CHECKS[first:]]
    faults = {name: value for fields in reversed(later) for name, value in fields.items()}
    text = payload(ALICE.account, transfer(ALICE.account, {}), **faults)

    message = (await world.submit(ALICE.sign(text))).json()["message"]

    assert message.endswith(CHECKS[first][1])


async def test_a_payload_that_was_used_and_has_run_out_is_reported_as_run_out(world):
    await world.use_salt()
    end = START + timedelta(seconds=10)
    text = payload(ALICE.account, deadline=iso(end), nonce=nonce(deadline=end))
    assert (await world.submit(ALICE.sign(text))).status_code == 201

    await world.advance(11)

    assert "deadline has expired" in (await world.submit(ALICE.sign(text))).json()["message"]


async def test_a_used_nonce_is_noticed_before_the_intents(world):
    await world.use_salt()
    assert (await world.submit(ALICE.sign(payload(ALICE.account)))).status_code == 201

    again = await world.submit(ALICE.sign(payload(ALICE.account, transfer(ALICE.account, {}))))

    assert "nonce was already used" in again.json()["message"]


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        (transfer(ALICE.account, {USDC: "1"}), "invalid intent"),
        (transfer(BOB.account, {}), "invalid intent"),
        (transfer(BOB.account, {USDC: "0"}), "invalid intent"),
        (transfer(BOB.account, {USDC: "101"}), "insufficient balance or overflow"),
        (transfer(BOB.account, {BTC: "1"}), "insufficient balance or overflow"),
        # In the order of token ids the missing balance comes first, then the zero amount.
        (transfer(BOB.account, {ETH: "0", USDC: "101"}), "insufficient balance or overflow"),
        ({"intent": "token_diff", "diff": {}}, "JSON: unknown variant `token_diff`"),
        (transfer(BOB.account.upper(), {USDC: "1"}), "JSON: invalid account id"),
        (transfer(BOB.account, {"usdc": "1"}), "JSON: invalid token id `usdc`"),
        (transfer(BOB.account, {"nep245:a.near": "1"}), "JSON: invalid token id"),
        (transfer(BOB.account, {USDC: 1}), "JSON: invalid type: expected a string"),
        (transfer(BOB.account, {USDC: "-1"}), "JSON: invalid digit"),
        (transfer(BOB.account, {USDC: "1.5"}), "JSON: invalid digit"),
        (transfer(BOB.account, {USDC: str(2**128)}), "JSON: invalid digit"),
        (transfer(BOB.account, {USDC: "١"}), "JSON: invalid digit"),
        (transfer(BOB.account, {USDC: "1"}, memo=5), "JSON: invalid type: expected a string"),
    ],
)
async def test_an_intent_that_cannot_be_done_is_refused_in_the_contracts_words(world, intent, text):
    await world.use_salt()
    await world.mint(ALICE.account, USDC, 100)

    message = (await world.submit(ALICE.sign(payload(ALICE.account, intent)))).json()["message"]

    assert text in message
    assert await world.balance(ALICE.account, USDC) == 100
    assert not await world.view("is_nonce_used", account_id=ALICE.account, nonce=nonce())


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"nonce": base64.b64encode(bytes(31)).decode()}, "JSON: invalid length"),
        ({"nonce": nonce().rstrip("=")}, "JSON: invalid base64"),
        ({"nonce": nonce()[:-2] + "F="}, "JSON: invalid length"),  # stray bits after the last byte
        ({"deadline": "2026-12-01 "}, "JSON: input contains"),
        ({"deadline": "2026-13-01T00:00:00Z"}, "JSON: input is out of range"),
        ({"signer_id": ALICE.account.upper()}, "JSON: invalid account id"),
        ({"signer_id": 5}, "JSON: invalid type"),
    ],
)
async def test_a_misshapen_field_is_a_json_error(world, fields, text):
    message = (await world.submit(ALICE.sign(payload(ALICE.account, **fields)))).json()["message"]

    assert text in message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "{",
        "NaN",
        payload(ALICE.account)[:-1] + ', "intents": []}',
        payload(ALICE.account)[:-1] + ', "extra": NaN}',
        payload(ALICE.account) + "}",
        "[" * 100_000,
        payload(ALICE.account)[:-1] + r', "memo": "\ud800"}',
    ],
)
async def test_a_payload_that_is_not_clean_json_is_a_json_error(world, text):
    message = (await world.submit(ALICE.sign(text))).json()["message"]

    assert message.startswith("Failed to publish intent: JSON: ")


async def test_any_order_white_space_and_unknown_fields_are_accepted(world):
    await world.use_salt()
    await world.mint(ALICE.account, USDC, 5)
    fields = json.loads(payload(ALICE.account, transfer(BOB.account, {USDC: "5"}, colour="red")))
    text = json.dumps({"note": None} | dict(reversed(fields.items())), indent=4)

    assert (await world.submit(ALICE.sign(text))).status_code == 201
    assert await world.balance(BOB.account, USDC) == 5


async def test_a_deadline_may_have_another_zone_and_nanoseconds(world):
    await world.use_salt()
    text = payload(ALICE.account, deadline="2026-12-01T02:10:00.123456789+02:00")

    assert (await world.submit(ALICE.sign(text))).status_code == 201


async def test_the_deadline_itself_is_still_in_time(world):
    await world.use_salt()

    text = payload(ALICE.account, deadline=iso(START))

    assert (await world.submit(ALICE.sign(text))).status_code == 201


async def test_an_empty_list_of_intents_only_burns_the_nonce(world):
    await world.use_salt()
    await world.mint(ALICE.account, USDC, 5)

    assert (await world.submit(ALICE.sign(payload(ALICE.account)))).status_code == 201

    assert await world.view("is_nonce_used", account_id=ALICE.account, nonce=nonce())
    cancelled = payload(ALICE.account, transfer(BOB.account, {USDC: "5"}))
    assert "nonce was already used" in (await world.submit(ALICE.sign(cancelled))).json()["message"]
    assert await world.balance(ALICE.account, USDC) == 5


async def test_a_legacy_nonce_is_accepted_once(world):
    text = payload(ALICE.account, nonce=base64.b64encode(bytes(range(32))).decode())

    assert (await world.submit(ALICE.sign(text))).status_code == 201
    assert "already used" in (await world.submit(ALICE.sign(text))).json()["message"]


async def test_one_bad_transfer_undoes_the_good_one_before_it(world):
    await world.use_salt()
    await world.mint(ALICE.account, USDC, 5)
    good, bad = transfer(BOB.account, {USDC: "5"}), transfer(BOB.account, {USDC: "1"})

    answer = await world.submit(ALICE.sign(payload(ALICE.account, good, bad)))

    assert "insufficient balance" in answer.json()["message"]
    assert await world.balance(ALICE.account, USDC) == 5
    assert await world.balance(BOB.account, USDC) == 0


async def test_money_that_comes_in_earlier_in_the_call_can_be_spent_in_it(world):
    await world.use_salt()
    await world.mint(ALICE.account, USDC, 5)
    gives = ALICE.sign(payload(ALICE.account, transfer(BOB.account, {USDC: "5"})))
    passes_on = BOB.sign(payload(BOB.account, transfer("carol.near", {USDC: "5"})))

    done = await world.view("simulate_intents", signed=[gives, passes_on])

    assert [each["account_id"] for each in done["intents_executed"]] == [ALICE.account, BOB.account]
    assert await world.balance(ALICE.account, USDC) == 5


async def test_a_nonce_is_used_up_within_the_call(world):
    await world.use_salt()
    signed = ALICE.sign(payload(ALICE.account))

    answer = await world.rpc("simulate_intents", signed=[signed, signed])

    assert "nonce was already used" in answer["error"]


async def test_a_receiver_cannot_hold_more_than_a_u128(world):
    await world.use_salt()
    await world.mint(ALICE.account, USDC, 1)
    await world.mint(BOB.account, USDC, 2**128 - 1)

    answer = await world.submit(
        ALICE.sign(payload(ALICE.account, transfer(BOB.account, {USDC: "1"})))
    )

    assert "insufficient balance or overflow" in answer.json()["message"]


async def test_only_0x_accounts_have_an_implied_key(world):
    answer = await world.submit(ALICE.sign(payload("alice.near")))

    assert "doesn't exist for account 'alice.near'" in answer.json()["message"]


async def test_a_retired_salt_ends_every_nonce_that_bears_it(world):
    await world.use_salt()
    await world.use_salt("deadbeef")
    assert (await world.submit(ALICE.sign(payload(ALICE.account)))).status_code == 201

    await world.post("/devnet/salt", {"salt": "0badcafe", "retire_others": True})

    late = payload(ALICE.account, nonce=nonce(2))
    assert "invalid salt" in (await world.submit(ALICE.sign(late))).json()["message"]
    assert await world.view("current_salt") == "0badcafe"
    assert await world.view("is_valid_salt", salt="deadbeef") is False


def test_both_ways_to_recover_a_key_agree():
    """Where coincurve has no build, eth-keys does its work."""
    for number in range(1, 9):
        wallet = Wallet(number.to_bytes(32, "big"))
        signed = wallet.sign(f"text {number}")
        digest = verifier.erc191_digest(signed["payload"])
        raw = base58.b58decode(signed["signature"].removeprefix("secp256k1:"))
        assert verifier._recover_slowly(digest, raw) == wallet.public_key
        assert verifier._recover(digest, raw) == wallet.public_key
    assert verifier._recover_slowly(bytes(32), b"\xff" * 64 + b"\0") is None
