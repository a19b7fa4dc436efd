"""Bring a database file to the newest revision, or say why it cannot be opened.

Which revisions there are stands here as data, so that an up-to-date file is opened without Alembic,
which costs a good part of a second to import.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ballast.adapters.store.errors import store_error
from ballast.adapters.store.sqlite.errors import translated
from ballast.adapters.store.sqlite.session import BUSY_TIMEOUT_MS
from ballast.errors import ErrorCode

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Oldest first; a test holds this against the scripts in migrations/versions.
REVISIONS: Final = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
    "0017",
    "0018",
    "0019",
    "0020",
)
# Tables that every revision has: other programs too keep their revision as Alembic does.
_OURS: Final = frozenset({"alembic_version", "indexes", "entries", "postings"})
# STRICT tables came with 3.37, JSON in every build with 3.38.
OLDEST_SQLITE: Final = (3, 38, 0)
SCRIPTS: Final = Path(__file__).parent / "migrations"
_HIGHLIGHTING: Final = "mako.ext.pygmentplugin"


def newest_revision() -> str:
    """The revision this Ballast reads and writes."""
    return REVISIONS[-1]


def prepare(path: Path) -> str | None:
    """Check the file, and make or migrate it where needed. Blocks.

    Returns:
        The revision it had before; None when it was new or empty.

    Raises:
        BallastError: `store_newer`, `store_damaged`, `store_busy` or `store_unavailable`.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise store_error(
            ErrorCode.STORE_UNAVAILABLE,
            f"needs SQLite {'.'.join(map(str, OLDEST_SQLITE))} or newer; this Python has "
            f"{sqlite3.sqlite_version}",
            path,
        )
    revision = _revision(path)
    if revision != newest_revision():
        with _one_at_a_time(path):
            _migrate(path)
    return revision


def _revision(path: Path) -> str | None:
    """The revision of a sound file; None for a file that is new or empty."""
    if not path.exists():
        return None
    with _plain_connection(path) as connection:
        wrong = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if wrong != "ok":
            raise store_error(ErrorCode.STORE_DAMAGED, "is damaged", path, found=str(wrong)[:200])
        return _recorded_revision(connection, path)


def _recorded_revision(connection: sqlite3.Connection, path: Path) -> str | None:
    tables = {
        str(row[0])
        for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    if not tables:
        return None
    require_ours(tables, path)
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise store_error(ErrorCode.STORE_DAMAGED, "does not say which revision it has", path)
    return known_revision(str(row[0]), path)


def require_ours(tables: Collection[str], database: Path | str) -> None:
    """Refuse what another program keeps, before anything is written to it.

    Args:
        tables: names of those that are there, one at least.
        database: for the message.

    Raises:
        BallastError: `store_damaged`.
    """
    if not _OURS.issubset(tables):
        raise store_error(
            ErrorCode.STORE_DAMAGED, "holds tables, but not those of Ballast", database
        ).advising(
            "It was not changed. Move it to where it belongs, or name another data directory or "
            "database. If there was a ledger here: ballast restore puts a backup back."
        )


def known_revision(revision: str, database: Path | str) -> str:
    """The revision a database says it has.

    Args:
        database: for the message.

    Raises:
        BallastError: `store_newer` for one this Ballast does not know.
    """
    if revision not in REVISIONS:
        raise store_error(
            ErrorCode.STORE_NEWER,
            f"has revision {revision[:40]}; this Ballast knows revisions up to {newest_revision()}",
            database,
            found=revision[:40],
            newest=newest_revision(),
        )
    return revision


@contextmanager
def _plain_connection(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise translated(error, path) from error


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Hold the lock beside the file, so that of several processes one migrates.

    The transaction alone is not enough: turning on the write-ahead log comes before it, and two
    processes that do it at once make one of them fail without waiting.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(path.name + ".migrating"), mode=0o600)
    try:
        lock.acquire(timeout=3 * BUSY_TIMEOUT_MS / 1000)
    except Timeout as error:
        raise store_error(
            ErrorCode.STORE_BUSY, "is being migrated by another process", path
        ) from error
    except OSError as error:
        raise store_error(
            ErrorCode.STORE_UNAVAILABLE, "cannot be written", path, reason=str(error.strerror)
        ) from error
    try:
        yield
    finally:
        lock.release()


def _migrate(path: Path) -> None:
    from sqlalchemy.exc import DBAPIError

    _make_private(path)
    with _plain_connection(path) as connection:
        # Kept in the file from here on; it cannot be set inside a transaction.
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise store_error(
                ErrorCode.STORE_UNAVAILABLE,
                "is on a file system that cannot keep a write-ahead log (a network share?)",
                path,
            )
    try:
        with migrating_connection(path) as migrating:
            # Another process may have done it while we waited for the file.
            if _recorded_revision(driver_of(migrating), path) != newest_revision():
                upgrade(migrating)
    except DBAPIError as error:
        raise translated(error.orig or error, path) from error


def _make_private(path: Path) -> None:
    """Make an empty file for its owner only, where there is none. SQLite would go by the umask;
    what it makes beside the file, it makes like the file."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise store_error(
            ErrorCode.STORE_UNAVAILABLE, "cannot be written", path, reason=str(error.strerror)
        ) from error


@contextmanager
def migrating_connection(path: Path) -> Iterator[Connection]:
    """A connection in one exclusive transaction, in which a whole migration happens or does not.

    Foreign keys are off inside, because a table may be rebuilt; they are checked before the end.
    """
    from sqlalchemy import NullPool, create_engine

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    # What is not committed here is rolled back when the connection closes.
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous = FULL")
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        yield connection
        if connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
            raise store_error(ErrorCode.STORE_DAMAGED, "has rows that refer to none", path)
        connection.exec_driver_sql("COMMIT")


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's connection below SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def upgrade(connection: Connection) -> None:
    """Run every migration that is missing, on a connection that is in a transaction."""
    from ballast.adapters.store.triggers import put_triggers

    with _without_highlighting():
        from alembic import command
    command.upgrade(alembic_config(connection), newest_revision())
    # A table that was rebuilt has lost its triggers.
    put_triggers(connection)


@contextmanager
def _without_highlighting() -> Iterator[None]:
    """Alembic imports Mako, to write new scripts; and Mako loads Pygments wherever it is
    installed, to colour pages that nobody sees here: 4 MiB. It can do without."""
    missing: dict[str, Any] = {_HIGHLIGHTING: None}  # None: the import fails
    if "mako" not in sys.modules:
        sys.modules.update(missing)
    try:
        yield
    finally:
        if sys.modules.get(_HIGHLIGHTING, missing) is None:
            del sys.modules[_HIGHLIGHTING]


def alembic_config(connection: Connection | None = None) -> Any:
    """Alembic's settings: where the scripts are, and which connection to use."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
