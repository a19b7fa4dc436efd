"""Everything random on the devnet, derived from its seed, so that two runs of one script agree.

The one exception is the network id: it must differ when a devnet is thrown away and made again
from the same seed, which is exactly what it is there to show.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass


def new_network_id() -> str:
    """A name for a freshly created devnet that no other one has."""
    return f"devnet-{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws that depend on the seed, a purpose and a key, and on nothing else."""

    seed: int

    def bytes(self, purpose: str, key: object) -> bytes:
        """32 bytes for this purpose and key."""
        return hashlib.sha256(f"ballast-devnet|{self.seed}|{purpose}|{key}".encode()).digest()

    def fraction(self, purpose: str, key: object) -> float:
        """A number in [0, 1), uniform over purposes and keys."""
        return int.from_bytes(self.bytes(purpose, key)[:6], "big") / 2**48

    def uuid(self, purpose: str, key: object) -> str:
        """A version-4 shaped UUID, as 1Click uses for correlation ids."""
        return str(uuid.UUID(bytes=self.bytes(purpose, key)[:16], version=4))
