"""Faults that change the world, or the request, before a door handles it.

A service that answers something else than it was asked is played by asking it something else: so
what it echoes, signs, charges and delivers all agree, and only the asker can notice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from ballast.devnet.admin import forget_expired_nonces, make_salt_current
from ballast.devnet.chains import CHAINS
from ballast.devnet.fault_scene import Scene
from ballast.devnet.wire import Call, iso_millis

_STRANGER: Final = "stranger.near"


def other_request(scene: Scene) -> Call:
    """One field of the quote request becomes something else, valid in its place."""
    asked = _body(scene.call)
    field = str(scene["field"])
    given = scene["value"]
    value = OTHER_FIELDS[field](scene, asked) if given is None else given
    return _with_body(scene.call, asked | {field: value})


def foreign_fee(scene: Scene) -> Call:
    """One more partner fee in the request."""
    asked = _body(scene.call)
    fees = asked.get("appFees") or []
    stranger = {"recipient": scene["recipient"], "fee": int(scene["bps"])}
    return _with_body(scene.call, asked | {"appFees": [*fees, stranger]})


def lagging_block(scene: Scene) -> Call:
    """The node tells of the chain as it was; balances stay, unless `old-balance` strikes too."""
    return replace(scene.call, now=scene.call.now - timedelta(seconds=scene["seconds"]))


def rotate_salt(scene: Scene) -> Call:
    """As the contract's owner would, just before this request."""
    make_salt_current(scene.network, None, retire_others=bool(scene["retire"]))
    return scene.call


def clean_nonces(scene: Scene) -> Call:
    """As the contract's garbage collector would, just before this request."""
    forget_expired_nonces(scene.network)
    return scene.call


def move_id(scene: Scene) -> Call:
    """For good: the list and quotes know the asset by its new id from now on."""
    with scene.network.store.write():
        if scene.network.token(scene["asset_id"]) is not None:
            scene.network.listing.move(scene["asset_id"], scene["new_id"])
    return scene.call


def _body(call: Call) -> dict[str, Any]:
    found = call.json()
    return found if isinstance(found, dict) else {}


def _with_body(call: Call, body: Mapping[str, Any]) -> Call:
    return replace(call, body=json.dumps(body).encode())


def _other_recipient(scene: Scene, asked: Mapping[str, Any]) -> str:
    if asked.get("recipientType") != "DESTINATION_CHAIN":
        return _STRANGER
    return _chain_address(scene, asked.get("destinationAsset"))


def _other_refund(scene: Scene, asked: Mapping[str, Any]) -> str:
    if asked.get("refundType") != "ORIGIN_CHAIN":
        return _STRANGER
    return _chain_address(scene, asked.get("originAsset"))


def _chain_address(scene: Scene, asset_id: object) -> str:
    token = scene.network.token(str(asset_id))
    raw = scene.network.draws.bytes("stranger", asset_id)
    return CHAINS[token.blockchain].make_address(raw) if token else _STRANGER


def _other_asset(name: str) -> Callable[[Scene, Mapping[str, Any]], str]:
    """Another asset of the same chain and look where there is one."""

    def choose(scene: Scene, asked: Mapping[str, Any]) -> str:
        taken = {asked.get("originAsset"), asked.get("destinationAsset")}
        token = scene.network.token(str(asked.get(name)))
        others = [t for t in scene.network.tokens() if t.asset_id not in taken and not t.is_routing]
        alike = [t for t in others if token and t.blockchain == token.blockchain]
        return (alike or others)[0].asset_id

    return choose


def _later(scene: Scene, asked: Mapping[str, Any]) -> str:
    return iso_millis(datetime.fromisoformat(str(asked["deadline"])) + timedelta(days=30))


def _half(scene: Scene, asked: Mapping[str, Any]) -> str:
    return str(max(1, int(asked["amount"]) // 2))


OTHER_FIELDS: Final[Mapping[str, Callable[[Scene, Mapping[str, Any]], Any]]] = MappingProxyType(
    {
        "recipient": _other_recipient,
        "refundTo": _other_refund,
        "originAsset": _other_asset("originAsset"),
        "destinationAsset": _other_asset("destinationAsset"),
        "amount": _half,
        "deadline": _later,
        "slippageTolerance": lambda scene, asked: 5000,
        "swapType": lambda scene, asked: "FLEX_INPUT",
        "dry": lambda scene, asked: not asked.get("dry"),
    }
)
