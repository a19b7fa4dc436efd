"""Copying a ledger from a SQLite file into an empty Postgres database, and proving it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from pydantic import SecretStr
from sqlalchemy import Table, Text

from ballast.adapters.store.check import check_store
from ballast.adapters.store.columns import UNITS, metadata
from ballast.adapters.store.errors import store_error
from ballast.adapters.store.migrate import newest_revision, prepare
from ballast.adapters.store.postgres.address import Address
from ballast.adapters.store.postgres.errors import translated
from ballast.adapters.store.postgres.prepare import prepare as prepare_postgres
from ballast.adapters.store.postgres.session import PostgresSession
from ballast.adapters.store.sqlite.errors import translated as translated_sqlite
from ballast.errors import BallastError, ErrorCode

_AT_A_TIME: Final = 2_000
# Migrations put rows into these; those of the ledger take their place.
_SEEDED: Final = frozenset({"schedules", "shards"})


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied.

    Attributes:
        rows: of each table that has any.
        entries: of the ledger, whose chain was hashed anew on the other side.
    """

    database: str
    revision: str
    rows: dict[str, int]
    entries: int


async def copy_ledger(file: Path, url: SecretStr, moved_key: str) -> Copied:
    """Copy every row in one transaction, compare each with what was read, check the chains, and
    mark the file as moved. No process may be the engine meanwhile; writers of the file wait.

    Args:
        moved_key: of the fact that is left in the file: where its ledger went.

    Raises:
        BallastError: `invalid_input` when there is no file; `settings_invalid` when the database
            holds rows already; `store_damaged` when anything differs: then nothing was copied.
    """
    _require_ledger(file)
    address = Address(url)
    prepare(file)
    prepare_postgres(address)
    with _source(file) as source:
        try:
            copied = await _copy(source, address)
        except psycopg.Error as error:
            raise translated(error, address.name) from error
        source.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (moved_key, address.name),
        )
        source.execute("COMMIT")
    return copied


def _require_ledger(file: Path) -> None:
    if not file.exists():
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"There is no ledger to copy: {file} does not exist.",
            problems=[{"field": "BALLAST_DATA_DIR", "problem": "holds no ledger of this mode"}],
        )


@contextmanager
def _source(file: Path) -> Iterator[sqlite3.Connection]:
    """The file, in a transaction that keeps other writers out."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
    except sqlite3.Error as error:
        raise translated_sqlite(error, file) from error


async def _copy(source: sqlite3.Connection, address: Address) -> Copied:
    connection = await psycopg.AsyncConnection.connect(address.conninfo(), row_factory=dict_row)
    rows: dict[str, int] = {}
    # Leaving by an exception undoes everything.
    async with connection:
        await _require_empty(connection, address)
        # In the order of foreign keys.
        for table in metadata.sorted_tables:
            if count := await _copy_table(source, connection, table):
                rows[table.name] = count
        for table in metadata.sorted_tables:
            await _compare_table(source, connection, table, address)
        if wrong := await check_store(PostgresSession(connection, address.name)):
            raise store_error(
                ErrorCode.STORE_DAMAGED, "did not take the ledger", address.name, found=wrong[:20]
            )
    return Copied(address.name, newest_revision(), rows, rows.get("entries", 0))


async def _require_empty(
    connection: psycopg.AsyncConnection[dict[str, Any]], address: Address
) -> None:
    for table in metadata.sorted_tables:
        # Also keeps everybody else from writing until this is over.
        await connection.execute(_sql("LOCK TABLE {table} IN EXCLUSIVE MODE", table))
        if table.name in _SEEDED:
            await connection.execute(_sql("DELETE FROM {table}", table))
        found = await connection.execute(_sql("SELECT 1 FROM {table} LIMIT 1", table))
        if await found.fetchone() is not None:
            raise BallastError(
                ErrorCode.SETTINGS_INVALID,
                f"BALLAST_DATABASE_URL: the database {address.name} holds rows already "
                f"({table.name}); a ledger is copied into an empty one.",
            )


async def _copy_table(
    source: sqlite3.Connection, connection: psycopg.AsyncConnection[dict[str, Any]], table: Table
) -> int:
    count = 0
    statement = _sql("COPY {table} ({columns}) FROM STDIN", table)
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in _rows_of(source, table):
            await copy.write_row(row)
            count += 1
    return count


def _rows_of(source: sqlite3.Connection, table: Table) -> Iterator[Sequence[Any]]:
    """Every row by primary key. Names are those of our own tables."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    key = ", ".join(f'"{column.name}"' for column in table.primary_key)
    yield from source.execute(f'SELECT {columns} FROM "{table.name}" ORDER BY {key}')  # noqa: S608


async def _compare_table(
    source: sqlite3.Connection,
    connection: psycopg.AsyncConnection[dict[str, Any]],
    table: Table,
    address: Address,
) -> None:
    theirs = _rows_there(connection, table)
    for ours in _rows_of(source, table):
        there = await anext(theirs, None)
        if there is None or tuple(ours) != there:
            raise _differs(table, address)
    if await anext(theirs, None) is not None:
        raise _differs(table, address)


def _differs(table: Table, address: Address) -> BallastError:
    return store_error(
        ErrorCode.STORE_DAMAGED,
        f"holds something else in {table.name} than was copied; nothing was kept",
        address.name,
    )


async def _rows_there(
    connection: psycopg.AsyncConnection[dict[str, Any]], table: Table
) -> AsyncIterator[tuple[Any, ...]]:
    """Every row by primary key, in SQLite's order and with its kinds of value."""
    columns = [_as_on_sqlite(column) for column in table.columns]
    key = [
        sql.SQL('{} COLLATE "C"').format(sql.Identifier(column.name))
        if isinstance(column.type, Text)
        else sql.Identifier(column.name)
        for column in table.primary_key
    ]
    statement = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
        sql.SQL(", ").join(columns), sql.Identifier(table.name), sql.SQL(", ").join(key)
    )
    async with connection.cursor(name=f"copied_{table.name}") as cursor:
        cursor.itersize = _AT_A_TIME
        await cursor.execute(statement)
        async for row in cursor:
            yield tuple(row.values())


def _as_on_sqlite(column: Any) -> sql.Composable:
    """Amounts are text there. A number without a fraction has one text alone."""
    name = sql.Identifier(column.name)
    if column.type is UNITS:
        return sql.SQL("{}::text AS {}").format(name, name)
    return name


def _sql(text: LiteralString, table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    return sql.SQL(text).format(table=sql.Identifier(table.name), columns=columns)
