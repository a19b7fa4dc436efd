"""Reading a signed NEAR transaction: enough of Borsh for calls of functions.

Source: `core/primitives/src/transaction.rs` and `action/mod.rs` of nearcore. Borsh writes numbers
little-endian, and texts and lists after their length as a u32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import base58

_ED25519: Final = 0
_FUNCTION_CALL: Final = 2


class TransactionError(Exception):
    """The bytes are no transaction that can be carried out here; the text says why."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One action: a method with its arguments. `deposit` in yoctoNEAR, `gas` in gas units."""

    method: str
    args: bytes
    gas: int
    deposit: int


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction whose signature is valid. `public_key` is `ed25519:<base58>`."""

    hash: str
    signer_id: str
    public_key: str
    nonce: int
    receiver_id: str
    block_hash: str
    calls: Sequence[FunctionCall]

    @property
    def is_implicit(self) -> bool:
        """Whether the signer's id is its own key in hex, so that no chain need be asked."""
        return base58.b58decode(self.public_key.partition(":")[2]).hex() == self.signer_id


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.raw):
            raise TransactionError("the transaction ends too early")
        self.at += size
        return self.raw[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def text(self) -> str:
        try:
            return self.take(self.number(4)).decode()
        except UnicodeDecodeError as error:
            raise TransactionError("a text is not UTF-8") from error


def read_transaction(raw: bytes) -> SignedTransaction:
    """The transaction in Borsh bytes, with its ed25519 signature checked.

    Raises:
        TransactionError: for other bytes, other keys than ed25519, other actions than calls, and
            signatures that do not fit.
    """
    reader = _Reader(raw)
    signer_id, key = reader.text(), _key(reader)
    nonce, receiver_id = reader.number(8), reader.text()
    block_hash = base58.b58encode(reader.take(32)).decode()
    calls = [_call(reader) for _ in range(min(reader.number(4), 100))]
    digest = hashlib.sha256(raw[: reader.at]).digest()
    _check_signature(reader, key, digest)
    return SignedTransaction(
        hash=base58.b58encode(digest).decode(),
        signer_id=signer_id,
        public_key="ed25519:" + base58.b58encode(key).decode(),
        nonce=nonce,
        receiver_id=receiver_id,
        block_hash=block_hash,
        calls=calls,
    )


def _key(reader: _Reader) -> bytes:
    if reader.number(1) != _ED25519:
        raise TransactionError("only ed25519 keys are taken here")
    return reader.take(32)


def _call(reader: _Reader) -> FunctionCall:
    if reader.number(1) != _FUNCTION_CALL:
        raise TransactionError("only function calls are taken here")
    method, args = reader.text(), reader.take(reader.number(4))
    return FunctionCall(method, args, reader.number(8), reader.number(16))


def _check_signature(reader: _Reader, key: bytes, digest: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    kind, signature = reader.number(1), reader.take(64)
    if kind != _ED25519 or reader.at != len(reader.raw):
        raise TransactionError("the signature is malformed")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, digest)
    except (InvalidSignature, ValueError) as error:
        raise TransactionError("the signature does not fit") from error
