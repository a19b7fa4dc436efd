"""The domain clock: piecewise-constant speed, kept in the devnet's file, one for all processes."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from ballast.devnet.errors import DevnetError
from ballast.devnet.store import Store

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MAX_SPEED: Final = Decimal(10_000_000)
_FROZEN: Final = "0"
_LATEST: Final = datetime(2150, 1, 1, tzinfo=UTC)


def to_us(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The aware UTC time so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def real_now() -> datetime:
    """The machine's own time: the only place where the devnet reads it."""
    return from_us(_real_us())


def _real_us() -> int:
    return time.time_ns() // 1000


class DomainClock:
    """Domain time = anchor + (real time since the anchor) x speed. Every call reads the file."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._latest_us = 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Aware UTC with microseconds. Never goes backwards, even if the machine's clock does."""
        return from_us(self._now_us())

    def speed(self) -> Decimal:
        """Domain seconds per real second; zero when frozen."""
        return Decimal(self._store.one("SELECT speed FROM clock")["speed"])

    def set_speed(self, speed: Decimal) -> None:
        """Go on from this instant at another speed.

        Raises:
            DevnetError: the speed is negative, not a number, or above ten million.
        """
        if not (speed.is_finite() and 0 <= speed <= _MAX_SPEED):
            raise DevnetError(f"The clock's speed must lie between 0 and {_MAX_SPEED}.")
        with self._store.write():
            self._anchor(self._now_us(), speed)

    def advance(self, seconds: Decimal | timedelta) -> None:
        """Jump forward, keeping the speed.

        Raises:
            DevnetError: the step is negative, or leads beyond the year 2150.
        """
        step = _microseconds(seconds)
        with self._store.write():
            target = self._now_us() + step
            if step < 0 or target > to_us(_LATEST):
                raise DevnetError("The clock only moves forward, and not beyond the year 2150.")
            self._anchor(target, self.speed())

    def real_seconds(self, domain_seconds: Decimal | float | timedelta) -> float | None:
        """How long so much domain time takes at the present speed; None when frozen."""
        speed = self.speed()
        if speed == 0:
            return None
        return float(Decimal(_microseconds(domain_seconds)) / 1_000_000 / speed)

    def _anchor(self, domain_us: int, speed: Decimal) -> None:
        self._store.run(
            "UPDATE clock SET real_us = ?, domain_us = ?, speed = ?",
            _real_us(),
            domain_us,
            str(speed),
        )

    def _now_us(self) -> int:
        real_us, domain_us, speed = self._store.one("SELECT real_us, domain_us, speed FROM clock")
        if speed != _FROZEN:
            real_passed = max(0, _real_us() - real_us)
            domain_us += int(real_passed * Decimal(speed))
        with self._lock:
            self._latest_us = max(self._latest_us, domain_us)
            return self._latest_us


def _microseconds(seconds: Decimal | float | timedelta) -> int:
    if isinstance(seconds, timedelta):
        return seconds // _MICROSECOND
    exact = Decimal(str(seconds))
    if not exact.is_finite():
        raise DevnetError("A span of time must be a finite number of seconds.")
    return int(exact * 1_000_000)
