"""The machine's clock, in the hands of a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class WallClock:
    def __init__(self) -> None:
        self._now = datetime(2027, 1, 15, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def real_seconds(self, domain_seconds: float) -> float:
        return domain_seconds

    def pass_time(self, span: timedelta) -> None:
        self._now += span
