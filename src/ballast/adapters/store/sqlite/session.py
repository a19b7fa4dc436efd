"""One connection to a SQLite file, and the one place that talks to its driver.

Statements are SQLAlchemy Core, compiled once each, and run on aiosqlite directly: one hop to the
connection's thread per statement. SQLAlchemy's own async engine takes four, and a greenlet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import aiosqlite
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from ballast.adapters.store.session import Session, Wording
from ballast.adapters.store.sqlite.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Dialect, FromClause

Synchronous = Literal["FULL", "OFF"]

BUSY_TIMEOUT_MS: Final = 10_000


class Cursor(Protocol):
    """What a statement leaves behind."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...


class Connection(Protocol):
    """What is used of aiosqlite's connection; its methods are described there."""

    row_factory: Any

    async def execute(self, sql: str, parameters: Mapping[str, Any], /) -> Cursor: ...
    async def executemany(self, sql: str, parameters: Iterable[Mapping[str, Any]], /) -> Any: ...
    async def execute_fetchall(
        self, sql: str, parameters: Mapping[str, Any] = ..., /
    ) -> Iterable[sqlite3.Row]: ...
    async def rollback(self) -> None: ...
    async def close(self) -> None: ...


Connect = Callable[[Path], Awaitable[Connection]]


async def connect_in_thread(file: Path) -> Connection:
    """A connection that has a thread of its own until it is closed."""
    # Autocommit: transactions begin and end where we say so.
    connection = aiosqlite.connect(file, isolation_level=None, cached_statements=256)
    # A process that breaks off without closing must end; to the file that is a crash like any
    # other. aiosqlite has no setting for this, and its version is pinned.
    connection._thread.daemon = True
    return await connection


class _Compiler(SQLiteCompiler):
    """Says which index is meant where a statement has a hint, as SQLAlchemy's own does not."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        """What stands behind the name of a table."""
        return text


def _dialect() -> Dialect:
    dialect = sqlite.dialect(paramstyle="named")
    dialect.statement_compiler = _Compiler
    return dialect


WORDING: Final = Wording(_dialect())


class SqliteSession(Session):
    """Runs statements on one connection to a file."""

    def __init__(self, connection: Connection, file: Path) -> None:
        super().__init__(WORDING)
        self._connection = connection
        self._file = file

    async def fetch(self, sql: str, values: Mapping[str, Any]) -> list[sqlite3.Row]:
        """Every row of a SELECT."""
        with self.translating():
            return list(await self._connection.execute_fetchall(sql, values))

    async def run(self, sql: str, values: Mapping[str, Any]) -> int:
        """Run one statement; how many rows it changed."""
        with self.translating():
            cursor = await self._connection.execute(sql, values)
        return cursor.rowcount

    async def run_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement once for each set of values."""
        with self.translating():
            await self._connection.executemany(sql, values)

    async def command(self, sql: str) -> list[sqlite3.Row]:
        """Run SQL that has no values: transaction control and pragmas."""
        with self.translating():
            return list(await self._connection.execute_fetchall(sql))

    async def roll_back(self) -> None:
        """Undo what is open; nothing when there is nothing."""
        with self.translating():
            await self._connection.rollback()

    async def close(self) -> None:
        """Close the connection and end its thread."""
        with self.translating():
            await self._connection.close()

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except (sqlite3.Error, ValueError, OverflowError) as error:
            raise translated(error, self._file) from error


@dataclass(frozen=True, slots=True)
class Settings:
    """How every connection is set.

    Attributes:
        synchronous: FULL, because a lost "signed" row is a double trade: each commit is on the
            disk before it is answered. OFF is for tests alone.
        busy_timeout_ms: how long a writer waits for the writer of another process.
        connect: how the file is opened.
    """

    synchronous: Synchronous = "FULL"
    busy_timeout_ms: int = BUSY_TIMEOUT_MS
    connect: Connect = connect_in_thread

    def pragmas(self, *, read_only: bool) -> tuple[str, ...]:
        """What is run on a new connection."""
        return (
            f"PRAGMA busy_timeout = {self.busy_timeout_ms}",
            "PRAGMA journal_mode = WAL",
            f"PRAGMA synchronous = {self.synchronous}",
            "PRAGMA foreign_keys = ON",
            f"PRAGMA query_only = {'ON' if read_only else 'OFF'}",
        )


async def open_session(file: Path, settings: Settings, *, read_only: bool) -> SqliteSession:
    """Connect, and set the connection up."""
    try:
        connection = await settings.connect(file)
    except sqlite3.Error as error:
        raise translated(error, file) from error
    session = SqliteSession(connection, file)
    try:
        connection.row_factory = sqlite3.Row
        for sql in settings.pragmas(read_only=read_only):
            await session.command(sql)
    except BaseException:
        await session.close()
        raise
    return session
