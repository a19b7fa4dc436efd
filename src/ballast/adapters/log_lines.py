"""A line in the log for each thing that goes on: calls at the level info, all else at debug."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog

from ballast.app.observing import Activity, Doing

log = structlog.get_logger(__name__)

_OF_INTEREST: Final = frozenset({Doing.CALL, Doing.SIGNATURE})


class LogLines:
    """Fulfils `app.observing.Observer`. The call's id comes from the context of the line."""

    def begin(self, activity: Activity) -> None:
        """The line is written when it has ended."""

    def end(self, activity: Activity, begun: None, seconds: float) -> None:
        """Write the line."""
        tell = log.info if activity.doing in _OF_INTEREST else log.debug
        tell(
            activity.doing.value,
            what=activity.name,
            outcome=activity.outcome,
            milliseconds=round(seconds * 1000, 1),
            **{f"of_{name}": value for name, value in activity.labels.items() if value},
            **activity.ids,
        )

    def trace(self) -> str:
        """Lines know no traces."""
        return ""

    def breaker_moved(self, service: str, endpoint: str, state: str) -> None:
        """A breaker that opens is worth a line of its own."""
        if state != "closed":
            log.warning("breaker_moved", service=service, endpoint=endpoint, state=state)

    def price_seen(self, source: str, observed_at: datetime) -> None:
        """Reading prices has a line already."""

    def refused(self, rule: str) -> None:
        """The call that was refused says so."""

    def reconciled(self, at: datetime) -> None:
        """Its step has a line already."""
