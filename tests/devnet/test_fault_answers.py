"""Faults that answer in a door's place, or spoil how its answer arrives."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.devnet.faulty import FUNDS, fault, raw_quote
from tests.devnet.world import (
    ALICE,
    USDC,
    payload,
    transfer,
)


@pytest.mark.parametrize("form", ["seconds", "date", "none"])
async def test_too_many_requests_says_when_to_come_back(world, form):
    await fault(world, "tokens", "too-many-requests", form=form, seconds=7)

    answer = await world.get("/v0/tokens")

    assert answer.status_code == 429
    after = answer.headers.get("retry-after")
    if form == "seconds":
        assert after == "7"
    elif form == "date":
        assert parsedate_to_datetime(after).tzinfo is not None
    else:
        assert after is None


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("form", ["json", "html"])
async def test_a_server_error_has_no_effect(world, status, form):
    await fault(world, "quote", "server-error", status=status, form=form)

    answer = await raw_quote(world)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json") is (form == "json")
    assert answer.text.startswith("<html>") is (form == "html")
    assert (await world.get("/devnet/swaps")).json() == {"swaps": []}


async def test_unauthorized_whatever_the_key(world):
    await fault(world, "quote", "unauthorized")

    assert (await raw_quote(world)).status_code == 401


@pytest.mark.parametrize("message", ["No liquidity available", ["amount is odd", "so is slippage"]])
async def test_a_refusal_with_any_message(world, message):
    await fault(world, "quote", "refused", message=message, status=451)

    answer = await raw_quote(world)

    assert answer.status_code == 451
    assert answer.json()["message"] == message
    assert set(answer.json()) == {"message", "correlationId", "timestamp", "path"}


async def test_a_redirect_points_elsewhere(world):
    await fault(world, "tokens", "redirect", location="http://other.example/", status=302)

    answer = await world.get("/v0/tokens")

    assert (answer.status_code, answer.headers["location"]) == (302, "http://other.example/")


async def test_a_lost_request_has_no_effect_and_no_answer(world):
    await fault(world, "quote", "lost-request")

    with pytest.raises(ConnectionResetError):
        await raw_quote(world)

    assert (await world.get("/devnet/swaps")).json() == {"swaps": []}


async def test_told_not_to_raise_the_transport_makes_a_dropped_connection_a_bare_500(world):
    await fault(world, "tokens", "lost-request")
    transport = httpx.ASGITransport(app=world.devnet.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://devnet") as client:
        answer = await client.get("/v0/tokens")

    assert answer.status_code == 500
    assert not answer.headers.get("content-type", "").startswith("application/json")


async def test_a_lost_answer_had_its_effect(funded):
    quoted = await funded.quote()
    await fault(funded, "submit-intent", "lost-answer")
    amount, address = quoted["quote"]["amountIn"], quoted["quote"]["depositAddress"]
    signed = ALICE.sign(payload(ALICE.account, transfer(address, {USDC: amount})))

    with pytest.raises(ConnectionResetError):
        await funded.submit(signed)

    assert await funded.balance(ALICE.account, USDC) == FUNDS - int(amount)
    again = await funded.submit(signed)
    assert "nonce was already used" in again.json()["message"]
    assert await funded.balance(ALICE.account, USDC) == FUNDS - int(amount)


async def test_an_error_after_the_effect(funded):
    await fault(funded, "quote", "error-after-effect", status=503)

    answer = await raw_quote(funded)

    assert answer.status_code == 503
    assert answer.text.startswith("<html>")
    assert len((await funded.get("/devnet/swaps")).json()["swaps"]) == 1


async def test_truncated_json_is_a_complete_http_answer(world):
    await fault(world, "tokens", "truncated", percent=50)

    answer = await world.get("/v0/tokens")

    assert answer.status_code == 200
    assert answer.text.startswith('[{"assetId"')
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_the_wrong_content_type_around_the_right_body(world):
    await fault(world, "tokens", "wrong-content-type")

    answer = await world.get("/v0/tokens")

    assert answer.headers["content-type"].startswith("text/html")
    assert answer.json()


async def test_a_page_instead_of_json(world):
    await fault(world, "status", "not-json")

    answer = await world.get(
        "/v0/status", depositAddress=(await world.quote())["quote"]["depositAddress"]
    )

    assert (answer.status_code, answer.text[:6]) == (200, "<html>")


async def test_an_answer_of_many_megabytes(world):
    await fault(world, "tokens", "huge-answer", megabytes=3)

    answer = await world.get("/v0/tokens")

    assert len(answer.content) > 3 * 2**20
    assert answer.json()


@pytest.mark.parametrize("other", ["first", "last"])
async def test_a_key_comes_twice(world, other):
    await fault(world, "quote", "duplicate-keys", field="amountOut", value="7", other=other)

    answer = await raw_quote(world)

    pairs = [
        pair for pairs in _all_objects(answer.text) for pair in pairs if pair[0] == "amountOut"
    ]
    assert len(pairs) == 2
    assert pairs[0 if other == "first" else 1][1] == "7"


@pytest.mark.parametrize("route", ["tokens", "status", "submit-intent", "generate-intent", "rpc"])
async def test_by_default_the_key_that_matters_comes_twice(funded, route):
    quoted = await funded.quote()
    address = quoted["quote"]["depositAddress"]
    await fault(funded, route, "duplicate-keys")
    signed = {"type": "swap_transfer", "signedData": ALICE.sign(payload(ALICE.account))}
    generate = {"type": "swap_transfer", "standard": "erc191", "signerId": ALICE.account}
    answer = {
        "tokens": lambda: funded.get("/v0/tokens"),
        "status": lambda: funded.get("/v0/status", depositAddress=address),
        "submit-intent": lambda: funded.post("/v0/submit-intent", signed),
        "generate-intent": lambda: funded.post(
            "/v0/generate-intent", generate | {"depositAddress": address}
        ),
        "rpc": lambda: funded.post("/rpc", {"jsonrpc": "2.0", "id": 7, "method": "status"}),
    }[route]

    text = (await answer()).text

    assert any(len(dict(pairs)) < len(pairs) for pairs in _all_objects(text))


def _all_objects(text: str) -> list[list[tuple[str, Any]]]:
    found: list[list[tuple[str, Any]]] = []

    def keep(pairs):
        found.append(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=keep)
    return found
