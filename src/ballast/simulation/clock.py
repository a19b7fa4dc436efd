"""The clock of the machine that the product runs on, which may be wrong by hours.

The world outside has its own time, which is the devnet's. The product reads this one: set forward
or back it goes wrong at once, and as in `SystemClock` a process that lives never sees it go back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class MachineClock:
    """Fulfils the port `Clock`. `ahead` outlives the process; what it has seen does not.

    Args:
        true: tells the world's.
        ahead: by how much the machine's is ahead; a new value counts at once.
    """

    def __init__(self, true: Callable[[], datetime], ahead: Ahead) -> None:
        self._true = true
        self._ahead = ahead
        self._latest = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """What the machine takes for the present."""
        self._latest = max(self._latest, self._true() + self._ahead.span)
        return self._latest

    def real_seconds(self, domain_seconds: float) -> float | None:
        """None: time only moves by hand."""
        del domain_seconds
        return None


class Ahead:
    """By how much the machine's clock is ahead of the world's; behind, if negative."""

    def __init__(self) -> None:
        self.span = timedelta()
        self.was_wrong = False

    def set(self, span: timedelta) -> None:
        """Somebody sets the machine's clock."""
        self.span = span
        self.was_wrong = self.was_wrong or bool(span)
