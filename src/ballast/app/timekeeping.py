"""Whether our clock agrees with the clocks of those whom we ask.

The signed deadline of a transfer is read by our clock and judged by the chain's: a clock that is
wrong makes messages that are too short or live too long.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ballast.app.ports import Clock

# `Date` has whole seconds (RFC 9110, 5.6.7).
_GRAIN: Final = timedelta(seconds=1)
_NONE: Final = timedelta()


class Timekeeper:
    """Keeps by how much our clock is surely wrong, by the `Date` of answers.

    A server wrote its `Date` between our sending and our receiving, so a slow answer proves
    nothing: what counts is how far `Date` lies outside of that time. Of several servers the one
    that agrees best counts, so that one wrong clock elsewhere is not taken for ours.

    Args:
        clock: ours; in the paper world the one that the devnet shows as well.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[str, tuple[datetime, timedelta]] = {}

    def now(self) -> datetime:
        """Our time."""
        return self._clock.now()

    def heard(self, service: str, date: datetime, sent: datetime, received: datetime) -> None:
        """A service answered, with this `Date`, what was sent and received at these times."""
        ahead, behind = sent - date - _GRAIN, date - received
        error = -behind if behind > _NONE else max(ahead, _NONE)
        self._heard[service] = (received, error)

    def last_heard(self) -> datetime | None:
        """When a service was last heard of."""
        return max((at for at, _ in self._heard.values()), default=None)

    def error(self) -> timedelta:
        """By how much our clock is surely ahead, or behind where it is below 0; 0 when nobody
        has said otherwise."""
        return min((error for _, error in self._heard.values()), key=abs, default=_NONE)
