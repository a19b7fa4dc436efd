"""What nobody must read in a log: secrets, told by their type, by their name and by their form.

The last thing before a line is written, so that no mistake before it counts. It takes too much
rather than too little: a hash of 32 bytes looks like a key.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

REDACTED: Final = "[redacted]"

_SECRET_WORDS: Final = frozenset(
    {"authorization", "cookie", "mnemonic", "passphrase", "password", "secret", "secrets", "token"}
)
_SECRET_ENDS: Final = (
    "api_key",
    "apikey",
    "master_key",
    "private_key",
    "secret_key",
    "signing_key",
)
_WORDS: Final = re.compile(r"[^a-z]+")
# Of these schemes an address is no secret; others are how channels of notifications are written,
# with what opens them inside.
_OPEN_SCHEMES: Final = "https?|postgres|postgresql|ballast|file|nep141|nep245|urn"
_FORMS: Final = tuple(
    (re.compile(form), instead)
    for form, instead in (
        (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", rf"\1 {REDACTED}"),
        (r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", REDACTED),
        (r"\bwhsec_[A-Za-z0-9+/=_-]{16,}", f"whsec_{REDACTED}"),
        # API keys; what is before the second underscore names one.
        (r"\b(bal_[A-Za-z0-9]+_)[A-Za-z0-9]{16,}", rf"\1{REDACTED}"),
        # 64 bytes in base 58: a secret key of NEAR; a public one has 32.
        (r"\bed25519:[1-9A-HJ-NP-Za-km-z]{60,}", f"ed25519:{REDACTED}"),
        (r"\b(?:0x)?[0-9a-fA-F]{64}\b", REDACTED),
        # 32 bytes in base 64.
        (r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43}=", REDACTED),
        (rf"\b(?!(?:{_OPEN_SCHEMES})://)([a-z][a-z0-9+.-]{{2,20}})://\S+", rf"\1://{REDACTED}"),
        (r"://[^/\s@]+@", f"://{REDACTED}@"),
        (
            r"(?i)([?&](?:[a-z_-]*key|token|access_token|code|secret|password|sig|signature)=)"
            r"[^&\s\"']+",
            rf"\1{REDACTED}",
        ),
        # A piece of a path that long is what lets somebody in: RPC nodes, chat webhooks.
        (r"(https?://[^\s\"']*?/)[A-Za-z0-9_-]{20,}", rf"\1{REDACTED}"),
    )
)


def redacted(value: Any, known: Collection[str] = ()) -> Any:
    """A value as it may be shown.

    Args:
        known: secrets that are known to the letter.
    """
    if isinstance(value, str):
        return _redacted_text(value, known)
    if isinstance(value, Mapping):
        return {
            _redacted_text(str(name), known): REDACTED
            if _names_a_secret(str(name))
            else redacted(one, known)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one, known) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview) or hasattr(value, "get_secret_value"):
        return REDACTED
    # Whatever it is, it would be shown as text.
    return _redacted_text(str(value), known)


def _names_a_secret(name: str) -> bool:
    lower = name.lower()
    words = set(_WORDS.split(lower))
    return bool(words & _SECRET_WORDS) or lower.replace("-", "_").endswith(_SECRET_ENDS)


def _redacted_text(text: str, known: Collection[str]) -> str:
    for secret in known:
        text = text.replace(secret, REDACTED)
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text
