"""`ballast worker`: one of many processes that share the work out among themselves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ballast.bootstrap.engine import lead_when_free
from ballast.bootstrap.halting import heeding_orders
from ballast.bootstrap.leadership import leadership_of
from ballast.bootstrap.opening import opened_app
from ballast.bootstrap.places import Places
from ballast.bootstrap.serving import serve_figures
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.app.app import App


def run_worker(
    settings: Settings,
    concurrency: int,
    metrics_port: int | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> None:
    """Work until SIGTERM or SIGINT; then finish what runs.

    Raises:
        BallastError: whatever keeps it from opening; `settings_invalid` where no workers are set
            up.
    """
    asyncio.run(_until_told(work(settings, concurrency, metrics_port, announce)))


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    working = asyncio.create_task(work, name="worker")
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, working.cancel)
    with suppress(asyncio.CancelledError):
        await working


async def work(
    settings: Settings,
    concurrency: int,
    metrics_port: int | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> None:
    """Be a worker until cancelled.

    Args:
        metrics_port: where health and figures are served on the loopback; None: nowhere.
        announce: told their address.

    Raises:
        BallastError: as `run_worker`.
    """
    if settings.database_url is None or settings.engine != "workers":
        raise BallastError(
            ErrorCode.SETTINGS_INVALID,
            "Workers need BALLAST_DATABASE_URL and BALLAST_ENGINE=workers, here and wherever else "
            "this ledger is used.",
        )
    from ballast.adapters.store.postgres.queue import StepQueue
    from ballast.app.engine import Engine
    from ballast.app.engine.places import places_with_work, work_in

    async with opened_app(settings) as app, heeding_orders(app):
        queue = StepQueue(
            settings.database_url,
            partial(work_in, app),
            partial(places_with_work, app),
            stalled_after=settings.stalled_after_seconds,
        )
        await Engine(app).look_first()
        places = Places(settings.home)
        async with asyncio.TaskGroup() as working:
            if metrics_port is not None:
                working.create_task(
                    serve_figures(settings, app, metrics_port, announce), name="figures"
                )
            working.create_task(queue.run(concurrency), name="queue")
            # Telling others of what happened is done by one of the workers.
            working.create_task(
                lead_when_free(app, leadership_of(settings), places, tell_others), name="courier"
            )


async def tell_others(app: App) -> None:
    """Deliver to webhooks, and note how far the audit has come. Runs until cancelled."""
    from ballast.app.audit_trail import keep_heads
    from ballast.app.webhooks.courier import Courier

    async with asyncio.TaskGroup() as telling:
        telling.create_task(Courier(app).run(), name="courier")
        telling.create_task(keep_heads(app), name="audit heads")
