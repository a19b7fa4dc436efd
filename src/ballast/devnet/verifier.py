"""The verifier contract `intents.near`: what it checks, in which order, with which words.

Source: near/intents 0.4.2, `contracts/defuse/core/src/engine` and `core/src/error.rs`. A call is
atomic: a panic in any intent undoes all of it, nonces included. The engine works on a `Ledger` of
pending changes, so that a simulation and an execution are the same code and only the second one
writes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import base58

from ballast.devnet.books import Move
from ballast.devnet.clock import to_us
from ballast.devnet.errors import ContractPanic
from ballast.devnet.network import VERIFIER_ID, Network
from ballast.devnet.payload import Payload, Transfer, parse_payload
from ballast.devnet.wire import U128_MAX

# secp256k1: signatures with an s above half the group's order are refused (malleability).
_HALF_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2
_EVM_ACCOUNT: Final = re.compile(r"0x[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Executed:
    """One signed payload that went through. `intent_hash` is base58 of the signed digest."""

    intent_hash: str
    account_id: str
    nonce: bytes
    deadline_ns: int
    moves: Sequence[Move]

    @property
    def nonce_text(self) -> str:
        """The nonce in base64, as in the payload."""
        return base64.b64encode(self.nonce).decode()


@dataclass(slots=True)
class Ledger:
    """The contract's state with the changes of one call laid over it."""

    network: Network
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    nonces: set[tuple[str, bytes]] = field(default_factory=set)

    def balance(self, account: str, asset_id: str) -> int:
        """Base units, with this call's changes."""
        key = (account, asset_id)
        if key not in self.balances:
            self.balances[key] = self.network.books.balance(account, asset_id)
        return self.balances[key]

    def is_nonce_used(self, account: str, nonce: bytes) -> bool:
        """Whether the nonce was used before or earlier in this call."""
        return (account, nonce) in self.nonces or is_nonce_used(self.network, account, nonce)

    def move(self, move: Move) -> None:
        """Take and give, or panic."""
        taken = self.balance(move.source, move.asset_id) - move.units
        given = self.balance(move.target, move.asset_id) + move.units
        if taken < 0 or given > U128_MAX:
            raise ContractPanic("insufficient balance or overflow")
        self.balances[move.source, move.asset_id] = taken
        self.balances[move.target, move.asset_id] = given


def is_nonce_used(network: Network, account: str, nonce: bytes) -> bool:
    """Whether an executed payload of this account bore the nonce."""
    found = network.store.one(
        "SELECT 1 FROM nonces WHERE account = ? AND nonce = ?", account, nonce
    )
    return found is not None


def check_intents(network: Network, signed: Any) -> list[Executed]:
    """Run a list of signed payloads against the present state and write nothing.

    Raises:
        ContractPanic: with the contract's text, for the first check that fails.
    """
    if not isinstance(signed, list):
        raise ContractPanic("JSON: invalid type: expected a sequence")
    ledger = Ledger(network)
    now_ns = to_us(network.clock.now()) * 1000
    return [_execute(ledger, multi_payload, now_ns) for multi_payload in signed]


def execute_intents(network: Network, signed: Any) -> list[Executed]:
    """Run a list of signed payloads and keep the result. Only inside `store.write()`.

    Raises:
        ContractPanic: as `check_intents`; nothing was written then.
    """
    executed = check_intents(network, signed)
    for each in executed:
        network.store.run("INSERT INTO nonces VALUES (?, ?)", each.account_id, each.nonce)
        if each.moves:
            at_us = to_us(network.clock.now())
            network.books.post("intent", each.intent_hash, at_us, each.moves)
    return executed


def _execute(ledger: Ledger, multi_payload: Any, now_ns: int) -> Executed:
    text, signature = _signed_text(multi_payload)
    digest = erc191_digest(text)
    public_key = recover_public_key(digest, signature)
    payload = parse_payload(text)
    _check_payload(ledger.network, payload, public_key, now_ns)
    _use_nonce(ledger, payload)
    moves = [m for intent in payload.intents for m in _apply(ledger, payload.signer_id, intent)]
    intent_hash = base58.b58encode(digest).decode()
    return Executed(intent_hash, payload.signer_id, payload.nonce, payload.deadline_ns, moves)


