"""Whether this process does its work as it should: for whoever sends requests to it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ballast.app.app import App
from ballast.errors import BallastError

LATE: Final = timedelta(minutes=2)
"""How long after its time a row may wait before it counts as left lying."""
MOST_WRONG: Final = timedelta(seconds=2)
"""By how much our clock may differ from that of those whom we ask."""
READY_KEY: Final = "written_for_readiness"

# Anybody may ask whether we are ready: so a real write is made, and the venue asked for the time,
# so often at most, in real seconds.
_WRITES_APART: Final = 10.0
_LOOKS_APART: Final = 60.0
_LONGEST_LOOK: Final = 3.0


@dataclass(slots=True)
class Readiness:
    """Tells why nothing should be asked of a process now.

    Attributes:
        of_engine: whether it has an engine to tell of; a worker takes what the queue gives it.
    """

    app: App
    of_engine: bool = True
    _written: float = field(default=-_WRITES_APART)
    _looked: float = field(default=-_LOOKS_APART)

    async def problems(self) -> list[str]:
        """Why it is not ready, as sentences; empty when it is.

        The database can be written and has the tables of this version; the books are whole; the
        engine has looked at everything that was under way and compared every index with the venue
        since it started; nothing that is due is left lying; the clock is right. What keeps an app
        from opening comes before that.
        """
        try:
            problems = await self._of_the_rows()
        except BallastError as trouble:
            return [trouble.message]
        problems += _of_the_engine(self.app) if self.of_engine else []
        await self._look_at_the_clock()
        return problems + _of_the_clock(self.app)

    async def _of_the_rows(self) -> list[str]:
        await self._write()
        app = self.app
        async with app.store.read() as reader:
            late = await reader.due_rows(app.clock.now() - LATE, 1)
            fault = await reader.revision_fault()
        problems = [fault] if fault else []
        return [*problems, "Work is due for more than two minutes."] if late else problems

    async def _write(self) -> None:
        """Whether the database takes a write, the disk included."""
        now = asyncio.get_running_loop().time()
        if now - self._written < _WRITES_APART:
            return
        async with self.app.store.transaction(READY_KEY) as tx:
            await tx.put_meta(READY_KEY, self.app.wall.now().isoformat())
        self._written = now

    async def _look_at_the_clock(self) -> None:
        """Ask for the time where nobody has been asked anything lately."""
        heard, now = self.app.timekeeper.last_heard(), asyncio.get_running_loop().time()
        recent = heard is not None and self.app.clock.now() - heard < timedelta(minutes=1)
        if recent or now - self._looked < _LOOKS_APART:
            return
        self._looked = now
        with suppress(BallastError, TimeoutError):
            async with asyncio.timeout(_LONGEST_LOOK):
                await self.app.venue.final_time()


def _of_the_engine(app: App) -> list[str]:
    engine, problems = app.engine, []
    if engine.state == "off":
        problems.append("The engine of this process has not started.")
    if engine.whole is False:
        problems.append(
            "The books are not whole: run ballast verify, and mend what it names before anything "
            "is traded."
        )
    if engine.state == "leading" and engine.last_pass_at is None:
        problems.append("The engine is still looking at what was under way before.")
    elif engine.state == "leading" and engine.unreconciled:
        problems.append(
            f"{len(engine.unreconciled)} indexes have not been compared with the venue since the "
            "engine started."
        )
    return problems


def _of_the_clock(app: App) -> list[str]:
    error = app.timekeeper.error()
    if abs(error) <= MOST_WRONG:
        return []
    side = "ahead of" if error > timedelta() else "behind"
    return [
        f"The clock is {abs(error).total_seconds():.0f} seconds or more {side} the venue's: set "
        "the machine's time."
    ]
