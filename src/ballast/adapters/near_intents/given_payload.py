"""Reading a payload that somebody else wrote, to the letter, before it is signed.

Nothing else protects the account: a signed payload can move every token it holds. So the text must
be exactly one transfer of exactly what was ordered, in the fields that the contract knows, each
once. (1Click reference, generate-intent; near/intents, core/src/payload.)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ballast.adapters.near_intents.signing import NONCE_HEAD, VERIFIER, sign_text
from ballast.adapters.near_intents.wire import clean_text, read_time
from ballast.adapters.strict_json import parse_json
from ballast.app.ports import SignedIntent, TransferOrder
from ballast.errors import BallastError, ErrorCode

# The venue's payload lives as long as its quote: three days beyond the deadline asked for.
_GRACE: Final = timedelta(days=3)
_MAX_TEXT: Final = 10_000
_NONCE_BYTES: Final = 32
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_FIELDS: Final = frozenset({"signer_id", "verifying_contract", "deadline", "nonce", "intents"})
_TRANSFER_FIELDS: Final = frozenset({"intent", "receiver_id", "tokens"})


@dataclass(frozen=True, slots=True)
class GivenPayload:
    """What a payload says that we did not say first."""

    deadline: datetime
    nonce: str


def sign_given(payload: str, order: TransferOrder, key: bytes, now: datetime) -> SignedIntent:
    """Sign a text byte for byte as it was given, if it is the transfer that was ordered.

    Its nonce may be forgotten as soon as its deadline has passed, so that an unused nonce proves
    less than with a payload of our own: what did not happen is proved by the balance.

    Args:
        payload: from `generate-intent`.
        order: what it must be; its own deadline is the earliest that the quote is good for.
        key: the 32 bytes of the signer's secp256k1 key.
        now: its deadline must lie ahead.

    Raises:
        BallastError: `quote_refused` with everything wrong at once in `details.problems`.
    """
    given = check_given(payload, order, now)
    signature, intent_hash = sign_text(payload, key)
    return SignedIntent(payload, signature, intent_hash, given.nonce, given.deadline)


def check_given(payload: str, order: TransferOrder, now: datetime) -> GivenPayload:
    """Hold a text against the order, without signing it.

    Raises:
        BallastError: as for `sign_given`.
    """
    fields = _fields(payload)
    problems = [*_payload_problems(fields, order, now), *_transfer_problems(fields, order)]
    if problems:
        raise _refused(problems)
    return GivenPayload(read_time(fields["deadline"]), fields["nonce"])


def receiver_of(payload: str) -> tuple[str, str]:
    """Receiver and signer of a payload of one transfer that was checked when it was signed."""
    fields = parse_json(payload.encode())
    return fields["intents"][0]["receiver_id"], fields["signer_id"]


def _fields(payload: str) -> Mapping[str, Any]:
    try:
        if len(payload) > _MAX_TEXT:
            raise ValueError("it is too long")
        fields = parse_json(payload.encode())
    except ValueError as error:
        raise _refused([f"it cannot be read: {clean_text(error)}"]) from None
    if not isinstance(fields, dict):
        raise _refused(["it is no object"])
    return fields


def _payload_problems(
    fields: Mapping[str, Any], order: TransferOrder, now: datetime
) -> Iterator[str]:
    yield from (f"it has no {name}" for name in sorted(_FIELDS - fields.keys()))
    yield from (f"it has the field {clean_text(name)}" for name in sorted(fields.keys() - _FIELDS))
    if fields.get("signer_id") != order.signer_id:
        yield "its signer is another account"
    if fields.get("verifying_contract") != VERIFIER:
        yield "it is for another contract"
    try:
        deadline = read_time(fields.get("deadline"))
    except ValueError:
        yield "its deadline is no time"
        return
    if not now < deadline <= order.deadline + _GRACE:
        yield f"its deadline is {deadline.isoformat()}"
    yield from _nonce_problems(fields.get("nonce"), order.salt, deadline)


def _nonce_problems(text: object, salt: str, deadline: datetime) -> Iterator[str]:
    """The nonce is of version 1, under the current salt, and lives as long as the payload."""
    try:
        nonce = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except binascii.Error:
        nonce = b""
    head = NONCE_HEAD + bytes.fromhex(salt)
    if len(nonce) != _NONCE_BYTES or not nonce.startswith(head):
        yield "its nonce is not of this version and salt"
        return
    nanoseconds = int.from_bytes(nonce[len(head) : len(head) + 8], "little")
    if nanoseconds < (deadline - _EPOCH) // timedelta(microseconds=1) * 1000:
        yield "its nonce is forgotten before its deadline"


def _transfer_problems(fields: Mapping[str, Any], order: TransferOrder) -> Iterator[str]:
    intents = fields.get("intents")
    if not isinstance(intents, list) or len(intents) != 1 or not isinstance(intents[0], dict):
        yield "it does not hold exactly one intent"
        return
    transfer = intents[0]
    if transfer.get("intent") != "transfer":
        yield f"its intent is {clean_text(transfer.get('intent'))}, not a transfer"
    extra = sorted(transfer.keys() - _TRANSFER_FIELDS)
    yield from (f"its transfer has the field {clean_text(name)}" for name in extra)
    if transfer.get("receiver_id") != order.receiver_id:
        yield "its receiver is not the deposit address"
    if transfer.get("tokens") != {order.asset_id: str(order.units)}:
        yield "its tokens are not exactly what is to be paid"


def _refused(problems: list[str]) -> BallastError:
    return BallastError(
        ErrorCode.QUOTE_REFUSED,
        "The text that the venue would have us sign is not what was ordered.",
        problems=problems,
    )
