"""How often somebody may ask: a bucket for each kind of call, by credential or by address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import Final, Literal

from limits import RateLimitItem, parse

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


# Windows that have ended are looked for and forgotten so often.
_SWEPT_EVERY: Final = timedelta(minutes=1)


@dataclass(slots=True)
class _Window:
    """Calls of somebody, from the first one on until it ends."""

    ends: datetime
    count: int = 0


class Rates:
    """Counts calls in this process; several processes behind one address count each for itself.

    A window opens with the first call that falls into none, and takes so many calls.

    Args:
        wall: the machine's clock.
        given: rates that replace the default ones, such as `{"read": "10/second"}`.
    """

    def __init__(self, wall: Clock, given: Mapping[Bucket, str]) -> None:
        self._wall = wall
        self._items: dict[Bucket, RateLimitItem] = {
            bucket: parse(rate) for bucket, rate in {**DEFAULT_RATES, **given}.items()
        }
        self._windows: dict[tuple[Bucket, str], _Window] = {}
        self._swept_at = wall.now()

    async def take(self, bucket: Bucket, who: str) -> None:
        """Count a call.

        Raises:
            BallastError: `rate_limited`, with the seconds until the next one is taken.
        """
        item, now = self._items[bucket], self._wall.now()
        window = self._windows.get((bucket, who))
        if window is None or window.ends <= now:
            self._sweep(now)
            window = _Window(now + timedelta(seconds=item.get_expiry()))
            self._windows[bucket, who] = window
        window.count += 1
        if window.count <= item.amount:
            return
        raise BallastError(
            ErrorCode.RATE_LIMITED,
            f"Too many calls of the kind {bucket}: {item.amount} per {item.GRANULARITY.name}.",
            bucket=bucket,
            retry_after_seconds=max(1, ceil((window.ends - now).total_seconds())),
        )

    def _sweep(self, now: datetime) -> None:
        if now - self._swept_at >= _SWEPT_EVERY:
            self._windows = {who: one for who, one in self._windows.items() if one.ends > now}
            self._swept_at = now

    async def take_call(self, operation: Operation, caller: Caller) -> None:
        """Count a call of an operation against its caller.

        Raises:
            BallastError: `rate_limited`.
        """
        await self.take(bucket_of(operation), caller.credential_id or caller.owner_id)


def bucket_of(operation: Operation) -> Bucket:
    """Which bucket a call is counted in. A preview asks the venue, so it is dearer than a read."""
    match operation.effect:
        case Effect.READ:
            return "read"
        case Effect.SPEND:
            return "spend"
        case _:
            return "preview" if operation.open_world else "write"
