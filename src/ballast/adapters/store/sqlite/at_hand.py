"""Short queries that are answered where they are asked, without a trip to another thread.

A query by key takes some twenty microseconds; the way to a connection's own thread and back takes
ten times as long, and longer where processors are busy. The price is that nothing else runs in the
event loop meanwhile, so only what finds its rows by an index belongs here.

An answer is given again while nobody has committed anything. SQLite tells whether somebody has:
`data_version` is another number as soon as a commit of any other connection can be seen, whichever
process made it (sqlite.org/pragma.html#pragma_data_version), and this connection makes none. It is
asked once in a turn of the event loop: whoever asks in one turn was called before it began, so a
commit that he can know of is older.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from ballast.adapters.store.session import Queries, Row, Session
from ballast.adapters.store.sqlite.session import WORDING

MOST_ANSWERS: Final = 256


class AtHand(Queries):
    """Answers queries on a connection of its own, which waits for nobody.

    Args:
        file: the database; opened at the first query, in the thread that asks it.
        otherwise: lends a session with a thread of its own: for what cannot be answered at once,
            because another process recovers the file for instance, and for every error.
    """

    def __init__(
        self, file: Path, otherwise: Callable[[], AbstractAsyncContextManager[Session]]
    ) -> None:
        super().__init__(WORDING)
        self._file = file
        self._otherwise = otherwise
        self._database: sqlite3.Connection | None = None
        self._version = -1
        self._asked_this_turn = False
        self._answers: dict[tuple[str, tuple[Any, ...]], Sequence[Row]] = {}

    async def fetch(self, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
        """Every row of a SELECT."""
        try:
            return self._answer(sql, values)
        except sqlite3.Error:
            async with self._otherwise() as session:
                return await session.fetch(sql, values)

    def close(self) -> None:
        """Close the connection; the next query would open another."""
        if self._database is not None:
            self._database.close()
            self._database = None
            self._answers.clear()
            self._version = -1

    def _answer(self, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
        database = self._connected()
        if not self._asked_this_turn:
            self._look_for_commits(database)
        asked = (sql, tuple(values.items()))
        known = self._answers.get(asked)
        if known is None:
            known = self._answers[asked] = database.execute(sql, values).fetchall()
        return known

    def _look_for_commits(self, database: sqlite3.Connection) -> None:
        # Asked before the rows are: they may be newer than it, never older.
        (version,) = database.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self._answers) >= MOST_ANSWERS:
            self._answers.clear()
            self._version = version
        self._asked_this_turn = True
        asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._asked_this_turn = False

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = sqlite3.connect(
                self._file, timeout=0, isolation_level=None, cached_statements=256
            )
            self._database.row_factory = sqlite3.Row
            self._database.execute("PRAGMA query_only = ON")
        return self._database
