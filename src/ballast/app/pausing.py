"""Pausing an index and letting it go on; giving up what a running rebalance has not signed yet.

What is signed goes on to its end, whatever the owner says: the venue may carry it out, and what
became of it has to be found out and booked. All else can wait, and can be given up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field

from ballast.app.app import App
from ballast.app.engine.rows import note
from ballast.app.engine.stopping import Running, running_of, stop_running
from ballast.app.events import emit_index
from ballast.app.fields import Flag, IndexId
from ballast.app.indexes import IndexStateView, require_index
from ballast.app.inputs import RepeatableInput
from ballast.app.operation import Call
from ballast.app.ports import Transaction
from ballast.core.access import Scope
from ballast.core.events import EventKind
from ballast.core.index import Index
from ballast.core.states import (
    IndexState,
    RebalanceState,
    move,
)
from ballast.errors import BallastError, ErrorCode

CANCELLED: Final = "Cancelled by the owner before anything of it was signed."


class PauseIndex(RepeatableInput):
    """Input of pause_index."""

    index_id: IndexId
    cancel: Annotated[Flag, Field(description="Also give up what is not signed yet.")] = False


class ResumeIndex(RepeatableInput):
    """Input of resume_index."""

    index_id: IndexId


async def pause_index(app: App, call: Call, given: PauseIndex) -> IndexStateView:
    """Pause an index: nothing new starts, deposits stay cash, and what a running rebalance or
    withdrawal has not signed yet waits. Undo with resume_index."""
    async with app.store.transaction() as tx:
        index = await _require_funded(tx, call, given.index_id)
        index = await _moved(app, tx, index, IndexState.PAUSED)
        running = await running_of(tx, index)
        if running is not None and running.can_stop:
            await stop_running(app, tx, running, giving_up=CANCELLED if given.cancel else None)
            if given.cancel:
                await _tell(app, tx, running)
        told = _told(running, cancel=given.cancel)
        view = _view(app, index, f"{told} Call resume_index to let it trade.".strip())
        await call.record(app, tx, view, index.index_id)
    app.work_waiting.set()
    return view


async def resume_index(app: App, call: Call, given: ResumeIndex) -> IndexStateView:
    """Let a paused index trade again, and what waits go on."""
    async with app.store.transaction() as tx:
        index = await _require_funded(tx, call, given.index_id)
        running = await running_of(tx, index)
        goes_on = running is not None and running.rebalance.state is RebalanceState.HALTED
        if goes_on or index.policy.trades_by_itself:
            call.require(
                Scope.SPEND, "Letting an index trade by itself again needs the scope spend."
            )
        index = await _moved(app, tx, index, IndexState.ACTIVE)
        told = "Call get_drift to see how far it is from its targets."
        if running is not None and goes_on:
            await _go_on(app, tx, running)
            told = f"{running.rebalance.rebalance_id} goes on; follow it with get_progress."
        view = _view(app, index, told)
        await call.record(app, tx, view, index.index_id)
    app.work_waiting.set()
    return view


async def _require_funded(tx: Transaction, call: Call, index_id: str) -> Index:
    index = await require_index(tx, call.owner_id, index_id)
    if index.state is IndexState.PENDING:
        raise BallastError(
            ErrorCode.INDEX_PENDING,
            "This index has not been funded yet, so there is nothing to pause or resume.",
            index_id=index_id,
        )
    return index


async def _moved(app: App, tx: Transaction, index: Index, wanted: IndexState) -> Index:
    if index.state is wanted:
        return index
    changed = replace(
        index,
        state=move(index.state, wanted),
        version=index.version + 1,
        updated_at=app.clock.now(),
    )
    await tx.save_index(changed, was_version=index.version)
    if wanted is IndexState.PAUSED:
        await emit_index(app, tx, EventKind.INDEX_PAUSED, changed, why="owner")
    else:
        await emit_index(app, tx, EventKind.INDEX_RESUMED, changed)
    return changed


async def _tell(app: App, tx: Transaction, running: Running) -> None:
    rebalance = running.rebalance
    await note(
        app,
        tx,
        owner_id=rebalance.owner_id,
        index_id=rebalance.index_id,
        reason="rebalance_cancelled",
        summary=_told(running, cancel=True),
        reference=rebalance.rebalance_id,
        facts={"given_up": len(running.unsigned), "under_way": running.under_way},
    )


async def _go_on(app: App, tx: Transaction, running: Running) -> None:
    """What was given up stays so: a rebalance with nothing left to sign only waits for its end."""
    if not running.can_stop:
        return
    rebalance, now = running.rebalance, app.clock.now()
    executing = replace(
        rebalance,
        state=move(rebalance.state, RebalanceState.EXECUTING),
        updated_at=now,
        due_at=now,
    )
    await tx.save_rebalance(executing, was=rebalance.state)
    for swap in running.unsigned:
        await tx.save_swap(replace(swap, due_at=now, updated_at=now), was=swap.state)


def _told(running: Running | None, *, cancel: bool) -> str:
    """What became of the running rebalance; empty when there is none."""
    if running is None:
        return ""
    parts: list[str] = []
    if running.unsigned:
        parts.append(
            f"{len(running.unsigned)} not signed yet {'given up' if cancel else 'waiting'}"
        )
    if running.payout_to_come:
        parts.append(f"the payout {'given up' if cancel else 'waiting'}")
    if running.under_way:
        parts.append(f"{running.under_way} signed and going on to the end")
    swaps = ", ".join(parts) or "nothing left to sign"
    more = "" if cancel or not running.can_stop else " cancel=true gives up what waits."
    return f"Of {running.rebalance.rebalance_id}: {swaps}.{more}"


def _view(app: App, index: Index, next_step: str) -> IndexStateView:
    return IndexStateView(
        mode=app.mode,
        index_id=index.index_id,
        name=index.name,
        state=index.state.value,
        next_step=next_step,
    )