def _signed_text(multi_payload: Any) -> tuple[str, str]:
    fields: Mapping[str, Any] = multi_payload if isinstance(multi_payload, dict) else {}
    standard = fields.get("standard")
    if standard != "erc191":
        raise ContractPanic(f"JSON: unknown variant `{standard}`, expected `erc191`")
    payload, signature = fields.get("payload"), fields.get("signature")
    if not isinstance(payload, str) or not isinstance(signature, str):
        raise ContractPanic("JSON: expected payload and signature")
    return payload, signature


def erc191_digest(text: str) -> bytes:
    """keccak256 of the text with the prefix of personal_sign (EIP-191)."""
    from eth_hash.auto import keccak

    raw = text.encode("utf-8", "surrogatepass")
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(raw)).encode() + raw)


def recover_public_key(digest: bytes, signature: str) -> bytes:
    """The 64 bytes of the key that signed.

    Raises:
        ContractPanic: `invalid signature` if it is not `secp256k1:` and base58 of r, s, v with a
            low s and v of 0 or 1, or if no key fits.
    """
    raw = _curve_bytes(signature)
    if len(raw) != 65 or raw[64] > 1 or int.from_bytes(raw[32:64], "big") > _HALF_ORDER:
        raise ContractPanic("invalid signature")
    public_key = _recover(digest, raw)
    if public_key is None:
        raise ContractPanic("invalid signature")
    return public_key


def _recover(digest: bytes, raw: bytes) -> bytes | None:
    try:
        import coincurve
    except ImportError:  # no wheels for the newest Python; eth-keys computes in Python
        return _recover_slowly(digest, raw)
    try:
        key = coincurve.PublicKey.from_signature_and_message(raw, digest, hasher=None)
    except Exception:  # noqa: BLE001  # coincurve raises the bare class when no key fits
        return None
    return key.format(compressed=False)[1:]


def _recover_slowly(digest: bytes, raw: bytes) -> bytes | None:
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    try:
        return Signature(raw).recover_public_key_from_msg_hash(digest).to_bytes()
    except (BadSignature, ValidationError):
        return None


def _curve_bytes(encoded: str) -> bytes:
    curve, _, text = encoded.partition(":")
    if curve != "secp256k1":
        return b""
    try:
        return base58.b58decode(text)
    except ValueError:
        return b""


def evm_account(public_key: bytes) -> str:
    """The account id that an EVM key implies: its address in lower case."""
    from eth_hash.auto import keccak

    return "0x" + keccak(public_key)[12:].hex()


def account_of_key(public_key: str) -> str | None:
    """The account id that a key in the contract's text form implies; None if it is no such key."""
    raw = _curve_bytes(public_key)
    return evm_account(raw) if len(raw) == 64 else None


def _check_payload(network: Network, payload: Payload, public_key: bytes, now_ns: int) -> None:
    """What the payload says: contract, deadline, key, versioned nonce, in this order."""
    if payload.verifying_contract != VERIFIER_ID:
        raise ContractPanic("wrong verifying_contract")
    if payload.deadline_ns < now_ns:
        raise ContractPanic("deadline has expired")
    signer = payload.signer_id
    if not _EVM_ACCOUNT.fullmatch(signer) or evm_account(public_key) != signer:
        key = base58.b58encode(public_key).decode()
        raise ContractPanic(f"public key 'secp256k1:{key}' doesn't exist for account '{signer}'")
    nonce = payload.versioned_nonce()
    if nonce is None:
        return
    if not network.is_valid_salt(nonce.salt):
        raise ContractPanic("invalid salt")
    if payload.deadline_ns > nonce.deadline_ns:
        raise ContractPanic("deadline is greater than nonce")
    if nonce.deadline_ns < now_ns:
        raise ContractPanic("nonce was already expired")


def _use_nonce(ledger: Ledger, payload: Payload) -> None:
    """Mark the nonce as used, or panic."""
    if ledger.is_nonce_used(payload.signer_id, payload.nonce):
        raise ContractPanic("nonce was already used")
    ledger.nonces.add((payload.signer_id, payload.nonce))


def _apply(ledger: Ledger, signer_id: str, intent: Transfer) -> list[Move]:
    """Receiver, then amount and balance token by token in the order of their ids."""
    if intent.receiver_id == signer_id or not intent.tokens:
        raise ContractPanic("invalid intent")
    moves = []
    for asset_id, units in sorted(intent.tokens.items()):
        if units == 0:
            raise ContractPanic("invalid intent")
        moves.append(Move(signer_id, intent.receiver_id, asset_id, units))
        ledger.move(moves[-1])
    return moves
