"""How much the devnet bears: quotes and settled swaps per second, in process and over HTTP.

One client, one request after the other. A settled swap is a live quote, a signed transfer to its
address, the settlement, and a status that says SUCCESS; signing is the client's and is done before
the clock starts to run. Run as `python -m benchmarks.devnet`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import base58
import httpx
from eth_hash.auto import keccak
from rich.console import Console

from ballast.devnet import DevnetOptions, open_devnet
from benchmarks.figures import Figure, summary

QUOTES = 400
SWAPS = 150
START = datetime(2026, 12, 1, tzinfo=UTC)
USDC = "nep141:eth-0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48.omft.near"
BTC = "nep141:nbtc.bridge.near"
SECRET = b"\x44" * 32
ACCOUNT = "0x7564105e977516c53be337314c7e53838967bdac"  # of SECRET
SERVER = (
    "import sys; from pathlib import Path; from ballast.devnet import open_devnet;"
    "from ballast.devnet.serve import serve;"
    "serve(open_devnet(Path(sys.argv[1]), None), port=0,"
    " announce=lambda url: print(url, file=sys.stderr, flush=True))"
)
Synchronous = Literal["FULL", "OFF"]


@asynccontextmanager
async def in_process(path: Path, synchronous: Synchronous) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls the app directly."""
    devnet = open_devnet(path, options(synchronous))
    transport = httpx.ASGITransport(app=devnet.app)
    headers = {"X-API-Key": "bench"}
    async with httpx.AsyncClient(transport=transport, base_url="http://d", headers=headers) as it:
        yield it
    devnet.close()


@asynccontextmanager
async def over_http(path: Path, synchronous: Synchronous) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server in another process, on the loopback with one connection kept."""
    open_devnet(path, options(synchronous)).close()
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(path), stderr=asyncio.subprocess.PIPE
    )
    assert server.stderr is not None
    url = (await server.stderr.readline()).decode().strip()
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": "bench"}) as it:
        yield it
    server.terminate()
    await server.communicate()


def options(synchronous: Synchronous) -> DevnetOptions:
    """A frozen clock and settlement at once, so that nothing waits."""
    return DevnetOptions(
        start=START, speed=Decimal(0), settle_seconds=(0, 0), synchronous=synchronous
    )


def quote_body(*, dry: bool) -> dict[str, Any]:
    """A thousand dollars into bitcoin."""
    return {
        "dry": dry, "swapType": "EXACT_INPUT", "slippageTolerance": 100, "originAsset": USDC,
        "depositType": "INTENTS", "destinationAsset": BTC, "amount": "1000000000",
        "refundTo": ACCOUNT, "refundType": "INTENTS", "recipient": ACCOUNT,
        "recipientType": "INTENTS", "deadline": "2026-12-02T00:00:00.000Z",
    }  # fmt: skip


@cache
def private_key() -> Any:
    """The client's key."""
    from eth_keys.datatypes import PrivateKey

    return PrivateKey(SECRET)


def signed_transfer(address: str, number: int) -> dict[str, str]:
    """The payload that pays a quote, with a legacy nonce."""
    text = json.dumps(
        {
            "signer_id": ACCOUNT,
            "verifying_contract": "intents.near",
            "deadline": "2026-12-02T00:00:00.000Z",
            "nonce": base64.b64encode(number.to_bytes(32, "big")).decode(),
            "intents": [
                {"intent": "transfer", "receiver_id": address, "tokens": {USDC: "1000000000"}}
            ],
        }
    )
    digest = keccak(b"\x19Ethereum Signed Message:\n%d" % len(text) + text.encode())
    raw = private_key().sign_msg_hash(digest).to_bytes()
    signature = "secp256k1:" + base58.b58encode(raw).decode()
    return {"standard": "erc191", "payload": text, "signature": signature}


async def quotes(client: httpx.AsyncClient, *, dry: bool) -> float:
    """Per second."""
    body = quote_body(dry=dry)
    begun = time.perf_counter()
    for _ in range(QUOTES):
        assert (await client.post("/v0/quote", json=body)).status_code == 201
    return QUOTES / (time.perf_counter() - begun)


async def swaps(client: httpx.AsyncClient) -> float:
    """Settled per second: three requests each."""
    minted = {"account_id": ACCOUNT, "asset_id": USDC, "amount": str(10**9 * SWAPS)}
    assert (await client.post("/devnet/mint", json=minted)).status_code == 201
    taken = 0.0
    for number in range(1, SWAPS + 1):
        begun = time.perf_counter()
        quoted = (await client.post("/v0/quote", json=quote_body(dry=False))).json()
        taken += time.perf_counter() - begun
        address = quoted["quote"]["depositAddress"]
        signed = {"type": "swap_transfer", "signedData": signed_transfer(address, number)}
        begun = time.perf_counter()
        assert (await client.post("/v0/submit-intent", json=signed)).status_code == 201
        found = await client.get("/v0/status", params={"depositAddress": address})
        taken += time.perf_counter() - begun
        assert found.json()["status"] == "SUCCESS"
    return SWAPS / taken


async def measured() -> list[Figure]:
    """Every figure stands alone: there is nothing to compare a devnet with."""
    found = []
    ways: list[tuple[str, Any, Synchronous]] = [
        ("in process", in_process, "FULL"),
        ("in process, synchronous OFF", in_process, "OFF"),
        ("over HTTP", over_http, "FULL"),
    ]
    for name, way, synchronous in ways:
        with tempfile.TemporaryDirectory() as folder:
            async with way(Path(folder) / "devnet.db", synchronous) as client:
                dry = await quotes(client, dry=True)
                live = await quotes(client, dry=False)
                settled = await swaps(client)
        found += [
            Figure(f"dry quotes, {name}", "", f"{dry:,.0f}/s"),
            Figure(f"live quotes, {name}", "", f"{live:,.0f}/s"),
            Figure(f"settled swaps, {name}", "", f"{settled:,.0f}/s"),
        ]
    return found


def run(console: Console) -> list[Figure]:
    """Measure, and give the lines of the summary."""
    return asyncio.run(measured())


def main() -> None:
    """Print the figures."""
    console = Console()
    console.print(summary(run(console)))


if __name__ == "__main__":
    main()
