"""The three ways onto the contract: submit-intent, the solver relay, and a NEAR transaction."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import struct
from typing import Any

import base58
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.devnet.faulty import FUNDS, add, fault
from tests.devnet.world import ALICE, BOB, USDC, World, nonce, payload, transfer

GAS_PAYER = Ed25519PrivateKey.from_private_bytes(b"\x33" * 32)


def gift(units: int = 5, number: int = 1) -> dict[str, str]:
    return ALICE.sign(
        payload(ALICE.account, transfer(BOB.account, {USDC: str(units)}), nonce=nonce(number))
    )


def intent_hash(signed: dict[str, str]) -> str:
    from eth_hash.auto import keccak

    raw = signed["payload"].encode()
    digest = keccak(b"\x19Ethereum Signed Message:\n%d" % len(raw) + raw)
    return base58.b58encode(digest).decode()


async def relay(world: World, method: str, key: bool = True, **params: Any) -> Any:
    request = {"jsonrpc": "2.0", "id": "4", "method": method, "params": [params]}
    answer = await world.post(f"/relay/rpc?method={method}", request, key)
    return answer.json().get("result") if answer.status_code == 200 else answer


async def test_the_relay_publishes_and_follows_an_intent(funded):
    signed = gift()
    name = {"intent_hash": intent_hash(signed)}
    assert (await relay(funded, "get_status", **name))["status"] == "NOT_FOUND_OR_NOT_VALID"

    published = await relay(funded, "publish_intent", quote_hashes=[], signed_data=signed)
    on_its_way = await relay(funded, "get_status", **name)
    await funded.advance(3)
    settled = await relay(funded, "get_status", **name)

    assert published == {"status": "OK"} | name
    assert (on_its_way["status"], settled["status"]) == ("TX_BROADCASTED", "SETTLED")
    assert on_its_way["data"] == settled["data"]
    assert await funded.balance(BOB.account, USDC) == 5


async def test_the_relay_pays_a_swap_like_any_other_way(funded):
    quoted = await funded.quote()
    address, amount = quoted["quote"]["depositAddress"], quoted["quote"]["amountIn"]
    signed = ALICE.sign(payload(ALICE.account, transfer(address, {USDC: amount})))

    await relay(funded, "publish_intent", quote_hashes=[], signed_data=signed)
    await funded.advance(20)

    answer = await funded.status(quoted)
    assert answer["status"] == "SUCCESS"
    assert answer["swapDetails"]["intentHashes"] == [intent_hash(signed)]


async def test_the_relay_needs_a_key(funded):
    answer = await relay(funded, "publish_intent", key=False, signed_data=gift())

    assert answer.status_code == 401
    assert await funded.balance(BOB.account, USDC) == 0


@pytest.mark.parametrize("first", ["submit-intent", "relay"])
async def test_the_same_payload_again_is_already_processed(funded, first):
    signed = gift()
    if first == "relay":
        await relay(funded, "publish_intent", signed_data=signed)
    else:
        await funded.submit(signed)

    again = await relay(funded, "publish_intent", signed_data=signed)

    assert again["status"] == "FAILED"
    assert "already processed" in again["reason"]
    assert again["intent_hash"] == intent_hash(signed)
    assert await funded.balance(BOB.account, USDC) == 5


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (gift(FUNDS + 1), "insufficient balance or overflow"),
        (gift() | {"signature": "secp256k1:111"}, "invalid signature"),
        (ALICE.sign(payload(ALICE.account, deadline="2020-01-01T00:00:00Z")), "has expired"),
        (ALICE.sign(payload(BOB.account)), "public key 'secp256k1:"),
        (ALICE.sign(payload(ALICE.account, nonce=nonce(salt="00000000"))), "invalid salt"),
    ],
)
async def test_the_relay_gives_the_contracts_reason(funded, signed, reason):
    answer = await relay(funded, "publish_intent", signed_data=signed)

    assert answer["status"] == "FAILED"
    assert reason in answer["reason"]
    found = await relay(funded, "get_status", intent_hash=answer["intent_hash"])
    assert found["status"] == "NOT_FOUND_OR_NOT_VALID"


async def test_a_batch_is_all_or_nothing(funded):
    good, bad = gift(5, 1), gift(FUNDS, 2)

    refused = await relay(funded, "publish_intents", quote_hashes=[], signed_datas=[good, bad])
    assert refused["status"] == "FAILED"
    assert await funded.balance(BOB.account, USDC) == 0

    taken = await relay(funded, "publish_intents", quote_hashes=[], signed_datas=[good, gift(7, 3)])
    assert taken == {"status": "OK", "intent_hashes": [intent_hash(good), intent_hash(gift(7, 3))]}
    assert await funded.balance(BOB.account, USDC) == 12


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "sing", "params": [{}]}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "get_status", "params": {}}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "get_status", "params": ["x"]}, -32602),
        ([], -32600),
    ],
)
async def test_the_relay_refuses_what_is_no_request(world, request_, code):
    assert (await world.post("/relay/rpc", request_)).json()["error"]["code"] == code


async def test_a_relay_that_loses_what_it_takes_says_pending(funded):
    await fault(funded, "relay:publish_intent", "not-executed")
    signed = gift()

    assert (await relay(funded, "publish_intent", signed_data=signed))["status"] == "OK"
    await funded.advance(600)

    found = await relay(funded, "get_status", intent_hash=intent_hash(signed))
    assert found["status"] == "PENDING"
    assert await funded.balance(BOB.account, USDC) == 0


# ------------------------------------------------------------------ on-chain


def transaction(number: int, args: Any, *, signer=GAS_PAYER, account="", method="execute_intents"):
    """Borsh bytes of a signed transaction, in base64, and its hash; written from nearcore."""
    key = signer.public_key().public_bytes_raw()
    text = lambda value: struct.pack("<I", len(value)) + value  # noqa: E731
    call = b"\x02" + text(method.encode()) + text(json.dumps(args).encode())
    call += struct.pack("<Q", 10**14) + (0).to_bytes(16, "little")
    raw = text((account or key.hex()).encode()) + b"\x00" + key + struct.pack("<Q", number)
    raw += text(b"intents.near") + bytes(32) + struct.pack("<I", 1) + call
    digest = hashlib.sha256(raw).digest()
    signed = raw + b"\x00" + signer.sign(digest)
    return base64.b64encode(signed).decode(), base58.b58encode(digest).decode()


async def near(world: World, method: str, params: Any) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return (await world.post("/rpc", request, key=False)).json()


async def test_anybody_may_execute_intents_on_chain(funded):
    quoted = await funded.quote(key=False)
    address, amount = quoted["quote"]["depositAddress"], quoted["quote"]["amountIn"]
    signed = ALICE.sign(payload(ALICE.account, transfer(address, {USDC: amount})))
    encoded, tx_hash = transaction(1, {"signed": [signed]})

    sent = await near(funded, "send_tx", {"signed_tx_base64": encoded, "wait_until": "FINAL"})
    await funded.advance(20)

    assert sent["result"]["status"] == {"SuccessValue": ""}
    assert sent["result"]["transaction"]["hash"] == tx_hash
    details = (await funded.status(quoted))["swapDetails"]
    assert details["intentHashes"] == [intent_hash(signed)]
    assert tx_hash in details["nearTxHashes"]
    known = await near(funded, "tx", {"tx_hash": tx_hash, "sender_account_id": "x"})
    assert known["result"] == sent["result"]


async def test_a_panic_is_a_failed_transaction(funded):
    encoded, _ = transaction(1, {"signed": [gift(FUNDS + 1)]})

    sent = await near(funded, "broadcast_tx_commit", [encoded])

    kind = sent["result"]["status"]["Failure"]["ActionError"]["kind"]
    assert "insufficient balance or overflow" in kind["FunctionCallError"]["ExecutionError"]


async def test_a_transaction_sent_twice_is_one_transaction(funded):
    encoded, _ = transaction(1, {"signed": [gift()]})

    first, second = [await near(funded, "send_tx", [encoded]) for _ in range(2)]

    assert first == second
    assert await funded.balance(BOB.account, USDC) == 5


async def test_the_nonce_of_an_access_key_only_grows(funded):
    key = "ed25519:" + base58.b58encode(GAS_PAYER.public_key().public_bytes_raw()).decode()
    account = GAS_PAYER.public_key().public_bytes_raw().hex()
    view = {"request_type": "view_access_key", "account_id": account, "public_key": key}
    assert (await near(funded, "query", view))["result"]["nonce"] == 0
    await near(funded, "send_tx", [transaction(9, {"signed": []})[0]])
    assert (await near(funded, "query", view))["result"]["nonce"] == 9

    refused = await near(funded, "send_tx", [transaction(9, {"signed": [gift()]})[0]])

    assert refused["error"]["cause"]["name"] == "INVALID_TRANSACTION"
    assert "InvalidNonce" in refused["error"]["data"]


async def test_a_named_account_needs_a_key(funded):
    encoded, _ = transaction(1, {"signed": [gift()]}, account="payer.near")
    refused = await near(funded, "send_tx", [encoded])
    assert "AccessKeyNotFound" in refused["error"]["data"]

    key = "ed25519:" + base58.b58encode(GAS_PAYER.public_key().public_bytes_raw()).decode()
    given_ = await funded.post("/devnet/near-key", {"account_id": "payer.near", "public_key": key})
    assert given_.status_code == 201
    await near(funded, "send_tx", [encoded])
    assert await funded.balance(BOB.account, USDC) == 5


async def test_any_changed_byte_of_a_transaction_is_refused(funded):
    encoded, _ = transaction(1, {"signed": [gift()]})
    raw = base64.b64decode(encoded)

    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        answer = await near(funded, "send_tx", [base64.b64encode(changed).decode()])
        assert "error" in answer, place
    assert await funded.balance(BOB.account, USDC) == 0


async def test_other_methods_and_misshapen_arguments_fail(funded):
    for number, (method, args) in enumerate(
        [("ft_transfer", {}), ("execute_intents", {}), ("execute_intents", [1])], start=1
    ):
        sent = await near(funded, "send_tx", [transaction(number, args, method=method)[0]])
        assert "Failure" in sent["result"]["status"]
    assert "error" in await near(funded, "send_tx", ["not base64!"])
    assert "error" in await near(funded, "tx", ["unknown", "x"])


async def test_the_operator_executes_without_a_transaction(funded):
    answer = await funded.post("/devnet/execute-intents", {"signed": [gift()]}, key=False)
    assert answer.json()["intent_hashes"] == [intent_hash(gift())]
    again = await funded.post("/devnet/execute-intents", {"signed": [gift()]}, key=False)

    assert "nonce was already used" in again.json()["message"]
    assert await funded.balance(BOB.account, USDC) == 5


# ------------------------------------------------------------------ once at most

WAYS = ("submit-intent", "relay", "on-chain", "operator")
TROUBLES = ("lost-answer", "lost-request", "error-after-effect", "not-executed", "truncated", None)


@settings(max_examples=25, deadline=None)
@given(
    attempts=st.lists(
        st.tuples(st.sampled_from(WAYS), st.sampled_from(TROUBLES)), min_size=2, max_size=8
    )
)
def test_a_payload_moves_money_once_at_most_by_whatever_ways_and_faults(tmp_path_factory, attempts):
    async def play() -> None:
        world = World.open(tmp_path_factory.mktemp("once") / "devnet.db")
        await world.use_salt()
        await world.mint(ALICE.account, USDC, FUNDS)
        for number, (way, trouble) in enumerate(attempts, start=1):
            await attempt(world, way, trouble, number)
            assert await world.balance(BOB.account, USDC) in {0, 5}
        await funded_once(world)
        world.devnet.close()

    async def funded_once(world: World) -> None:
        await world.submit(gift())
        assert await world.balance(BOB.account, USDC) == 5
        assert await world.balance(ALICE.account, USDC) == FUNDS - 5
        await world.accounts()

    asyncio.run(play())


async def attempt(world: World, way: str, trouble: str | None, number: int) -> None:
    doors = {"on-chain": "rpc", "operator": "execute-intents"}
    if trouble == "not-executed" and way in doors:
        return
    if trouble is not None:
        await add(world, doors.get(way, way), trouble)
    ways = {
        "submit-intent": lambda: world.submit(gift()),
        "relay": lambda: relay(world, "publish_intent", signed_data=gift()),
        "on-chain": lambda: near(world, "send_tx", [transaction(number, {"signed": [gift()]})[0]]),
        "operator": lambda: world.post("/devnet/execute-intents", {"signed": [gift()]}),
    }
    try:
        await ways[way]()
    except (ConnectionResetError, json.JSONDecodeError):
        assert trouble is not None
