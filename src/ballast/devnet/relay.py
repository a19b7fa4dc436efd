"""`POST /relay/rpc`: the solver relay as far as it publishes intents. JSON-RPC 2.0, key needed.

Source: `packages/internal-utils/src/solverRelay` of defuse-protocol/sdk-monorepo. Quotes of single
solvers are not offered: `quote` finds none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import base58

from ballast.devnet.clock import to_us
from ballast.devnet.errors import ContractPanic, Refusal
from ballast.devnet.network import Network
from ballast.devnet.publishing import pretend_to_publish, publish
from ballast.devnet.verifier import erc191_digest
from ballast.devnet.wire import Call, Reply

# How long an intent that is executed already is told as a transaction on its way, domain time.
_BROADCAST_US: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class _Unreadable(Exception):
    code: int
    message: str


def relay(network: Network, call: Call) -> Reply:
    """publish_intent, publish_intents, get_status; anything else is an unknown method."""
    return _answer(network, call, publish)


def pretend_relay(network: Network, call: Call) -> Reply:
    """The same, for a relay that loses what it takes."""
    return _answer(network, call, pretend_to_publish)


def relay_method(call: Call) -> str | None:
    """The method a request names, for faults that strike only one."""
    try:
        found = call.json()
    except Refusal:
        return None
    return str(found.get("method")) if isinstance(found, dict) else None


def _answer(network: Network, call: Call, publisher: Any) -> Reply:
    try:
        request = call.json()
    except Refusal:
        request = None
    asked: Mapping[str, Any] = request if isinstance(request, dict) else {}
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": asked.get("id")}
    try:
        return Reply(200, answer | {"result": _dispatch(network, call, asked, publisher)})
    except _Unreadable as error:
        return Reply(200, answer | {"error": {"code": error.code, "message": error.message}})


def _dispatch(network: Network, call: Call, asked: Mapping[str, Any], publisher: Any) -> Any:
    params = asked.get("params")
    if asked.get("jsonrpc") != "2.0" or not isinstance(params, list) or len(params) != 1:
        raise _Unreadable(-32600, "Invalid Request: params must be a list of one object")
    given = params[0]
    if not isinstance(given, dict):
        raise _Unreadable(-32602, "Invalid params")
    match asked.get("method"):
        case "publish_intent":
            done = _publish(network, call, [given.get("signed_data")], publisher)
            hashes = done.pop("intent_hashes")
            return done | ({"intent_hash": hashes[0]} if hashes else {})
        case "publish_intents":
            return _publish(network, call, given.get("signed_datas"), publisher)
        case "get_status":
            return _status(network, call, str(given.get("intent_hash")))
        case "quote":
            return None
    raise _Unreadable(-32601, "Method not found")


def _publish(network: Network, call: Call, signed: Any, publisher: Any) -> dict[str, Any]:
    hashes = _hashes(signed)
    if any(_row(network, each, executed=True) for each in hashes):
        # The SDK takes this for success: the same payload was sent before.
        return _failed("intent is already processed", hashes)
    try:
        publisher(network, call, signed, "relay")
    except ContractPanic as panic:
        return _failed(str(panic), hashes)
    return {"status": "OK", "intent_hashes": hashes}


def _failed(reason: str, hashes: Sequence[str]) -> dict[str, Any]:
    return {"status": "FAILED", "reason": reason, "intent_hashes": list(hashes)}


def _hashes(signed: Any) -> list[str]:
    """The hash of each payload that has a text; what has none fails in the contract."""
    if not isinstance(signed, list):
        return []
    texts = [each.get("payload") for each in signed if isinstance(each, dict)]
    return [
        base58.b58encode(erc191_digest(text)).decode() for text in texts if isinstance(text, str)
    ]


def _row(network: Network, intent_hash: str, *, executed: bool) -> Any:
    return network.store.one(
        "SELECT * FROM intents WHERE hash = ? AND executed >= ?", intent_hash, int(executed)
    )


def _status(network: Network, call: Call, intent_hash: str) -> dict[str, Any]:
    row = _row(network, intent_hash, executed=False)
    if row is None:
        return {"intent_hash": intent_hash, "status": "NOT_FOUND_OR_NOT_VALID"}
    if not row["executed"]:
        return {"intent_hash": intent_hash, "status": "PENDING"}
    wait_us = _BROADCAST_US if network.settle_seconds[1] else 0
    settled = to_us(call.now) >= row["told_us"] + wait_us
    return {
        "intent_hash": intent_hash,
        "status": "SETTLED" if settled else "TX_BROADCASTED",
        "data": {"hash": row["tx_hash"]},
    }
