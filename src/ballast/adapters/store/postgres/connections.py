"""The connections to one Postgres database: readers, and writers that wait for their own kind.

A write transaction says what it is about: an index, or another name. Those about the same thing
come one after the other; those about different things run at the same time. One that says nothing
runs alone, as every one does on SQLite. Two advisory locks of the transaction do it, taken in its
first round trip: one of the whole database, shared or not, then one of the thing. Each transaction
takes them in this order, and no further one, so none waits in a circle. Every statement behind them
sees all that was committed before (READ COMMITTED): nobody else can write what it is about.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from ballast.adapters.store.errors import store_error
from ballast.adapters.store.postgres.errors import translated, unreachable
from ballast.adapters.store.postgres.session import PostgresSession
from ballast.errors import ErrorCode

if TYPE_CHECKING:
    from ballast.adapters.store.postgres.address import Address

# Connections of one process, at most: as many reads and as many writes at a time.
MAX_READERS: Final = 4
MAX_WRITERS: Final = 4
POOL_TIMEOUT_SECONDS: Final = 10
# The lock of the whole database, in the space of single keys; that of a thing has two.
EVERYTHING: Final = 0x62616C6C617374  # "ballast"

_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# An administrator may have turned it off for speed. A lost "signed" row is a double trade.
_DURABLE: Final = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)


class PostgresConnections:
    """Fulfils `Connections`. Made by `open_connections`."""

    def __init__(
        self, pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]], name: str
    ) -> None:
        self._pool = pool
        self._name = name
        self._reading = asyncio.Semaphore(MAX_READERS)
        self._writing = asyncio.Semaphore(MAX_WRITERS)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PostgresSession]:
        """A session that sees the database as of its first query."""
        async with self._reading, self._begun(_SNAPSHOT) as session:
            try:
                yield session
            finally:
                await session.roll_back()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[PostgresSession]:
        """A session for one query."""
        async with self._reading, self._connection() as session:
            yield session

    def short(self) -> AbstractAsyncContextManager[PostgresSession]:
        """Answers one query by key: the server is a trip away for every query."""
        return self.lent()

    @asynccontextmanager
    async def writing(self, of: str | None) -> AsyncIterator[PostgresSession]:
        """A session in a write transaction, which is committed at the end, or undone."""
        async with self._writing, self._begun(f"BEGIN; {lock_of(of)}") as session:
            try:
                yield session
                await session.command("COMMIT")
            except BaseException:
                await session.roll_back()
                raise

    @asynccontextmanager
    async def _begun(self, begin: str) -> AsyncIterator[PostgresSession]:
        async with self._connection() as session:
            try:
                await session.command(begin)
            except BaseException:
                await session.roll_back()
                raise
            yield session

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[PostgresSession]:
        try:
            connection = await self._pool.getconn(POOL_TIMEOUT_SECONDS)
        except PoolClosed:
            raise store_error(ErrorCode.STORE_UNAVAILABLE, "is closed", self._name) from None
        except PoolTimeout:
            raise unreachable(self._name) from None
        try:
            yield PostgresSession(connection, self._name)
        finally:
            # The pool throws away one that is broken or was left in the middle of something.
            await self._pool.putconn(connection)

    async def damage(self) -> list[str]:
        """Nothing: foreign keys hold at every commit, and pages are the server's own care."""
        return []

    async def close(self) -> None:
        """Wait for what is written, then close everything."""
        async with asyncio.timeout(2 * POOL_TIMEOUT_SECONDS):
            for _ in range(MAX_WRITERS):
                await self._writing.acquire()
        for _ in range(MAX_WRITERS):
            self._writing.release()
        await self._pool.close()


def lock_of(of: str | None) -> str:
    """The SELECT that takes a transaction's locks, and gives them back at its end."""
    if of is None:
        return f"SELECT pg_advisory_xact_lock({EVERYTHING})"
    digest = hashlib.blake2b(of.encode(), digest_size=8).digest()
    high, low = (int.from_bytes(part, "big", signed=True) for part in (digest[:4], digest[4:]))
    return (
        f"SELECT pg_advisory_xact_lock_shared({EVERYTHING});"
        f" SELECT pg_advisory_xact_lock({high}, {low})"
    )


async def open_connections(address: Address) -> PostgresConnections:
    """Connect to a database whose schema has been looked at.

    Raises:
        BallastError: `store_unavailable` when the server does not answer in time.
    """

    async def make_durable(connection: psycopg.AsyncConnection[DictRow]) -> None:
        await connection.execute(_DURABLE)

    pool = AsyncConnectionPool(
        address.conninfo(),
        connection_class=psycopg.AsyncConnection[DictRow],
        kwargs={"autocommit": True, "row_factory": dict_row},
        min_size=1,
        max_size=MAX_READERS + MAX_WRITERS,
        timeout=POOL_TIMEOUT_SECONDS,
        configure=make_durable,
        open=False,
        num_workers=1,
        name="store",
    )
    try:
        await pool.open(wait=True, timeout=POOL_TIMEOUT_SECONDS)
    except PoolTimeout:
        await pool.close()
        raise unreachable(address.name) from None
    except psycopg.Error as error:
        await pool.close()
        raise translated(error, address.name) from error
    return PostgresConnections(pool, address.name)
