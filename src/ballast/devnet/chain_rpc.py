"""Sending transactions over NEAR JSON-RPC: `execute_intents` from an account that pays the gas.

`send_tx`, `broadcast_tx_commit`, `broadcast_tx_async`, `tx`, and the view of an access key. Gas is
not charged, and a transaction is final at once. Any implicit account exists, with its own key;
others are made by `POST /devnet/near-key`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

import base58

from ballast.devnet.errors import ContractPanic
from ballast.devnet.near_transaction import SignedTransaction, TransactionError, read_transaction
from ballast.devnet.network import VERIFIER_ID, Network
from ballast.devnet.publishing import publish
from ballast.devnet.wire import Call

_GAS: Final = 30_000_000_000_000


class Unsendable(Exception):
    """A transaction that never gets onto the chain. `kind` is NEAR's name for the reason."""

    def __init__(self, kind: str, detail: Any) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail


def send_transaction(network: Network, call: Call, params: Any) -> dict[str, Any]:
    """Carry out a signed transaction and tell its outcome; the same one again tells it again.

    Raises:
        Unsendable: it cannot be read, its signature or key is wrong, or its nonce is used.
    """
    signed = _read(params)
    known = transaction_outcome(network, signed.hash)
    if known is not None:
        return known
    _take_nonce(network, signed)
    outcome = _outcome(signed, _carry_out(network, call, signed))
    with network.store.write():
        network.store.run(
            "INSERT INTO near_transactions VALUES (?, ?)", signed.hash, json.dumps(outcome)
        )
    return outcome


def transaction_outcome(network: Network, tx_hash: str) -> dict[str, Any] | None:
    """How a transaction went; None for one that was never sent."""
    row = network.store.one("SELECT outcome FROM near_transactions WHERE hash = ?", tx_hash)
    found: dict[str, Any] | None = json.loads(row["outcome"]) if row else None
    return found


def access_key(network: Network, account: str, public_key: str) -> int | None:
    """The last nonce of a key; None if the account has no such key."""
    row = network.store.one(
        "SELECT nonce FROM near_keys WHERE account = ? AND public_key = ?", account, public_key
    )
    if row is not None:
        return int(row["nonce"])
    return 0 if _is_own_key(account, public_key) else None


def add_access_key(network: Network, account: str, public_key: str) -> None:
    """Let a key act for an account. Only inside `store.write()`."""
    network.store.run("INSERT OR IGNORE INTO near_keys VALUES (?, ?, 0)", account, public_key)


def _is_own_key(account: str, public_key: str) -> bool:
    curve, _, text = public_key.partition(":")
    try:
        return curve == "ed25519" and base58.b58decode(text).hex() == account
    except ValueError:
        return False


def _read(params: Any) -> SignedTransaction:
    encoded = params.get("signed_tx_base64") if isinstance(params, Mapping) else params
    if isinstance(encoded, list) and len(encoded) == 1:
        encoded = encoded[0]
    try:
        return read_transaction(base64.b64decode(str(encoded), validate=True))
    except binascii.Error as error:
        raise Unsendable("PARSE_ERROR", "signed_tx_base64 is not base64") from error
    except TransactionError as error:
        raise Unsendable("INVALID_TRANSACTION", str(error)) from error


def _take_nonce(network: Network, signed: SignedTransaction) -> None:
    last = access_key(network, signed.signer_id, signed.public_key)
    if last is None:
        detail = {"account_id": signed.signer_id, "public_key": signed.public_key}
        raise Unsendable(
            "INVALID_TRANSACTION", {"InvalidAccessKeyError": {"AccessKeyNotFound": detail}}
        )
    if signed.nonce <= last:
        nonces = {"tx_nonce": signed.nonce, "ak_nonce": last}
        raise Unsendable("INVALID_TRANSACTION", {"InvalidNonce": nonces})
    with network.store.write():
        network.store.run(
            "INSERT OR REPLACE INTO near_keys VALUES (?, ?, ?)",
            signed.signer_id,
            signed.public_key,
            signed.nonce,
        )


def _carry_out(network: Network, call: Call, signed: SignedTransaction) -> str | None:
    """None, or why the only action failed."""
    if signed.receiver_id != VERIFIER_ID or len(signed.calls) != 1:
        return "CompilationError(CodeDoesNotExist)"
    if signed.calls[0].method != "execute_intents":
        return "MethodResolveError(MethodNotFound)"
    try:
        args = json.loads(signed.calls[0].args)
        publish(network, call, args["signed"], "on-chain", signed.hash)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "Smart contract panicked: Failed to deserialize input from JSON."
    except ContractPanic as panic:
        return f"Smart contract panicked: {panic}"
    return None


def _outcome(signed: SignedTransaction, failure: str | None) -> dict[str, Any]:
    status: dict[str, Any] = {"SuccessValue": ""}
    if failure is not None:
        kind = {"FunctionCallError": {"ExecutionError": failure}}
        status = {"Failure": {"ActionError": {"index": 0, "kind": kind}}}
    transaction = {
        "hash": signed.hash,
        "signer_id": signed.signer_id,
        "public_key": signed.public_key,
        "nonce": signed.nonce,
        "receiver_id": signed.receiver_id,
    }
    outcome = {"gas_burnt": _GAS, "tokens_burnt": "0", "logs": [], "status": status}
    return {
        "final_execution_status": "FINAL",
        "status": status,
        "transaction": transaction,
        "transaction_outcome": {"id": signed.hash, "outcome": outcome},
        "receipts_outcome": [],
    }
