"""What the text of a setting must look like, and how that is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ballast.core import forms

_WEB: Final = "an address that begins with https:// or http:// is needed"
_ORIGIN: Final = "scheme, host and at most a port are needed, such as https://a.example"
SHAPES: Final[Mapping[str, tuple[Callable[[str], object], str]]] = MappingProxyType(
    {
        "database_url": (
            lambda text: text.startswith(("postgresql://", "postgres://")),
            "postgresql://user:password@host:5432/database is needed",
        ),
        "oneclick_url": (forms.is_web_address, _WEB),
        "oneclick_manager_key": (
            forms.is_public_key,
            "ed25519: and the base58 text of 32 bytes are needed",
        ),
        "near_rpc_urls": (forms.is_web_address, _WEB),
        "relay_url": (forms.is_web_address, _WEB),
        "near_account_id": (
            forms.is_account_id,
            "a name such as ballast.near is needed: 2 to 64 small letters and digits, with . _ or "
            "- between them",
        ),
        "near_secret_key": (
            forms.is_secret_key,
            "ed25519: and the base58 text of 64 bytes are needed",
        ),
        "master_key": (forms.key_written, "32 bytes are needed, as 64 hex digits or base64"),
        "oauth_issuer": (forms.is_web_address, _WEB),
        "http_url": (forms.is_web_origin, _ORIGIN),
        "http_origins": (forms.is_origin, _ORIGIN),
        "http_proxies": (
            forms.is_proxy,
            "IP addresses or networks are needed, such as 127.0.0.1 or 10.0.0.0/8",
        ),
    }
)
"""What text a setting takes beyond its type: the check, and what is needed in words."""
