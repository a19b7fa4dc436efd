"""The signature of 1Click on a quote: ed25519 over a canonical text of what the quote promises.

As in the official SDK, `src/quote-signature.ts`. Not covered: the fee echo, deposit mode, session
and correlation id; those are checked by themselves, or do not matter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import base58

_PREFIX: Final = "ed25519:"
_OF_REQUEST: Final = (
    "dry", "swapType", "slippageTolerance", "originAsset", "depositType", "destinationAsset",
    "amount", "refundTo", "refundType", "recipient", "recipientType", "deadline",
)  # fmt: skip
_OF_REQUEST_IF_SET: Final = (
    "quoteWaitingTimeMs", "referral", "virtualChainRecipient", "virtualChainRefundRecipient",
    "customRecipientMsg",
)  # fmt: skip
_OF_QUOTE: Final = (
    "amountIn", "amountInFormatted", "amountInUsd", "minAmountIn", "amountOut",
    "amountOutFormatted", "amountOutUsd", "minAmountOut",
)  # fmt: skip
_OF_FIRM_QUOTE: Final = (
    "depositAddress", "depositMemo", "deadline", "timeWhenInactive", "timeEstimate",
    "virtualChainRecipient", "virtualChainRefundRecipient", "customRecipientMsg", "refundFee",
    "withdrawFee",
)  # fmt: skip


def quote_hash(response: Mapping[str, Any]) -> str:
    """base58 of the SHA-256 of the canonical text of a whole quote response.

    Raises:
        KeyError: a part that is always there is missing.
    """
    request, quote = response["quoteRequest"], response["quote"]
    signed = {name: request[name] for name in _OF_REQUEST if name in request}
    signed |= {name: request[name] for name in _OF_REQUEST_IF_SET if request.get(name)}
    signed |= {name: quote[name] for name in _OF_QUOTE if name in quote}
    if request["dry"] is False:
        # The quote's value wins, and where it has none the request's goes, too.
        signed = {name: value for name, value in signed.items() if name not in _OF_FIRM_QUOTE}
        signed |= {name: quote[name] for name in _OF_FIRM_QUOTE if quote.get(name)}
    signed["timestamp"] = response["timestamp"]
    text = json.dumps(
        signed, separators=(",", ":"), sort_keys=True, ensure_ascii=False, default=_js_number
    )
    return base58.b58encode(hashlib.sha256(text.encode()).digest()).decode()


def is_signed_by(response: Mapping[str, Any], public_key: str) -> bool:
    """Whether the response carries a good signature of this manager key (`ed25519:<base58>`).

    Raises:
        ValueError: the public key itself is no key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(base58.b58decode(public_key.removeprefix(_PREFIX)))
    given = response.get("signature")
    if not isinstance(given, str) or not given.startswith(_PREFIX):
        return False
    try:
        signature = base58.b58decode(given.removeprefix(_PREFIX))
        key.verify(signature, quote_hash(response).encode())
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return True


def _js_number(value: object) -> int | float:
    """A number as JavaScript writes it: 50 and not 50.0."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no place in a quote")
    return int(value) if value == value.to_integral_value() else float(value)
