"""NEAR JSON-RPC: views of the verifier contract, blocks, errors."""

from __future__ import annotations

import base64
from datetime import datetime

import base58
import pytest

from tests.devnet.world import ALICE, BOB, BTC, START, USDC, nonce, payload, transfer


async def test_balances_come_in_the_order_asked_for(world):
    await world.mint(ALICE.account, USDC, 5)
    await world.mint(ALICE.account, "nep141:unlisted.near", 7)

    found = await world.view(
        "mt_batch_balance_of",
        account_id=ALICE.account,
        token_ids=["nonsense", USDC, BTC, "nep141:unlisted.near"],
    )

    assert found == ["0", "5", "0", "7"]
    assert await world.view("mt_supply", token_id=USDC) == "5"


async def test_everything_an_account_holds_can_be_listed_by_page(world):
    for asset_id in (USDC, BTC, "nep141:unlisted.near"):
        await world.mint(ALICE.account, asset_id, 5)

    whole = await world.view("mt_tokens_for_owner", account_id=ALICE.account)
    page = await world.view(
        "mt_tokens_for_owner", account_id=ALICE.account, from_index="1", limit=1
    )

    assert {each["token_id"] for each in whole} == {USDC, BTC, "nep141:unlisted.near"}
    assert page == whole[1:2]
    assert {each["owner_id"] for each in whole} == {ALICE.account}
    assert await world.view("mt_tokens_for_owner", account_id=BOB.account) == []


async def test_a_simulation_says_what_would_happen_and_does_nothing(world):
    await world.use_salt()
    await world.mint(ALICE.account, USDC, 5)
    signed = ALICE.sign(payload(ALICE.account, transfer(BOB.account, {USDC: "5"})))

    told = await world.view("simulate_intents", signed=[signed])

    assert told["intents_executed"][0]["account_id"] == ALICE.account
    assert told["intents_executed"][0]["nonce"] == nonce()
    assert told["min_deadline"] == "2026-12-01T00:20:00.000Z"
    assert told["state"] == {"fee": 1, "current_salt": "252812b3"}
    assert await world.balance(ALICE.account, USDC) == 5
    assert not await world.view("is_nonce_used", account_id=ALICE.account, nonce=nonce())
    done = (await world.submit(signed)).json()["intentHash"]
    assert done == told["intents_executed"][0]["intent_hash"]


async def test_a_simulation_that_fails_panics_like_the_contract(world):
    signed = ALICE.sign(payload(ALICE.account, verifying_contract="other.near"))

    answer = await world.rpc("simulate_intents", signed=[signed])

    assert "result" not in answer
    assert "Smart contract panicked: wrong verifying_contract" in answer["error"]


@pytest.mark.parametrize(
    ("method", "args", "text"),
    [
        ("no_such_view", {}, "MethodNotFound"),
        ("mt_balance_of", {}, "Failed to deserialize"),
        (
            "mt_batch_balance_of",
            {"account_id": "a.near", "token_ids": "x"},
            "Failed to deserialize",
        ),
        ("is_nonce_used", {"account_id": "a.near", "nonce": "short"}, "JSON: invalid"),
        ("mt_tokens_for_owner", {"account_id": "a.near", "limit": -1}, "Failed to deserialize"),
    ],
)
async def test_what_the_contract_refuses_is_an_error_inside_the_result(world, method, args, text):
    answer = await world.rpc(method, **args)

    assert text in answer["error"]
    assert "result" not in answer


async def test_an_account_that_is_not_the_verifier_is_a_nodes_error(world):
    params = {
        "request_type": "call_function",
        "account_id": "else.near",
        "method_name": "fee",
        "args_base64": base64.b64encode(b"{}").decode(),
    }
    request = {"jsonrpc": "2.0", "id": 1, "method": "query", "params": params}

    answer = (await world.post("/rpc", request)).json()

    assert answer["error"]["cause"]["name"] == "UNKNOWN_ACCOUNT"
    assert "result" not in answer


@pytest.mark.parametrize(
    "request_body",
    [
        [],
        {},
        "x",
        {"jsonrpc": "2.0", "id": 1, "method": "nothing"},
        {"jsonrpc": "2.0", "method": []},
    ],
)
async def test_a_senseless_request_is_a_json_rpc_error(world, request_body):
    answer = (await world.post("/rpc", request_body)).json()

    assert answer["jsonrpc"] == "2.0"
    assert answer["error"]["code"] < 0


async def test_the_latest_final_block_bears_the_domain_time(world):
    request = {"jsonrpc": "2.0", "id": 1, "method": "block", "params": {"finality": "final"}}
    first = (await world.post("/rpc", request)).json()["result"]["header"]
    await world.advance(90)
    second = (await world.post("/rpc", request)).json()["result"]["header"]

    assert first["timestamp_nanosec"] == str(int(START.timestamp()) * 10**9)
    assert second["timestamp"] - first["timestamp"] == 90 * 10**9
    assert second["height"] == first["height"] + 90
    status = (await world.post("/rpc", request | {"method": "status"})).json()["result"]
    latest = datetime.fromisoformat(status["sync_info"]["latest_block_time"])
    assert (latest - START).total_seconds() == 90


async def test_a_0x_accounts_key_is_implied(world):
    key = "secp256k1:" + base58.b58encode(ALICE.public_key).decode()

    assert await world.view("has_public_key", account_id=ALICE.account, public_key=key) is True
    assert await world.view("has_public_key", account_id=BOB.account, public_key=key) is False
    assert await world.view("is_account_locked", account_id=ALICE.account) is False
