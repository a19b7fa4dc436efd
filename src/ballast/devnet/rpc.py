"""NEAR JSON-RPC as far as a client of the verifier contract needs it.

Source: the contract's ABI (0.4.1) and the RPC documentation of NEAR.

The chain has no lag here: what was executed is final at once, and the latest block bears the
domain time of the request.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import base58

from ballast.devnet.chain_rpc import (
    Unsendable,
    access_key,
    send_transaction,
    transaction_outcome,
)
from ballast.devnet.clock import from_us, to_us
from ballast.devnet.errors import ContractPanic, Refusal
from ballast.devnet.network import VERIFIER_ID, Network
from ballast.devnet.payload import parse_nonce
from ballast.devnet.verifier import account_of_key, check_intents, is_nonce_used
from ballast.devnet.wire import Call, Reply, compact_json, iso_millis

_BLOCK_SECONDS: Final = 1
_MAX_HOLDINGS: Final = 1000

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RpcError(Exception):
    """A node's error: goes into the answer's top-level `error`."""

    name: str
    cause: str
    code: int
    message: str


def rpc(network: Network, call: Call) -> Reply:
    """Answer one JSON-RPC 2.0 request: `query`, `block`, `status`, `gas_price`, or sending."""
    try:
        request = call.json()
    except Refusal:
        return _error(
            None, RpcError("REQUEST_VALIDATION_ERROR", "PARSE_ERROR", -32700, "Parse error")
        )
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        return _error(
            None, RpcError("REQUEST_VALIDATION_ERROR", "PARSE_ERROR", -32600, "Invalid request")
        )
    try:
        result = _dispatch(network, call, request)
    except RpcError as error:
        return _error(request.get("id"), error)
    return Reply(200, {"jsonrpc": "2.0", "id": request.get("id"), "result": result})


def rpc_method(call: Call) -> str | None:
    """The view a request calls, or else its method, for faults that strike only one."""
    try:
        found = call.json()
    except Refusal:
        return None
    fields = found if isinstance(found, dict) else {}
    params = fields.get("params")
    view = params.get("method_name") if isinstance(params, dict) else None
    return str(view or fields.get("method"))


def _error(request_id: object, error: RpcError) -> Reply:
    body = {
        "name": error.name,
        "cause": {"name": error.cause, "info": {}},
        "code": error.code,
        "message": error.message,
        "data": error.message,
    }
    return Reply(200, {"jsonrpc": "2.0", "id": request_id, "error": body})


def _dispatch(network: Network, call: Call, request: Args) -> Any:
    params = request.get("params")
    fields: Args = params if isinstance(params, dict) else {}
    match request.get("method"):
        case "query":
            return _query(network, call, fields)
        case "block":
            return _block(network, call)
        case "status":
            return {"chain_id": "mainnet", "sync_info": _sync_info(network, call)}
        case "gas_price":
            return {"gas_price": "100000000"}
        case "send_tx" | "broadcast_tx_commit":
            return _send(network, call, params)
        case "broadcast_tx_async":
            return _send(network, call, params)["transaction"]["hash"]
        case "tx":
            return _transaction(network, params)
    raise RpcError("REQUEST_VALIDATION_ERROR", "METHOD_NOT_FOUND", -32601, "Method not found")


def _send(network: Network, call: Call, params: Any) -> dict[str, Any]:
    try:
        return send_transaction(network, call, params)
    except Unsendable as error:
        text = json.dumps({"TxExecutionError": {"InvalidTxError": error.detail}})
        raise RpcError("HANDLER_ERROR", error.kind, -32000, text) from error


def _transaction(network: Network, params: Any) -> dict[str, Any]:
    named = params.get("tx_hash") if isinstance(params, dict) else params
    tx_hash = named[0] if isinstance(named, list) and named else named
    outcome = transaction_outcome(network, str(tx_hash))
    if outcome is None:
        raise RpcError("HANDLER_ERROR", "UNKNOWN_TRANSACTION", -32000, f"{tx_hash} is unknown")
    return outcome


def _access_key(network: Network, call: Call, fields: Args) -> dict[str, Any]:
    account, public_key = str(fields.get("account_id")), str(fields.get("public_key"))
    nonce = access_key(network, account, public_key)
    if nonce is None:
        raise RpcError("HANDLER_ERROR", "UNKNOWN_ACCESS_KEY", -32000, "access key does not exist")
    return {"nonce": nonce, "permission": "FullAccess"} | _found_at(network, call)


def _found_at(network: Network, call: Call) -> dict[str, Any]:
    return {"block_height": _height(network, call), "block_hash": _block_hash(network, call)}


def _height(network: Network, call: Call) -> int:
    passed = to_us(call.now) - to_us(network.start)
    return 170_000_000 + passed // (1_000_000 * _BLOCK_SECONDS)


def _block_hash(network: Network, call: Call) -> str:
    raw = network.draws.bytes("block", _height(network, call))
    return base58.b58encode(raw).decode()


def _sync_info(network: Network, call: Call) -> dict[str, Any]:
    return {
        "latest_block_height": _height(network, call),
        "latest_block_hash": _block_hash(network, call),
        "latest_block_time": iso_millis(call.now),
        "syncing": False,
    }


def _block(network: Network, call: Call) -> dict[str, Any]:
    nanoseconds = to_us(call.now) * 1000
    header = {
        "height": _height(network, call),
        "hash": _block_hash(network, call),
        "timestamp": nanoseconds,
        "timestamp_nanosec": str(nanoseconds),
    }
    return {"author": "devnet", "header": header, "chunks": []}


def _query(network: Network, call: Call, fields: Args) -> dict[str, Any]:
    if fields.get("request_type") == "view_access_key":
        return _access_key(network, call, fields)
    if fields.get("request_type") != "call_function":
        raise RpcError(
            "REQUEST_VALIDATION_ERROR", "PARSE_ERROR", -32700, "only call_function is available"
        )
    if fields.get("account_id") != VERIFIER_ID:
        raise RpcError(
            "HANDLER_ERROR", "UNKNOWN_ACCOUNT", -32000, "account does not exist while viewing"
        )
    found = _found_at(network, call)
    try:
        with network.store.read():
            value = _view(network, str(fields.get("method_name")), fields.get("args_base64"))
    except ContractPanic as panic:
        return found | {"error": panic_text(str(panic)), "logs": []}
    return found | {"result": list(compact_json(value).encode()), "logs": []}


def panic_text(text: str) -> str:
    """How a node tells of a contract's panic."""
    if text == "MethodNotFound":
        return "wasm execution failed with error: MethodResolveError(MethodNotFound)"
    detail = json.dumps(f"Smart contract panicked: {text}", ensure_ascii=False)
    return f"wasm execution failed with error: HostError(GuestPanic {{ panic_msg: {detail} }})"


