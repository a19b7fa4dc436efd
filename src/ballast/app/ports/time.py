"""Time, ids and chance."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ballast.core.ids import IdKind


class Clock(Protocol):
    """The domain clock: in paper mode the devnet's, in live mode the system's."""

    def now(self) -> datetime:
        """The present moment, aware, UTC; never goes backwards within a process."""
        ...

    def real_seconds(self, domain_seconds: float) -> float | None:
        """How long a span of domain time takes for real; None when the clock stands still."""
        ...


class Ids(Protocol):
    """Fresh ids and the only source of randomness."""

    def new(self, kind: IdKind) -> str:
        """A new id: prefix, underscore, ULID."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """Bytes from the operating system's cryptographic source."""
        ...
