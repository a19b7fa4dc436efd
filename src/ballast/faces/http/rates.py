"""How often somebody may ask: a bucket for each kind of call, by credential or by address."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import Final, Literal

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from ballast.app.operation import Caller, Effect, Operation
from ballast.app.ports import Clock
from ballast.errors import BallastError, ErrorCode

Bucket = Literal["address", "login", "read", "preview", "write", "spend"]

DEFAULT_RATES: Final[Mapping[Bucket, str]] = MappingProxyType(
    {
        # By address, so that a flood costs no look at the store.
        "address": "1200/minute",
        # By address: credentials that do not count, and passwords.
        "login": "20/minute",
        # By credential.
        "read": "600/minute",
        "preview": "60/minute",
        "write": "120/minute",
        "spend": "30/minute",
    }
)


SWEEP_SECONDS: Final = 10.0
"""Real seconds between two looks for windows that have ended."""


class Rates:
    """Counts calls in this process; several processes behind one address count each for itself.

    Args:
        wall: the machine's clock.
        given: rates that replace the default ones, such as `{"read": "10/second"}`.
    """

    def __init__(self, wall: Clock, given: Mapping[Bucket, str]) -> None:
        self._wall = wall
        self._items: dict[Bucket, RateLimitItem] = {
            bucket: parse(rate) for bucket, rate in {**DEFAULT_RATES, **given}.items()
        }
        self._windows = SweptMemory(wall)
        self._limiter = FixedWindowRateLimiter(self._windows)

    async def take(self, bucket: Bucket, who: str) -> None:
        """Count a call.

        Raises:
            BallastError: `rate_limited`, with the seconds until the next one is taken.
        """
        item = self._items[bucket]
        if await self._limiter.hit(item, bucket, who):
            return
        ends = (await self._limiter.get_window_stats(item, bucket, who)).reset_time
        wait = max(1, ceil(ends - self._wall.now().timestamp()))
        raise BallastError(
            ErrorCode.RATE_LIMITED,
            f"Too many calls of the kind {bucket}: {item.amount} per {item.GRANULARITY.name}.",
            bucket=bucket,
            retry_after_seconds=wait,
        )

    async def take_call(self, operation: Operation, caller: Caller) -> None:
        """Count a call of an operation against its caller.

        Raises:
            BallastError: `rate_limited`.
        """
        await self.take(bucket_of(operation), caller.credential_id or caller.owner_id)


class SweptMemory(MemoryStorage):
    """The library's memory, in which windows that have ended are looked for now and then.

    The library looks through all windows at every hit: beside a thousand addresses that costs ten
    times as much as the hit itself, beside a hundred thousand a thousand times.
    """

    STORAGE_SCHEME: list[str] = []  # noqa: RUF012 as the library says it; its name stays its own

    def __init__(self, wall: Clock) -> None:
        super().__init__()
        self._wall = wall
        self._sweep_at = 0.0

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count a hit in the window of a key, which ends `expiry` seconds after its first; how many
        there are."""
        now = self._wall.now().timestamp()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            for ended in [one for one, end in self.expirations.items() if end <= now]:
                await self.clear(ended)
        if self.expirations.get(key, 0) <= now:
            self.storage[key], self.expirations[key] = 0, now + expiry
        self.storage[key] += amount
        return self.storage[key]


def bucket_of(operation: Operation) -> Bucket:
    """Which bucket a call is counted in. A preview asks the venue, so it is dearer than a read."""
    match operation.effect:
        case Effect.READ:
            return "read"
        case Effect.SPEND:
            return "spend"
        case _:
            return "preview" if operation.open_world else "write"
