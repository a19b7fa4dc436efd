"""Faults that need a connection: real resets, slow answers, answers that drip."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.devnet.faulty import fault
from tests.devnet.world import START, USDC, World, quote_body
from tests.e2e.machine import PATIENCE

SRC = Path(__file__).parents[2] / "src"
SERVER = (
    "import sys; from pathlib import Path; from ballast.devnet import open_devnet;"
    "from ballast.devnet.serve import serve;"
    "serve(open_devnet(Path(sys.argv[1]), None), port=0,"
    " announce=lambda url: print(url, flush=True))"
)


@pytest.fixture
def served(world):
    """The world's file served by another process; yields its base URL."""
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    command = [sys.executable, "-c", SERVER, str(world.path)]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    timer = threading.Timer(PATIENCE, server.kill)
    timer.start()
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    timer.cancel()
    yield url
    server.terminate()
    try:
        _, errors = server.communicate(timeout=PATIENCE)
    finally:
        server.kill()
    assert errors == ""


async def test_a_lost_request_is_a_reset_and_the_next_one_is_served(world: World, served):
    await fault(world, "quote", "lost-request")
    async with httpx.AsyncClient(base_url=served, timeout=PATIENCE) as client:
        with pytest.raises(httpx.ReadError):
            await client.post("/v0/quote", json=quote_body())
        assert (await world.get("/devnet/swaps")).json() == {"swaps": []}
        assert (await client.post("/v0/quote", json=quote_body())).status_code == 201


async def test_a_client_that_dies_in_the_middle_of_its_request_is_no_trouble_to_the_server(served):
    async with httpx.AsyncClient(base_url=served, timeout=PATIENCE) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port)) as dying:
            dying.sendall(b"POST /v0/quote HTTP/1.1\r\nHost: here\r\nContent-Length: 99\r\n\r\n{")
        assert (await client.get("/v0/tokens")).status_code == 200


async def test_a_lost_answer_is_a_reset_after_the_effect(world: World, served):
    quoted = await world.quote(depositType="ORIGIN_CHAIN")
    await fault(world, "devnet-send", "lost-answer")
    body = {"address": quoted["quote"]["depositAddress"], "amount": "5"}

    async with httpx.AsyncClient(base_url=served, timeout=PATIENCE) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.post("/devnet/send", json=body)

    assert isinstance(_first_cause(caught.value), ConnectionResetError)
    accounts = await world.accounts()
    assert accounts[f"chain:eth:{body['address']}"] == {USDC: 5}


async def test_a_slow_answer_outlasts_a_patience_of_half_a_second(world: World, served):
    await fault(world, "tokens", "slow", seconds=30)
    async with httpx.AsyncClient(base_url=served, timeout=PATIENCE) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/v0/tokens", timeout=0.5)
        assert (await client.get("/v0/tokens")).status_code == 200


async def test_an_answer_drips_and_is_whole_in_the_end(world: World, served):
    await fault(world, "status", "drip", bytes=200, seconds=0.05)
    address = (await world.quote())["quote"]["depositAddress"]
    async with httpx.AsyncClient(base_url=served, timeout=PATIENCE) as client:
        begun = time.monotonic()
        async with client.stream("GET", "/v0/status", params={"depositAddress": address}) as answer:
            pieces = [piece async for piece in answer.aiter_raw()]
        taken = time.monotonic() - begun

    assert b"".join(pieces).startswith(b'{"quoteResponse"')
    assert len(pieces) > 3
    assert taken > 0.05 * (len(pieces) - 1) * 0.9


async def test_in_process_nothing_waits(world: World):
    await fault(world, "tokens", "slow", seconds=1000)
    await fault(world, "tokens", "drip", seconds=1000)

    assert (await world.get("/v0/tokens")).json()
    assert (await world.get("/v0/tokens")).json()
    assert world.devnet.clock.now() == START


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error
