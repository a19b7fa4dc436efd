"""Following an owner's events as they are written, by whatever process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ballast.app.app import App
from ballast.core.events import Event
from ballast.core.ledger import from_microseconds, microseconds
from ballast.errors import BallastError, ErrorCode

LATE: Final = timedelta(seconds=5)
"""Between an event's time and its commit; transactions wait for nothing outside, so it is long."""
PAGE: Final = 500
_CURSOR: Final = re.compile(r"([0-9]{1,17})\.(evt_[0-9A-Z]{26})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the events of an owner: the last one that was received."""

    at: datetime
    event_id: str

    def __str__(self) -> str:
        return f"{microseconds(self.at)}.{self.event_id}"

    @classmethod
    def of(cls, event: Event) -> Cursor:
        """The place right after an event."""
        return cls(event.at, event.event_id)

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what `str` has written.

        Raises:
            BallastError: `invalid_input` for anything else.
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise BallastError(
                ErrorCode.INVALID_INPUT,
                "This is no id of an event that was received here.",
                problems=[{"field": "Last-Event-ID", "problem": "is no id of a received event"}],
            )
        return cls(from_microseconds(int(found[1])), found[2])


class Feed:
    """One listener's way through the events of an owner.

    Events of different indexes may be committed in another order than that of their times. So
    each look goes back by `LATE`, and what was given already is left out; none is missed, and
    within one feed none comes twice. A feed that begins after a cursor does not know what came
    before it: what happened within `LATE` of it may come again, under the same id.

    Args:
        after: begin there; None: with what happens from now on.
    """

    def __init__(self, app: App, owner_id: str, after: Cursor | None = None) -> None:
        self._app = app
        self._owner_id = owner_id
        now = app.clock.now()
        self._not_before = now if after is None else after.at - LATE
        self._newest = now if after is None else after.at
        self._given: dict[str, datetime] = {} if after is None else {after.event_id: after.at}

    async def new(self) -> list[Event]:
        """What was written since the last look, oldest first; at most `PAGE`."""
        since = max(self._not_before, self._newest - LATE)
        self._given = {one: at for one, at in self._given.items() if at >= since}
        async with self._app.store.read_once() as reader:
            found = await reader.events_of(self._owner_id, since, PAGE + len(self._given))
        fresh = [one for one in found if one.event_id not in self._given]
        for one in fresh:
            self._given[one.event_id] = one.at
            self._newest = max(self._newest, one.at)
        return fresh
