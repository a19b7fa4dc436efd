"""The signature on a quote: ed25519 over a canonical text of what it promises.

Source: `src/quote-signature.ts` of defuse-protocol/one-click-sdk-typescript 0.1.25.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import base58

from ballast.devnet.wire import compact_json

_FROM_REQUEST: Final = (
    "dry", "swapType", "slippageTolerance", "originAsset", "depositType", "destinationAsset",
    "amount", "refundTo", "refundType", "recipient", "recipientType", "deadline",
)  # fmt: skip
_FROM_REQUEST_IF_SET: Final = (
    "quoteWaitingTimeMs", "referral", "virtualChainRecipient", "virtualChainRefundRecipient",
    "customRecipientMsg",
)  # fmt: skip
_FROM_QUOTE: Final = (
    "amountIn", "amountInFormatted", "amountInUsd", "minAmountIn",
    "amountOut", "amountOutFormatted", "amountOutUsd", "minAmountOut",
)  # fmt: skip
_FROM_LIVE_QUOTE: Final = (
    "depositAddress", "depositMemo", "deadline", "timeWhenInactive", "timeEstimate",
    "virtualChainRecipient", "virtualChainRefundRecipient", "customRecipientMsg",
    "refundFee", "withdrawFee",
)  # fmt: skip


def quote_hash(response: Mapping[str, Any]) -> str:
    """base58 of the sha256 of the canonical JSON of a quote response.

    Not covered: appFees, depositMode, confidentiality, insured, rebates, correlationId.
    """
    request, quote = response["quoteRequest"], response["quote"]
    signed = {name: request[name] for name in _FROM_REQUEST}
    signed |= {name: request[name] for name in _FROM_REQUEST_IF_SET if request.get(name)}
    signed |= {name: quote[name] for name in _FROM_QUOTE}
    if not request["dry"]:
        for name in _FROM_LIVE_QUOTE:
            signed.pop(name, None)
            if quote.get(name):
                signed[name] = quote[name]
    signed["timestamp"] = response["timestamp"]
    text = compact_json(dict(sorted(signed.items())))
    return base58.b58encode(hashlib.sha256(text.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class QuoteSigner:
    """Signs quotes with an ed25519 key made from 32 secret bytes."""

    secret: bytes

    def sign(self, response: Mapping[str, Any]) -> str:
        """`ed25519:` and base58 of the signature over the UTF-8 text of the quote's hash."""
        signature = self._key().sign(quote_hash(response).encode())
        return "ed25519:" + base58.b58encode(signature).decode()

    def public_key(self) -> str:
        """`ed25519:` and base58 of the public key."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = self._key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return "ed25519:" + base58.b58encode(raw).decode()

    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.secret)
