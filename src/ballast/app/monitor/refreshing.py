"""New prices: all indexes are looked at with them, without waiting for the schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ballast.app.app import App

# Prices that are newer by less are not worth a look of their own.
FRESH: Final = timedelta(minutes=1)


async def look_with_new_prices(app: App) -> None:
    """Let a pass over all indexes be due if this process has read prices since the last one that
    are newer by `FRESH`, whoever asked for them."""
    newest, screened = app.prices.newest, app.engine.screened
    if newest is None or (screened is not None and newest - screened < FRESH):
        return
    app.engine.screened = newest
    if screened is None:
        return
    async with app.store.transaction() as tx:
        await tx.wake_passes(app.clock.now())
