"""Work by place, for many workers: each place is an index, or a piece of work that is about none.

The steps are those of the embedded engine, and so are their postponements. What is different is
who decides where a step runs: there one process looks for due rows; here a queue hands out places.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.engine.loop import BATCH, CONCURRENCY, Engine
from ballast.app.ports import DueRow

# A worker stays with a place while the next row there is due within so many real seconds: the steps
# of a rebalance follow each other closely.
LINGERS: Final = 3.0
# Then others get their turn, even if there is more to do.
LONGEST_STAY: Final = 30.0


def place_of(row: DueRow) -> str:
    """The index, or the row itself when it is about none."""
    return row.index_id or row.key


async def places_with_work(app: App) -> list[str]:
    """Places in which something is due, whoever has waited longest first."""
    async with app.store.read_once() as reader:
        rows = await reader.due_rows(app.clock.now(), BATCH)
    return list(dict.fromkeys(place_of(row) for row in rows))


async def work_in(app: App, place: str) -> None:
    """Do what is due in a place, and what becomes due soon after, for a while."""
    engine = Engine(app)
    ends = asyncio.get_running_loop().time() + LONGEST_STAY
    while asyncio.get_running_loop().time() < ends:
        now = app.clock.now()
        rows = await _rows_in(app, place, now + _soon(app))
        ready = [row for row in rows if row.due_at <= now]
        if ready:
            await engine.step_all(ready[:CONCURRENCY])
        elif rows:
            await asyncio.sleep(_seconds_until(app, rows, now))
        else:
            return


def _soon(app: App) -> timedelta:
    """How much domain time passes while a worker lingers; none when the clock stands still."""
    real = app.clock.real_seconds(1.0)
    return timedelta(seconds=LINGERS / real) if real else timedelta()


def _seconds_until(app: App, rows: Sequence[DueRow], now: datetime) -> float:
    first = min(row.due_at for row in rows)
    return app.clock.real_seconds((first - now) / timedelta(seconds=1)) or 0.0


async def _rows_in(app: App, place: str, until: datetime) -> list[DueRow]:
    async with app.store.read_once() as reader:
        return await reader.due_rows_in(place, until, BATCH)
