"""A process that can be killed at any moment, and the database connections it holds.

Wherever the product waits, for a statement or for an answer, the process passes through a moment:
others get their turn there, and there it may die. A dead process does nothing any more. Its tasks
run into `KilledError` wherever they go on, so that no `finally` of theirs reaches the database or
the venue; what it had not committed is rolled back when its connections are closed, as the
operating system does it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ballast.simulation.dice import Dice
from ballast.simulation.loop import TimelessLoop
from ballast.simulation.story import ViolationError

_LONGEST_TURN: Final = 3
_NONE: Final[Mapping[str, Any]] = {}


class KilledError(BaseException):
    """The process is dead. No handler of ordinary errors may survive this."""


class Process:
    """One life of the program.

    Attributes:
        moments: how many it has passed through.
        dies_at: the moment at which it is killed; None for not yet decided.
        restless_at: the moment by which it should have come to rest.
    """

    def __init__(
        self, dice: Dice, on_death: Callable[[int], None], on_commit: Callable[[], None]
    ) -> None:
        self.alive = True
        self.moments = 0
        self.dies_at: int | None = None
        self.restless_at: int | None = None
        self._dice = dice
        self._on_death = on_death
        self._on_commit = on_commit
        self._connections: list[HereConnection] = []

    def die_within(self, moments: int) -> None:
        """Let it be killed after so many more moments."""
        self.dies_at = self.moments + moments

    async def moment(self) -> None:
        """Let others have their turn, or die.

        Raises:
            KilledError: here, or earlier.
            ViolationError: it never comes to rest.
        """
        self._go_on()
        self.moments += 1
        if self.moments == self.restless_at:
            raise ViolationError("The engine never rests: something is always due.")
        if self.dies_at is not None and self.moments >= self.dies_at:
            self.alive = False
            self._on_death(self.moments)
        turns, loop = self._dice.below(_LONGEST_TURN), asyncio.get_running_loop()
        assert isinstance(loop, TimelessLoop), "a simulation runs on a timeless loop"
        # Nobody is let pass where nobody waits.
        while turns and loop.someone_waits:
            await asyncio.sleep(0)
            turns -= 1
        self._go_on()

    def _go_on(self) -> None:
        if not self.alive:
            raise KilledError

    async def connect(self, file: Path) -> HereConnection:
        """A database connection that dies with the process."""
        await self.moment()
        connection = HereConnection(self, file)
        self._connections.append(connection)
        return connection

    def committed(self) -> None:
        """A transaction of it has just been committed."""
        self._on_commit()

    def bury(self) -> None:
        """Close what it had open: what was not committed is undone."""
        self.alive = False
        for connection in self._connections:
            connection.close_now()


class HereConnection:
    """What the store uses of aiosqlite's connection, without a thread: each statement runs at
    once, between two moments of its process."""

    def __init__(self, process: Process, file: Path) -> None:
        self._process = process
        self._database = sqlite3.connect(file, isolation_level=None, cached_statements=256)

    @property
    def row_factory(self) -> Any:
        """What rows are made with."""
        return self._database.row_factory

    @row_factory.setter
    def row_factory(self, factory: Any) -> None:
        self._database.row_factory = factory

    async def execute(self, sql: str, parameters: Mapping[str, Any] = _NONE, /) -> sqlite3.Cursor:
        """Run one statement."""
        await self._process.moment()
        return self._database.execute(sql, parameters)

    async def executemany(self, sql: str, parameters: Iterable[Mapping[str, Any]], /) -> Any:
        """Run one statement for each set of values."""
        await self._process.moment()
        return self._database.executemany(sql, parameters)

    async def execute_fetchall(
        self, sql: str, parameters: Mapping[str, Any] = _NONE, /
    ) -> list[sqlite3.Row]:
        """Run one statement; all its rows."""
        await self._process.moment()
        rows = self._database.execute(sql, parameters).fetchall()
        if sql == "COMMIT":
            self._process.committed()
        return rows

    async def rollback(self) -> None:
        """Undo what is open. No turn for others: nothing of a cancelled task may come later."""
        if self._process.alive:
            self._database.rollback()

    async def close(self) -> None:
        """Close it."""
        self.close_now()

    def close_now(self) -> None:
        """Close it; what was not committed is undone."""
        self._database.close()
