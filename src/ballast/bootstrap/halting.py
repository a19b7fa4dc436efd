"""Heeding orders to halt that come past the database, in every process that stays."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog

from ballast.adapters.halting import SIGNAL
from ballast.errors import BallastError

if TYPE_CHECKING:
    from ballast.app.app import App

log = structlog.get_logger(__name__)

# How often a process looks whether something was ordered, in real seconds.
INTERVAL: Final = 0.5


@asynccontextmanager
async def heeding_orders(app: App) -> AsyncIterator[None]:
    """Make a row of every order to halt, while this lasts."""
    heeding = asyncio.create_task(_heed(app), name="heed orders")
    with _listening_for_the_signal(app):
        try:
            yield
        finally:
            heeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await heeding


async def _heed(app: App) -> None:
    """An order stands until it is a row: what cannot be written now is tried again."""
    from ballast.app.switch import heed_orders
    from ballast.app.until_cancelled import goes_on

    while goes_on():
        try:
            await heed_orders(app)
        except BallastError as trouble:
            log.warning("halt_not_written", code=trouble.code.value)
        await asyncio.sleep(INTERVAL)


@contextlib.contextmanager
def _listening_for_the_signal(app: App) -> Iterator[None]:
    number = getattr(signal, SIGNAL, None)
    if number is None:  # Windows knows none.
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, app.halt_orders.signal)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
