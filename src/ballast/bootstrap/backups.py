"""Backups of the database: taken while everything runs, and put back while no engine does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ballast.bootstrap.commanding import command_app
from ballast.bootstrap.leader import leader_in
from ballast.bootstrap.leadership import leadership_of
from ballast.bootstrap.places import Places, make_home
from ballast.bootstrap.restored_keys import RestoredKeys, open_keys
from ballast.bootstrap.world import ELSEWHERE, NETWORK_KEY
from ballast.core.wording import counted
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.adapters.store import SqlStore

STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
NOT_IN_A_BACKUP: Final = (
    "the master key, without which no key in it opens",
    "the settings",
    "the paper world (devnet.sqlite): it stands for what is outside",
)


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that is on the disk, and whole."""

    file: Path
    size_bytes: int
    missing: tuple[str, ...] = NOT_IN_A_BACKUP


@dataclass(frozen=True, slots=True)
class PutBack:
    """A backup that is the database now.

    Attributes:
        kept: where the database that was there before is; None when there was none.
        trouble: what keeps it from being opened or looked through; empty for nothing.
        keys: which master keys have opened what is encrypted in it.
    """

    file: Path
    kept: Path | None
    indexes: int
    trouble: str
    keys: RestoredKeys


async def back_up(settings: Settings, file: Path | None) -> BackedUp:
    """Copy the database as of one moment; others may go on writing.

    Args:
        file: a new file; by default one named by mode and time in the present folder.

    Raises:
        BallastError: `not_found` when there is no database yet; `invalid_input` when the file
            exists; what the store says.
    """
    from ballast.adapters.store.sqlite.backup import copy_database

    _require_file_database(settings)
    places = Places(settings.home)
    if not places.database.exists():
        raise BallastError(
            ErrorCode.NOT_FOUND, f"There is no database in {settings.home} yet: nothing to keep."
        ).advising("Check BALLAST_DATA_DIR and BALLAST_MODE: they say which one is meant.")
    target = file or Path(f"ballast-{settings.mode}-{_now()}.sqlite")
    await asyncio.to_thread(copy_database, places.database, target)
    return BackedUp(target.absolute(), target.stat().st_size)


async def put_back(
    settings: Settings, file: Path, key: Path | None = None, *, locked: bool = False
) -> PutBack:
    """Make a backup the database: checked first, with trading halted in it, its keys under the
    present master key, and the database that was there kept under another name. Then the venue is
    asked what became of what it had signed.

    Args:
        key: a file with the master key of its day, where that is not kept beside the present one.
        locked: whether it is put back although keys in it do not open.

    Raises:
        BallastError: `store_busy` while an engine runs; `not_found`; `store_damaged`,
            `store_newer` for a file that is no whole database of this Ballast; `world_changed` for
            one that was kept in another mode or against another paper world; `keys_unavailable`.
    """
    _require_file_database(settings)
    places = make_home(settings)
    _require_file(file)
    async with _no_engine(settings, places):
        draft = places.home / f"restoring-{_now()}.sqlite"
        try:
            async with _checked_copy(settings, places, file, draft) as (store, indexes):
                keys = await open_keys(settings, places, store, file, key, locked=locked)
            kept = await asyncio.to_thread(_exchange, draft, places)
        finally:
            _remove(draft)
        return PutBack(file, kept, indexes, await _looked_through(settings), keys)


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise BallastError(ErrorCode.NOT_FOUND, f"There is no file {file}.").advising(
            "Name a file that ballast backup wrote. Nothing was changed."
        )


def _require_file_database(settings: Settings) -> None:
    """Postgres brings what copies it and puts it back.

    Raises:
        BallastError: `invalid_input`.
    """
    if settings.database_url is not None:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The ledger is in Postgres: pg_dump copies it, also while trading goes on. Before "
            "anything trades on a copy that was put back, say ballast halt and look at ballast "
            "verify.",
            problems=[{"field": "BALLAST_DATABASE_URL", "problem": "names a Postgres database"}],
        )


