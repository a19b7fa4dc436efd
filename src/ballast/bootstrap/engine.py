"""Who is the engine: of all processes on one database, the one that holds the lock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ballast.app.until_cancelled import goes_on
from ballast.bootstrap.commanding import telling_others
from ballast.bootstrap.halting import heeding_orders
from ballast.bootstrap.leader import shown_as_leader
from ballast.bootstrap.leadership import Leadership, leadership_of
from ballast.bootstrap.opening import opened_app
from ballast.bootstrap.places import Places
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.app.app import App

# How often a process that stands by tries to become the engine, in real seconds.
TAKEOVER_INTERVAL: Final = 1.0


async def lead_when_free(
    app: App,
    leadership: Leadership,
    places: Places,
    work: Callable[[App], Coroutine[Any, Any, None]],
) -> None:
    """Work whenever no other process does; stand by otherwise. Runs until cancelled.

    Args:
        work: what one process at a time does; runs until cancelled.
    """
    try:
        while goes_on():
            if await leadership.take():
                await _lead(app, leadership, places, work)
            else:
                app.engine.state = "standing_by"
                await asyncio.sleep(TAKEOVER_INTERVAL)
    finally:
        await leadership.give_back()


async def _lead(
    app: App,
    leadership: Leadership,
    places: Places,
    work: Callable[[App], Coroutine[Any, Any, None]],
) -> None:
    """Work until cancelled, or until the lock is lost with the connection it hung on."""
    app.engine.state = "leading"
    engine = asyncio.create_task(work(app), name="passes")
    try:
        async with shown_as_leader(app, places.engine_process):
            while goes_on() and not engine.done() and await leadership.kept():
                await asyncio.wait([engine], timeout=TAKEOVER_INTERVAL)
    finally:
        engine.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await engine
        app.engine.state = "off"
        await leadership.give_back()


async def be_the_engine(app: App, *, prints_head: bool) -> None:
    """Move what is due, and beside it tell others of what happened, and note how far the audit
    has come. Runs until cancelled.

    Args:
        prints_head: whether the log gets the audit's head.
    """
    from ballast.app.audit_trail import keep_heads
    from ballast.app.engine import Engine
    from ballast.app.webhooks.courier import Courier

    async with asyncio.TaskGroup() as leading:
        leading.create_task(Engine(app).run(), name="engine")
        leading.create_task(Courier(app).run(), name="courier")
        leading.create_task(keep_heads(app, printed=prints_head), name="audit heads")


@asynccontextmanager
async def running_app(settings: Settings, *, serves: bool = True) -> AsyncIterator[App]:
    """Open everything and be the engine while no other process is, unless workers do the work.

    At the end running steps are finished, the lock is given back, and the files are closed.

    Args:
        serves: whether this process stays, and its stderr is a log; a command in a terminal is
            gone when what it waits for is done, and others are told of it.
    """
    # Closed first: the engine, then what is told of what it did last.
    others_are_told = nullcontext if serves else telling_others
    async with opened_app(settings) as app, others_are_told(app), heeding_orders(app):
        if settings.engine == "workers":
            app.engine.state = "workers"
            yield app
            return
        leadership, places = leadership_of(settings), Places(settings.home)
        work = partial(be_the_engine, prints_head=serves)
        engine = asyncio.create_task(lead_when_free(app, leadership, places, work), name="engine")
        try:
            yield app
        finally:
            engine.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await engine
