"""Typed transfers as signed ERC-191 payloads, in the form that the verifier contract takes.

The text is built here from typed values and from nothing else; it is signed as it stands. The
signing library is imported when a signature is due.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ballast.app.ports import SignedIntent, TransferOrder
from ballast.core.forms import is_account_id
from ballast.errors import BallastError, ErrorCode

VERIFIER: Final = "intents.near"
U128_MAX: Final = 2**128 - 1

# A versioned nonce: magic, version 0, salt, deadline in nanoseconds, 15 random bytes; 32 in all.
# (near/intents, contracts/defuse/README.md)
NONCE_HEAD: Final = bytes.fromhex("5628f6c6" + "00")
_NONCE_RANDOM: Final = 15

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# NEAR account ids: lower case only, so a checksummed 0x address is refused here already.
_ASSET: Final = re.compile(r"(?:nep141:[^:\s]+|(?:nep171|nep245):[^:\s]+:\S+)", re.ASCII)
_SALT: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move tokens (asset id to base units, in the order given) to another account."""

    receiver_id: str
    tokens: Mapping[str, int]
    memo: str | None = None


def sign_transfer(order: TransferOrder, key: bytes) -> SignedIntent:
    """The payload of one transfer, signed.

    Args:
        order: the deadlines are rounded down to milliseconds, and so is the one returned.
        key: the 32 bytes of the signer's secp256k1 key.

    Raises:
        BallastError: `internal` if the order is not one that the contract could carry out.
    """
    _check(order)
    nonce = versioned_nonce(order.salt, order.nonce_deadline, order.random)
    transfer = Transfer(order.receiver_id, {order.asset_id: order.units})
    payload = payload_text(order.signer_id, order.deadline, nonce, [transfer])
    signature, intent_hash = sign_text(payload, key)
    return SignedIntent(
        payload=payload,
        signature=signature,
        intent_hash=intent_hash,
        nonce=base64.b64encode(nonce).decode(),
        deadline=to_millis(order.deadline),
    )


def payload_text(
    signer_id: str, deadline: datetime, nonce: bytes, transfers: Sequence[Transfer]
) -> str:
    """The exact text that is signed: compact JSON with its keys in the order of the official SDK.

    Args:
        deadline: aware; rounded down to milliseconds.
        nonce: 32 bytes.
        transfers: carried out in this order; none at all only burns the nonce.
    """
    return json.dumps(
        {
            "signer_id": signer_id,
            "verifying_contract": VERIFIER,
            "deadline": iso_millis(deadline),
            "nonce": base64.b64encode(nonce).decode(),
            "intents": [_transfer_fields(transfer) for transfer in transfers],
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )


def versioned_nonce(salt: str, deadline: datetime, random: bytes) -> bytes:
    """The 32 bytes of a version-1 nonce.

    Args:
        salt: 8 hex digits of the contract's salt.
        deadline: until when the contract remembers the nonce; rounded down to milliseconds.
        random: 15 bytes.
    """
    nanoseconds = (to_millis(deadline) - _EPOCH) // timedelta(microseconds=1) * 1000
    return NONCE_HEAD + bytes.fromhex(salt) + nanoseconds.to_bytes(8, "little") + random


def sign_text(payload: str, key: bytes) -> tuple[str, str]:
    """Sign a payload text by ERC-191 (`personal_sign`), byte for byte as given.

    Returns:
        The signature as `secp256k1:<base58 of r, s, v>` with v 0 or 1, and the intent hash: the
        base58 of the digest, which depends on the text alone.
    """
    import base58
    from eth_hash.auto import keccak

    text = payload.encode()
    digest = keccak(b"\x19Ethereum Signed Message:\n%d" % len(text) + text)
    signature = _signed(digest, key)
    return f"secp256k1:{base58.b58encode(signature).decode()}", base58.b58encode(digest).decode()


def _signed(digest: bytes, key: bytes) -> bytes:
    """r, s and v of a digest's signature, deterministic by RFC 6979, with the lower s."""
    try:
        from coincurve import PrivateKey
    except ImportError:  # no wheels for the newest Python; eth-keys computes in Python
        return _signed_slowly(digest, key)
    return PrivateKey(key).sign_recoverable(digest, hasher=None)


def _signed_slowly(digest: bytes, key: bytes) -> bytes:
    # eth-keys would take coincurve by itself, but costs 8 MiB beside it.
    from eth_keys.datatypes import PrivateKey

    return PrivateKey(key).sign_msg_hash(digest).to_bytes()


def account_of(key: bytes) -> str:
    """The account id of a key: its EVM address, `0x` and 40 lowercase hex digits.

    Raises:
        ValueError: the 32 bytes are no secp256k1 key.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from eth_hash.auto import keccak

    public = ec.derive_private_key(int.from_bytes(key), ec.SECP256K1()).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return "0x" + keccak(point[1:])[12:].hex()


def to_millis(moment: datetime) -> datetime:
    """The moment in UTC, rounded down to whole milliseconds."""
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def iso_millis(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z, rounded down."""
    return to_millis(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _transfer_fields(transfer: Transfer) -> dict[str, object]:
    fields: dict[str, object] = {
        "intent": "transfer",
        "receiver_id": transfer.receiver_id,
        "tokens": {asset_id: str(units) for asset_id, units in transfer.tokens.items()},
    }
    return fields if transfer.memo is None else {**fields, "memo": transfer.memo}


def _check(order: TransferOrder) -> None:
    """Refuse what the contract would refuse, before there is a signature on it."""
    rules = {
        "the signer is an account id": is_account_id(order.signer_id),
        "the receiver is an account id": is_account_id(order.receiver_id),
        "the receiver is another account": order.receiver_id != order.signer_id,
        "the asset is a token inside the venue": bool(_ASSET.fullmatch(order.asset_id)),
        "the amount is positive and below 2^128": 0 < order.units <= U128_MAX,
        "the times have a zone": order.deadline.tzinfo is not None
        and order.nonce_deadline.tzinfo is not None,
        "the salt has 8 hex digits": bool(_SALT.fullmatch(order.salt)),
        "the nonce has 15 random bytes": len(order.random) == _NONCE_RANDOM,
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if not broken and order.nonce_deadline < order.deadline:
        broken = ["the nonce lives as long as the transfer"]
    if broken:
        raise BallastError(
            ErrorCode.INTERNAL, "A transfer was not signed: it breaks a rule.", rules=broken
        )
