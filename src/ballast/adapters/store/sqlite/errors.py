"""SQLite's errors in our words. None of the library's own leaves the adapter."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import Index, UniqueConstraint

from ballast.adapters.store.columns import metadata
from ballast.adapters.store.errors import RuleBrokenError, our_mistake, store_error
from ballast.errors import ErrorCode

# By primary result code (the low byte), https://sqlite.org/rescode.html.
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_UNAVAILABLE: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_INTERRUPT,
    }
)
# aiosqlite's two words and sqlite3's for a connection that is no more.
_CLOSED: Final = frozenset(
    {"Connection closed", "no active connection", "Cannot operate on a closed database."}
)

_UNIQUE: Final = "UNIQUE constraint failed: "
_CHECK: Final = "CHECK constraint failed: "


def translated(error: Exception, file: Path) -> Exception:
    """What to raise instead of a driver's error.

    Args:
        error: sqlite3's error, aiosqlite's ValueError for a connection that is closed, or Python's
            for a value that does not go into a column.
        file: the database, named in the message.
    """
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return RuleBrokenError(_rule(str(error)))
    if primary in _BUSY:
        return store_error(ErrorCode.STORE_BUSY, "is being written by another process", file)
    if primary in _DAMAGED:
        return store_error(ErrorCode.STORE_DAMAGED, "is damaged, or is no database", file)
    if primary in _UNAVAILABLE or str(error) in _CLOSED:
        name = getattr(error, "sqlite_errorname", "closed")
        return store_error(
            ErrorCode.STORE_UNAVAILABLE, "cannot be read or written", file, reason=name
        )
    return our_mistake(str(error))


def _rule(message: str) -> str:
    """The name of the constraint that said no. Of a unique one SQLite tells the columns alone."""
    if message.startswith(_CHECK):
        return message.removeprefix(_CHECK)
    if message.startswith(_UNIQUE):
        columns = message.removeprefix(_UNIQUE)
        return _unique_rules().get(columns, message)
    return message


@cache
def _unique_rules() -> dict[str, str]:
    """The name of each unique constraint and index by "table.column, table.column"."""
    return {
        ", ".join(f"{table.name}.{column.name}" for column in rule.columns): str(rule.name)
        for table in metadata.tables.values()
        for rule in (*table.constraints, *table.indexes)
        if isinstance(rule, UniqueConstraint) or (isinstance(rule, Index) and rule.unique)
    }
