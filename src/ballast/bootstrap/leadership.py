"""Who may be the engine: of all processes on one database, the one that holds its lock."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import structlog

from ballast.bootstrap.places import Places
from ballast.settings import Settings

log = structlog.get_logger(__name__)


class Leadership(Protocol):
    """A lock that one process holds, and that is free the moment it dies."""

    async def take(self) -> bool:
        """Try to have it; whether it is ours now. Does not wait."""
        ...

    async def kept(self) -> bool:
        """Whether it is still ours."""
        ...

    async def give_back(self) -> None:
        """Let others have it."""
        ...


def leadership_of(settings: Settings) -> Leadership:
    """The lock beside the database that the settings name."""
    if settings.database_url is None:
        return FileLeadership(Places(settings.home).engine_lock)
    from ballast.adapters.store.postgres.leadership import PostgresLeadership

    return PostgresLeadership(settings.database_url)


class FileLeadership:
    """A lock of the operating system on a file: for the processes of one machine.

    It is free the moment its holder dies. A holder that was stopped keeps it: nobody could tell
    whether it will go on, half way through a step.
    """

    def __init__(self, file: Path) -> None:
        from filelock import FileLock

        self._lock = FileLock(file, thread_local=False, mode=0o600)

    async def take(self) -> bool:
        """Try to have it."""
        from filelock import Timeout

        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as trouble:
            log.warning("engine_lock_unavailable", reason=trouble.strerror)
            return False
        return True

    async def kept(self) -> bool:
        """It is ours until it is given back."""
        return True

    async def give_back(self) -> None:
        """Let others have it."""
        self._lock.release()