def _view(network: Network, method: str, args_base64: object) -> Any:
    view = _VIEWS.get(method)
    if view is None:
        raise ContractPanic("MethodNotFound")
    try:
        args = json.loads(base64.b64decode(str(args_base64 or "e30="), validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise ContractPanic("Failed to deserialize input from JSON.") from error
    if not isinstance(args, dict):
        raise ContractPanic("Failed to deserialize input from JSON.")
    return view(network, args)


def _text(args: Args, name: str) -> str:
    found = args.get(name)
    if not isinstance(found, str):
        raise ContractPanic(f"Failed to deserialize input from JSON.: missing field `{name}`")
    return found


def _list(args: Args, name: str) -> list[Any]:
    found = args.get(name)
    if not isinstance(found, list):
        raise ContractPanic(f"Failed to deserialize input from JSON.: missing field `{name}`")
    return found


def _count(args: Args, name: str, default: int) -> int:
    """A u128, which the contract takes as a number or as text."""
    found = args.get(name)
    if found is None:
        return default
    if not re.fullmatch("[0-9]{1,39}", str(found)):
        raise ContractPanic(f"Failed to deserialize input from JSON.: invalid `{name}`")
    return int(found)


def _balance_of(network: Network, args: Args) -> str:
    return str(network.books.balance(_text(args, "account_id"), _text(args, "token_id")))


def _batch_balance_of(network: Network, args: Args) -> list[str]:
    account = _text(args, "account_id")
    return [str(network.books.balance(account, str(each))) for each in _list(args, "token_ids")]


def _tokens_for_owner(network: Network, args: Args) -> list[dict[str, str]]:
    account = _text(args, "account_id")
    first, limit = _count(args, "from_index", 0), _count(args, "limit", _MAX_HOLDINGS)
    held = list(network.books.holdings(account))[first : first + limit]
    return [{"token_id": asset_id, "owner_id": account} for asset_id in held]


def _nonce_used(network: Network, args: Args) -> bool:
    return is_nonce_used(network, _text(args, "account_id"), parse_nonce(_text(args, "nonce")))


def _simulate(network: Network, args: Args) -> dict[str, Any]:
    executed = check_intents(network, _list(args, "signed"))
    deadlines = [each.deadline_ns for each in executed]
    return {
        "intents_executed": [
            {"intent_hash": e.intent_hash, "account_id": e.account_id, "nonce": e.nonce_text}
            for e in executed
        ],
        "logs": [],
        "min_deadline": _rfc3339(min(deadlines)) if deadlines else "+262142-12-31T23:59:59Z",
        "invariant_violated": None,
        "state": {"fee": 1, "current_salt": network.current_salt()},
    }


def _rfc3339(nanoseconds: int) -> str:
    return iso_millis(from_us(nanoseconds // 1000))


def _has_public_key(network: Network, args: Args) -> bool:
    """A 0x account's own key is implied by its id, and none can be added here."""
    return account_of_key(_text(args, "public_key")) == _text(args, "account_id")


_VIEWS: Final[Mapping[str, Callable[[Network, Args], Any]]] = {
    "mt_balance_of": _balance_of,
    "mt_batch_balance_of": _batch_balance_of,
    "mt_tokens_for_owner": _tokens_for_owner,
    "mt_supply": lambda network, args: str(
        network.books.supply_in_contract(_text(args, "token_id"))
    ),
    "is_nonce_used": _nonce_used,
    "current_salt": lambda network, args: network.current_salt(),
    "is_valid_salt": lambda network, args: network.is_valid_salt(_text(args, "salt")),
    "has_public_key": _has_public_key,
    "public_keys_of": lambda network, args: [],
    "is_account_locked": lambda network, args: False,
    "simulate_intents": _simulate,
    "fee": lambda network, args: 1,
    "fee_collector": lambda network, args: "intents.near",
}
