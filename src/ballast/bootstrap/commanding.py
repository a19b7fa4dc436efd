"""An app for one command: before the command ends, others are told of what came up by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ballast.bootstrap.opening import opened_app
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.app.app import App


@asynccontextmanager
async def command_app(settings: Settings, *, ready: bool = True) -> AsyncIterator[App]:
    """Open everything for one command, without the engine.

    Args:
        ready: as for `opened_app`.
    """
    async with opened_app(settings, ready=ready) as app, telling_others(app):
        yield app


@asynccontextmanager
async def telling_others(app: App) -> AsyncIterator[None]:
    """Before this ends, carry what came up meanwhile; also when it ends with a refusal, since some
    of those are told of. There may be no other process that would, for a long time. Whoever breaks
    it off, by Ctrl-C, does not wait."""
    broken_off = False
    try:
        yield
    except asyncio.CancelledError:
        broken_off = True
        raise
    finally:
        if not broken_off:
            await _see_off(app)


async def _see_off(app: App) -> None:
    from ballast.app.webhooks.courier import see_off

    await see_off(app)
