"""Signing in over REST: the whole way, what is refused, and how often somebody may try."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from ballast.app.access.accounts import create_account, link
from ballast.app.access.api_keys import create_api_key
from ballast.app.operation import Caller
from ballast.core.access import ALL_SCOPES
from ballast.core.ethereum_sign_in import ETHEREUM
from tests.access.serving import reached
from tests.http.serving import OFTEN

OWNER = Caller(face="cli")
PASSWORD = "correct horse battery staple"
ANN = {"name": "ann@example.org", "password": PASSWORD}


@pytest.fixture
async def client(world):
    await create_account(world.app, OWNER, ANN["name"], PASSWORD, mine=True)
    async with reached(world) as at, at() as opened:
        yield opened


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def test_somebody_signs_in_works_refreshes_and_signs_out(world, client):
    await world.new_index("Mine")

    tokens = (await client.post("/api/auth/login", json=ANN)).json()
    listed = await client.get("/api/indexes", headers=bearer(tokens))
    fresh = await client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    ended = await client.post("/api/auth/logout", headers=bearer(fresh.json()))
    after = await client.get("/api/indexes", headers=bearer(fresh.json()))

    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    assert tokens["scope"] == "read write spend"
    assert [one["name"] for one in listed.json()["indexes"]] == ["Mine"]
    assert [one.status_code for one in (listed, fresh, ended, after)] == [200, 200, 200, 401]
    assert fresh.headers["cache-control"] == "no-store"


async def test_somebody_signs_in_with_a_wallet(world, client):
    wallet = Account.from_key(b"\x11" * 32)
    await link(world.app, OWNER, ANN["name"], ETHEREUM, wallet.address)

    asked = {"address": wallet.address, "chain_id": 8453}
    message = (await client.post("/api/auth/ethereum/challenge", json=asked)).json()["message"]
    signature = wallet.sign_message(encode_defunct(text=message)).signature.hex()
    proof = {"message": message, "signature": "0x" + signature.removeprefix("0x")}
    first = await client.post("/api/auth/ethereum/proof", json={**proof, "scopes": ["read"]})
    again = await client.post("/api/auth/ethereum/proof", json=proof)

    assert (first.status_code, again.status_code) == (200, 401)
    halted = await client.post("/api/halt", json={}, headers=bearer(first.json()))
    assert (halted.status_code, halted.json()["code"]) == (403, "scope_missing")


async def test_strangers_register_only_where_that_was_opened(world, client):
    eve = {"name": "eve", "password": PASSWORD}
    closed = await client.post("/api/auth/register", json=eve)
    world.app.sign_in = replace(world.app.sign_in, open_to_all=True)
    opened = await client.post("/api/auth/register", json=eve)
    taken = await client.post("/api/auth/register", json=eve)
    tokens = (await client.post("/api/auth/login", json=eve)).json()

    assert (closed.status_code, closed.json()["code"]) == (403, "registration_closed")
    assert (opened.status_code, taken.status_code) == (200, 409)
    assert (await client.get("/api/indexes", headers=bearer(tokens))).json()["indexes"] == []


async def test_a_replayed_refresh_token_is_refused_and_leaves_nothing_open(client):
    first = (await client.post("/api/auth/login", json=ANN)).json()
    used = {"refresh_token": first["refresh_token"]}
    second = (await client.post("/api/auth/refresh", json=used)).json()

    replayed = await client.post("/api/auth/refresh", json=used)

    assert replayed.status_code == 401
    for tokens in (first, second):
        assert (await client.get("/api/indexes", headers=bearer(tokens))).status_code == 401
    newest = {"refresh_token": second["refresh_token"]}
    assert (await client.post("/api/auth/refresh", json=newest)).status_code == 401


async def test_an_api_key_has_no_session_to_end(world, client):
    key = await create_api_key(world.app, OWNER, "GPT", ALL_SCOPES)

    answer = await client.post("/api/auth/logout", headers={"Authorization": f"Bearer {key.text}"})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


WRONG = [
    ("login", {"name": ANN["name"]}, 400, "password"),
    ("login", {**ANN, "scopes": ["admin"]}, 400, "scopes"),
    ("login", {**ANN, "scopes": []}, 400, "scopes"),
    ("login", {**ANN, "owner_id": "own_local"}, 400, "owner_id"),
    ("login", {"name": "", "password": ""}, 400, "name"),
    ("login", {"name": ["ann"], "password": {"$ne": ""}}, 400, "password"),
    ("login", {**ANN, "password": "wrong " + PASSWORD}, 401, "Name or password"),
    ("login", {**ANN, "password": "\ud800" * 20}, 400, "password"),
    ("login", {**ANN, "name": "nobody' OR 1=1 --"}, 401, "Name or password"),
    ("refresh", {"refresh_token": "brt_nothing"}, 401, "not known"),
    ("refresh", {"refresh_token": "x" * 201}, 400, "refresh_token"),
    ("refresh", {}, 400, "refresh_token"),
    ("ethereum/challenge", {"address": "0x12"}, 400, "address"),
    ("ethereum/challenge", {"address": "0x" + "1" * 40, "chain_id": 0}, 400, "chain_id"),
    ("ethereum/proof", {"message": "Hi", "signature": "0x"}, 401, "not issued here"),
    ("logout", {}, 401, "credential"),
    ("register", [], 400, "body"),
]


async def test_a_wrong_request_gets_one_clear_problem_and_never_its_secrets(client):
    for path, body, status, said in WRONG:
        answer = await client.post(
            f"/api/auth/{path}",
            content=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code == status, body
        assert answer.headers["content-type"] == "application/problem+json"
        assert said in answer.text, body
        assert answer.json()["next_step"]
        assert PASSWORD not in answer.text


async def test_a_name_that_is_not_there_is_answered_like_a_wrong_password(client):
    wrong = {"password": "wrong " + PASSWORD}

    there = await client.post("/api/auth/login", json={**wrong, "name": ANN["name"]})
    nobody = await client.post("/api/auth/login", json={**wrong, "name": "nobody"})

    assert there.status_code == nobody.status_code == 401
    assert there.content == nobody.content


async def test_one_address_tries_few_passwords(world):
    await create_account(world.app, OWNER, ANN["name"], PASSWORD)
    async with reached(world, OFTEN | {"login": "5/minute"}) as at:
        async with at("192.0.2.1") as thief:
            tries = [
                await thief.post("/api/auth/login", json={"name": f"n{n}", "password": PASSWORD})
                for n in range(7)
            ]
        async with at("192.0.2.2") as ann:
            mine = await ann.post("/api/auth/login", json=ANN)

    assert [one.status_code for one in tries] == [401] * 5 + [429] * 2
    assert 1 <= int(tries[-1].headers["retry-after"]) <= 60
    assert mine.status_code == 200


async def test_many_addresses_together_try_few_passwords_of_one_name(world):
    await create_account(world.app, OWNER, ANN["name"], PASSWORD)
    answers = []
    async with reached(world, OFTEN | {"login": "5/minute"}) as at:
        for number in range(7):
            async with at(f"192.0.2.{number}") as thief:
                name = ANN["name"].upper() if number % 2 else ANN["name"]
                guess = {"name": name, "password": f"guess number {number} of many"}
                answers.append((await thief.post("/api/auth/login", json=guess)).status_code)

    assert answers == [401] * 5 + [429] * 2
