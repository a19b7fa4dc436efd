"""Copies of a SQLite database: taken while others write, and put back over one that is in use.

By SQLite's online backup API (https://sqlite.org/backup.html): the copy is the database as of one
moment, whatever is being written. Putting one back is one transaction on the database itself: other
processes that have it open see the whole of it, or nothing; none goes on writing to a file that has
lost its name.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from ballast.adapters.store.errors import store_error
from ballast.adapters.store.sqlite.errors import translated
from ballast.adapters.store.sqlite.session import BUSY_TIMEOUT_MS
from ballast.errors import BallastError, ErrorCode

ALL_AT_ONCE: Final = -1
_COMPANIONS: Final = ("", "-wal", "-shm")


def copy_database(source: Path, target: Path) -> None:
    """Write a whole and consistent copy into a new file, for its owner only. Blocks.

    It is written under another name, checked, flushed to the disk and then renamed: a file of the
    wanted name is always whole.

    Raises:
        BallastError: `invalid_input` when the target exists or its folder does not;
            `store_damaged` when the source is no whole database; `store_busy`,
            `store_unavailable`.
    """
    if target.exists():
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"The file {target} exists already; nothing is written over.",
            problems=[{"field": "file", "problem": "must be a new file"}],
        )
    if not target.parent.is_dir():
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"There is no folder {target.parent} to write the copy into.",
            problems=[{"field": "file", "problem": "must be a new file in a folder that is there"}],
        ).advising("Make the folder, or name a file in another one, and call again.")
    draft = target.with_name(f"{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(source, draft)
        _flush(draft)
        draft.rename(target)
        _flush(target.parent)
    except sqlite3.Error as error:
        raise translated(error, source) from error
    except OSError as error:
        raise store_error(
            ErrorCode.STORE_UNAVAILABLE,
            "cannot be copied",
            source,
            target=str(target),
            reason=str(error.strerror),
        ) from None
    finally:
        draft.unlink(missing_ok=True)


def put_back(copy: Path, target: Path) -> None:
    """Make a database what a copy of it is, in one transaction of its own. Blocks.

    Raises:
        BallastError: `store_busy` when it is being written for too long; `store_damaged` when it
            cannot be written because it is no whole database; `store_unavailable`.
    """
    try:
        with closing(_opened(copy)) as source, closing(_opened(target)) as database:
            database.execute("PRAGMA synchronous = FULL")
            source.backup(database, pages=ALL_AT_ONCE)
    except sqlite3.Error as error:
        raise translated(error, target) from error


def set_aside(file: Path, name: str) -> Path:
    """Give a database that is damaged another name, with all that belongs to it; its new path."""
    aside = file.with_name(name)
    for ending in _COMPANIONS:
        part = file.with_name(file.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)


def _copy(source: Path, draft: Path) -> None:
    # Read-only: a copy that somebody keeps is not changed by looking at it.
    address = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as original,
        closing(_opened(draft)) as copy,
    ):
        original.backup(copy, pages=ALL_AT_ONCE)
        # One file, with no write-ahead log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise store_error(ErrorCode.STORE_DAMAGED, "is damaged", source, found=str(found)[:200])


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
