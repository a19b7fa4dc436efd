"""One step of a change that makes a limit wider: put it in force once its wait is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.auditing import BALLAST, audit
from ballast.app.limit_changes import WAITING, limits_now, put_limits
from ballast.app.operation import Caller
from ballast.app.ports import DueRow
from ballast.core.limits import with_limit
from ballast.core.states import IndexState

IN_FORCE: Final = "in_force"
RECHECK: Final = timedelta(minutes=10)


async def step_limit_change(app: App, row: DueRow) -> None:
    """Let the change hold if both clocks say that the wait is over; look again later if not.

    One clock that was set forward shortens nothing, as with a new destination.
    """
    chain_now, wall_now = await app.venue.final_time(), app.wall.now()
    async with app.store.transaction() as tx:
        change = await tx.get_limit_change(row.owner_id, row.row_id)
        assert change is not None, "a due change exists"
        if change.outcome != WAITING:
            return
        now = app.clock.now()
        if chain_now < change.usable_at or wall_now < change.wall_usable_at:
            later = replace(change, due_at=now + RECHECK)
            await tx.save_limit_change(later, was=WAITING)
            return
        index = await tx.get_index(change.owner_id, change.index_id) if change.index_id else None
        if not change.index_id or (index and index.state is not IndexState.ARCHIVED):
            limits = await limits_now(app, tx, change.owner_id, index)
            after = with_limit(limits, change.field, change.value)
            await put_limits(app, tx, change.owner_id, index, after)
        ended = replace(change, outcome=IN_FORCE, ended_at=now, due_at=None)
        await tx.save_limit_change(ended, was=WAITING)
        caller = Caller(change.owner_id, BALLAST)
        what = {"limit": change.field, "value": change.value}
        await audit(app, tx, caller, "limit_in_force", change.change_id, **what)
