"""Which process is the engine, for others to see: a file beside the lock, kept fresh by its holder.

It decides nothing: the lock does. It is how a process that stands by can say which one holds the
lock and does not move, because it was stopped or hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ballast.app.engine.leader import Leader

if TYPE_CHECKING:
    from ballast.app.app import App
    from ballast.app.ports import Clock

# How often the holder shows that it moves, in real seconds.
INTERVAL: Final = 5.0


@asynccontextmanager
async def shown_as_leader(app: App, file: Path) -> AsyncIterator[None]:
    """Show, while this lasts, that this process is the engine, as long as its passes go on."""
    _write(file)
    showing = asyncio.create_task(_keep_fresh(app, file), name="show the engine")
    try:
        yield
    finally:
        showing.cancel()
        _remove(file)


def _write(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.write_text(str(os.getpid()), encoding="ascii")


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


async def _keep_fresh(app: App, file: Path) -> None:
    seen = -1
    while True:
        if app.engine.passes != seen:
            seen = app.engine.passes
            with contextlib.suppress(OSError):
                os.utime(file)
        await asyncio.sleep(INTERVAL)


def leader_in(file: Path, wall: Clock) -> Leader | None:
    """The process that is the engine, if there is one; what a dead one left behind is nobody."""
    try:
        process = int(file.read_text(encoding="ascii"))
        touched = file.stat().st_mtime
    except (OSError, ValueError):
        return None
    if not _is_alive(process):
        return None
    return Leader(process, max(int(wall.now().timestamp() - touched), 0))


def _is_alive(process: int) -> bool:
    if os.name != "posix":
        return True  # Signal 0 asks nothing there; it ends the process.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
