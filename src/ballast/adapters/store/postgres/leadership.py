"""The lock of the engine in the database itself: for processes of many machines."""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg
from pydantic import SecretStr

from ballast.adapters.store.postgres.address import Address

# Of the session: free when its connection ends, however that comes about.
LEADING: Final = 0x62616C6C617374 + 2
_ANSWER_SECONDS: Final = 5


class PostgresLeadership:
    """Fulfils `Leadership` with an advisory lock of a session, on a connection of its own.

    It keeps engines from doing work twice for nothing. That a trade is not done twice rests on the
    states that each transaction compares: an engine whose connection was lost may go on for a
    moment beside its successor.
    """

    def __init__(self, url: SecretStr) -> None:
        self._address = Address(url)
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None

    async def take(self) -> bool:
        """Try to have it. A server that does not answer gives it to nobody."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                if self._connection is None:
                    self._connection = await psycopg.AsyncConnection.connect(
                        self._address.conninfo(), autocommit=True
                    )
                found = await self._connection.execute(f"SELECT pg_try_advisory_lock({LEADING})")
                row = await found.fetchone()
        except (psycopg.Error, TimeoutError):
            await self.give_back()
            return False
        return row is not None and bool(row[0])

    async def kept(self) -> bool:
        """Whether the connection that holds it still answers."""
        if self._connection is None:
            return False
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError):
            return False
        return True

    async def give_back(self) -> None:
        """End the session, and with it the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
