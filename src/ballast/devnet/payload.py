"""Reading a signed payload as the verifier contract does.

Source: `contracts/defuse/core/src/payload` and `nonce` of near/intents 0.4.2.

Any key order and white space is accepted and unknown fields are ignored; only the shape of the
known fields matters. Every refusal is a panic `JSON: <detail>`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn

from ballast.devnet.chains import is_near_account
from ballast.devnet.clock import to_us
from ballast.devnet.errors import ContractPanic
from ballast.devnet.wire import U128_MAX

_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_NONCE_MAGIC: Final = bytes.fromhex("5628f6c6")
_KNOWN_INTENTS: Final = "`transfer`"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move `tokens` (asset id -> base units, as written, unsorted) to `receiver_id`."""

    receiver_id: str
    tokens: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class VersionedNonce:
    """What a V1 nonce says: 8 hex digits of salt, and its deadline in nanoseconds since 1970."""

    salt: str
    deadline_ns: int


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload of the right shape. `nonce` are 32 bytes; an empty `intents` only burns it."""

    signer_id: str
    verifying_contract: str
    deadline_ns: int
    nonce: bytes
    intents: Sequence[Transfer]

    def versioned_nonce(self) -> VersionedNonce | None:
        """The nonce read as V1, or None for a legacy one; an unknown version counts as legacy."""
        return read_nonce(self.nonce)


def read_nonce(nonce: bytes) -> VersionedNonce | None:
    """32 bytes read as a V1 nonce, or None for a legacy one."""
    if nonce[:4] != _NONCE_MAGIC or nonce[4] != 0:
        return None
    return VersionedNonce(nonce[5:9].hex(), int.from_bytes(nonce[9:17], "little"))


def parse_payload(text: str) -> Payload:
    """The payload in `text`.

    Raises:
        ContractPanic: `JSON: ...` if anything in it has the wrong shape.
    """
    fields = _object(_parse(text), "a payload")
    return Payload(
        signer_id=_account(_field(fields, "signer_id")),
        verifying_contract=_account(_field(fields, "verifying_contract")),
        deadline_ns=_deadline_ns(_field(fields, "deadline")),
        nonce=parse_nonce(_text(_field(fields, "nonce"))),
        intents=[_intent(each) for each in _list(_field(fields, "intents"))],
    )


def _refuse(detail: str) -> NoReturn:
    raise ContractPanic(f"JSON: {detail}")


def _parse(text: str) -> Any:
    try:
        text.encode("utf-8")
        found = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_refuse)
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        _refuse("lone surrogate in a string")
    except RecursionError:
        _refuse("recursion limit exceeded")
    except ValueError as error:
        _refuse(str(error))
    return found


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            _refuse(f"duplicate field `{key}`")
        found[key] = value
    return found


def _object(value: Any, what: str) -> dict[str, Any]:
    return value if isinstance(value, dict) else _refuse(f"invalid type: expected {what}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else _refuse("invalid type: expected a sequence")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _refuse("invalid type: expected a string")


def _field(fields: Mapping[str, Any], name: str) -> Any:
    return fields[name] if name in fields else _refuse(f"missing field `{name}`")


def _account(value: Any) -> str:
    account = _text(value)
    return account if is_near_account(account) else _refuse(f"invalid account id `{account}`")


def _deadline_ns(value: Any) -> int:
    found = _RFC3339.fullmatch(_text(value))
    if found is None:
        _refuse("input contains invalid characters, expected an RFC 3339 date-time")
    day, clock, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone.upper()}")
        return to_us(moment) * 1000 + int((fraction or "")[:9].ljust(9, "0"))
    except (ValueError, OverflowError):
        _refuse("input is out of range")


def parse_nonce(text: str) -> bytes:
    """The 32 bytes of a nonce in padded standard base64, or a panic."""
    try:
        nonce = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        _refuse("invalid base64 in nonce")
    if len(nonce) != 32 or base64.b64encode(nonce).decode() != text:
        _refuse("invalid length: expected 32 bytes in base64")
    return nonce


def _intent(value: Any) -> Transfer:
    fields = _object(value, "an intent")
    kind = _text(_field(fields, "intent"))
    if kind != "transfer":
        _refuse(f"unknown variant `{kind}`, expected {_KNOWN_INTENTS}")
    if fields.get("memo") is not None:
        _text(fields["memo"])
    if fields.get("msg") is not None:
        # The contract would call the receiver. There are no contracts to call here.
        _refuse("`msg` in a transfer is not supported by the devnet")
    tokens = _object(_field(fields, "tokens"), "a map")
    amounts = {_token_id(asset_id): _amount(units) for asset_id, units in tokens.items()}
    return Transfer(_account(_field(fields, "receiver_id")), amounts)


def is_token_id(text: str) -> bool:
    """`standard:contract`, and for other standards than nep141 `:id`."""
    standard, _, inner = text.partition(":")
    contract, separator, item = inner.partition(":")
    shaped = {
        "nep141": not separator,
        "nep171": bool(separator and item),
        "nep245": bool(separator and item),
        "imt": bool(separator and item),
    }.get(standard, False)
    return shaped and is_near_account(contract) and len(item) <= 127


def _token_id(text: str) -> str:
    return text if is_token_id(text) else _refuse(f"invalid token id `{text}`")


def _amount(value: Any) -> int:
    text = _text(value)
    if not re.fullmatch(r"\+?[0-9]{1,60}", text) or int(text) > U128_MAX:
        _refuse("invalid digit found in string, expected a u128")
    return int(text)
