"""One connection to a Postgres database, and the one place that talks to its driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
from sqlalchemy.dialects.postgresql.psycopg import dialect

from ballast.adapters.store.postgres.errors import translated
from ballast.adapters.store.session import Session, Wording

if TYPE_CHECKING:
    from psycopg.rows import DictRow

WORDING: Final = Wording(dialect())  # type: ignore[no-untyped-call]


class PostgresSession(Session):
    """Runs statements on one connection to a database."""

    def __init__(self, connection: psycopg.AsyncConnection[DictRow], database: str) -> None:
        super().__init__(WORDING)
        self._connection = connection
        self._database = database

    async def fetch(self, sql: str, values: Mapping[str, Any]) -> list[DictRow]:
        """Every row of a SELECT."""
        with self.translating():
            cursor = await self._connection.execute(sql, values)
            return await cursor.fetchall()

    async def run(self, sql: str, values: Mapping[str, Any]) -> int:
        """Run one statement; how many rows it changed."""
        with self.translating():
            cursor = await self._connection.execute(sql, values)
        return cursor.rowcount

    async def run_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement once for each set of values."""
        with self.translating():
            await self._connection.cursor().executemany(sql, values)

    async def command(self, sql: str) -> None:
        """Run SQL that has no values, several statements at once: transaction control."""
        with self.translating():
            await self._connection.execute(sql)

    async def roll_back(self) -> None:
        """Undo what is open; nothing when there is nothing."""
        with self.translating():
            await self._connection.rollback()

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except psycopg.Error as error:
            raise translated(error, self._database) from error
