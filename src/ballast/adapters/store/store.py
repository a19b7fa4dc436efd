"""The store: reads and transactions over the connections to one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from pydantic import SecretStr

from ballast.adapters.store.check import check_store
from ballast.adapters.store.errors import RuleBrokenError, our_mistake
from ballast.adapters.store.migrate import prepare
from ballast.adapters.store.price_log import StorePriceLog
from ballast.adapters.store.reader import SqlReader
from ballast.adapters.store.session import OneQuery, Queries, Session
from ballast.adapters.store.sqlite.connections import SqliteConnections
from ballast.adapters.store.sqlite.session import (
    BUSY_TIMEOUT_MS,
    Connect,
    Settings,
    Synchronous,
    connect_in_thread,
    open_session,
)
from ballast.adapters.store.transaction import SqlTransaction
from ballast.core.wording import how_to_install
from ballast.errors import BallastError, ErrorCode


class Connections(Protocol):
    """The connections to one database, lent one at a time."""

    def snapshot(self) -> AbstractAsyncContextManager[Session]:
        """A session that sees the database as of its first query, and writes nothing."""
        ...

    def lent(self) -> AbstractAsyncContextManager[Session]:
        """A session for one query."""
        ...

    def short(self) -> AbstractAsyncContextManager[Queries]:
        """Answers one query that finds its rows by key."""
        ...

    def writing(self, of: str | None) -> AbstractAsyncContextManager[Session]:
        """A session in a write transaction, which is committed at the end, or undone.

        Args:
            of: what it is about; see `app.ports.Store.transaction`.
        """
        ...

    async def damage(self) -> list[str]:
        """What the database itself finds wrong, as sentences."""
        ...

    async def close(self) -> None:
        """Wait for what is written, then close everything. A second time does nothing."""
        ...


class SqlStore:
    """Fulfils the port `Store`. Made by `open_store`; `close` ends its connections."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._writing_tasks: set[asyncio.Task[Any] | None] = set()

    def price_log(self) -> StorePriceLog:
        """Where prices are kept as they are seen."""
        return StorePriceLog(self)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlReader]:
        """One consistent view: everything read inside is as of its first query."""
        async with self._connections.snapshot() as session:
            reader = SqlReader(session)
            try:
                yield reader
            finally:
                reader.end()

    @asynccontextmanager
    async def read_once(self) -> AsyncIterator[SqlReader]:
        """A view of one query: one trip to the database, where `read` takes three."""
        async with self._connections.lent() as session:
            reader = SqlReader(OneQuery(session))
            try:
                yield reader
            finally:
                reader.end()

    def read_short(self) -> AbstractAsyncContextManager[SqlReader]:
        """A view of one query by key, which a SQLite file answers without a trip."""
        return _ShortRead(self._connections.short())

    @asynccontextmanager
    async def transaction(self, of: str | None = None) -> AsyncIterator[SqlTransaction]:
        """A write transaction. A COMMIT that was sent is carried out even if the task that waits
        for it is cancelled: what happened is then to be read back, as after a crash."""
        task = asyncio.current_task()
        assert task not in self._writing_tasks, "a transaction inside a transaction"
        self._writing_tasks.add(task)
        try:
            async with self._connections.writing(of) as session:
                tx = SqlTransaction(session, of)
                try:
                    yield tx
                finally:
                    tx.end()
        except RuleBrokenError as error:
            raise our_mistake(error.rule) from error
        finally:
            self._writing_tasks.discard(task)

    async def check(self) -> list[str]:
        """Everything wrong inside: file, chains, sums, cached balances; empty when whole."""
        damage = await self._connections.damage()
        async with self._connections.snapshot() as session:
            return damage + await check_store(session)

    async def close(self) -> None:
        """Wait for what is written, then close every connection, a reader's when it is done."""
        await self._connections.close()


class _ShortRead(AbstractAsyncContextManager[SqlReader]):
    """See `SqlStore.read_short`; no generator, which would take longer than the query."""

    def __init__(self, lent: AbstractAsyncContextManager[Queries]) -> None:
        self._lent = lent

    async def __aenter__(self) -> SqlReader:
        self._reader = SqlReader(OneQuery(await self._lent.__aenter__()))
        return self._reader

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._reader.end()
        return await self._lent.__aexit__(kind, error, traceback)


async def open_store(
    path: Path,
    *,
    synchronous: Synchronous = "FULL",
    busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    connect: Connect = connect_in_thread,
) -> SqlStore:
    """Open a SQLite file, making or migrating it first where needed.

    Args:
        path: the file; its directory must exist.
        synchronous: FULL, but for tests.
        busy_timeout_ms: how long a write waits for another process before it is `store_busy`.
        connect: how the file is opened; a simulation lets it be without threads.

    Raises:
        BallastError: `store_newer` when a newer Ballast wrote it, `store_damaged` when it is broken
            or no database of Ballast, `store_busy` when another process holds it,
            `store_unavailable` when it cannot be read or written.
    """
    settings = Settings(synchronous, busy_timeout_ms, connect)
    # On a connection of its own, in a thread: looking through a large file takes time.
    await asyncio.to_thread(prepare, path)
    writer = await open_session(path, settings, read_only=False)
    return SqlStore(SqliteConnections(path, settings, writer))


async def open_postgres_store(url: SecretStr) -> SqlStore:
    """Open a Postgres database, making or migrating its tables first where needed.

    Args:
        url: of the database, with user and password.

    Raises:
        BallastError: `settings_invalid` without the extra `postgres`, for a URL that is none, and
            when the server does not let us in; `store_newer`, `store_damaged`, `store_busy` or
            `store_unavailable`.
    """
    require_extra()
    from ballast.adapters.store.postgres.address import Address
    from ballast.adapters.store.postgres.connections import open_connections
    from ballast.adapters.store.postgres.prepare import prepare as prepare_postgres

    address = Address(url)
    await asyncio.to_thread(prepare_postgres, address)
    return SqlStore(await open_connections(address))


def require_extra() -> None:
    """Refuse what needs Postgres where its packages are not installed.

    Raises:
        BallastError: `settings_invalid`, with the command that installs them.
    """
    if find_spec("psycopg") is None or find_spec("psycopg_pool") is None:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            f"BALLAST_DATABASE_URL needs the extra `postgres`: {how_to_install('postgres')}.",
        )
