"""Every request is answered with JSON, whatever happens."""

from __future__ import annotations

import logging

import httpx
import pytest

from tests.devnet.world import ALICE, KEY, World, payload, quote_body


async def test_a_partner_key_is_needed_to_publish(world):
    body = {"type": "swap_transfer", "signedData": ALICE.sign(payload(ALICE.account))}

    answer = await world.post("/v0/submit-intent", body, key=False)

    assert answer.status_code == 401
    assert set(answer.json()) == {"message", "correlationId", "timestamp", "path"}


async def test_the_older_form_of_the_key_works_too(world):
    async with world.client() as client:
        quoted = await client.post(
            "/v0/quote", json=quote_body(), headers={"Authorization": "Bearer partner"}
        )

    assert quoted.json()["quoteRequest"]["appFees"][0]["fee"] == 20


async def test_with_a_list_of_keys_others_are_refused_everywhere(tmp_path):
    world = World.open(tmp_path / "devnet.db", api_keys=frozenset({"good"}))
    async with world.client() as client:
        assert (await client.get("/v0/tokens", headers=KEY)).status_code == 401
        assert (await client.get("/v0/tokens", headers={"X-API-Key": "good"})).status_code == 200
        assert (await client.get("/v0/tokens")).status_code == 200
    world.devnet.close()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'"\\ud800"'])
@pytest.mark.parametrize(
    "path", ["/v0/quote", "/v0/submit-intent", "/v0/generate-intent", "/v0/deposit/submit"]
)
async def test_a_body_that_is_not_json_is_a_400(world, path, body):
    async with world.client() as client:
        answer = await client.post(path, content=body, headers=KEY)

    assert answer.status_code == 400
    assert answer.json()["path"] == path


async def test_unknown_routes_and_methods_are_answered_in_json(world):
    assert (await world.get("/v0/nothing")).json()["message"] == "Cannot GET /v0/nothing"
    assert (await world.get("/v0/quote")).status_code == 405


async def test_an_address_nobody_gave_out_is_a_404(world):
    assert (await world.get("/v0/status", depositAddress="00" * 32)).status_code == 404
    assert (await world.get("/v0/status")).status_code == 404


async def test_a_huge_body_is_refused(world):
    async with world.client() as client:
        answer = await client.post("/v0/quote", content=b" " * 1_000_001)

    assert answer.status_code == 413


async def test_a_fault_of_the_devnets_own_is_a_json_500_and_the_books_stay_whole(world, caplog):
    """The transport of a test would hand an exception to the client; the service never does."""
    world.devnet.network.store._db.execute("DROP TABLE deposits")
    await world.use_salt()
    quoted = await world.quote()
    await world.mint(ALICE.account, quoted["quoteRequest"]["originAsset"], 10**9)

    with caplog.at_level(logging.CRITICAL, logger="ballast.devnet"), pytest.raises(AssertionError):
        await world.pay(ALICE, quoted)

    assert (await world.get("/v0/status", depositAddress=quoted["quote"]["depositAddress"])).json()[
        "message"
    ] == "Internal server error"
    accounts = await world.accounts()
    assert accounts[ALICE.account] == {quoted["quoteRequest"]["originAsset"]: 10**9}


async def test_even_without_its_file_the_answer_is_json(tmp_path, caplog):
    world = World.open(tmp_path / "devnet.db")
    world.devnet.close()

    with caplog.at_level(logging.CRITICAL, logger="ballast.devnet"):
        answer = await world.get("/v0/tokens")

    assert answer.status_code == 500
    assert answer.json() == {"message": "Internal server error"}


async def test_the_devnet_says_who_it_is(world):
    info = (await world.get("/devnet/info")).json()

    assert info["network_id"] == world.devnet.network_id
    assert info["market"] == "simulated"
    assert info["manager_public_key"].startswith("ed25519:")


async def test_tokens_have_every_field_and_the_expected_look_alikes(world):
    answer: httpx.Response = await world.get("/v0/tokens")

    listed = answer.json()
    assert len({each["assetId"] for each in listed}) == len(listed) >= 25
    for each in listed:
        assert {"assetId", "decimals", "blockchain", "symbol", "priceUpdatedAt"} <= set(each)
        assert each["price"] > 0
    symbols = [each["symbol"] for each in listed]
    assert symbols.count("USDC") >= 4
    assert symbols.count("USDT") >= 4
    assert symbols.count("ETH") >= 3
    decimals = {each["assetId"]: each["decimals"] for each in listed}
    assert decimals["nep141:nbtc.bridge.near"] == 8
    assert decimals["nep141:wrap.near"] == 24
    assert decimals["nep141:bnb.omdep.near"] == 18
