"""Passwords at rest: argon2id, by argon2-cffi."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# Each takes 64 MiB for a good part of a tenth of a second; a crowd at the door waits its turn.
_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one hash costs: by default RFC 9106, second recommendation (4).

    Attributes:
        memory_kib: memory in KiB.
    """

    passes: int = 3
    memory_kib: int = 65_536
    lanes: int = 4


class Argon2Passwords:
    """Fulfils the port `Passwords`."""

    def __init__(self, cost: Argon2Cost | None = None) -> None:
        self._cost = cost or Argon2Cost()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher, Type

        return PasswordHasher(
            time_cost=self._cost.passes,
            memory_cost=self._cost.memory_kib,
            parallelism=self._cost.lanes,
            type=Type.ID,
        )

    @cached_property
    def _decoy(self) -> str:
        """A hash that is compared with where there is no account, so that it takes as long."""
        return self._hasher.hash("")

    async def hash(self, password: str) -> str:
        """The hash with its parameters and salt."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that was kept; False, and as slowly, for none."""
        async with self._turns:
            return await asyncio.to_thread(self._fits, kept, password)

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made at another cost than new ones are."""
        return self._hasher.check_needs_rehash(kept)

    def _fits(self, kept: str | None, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        decoy = self._decoy
        try:
            self._hasher.verify(kept or decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None
