"""Which database the ledger is in: a file of the data directory, or Postgres."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ballast.bootstrap.machine import Machine
from ballast.bootstrap.places import Places
from ballast.bootstrap.world import has_accounts
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.adapters.store import SqlStore
    from ballast.app.ports import Store

MODE_KEY: Final = "mode"
# Left in a file whose ledger was copied into Postgres.
MOVED_KEY: Final = "moved_to"


async def open_database(settings: Settings, places: Places, machine: Machine) -> SqlStore:
    """Open the store that the settings name.

    Raises:
        BallastError: see `adapters.store`; `settings_invalid` when the database is that of the
            other mode (files of the two modes lie in folders of their own), or when the ledger of
            the file was copied into Postgres; `world_changed` when the file is gone or empty.
    """
    from ballast.adapters.store import open_postgres_store, open_store

    if settings.database_url is None:
        require_not_lost(settings, places)
        store = await (machine.open_store or open_store)(places.database)
        allowed = _require_not_moved(store)
    else:
        store = await open_postgres_store(settings.database_url)
        allowed = _keep_modes_apart(store, settings.mode)
    try:
        await allowed
    except BaseException:
        await store.close()
        raise
    return store


def require_not_lost(settings: Settings, places: Places) -> None:
    """Where something lies that is made after a ledger, there was one; an empty one in its place
    would own nothing of what is outside.

    Raises:
        BallastError: `world_changed`.
    """
    if _holds_something(places.database):
        return
    left = _left_behind(settings, places)
    # Another process may be making all of it, the database before the rest.
    if left is None or _holds_something(places.database):
        return
    found = "is empty" if places.database.exists() else "is missing"
    raise BallastError(
        ErrorCode.WORLD_CHANGED,
        f"The ledger {places.database} {found}, but {left}. No new ledger is made: put a backup "
        "back with ballast restore, or, if the ledger is in Postgres, set BALLAST_DATABASE_URL "
        "again.",
    )


def _holds_something(database: Path) -> bool:
    return database.exists() and database.stat().st_size > 0


def _left_behind(settings: Settings, places: Places) -> str | None:
    """What shows that there was a ledger, in words. Only the first is in every data directory,
    and not where the key is given."""
    from ballast.adapters.master_key import FILE_NAME

    if os.path.lexists(places.home / FILE_NAME):
        return "the master key that was made after it is there"
    if places.engine_lock.exists():
        return f"an engine that worked on it has left {places.engine_lock.name}"
    if kept := next(places.before_restoring(), None):
        return f"{kept.name} is there, which it took the place of"
    if settings.uses_embedded_devnet and has_accounts(places):
        return f"{places.devnet.name} has accounts of its indexes"
    return None


async def _keep_modes_apart(store: Store, mode: str) -> None:
    async with store.read_once() as reader:
        known = await reader.get_meta(MODE_KEY)
    if known is None:
        async with store.transaction() as tx:
            await tx.put_meta(MODE_KEY, mode)
    elif known != mode:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            f"BALLAST_DATABASE_URL names a database of {known} mode, and BALLAST_MODE is {mode}: "
            "give each mode a database of its own.",
        )


async def _require_not_moved(store: Store) -> None:
    """Two ledgers of one wallet would both be right about nothing."""
    async with store.read_once() as reader:
        database = await reader.get_meta(MOVED_KEY)
    if database is not None:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            f"The ledger of this data directory was copied into the database {database}: set "
            "BALLAST_DATABASE_URL here too.",
        )
