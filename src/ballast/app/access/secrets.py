"""Secrets that we make: 256 random bits, of which a plain SHA-256 is kept.

Nobody finds one by trying, however fast the hash; what people choose themselves is hashed slowly.
"""

from __future__ import annotations

import base64
import hashlib

from ballast.app.ports import Ids

SECRET_BYTES = 32


def new_secret(ids: Ids, prefix: str) -> str:
    """A fresh secret in letters that need no escaping anywhere, behind a prefix."""
    random = base64.urlsafe_b64encode(ids.random_bytes(SECRET_BYTES))
    return f"{prefix}_{random.decode().rstrip('=')}"


def hash_of(text: str) -> str:
    """What is kept of a secret. Any text has a hash, also one that is no Unicode."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
