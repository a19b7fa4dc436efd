"""The machine's own clock and its source of randomness: nothing else in Ballast reads them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from ulid import ULID

from ballast.app.ports import Clock
from ballast.core.ids import IdKind

_RANDOM_BITS = 80


class SystemClock:
    """The domain clock of live mode."""

    def __init__(self) -> None:
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Aware UTC with microseconds; stands still while the machine's clock is set back."""
        with self._lock:
            self._latest = max(self._latest, datetime.now(UTC))
            return self._latest

    def real_seconds(self, domain_seconds: float) -> float | None:
        """The same number: this clock runs at the speed of the world."""
        return domain_seconds


class SystemIds:
    """Ids with the time of `clock`, so that they sort like the rows they name.

    Within one process every id is greater than the one before, whatever its kind.

    Args:
        source: of all randomness; the operating system's cryptographic one.
    """

    def __init__(self, clock: Clock, source: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._source = source
        self._latest = 0
        self._lock = threading.Lock()

    def new(self, kind: IdKind) -> str:
        """A new id: prefix, underscore, ULID (48 bits of milliseconds, 80 random bits)."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        fresh = milliseconds << _RANDOM_BITS | int.from_bytes(self.random_bytes(10))
        with self._lock:
            # Same or earlier millisecond: count on from the last id, as the ULID text asks.
            if fresh >> _RANDOM_BITS <= self._latest >> _RANDOM_BITS:
                fresh = self._latest + 1
            self._latest = fresh
        return f"{kind.value}_{ULID.from_int(fresh)}"

    def random_bytes(self, count: int) -> bytes:
        """So many bytes that nobody can guess."""
        return self._source(count)
