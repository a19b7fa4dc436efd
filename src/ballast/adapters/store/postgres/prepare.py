"""Bring a Postgres database to the newest revision, or say why it cannot be opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from ballast.adapters.store.errors import store_error
from ballast.adapters.store.migrate import known_revision, newest_revision, require_ours, upgrade
from ballast.adapters.store.postgres.errors import translated
from ballast.errors import ErrorCode

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ballast.adapters.store.postgres.address import Address

# Of the many things newer versions bring we need none; this is the oldest still maintained.
OLDEST_SERVER: Final = 14
# The lock that of several processes lets one migrate.
MIGRATING: Final = 0x62616C6C617375
# Tables beside ours: the queue of the workers lives in the same database.
_OTHERS: Final = "procrastinate%"


def prepare(address: Address) -> str | None:
    """Check the database, and make or migrate its tables where needed. Blocks.

    Returns:
        The revision it had before; None when it was empty.

    Raises:
        BallastError: `store_newer`, `store_damaged`, `store_busy`, `store_unavailable`, or
            `settings_invalid` when the server does not let us in.
    """
    with _connection(address) as connection:
        if connection.info.server_version // 10_000 < OLDEST_SERVER:
            raise store_error(
                ErrorCode.STORE_UNAVAILABLE,
                f"needs Postgres {OLDEST_SERVER} or newer",
                address.name,
            )
        revision = _revision(connection, address)
    if revision != newest_revision():
        _migrate(address)
    return revision


def _revision(connection: psycopg.Connection, address: Address) -> str | None:
    tables = {
        str(name)
        for (name,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            " AND tablename NOT LIKE %s",
            (_OTHERS,),
        )
    }
    if not tables:
        return None
    require_ours(tables, address.name)
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise store_error(
            ErrorCode.STORE_DAMAGED, "does not say which revision it has", address.name
        )
    return known_revision(str(row[0]), address.name)


@contextmanager
def _connection(address: Address) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(address.conninfo()) as connection:
            yield connection
    except psycopg.Error as error:
        raise translated(error, address.name) from error


def _migrate(address: Address) -> None:
    from sqlalchemy.exc import DBAPIError

    try:
        with migrating_connection(address) as connection:
            # Another process may have done it while we waited for the lock.
            if _revision(driver_of(connection), address) != newest_revision():
                upgrade(connection)
    except DBAPIError as error:
        raise _translated(error, address) from error


def _translated(error: Exception, address: Address) -> Exception:
    cause = getattr(error, "orig", None)
    return translated(cause, address.name) if isinstance(cause, psycopg.Error) else error


@contextmanager
def migrating_connection(address: Address) -> Iterator[Connection]:
    """A connection in one transaction, in which a whole migration happens or does not. It holds
    the lock of all who migrate."""
    from sqlalchemy import NullPool, create_engine

    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(address.conninfo()),
        poolclass=NullPool,
    )
    with engine.begin() as connection:
        # Others may wait for longer than one migration takes.
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
        yield connection


def driver_of(connection: Connection) -> psycopg.Connection:
    """The driver's connection below SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
