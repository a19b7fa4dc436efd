"""Bringing the database up to date, and moving it from the file to Postgres."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ballast.bootstrap.database import MOVED_KEY, require_not_lost
from ballast.bootstrap.leadership import FileLeadership
from ballast.bootstrap.places import Places, make_home
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.adapters.store.postgres.copying import Copied


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was done to a database: its revisions before (None: it was empty) and now."""

    database: str
    before: str | None
    now: str


async def migrate_database(settings: Settings) -> Migrated:
    """Bring the database that the settings name to the newest revision.

    Raises:
        BallastError: whatever keeps it from being opened.
    """
    from ballast.adapters.store import newest_revision

    if settings.database_url is None:
        from ballast.adapters.store.migrate import prepare

        places = make_home(settings)
        require_not_lost(settings, places)
        file = places.database
        before = await asyncio.to_thread(prepare, file)
        return Migrated(str(file), before, newest_revision())
    from ballast.adapters.store.store import require_extra

    require_extra()
    from ballast.adapters.store.postgres.address import Address
    from ballast.adapters.store.postgres.prepare import prepare as prepare_postgres

    address = Address(settings.database_url)
    before = await asyncio.to_thread(prepare_postgres, address)
    return Migrated(address.name, before, newest_revision())


async def copy_database(settings: Settings) -> Copied:
    """Copy the ledger of the data directory into the Postgres database that the settings name.

    Raises:
        BallastError: `settings_invalid` without BALLAST_DATABASE_URL, `store_busy` while a process
            is the engine on the directory, and whatever `copy_ledger` raises.
    """
    if settings.database_url is None:
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            "Set BALLAST_DATABASE_URL to the empty Postgres database to copy to.",
        )
    from ballast.adapters.store.store import require_extra

    require_extra()
    from ballast.adapters.store.postgres.copying import copy_ledger

    places = Places(settings.home)
    engine = FileLeadership(make_home(settings).engine_lock)
    if not await engine.take():
        raise BallastError(
            ErrorCode.STORE_BUSY,
            f"A process is the engine on {places.home}: end every Ballast process that uses this "
            "data directory (clients, ballast serve), then call again.",
        )
    try:
        return await copy_ledger(places.database, settings.database_url, MOVED_KEY)
    finally:
        await engine.give_back()
