"""Where a code may be sent."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# Of applications on the machine that take their answer by a scheme of their own.
_KNOWN_SCHEMES: Final = frozenset({"cursor", "vscode", "vscode-insiders"})


def takes_codes(redirect_uri: str) -> bool:
    """Whether a code may be sent to an address: over https, to this machine itself, or to an
    application by a scheme that is its own (RFC 8252, 7). Anything else would hand the code to
    whoever listens, or run as a script in the page.
    """
    try:
        parts = urlsplit(redirect_uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.fragment or parts.username is not None or parts.password is not None:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme == "http":
        return host in _LOOPBACK
    return parts.scheme in _KNOWN_SCHEMES or "." in parts.scheme