@asynccontextmanager
async def _no_engine(settings: Settings, places: Places) -> AsyncIterator[None]:
    """Be the leader without leading, so that nothing trades meanwhile.

    Raises:
        BallastError: `store_busy` while another process is the engine.
    """
    from ballast.adapters.local import SystemClock

    leadership = leadership_of(settings)
    if not await leadership.take():
        leader = leader_in(places.engine_process, SystemClock())
        which = f"Process {leader.process}" if leader else "Another process"
        raise BallastError(
            ErrorCode.STORE_BUSY,
            f"{which} is the engine, so nothing was put back.",
        ).advising(
            "End it first: a client's server, ballast serve, or a command that waits. Then put the "
            "backup back."
        )
    try:
        yield
    finally:
        await leadership.give_back()


@asynccontextmanager
async def _checked_copy(
    settings: Settings, places: Places, file: Path, draft: Path
) -> AsyncIterator[tuple[SqlStore, int]]:
    """A copy that may become the database: brought to the newest revision, whole, of this mode
    and world, and halted. With how many indexes it holds."""
    from ballast.adapters.store import open_store
    from ballast.adapters.store.sqlite.backup import copy_database
    from ballast.app.restoring import mark_restored

    try:
        await asyncio.to_thread(copy_database, file, draft)
        store = await open_store(draft)
    except BallastError as refusal:
        if refusal.code is ErrorCode.STORE_DAMAGED:
            refusal.advising("Nothing was changed. Name another file that ballast backup wrote.")
        raise
    try:
        wrong = await store.check()
        if wrong:
            raise BallastError(
                ErrorCode.STORE_DAMAGED,
                f"The backup does not hold together: {counted(len(wrong), 'problem')}. "
                "Nothing was changed.",
                problems=wrong[:20],
            )
        indexes = await _require_same_world(settings, places, store)
        await mark_restored(store)
        yield store, indexes
    finally:
        await store.close()


async def _require_same_world(settings: Settings, places: Places, store: SqlStore) -> int:
    async with store.read() as reader:
        known = await reader.get_meta(NETWORK_KEY)
        indexes = [
            one
            for owner in await reader.owners()
            for one in await reader.list_indexes(owner, archived=True, after=None, limit=1_000_000)
        ]
    if any(one.mode != settings.mode for one in indexes):
        raise BallastError(
            ErrorCode.WORLD_CHANGED,
            f"The backup was not kept in {settings.mode} mode. Nothing was changed.",
        )
    embedded = settings.uses_embedded_devnet and indexes and known not in (None, ELSEWHERE)
    if embedded and known != _network_id(places):
        raise BallastError(
            ErrorCode.WORLD_CHANGED,
            f"The backup was kept against another paper world than that of {places.devnet}. "
            "Nothing was changed.",
        )
    return len(indexes)


def _network_id(places: Places) -> str | None:
    from ballast.devnet import DevnetError, open_devnet

    if not places.devnet.exists():
        return None
    try:
        devnet = open_devnet(places.devnet, None)
    except DevnetError as error:
        refusal = BallastError(ErrorCode.WORLD_CHANGED, str(error))
        raise refusal.advising(error.next_step or refusal.next_step) from None
    network_id = devnet.network_id
    devnet.close()
    return network_id


def _exchange(draft: Path, places: Places) -> Path | None:
    """Make the database what the draft is; where the one before is kept. It is written into the
    file that is there, so that whoever has it open sees it; a damaged one is given another name."""
    from ballast.adapters.store.sqlite.backup import copy_database, put_back, set_aside

    database, kept = places.database, places.kept_before(_now())
    if not database.exists():
        # Its log may be left; SQLite would play it into whatever takes the name.
        set_aside(database, kept.name)
        draft.rename(database)
        return None
    try:
        copy_database(database, kept)
        put_back(draft, database)
    except BallastError as damaged:
        if damaged.code is not ErrorCode.STORE_DAMAGED:
            raise
        kept.unlink(missing_ok=True)
        set_aside(database, kept.name)
        draft.rename(database)
    return kept


async def _looked_through(settings: Settings) -> str:
    """Look at what the backup had signed, as every start does; why not, when that cannot be."""
    from ballast.app.engine import Engine

    try:
        async with command_app(settings, ready=False) as app:
            await Engine(app).look_first()
    except BallastError as trouble:
        return f"{trouble.message} {trouble.next_step}"
    return ""


def _remove(draft: Path) -> None:
    for ending in ("", "-wal", "-shm", ".migrating", ".part"):
        draft.with_name(draft.name + ending).unlink(missing_ok=True)


def _now() -> str:
    from ballast.adapters.local import SystemClock

    return f"{SystemClock().now():{STAMP}}"
