"""A world with money in it, and switches for its faults."""

from __future__ import annotations

from typing import Any

import base58
import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ballast.devnet.quote_signature import quote_hash
from tests.devnet.world import World, quote_body

FUNDS = 5 * 10**9


async def add(world: World, route: str, kind: str, **more: Any) -> dict[str, Any]:
    answer = await world.post("/devnet/faults", {"route": route, "kind": kind} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def fault(world: World, route: str, kind: str, *, count: int = 1, **settings: Any) -> None:
    await add(world, route, kind, settings=settings, count=count)


async def raw_quote(world: World, **fields: Any) -> httpx.Response:
    return await world.post("/v0/quote", quote_body(**fields))


def is_signed(world: World, quoted: dict[str, Any]) -> bool:
    key = base58.b58decode(world.devnet.manager_public_key.removeprefix("ed25519:"))
    signature = base58.b58decode(quoted["signature"].removeprefix("ed25519:"))
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, quote_hash(quoted).encode())
    except InvalidSignature:
        return False
    return True
