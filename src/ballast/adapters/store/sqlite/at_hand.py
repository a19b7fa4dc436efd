"""Short queries that are answered where they are asked, without a trip to another thread.

A query by key takes some twenty microseconds; the way to a connection's own thread and back takes
ten times as long, and longer where processors are busy. The price is that nothing else runs in the
event loop meanwhile, so only what finds its rows by an index belongs here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from ballast.adapters.store.session import Queries, Row, Session
from ballast.adapters.store.sqlite.session import WORDING


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

    async def fetch(self, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
        """Every row of a SELECT."""
        try:
            return self._connected().execute(sql, values).fetchall()
        except sqlite3.Error:
            async with self._otherwise() as session:
                return await session.fetch(sql, values)

    def close(self) -> None:
        """Close the connection; the next query would open another."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = sqlite3.connect(
                self._file, timeout=0, isolation_level=None, cached_statements=256
            )
            self._database.row_factory = sqlite3.Row
            self._database.execute("PRAGMA query_only = ON")
        return self._database
