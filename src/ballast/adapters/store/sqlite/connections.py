"""The connections to one SQLite file: one writer, and readers that never wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

from ballast.adapters.store.errors import store_error
from ballast.adapters.store.session import Queries
from ballast.adapters.store.sqlite.at_hand import AtHand
from ballast.adapters.store.sqlite.session import (
    Settings,
    SqliteSession,
    connect_in_thread,
    open_session,
)
from ballast.errors import ErrorCode

# Each reader is a connection with a thread of its own. More than this many reads at a time wait.
MAX_READERS: Final = 4


class SqliteConnections:
    """Fulfils `Connections`.

    A cancelled task leaves at once. Its ROLLBACK is in the connection's queue by then, behind the
    statement it waited for and ahead of whatever comes next, so nobody has to wait for it.
    """

    def __init__(self, file: Path, settings: Settings, writer: SqliteSession) -> None:
        self._file = file
        self._settings = settings
        self._writer = writer
        self._writing = asyncio.Lock()
        self._idle: list[SqliteSession] = []
        self._reading = asyncio.Semaphore(MAX_READERS)
        self._closed = False
        # A connection that a simulation or a test brings is to see every query.
        own = settings.connect is connect_in_thread
        self._at_hand = AtHand(file, self.lent) if own else None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[SqliteSession]:
        """A session that sees the database as of its first query."""
        async with self.lent() as session:
            try:
                await session.command("BEGIN")
                yield session
            finally:
                await session.roll_back()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[SqliteSession]:
        """A session that reads, without a transaction."""
        async with self._reading:
            session = await self._reader()
            try:
                yield session
            finally:
                self._idle.append(session)
                if self._closed:
                    await self._close_readers()

    def short(self) -> AbstractAsyncContextManager[Queries]:
        """Answers one query by key, where it is asked."""
        self._refuse_when_closed()
        return self.lent() if self._at_hand is None else nullcontext(self._at_hand)

    async def _reader(self) -> SqliteSession:
        self._refuse_when_closed()
        if self._idle:
            return self._idle.pop()
        return await open_session(self._file, self._settings, read_only=True)

    @asynccontextmanager
    async def writing(self, of: str | None) -> AsyncIterator[SqliteSession]:
        """A session in a write transaction, which is committed at the end, or undone. Whatever it
        is about, it is the only one."""
        async with self._writing:
            self._refuse_when_closed()
            try:
                await self._writer.command("BEGIN IMMEDIATE")
                yield self._writer
                await self._writer.command("COMMIT")
            except BaseException:
                await self._writer.roll_back()
                raise

    async def damage(self) -> list[str]:
        """What SQLite itself finds, as sentences."""
        async with self.snapshot() as session:
            found = [str(row[0]) for row in await session.command("PRAGMA quick_check")]
            wrong = [f"The file is damaged: {text}." for text in found if text != "ok"]
            wrong += [
                f"A row of {row['table']} refers to a row of {row['parent']} that is not there."
                for row in await session.command("PRAGMA foreign_key_check")
            ]
        return wrong

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise store_error(ErrorCode.STORE_UNAVAILABLE, "is closed", self._file)

    async def close(self) -> None:
        """Wait for the writer, then close every connection, a reader's when its read is over."""
        if self._closed:
            return
        async with self._writing:
            self._closed = True
            await self._writer.close()
        if self._at_hand is not None:
            self._at_hand.close()
        await self._close_readers()

    async def _close_readers(self) -> None:
        while self._idle:
            await self._idle.pop().close()
