"""One step of a rebalance: when every leg has ended, compare the books and close it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from ballast.app.app import App
from ballast.app.engine.reconciliation import (
    Difference,
    book_differences,
    compare,
    unexplained_by_deposits,
)
from ballast.app.engine.withdrawals import after_sales
from ballast.app.events import emit_index, emit_rebalance
from ballast.app.ports import DueRow, Reader, Transaction
from ballast.core.events import EventKind
from ballast.core.index import Index
from ballast.core.states import RebalanceState, SwapState, is_terminal, move
from ballast.core.trading import Rebalance, RebalanceKind, Swap
from ballast.core.wording import counted

log = structlog.get_logger(__name__)

# A node can lag behind: a difference counts only when it has stayed the same this long.
DIFFERENCE_PATIENCE: Final = timedelta(seconds=30)
MONEY_OUT: Final = (RebalanceKind.WITHDRAW, RebalanceKind.LIQUIDATE)
DIFFERENCE_RECHECK: Final = timedelta(seconds=3)
_ENDS: Final = {
    RebalanceState.COMPLETED: EventKind.REBALANCE_COMPLETED,
    RebalanceState.PARTIAL: EventKind.REBALANCE_PARTIAL,
    RebalanceState.FAILED: EventKind.REBALANCE_FAILED,
    RebalanceState.CANCELLED: EventKind.REBALANCE_CANCELLED,
}


async def step_rebalance(app: App, row: DueRow) -> None:
    """Close a rebalance whose legs have all ended; otherwise wait for the next leg."""
    async with app.store.read() as reader:
        rebalance = await reader.get_rebalance(row.owner_id, row.row_id)
        swaps = await reader.swaps_of(row.row_id)
        assert rebalance is not None, "a due rebalance exists"
        waits = await _waits(reader, rebalance, swaps)
    if waits:
        await _sleep_until_woken(app, rebalance)
        return
    if rebalance.kind in MONEY_OUT and await after_sales(app, rebalance, swaps):
        return
    differences, sequence = await compare(app, rebalance.owner_id, rebalance.index_id)
    last_end = max((one.ended_at for one in swaps if one.ended_at), default=rebalance.created_at)
    if differences and app.clock.now() - last_end < DIFFERENCE_PATIENCE:
        await _look_again(app, rebalance)
        return
    await _close(app, rebalance, swaps, differences, sequence)


async def _waits(reader: Reader, rebalance: Rebalance, swaps: list[Swap]) -> bool:
    """Whether there is nothing to do yet: legs are under way, or the owner has paused the index
    before the payout that its sales were made for."""
    if is_terminal(rebalance.state) or not all(is_terminal(one.state) for one in swaps):
        return True
    if rebalance.state is not RebalanceState.HALTED:
        return False
    withdrawal = await reader.withdrawal_of_rebalance(rebalance.rebalance_id)
    return withdrawal is not None and withdrawal.payout_to_come


async def _sleep_until_woken(app: App, rebalance: Rebalance) -> None:
    """Rest until a leg ends or the owner speaks. Looked at again inside the transaction: whatever
    happened since the first look has woken this rebalance, and that must not be wiped out."""
    async with app.store.transaction(rebalance.index_id) as tx:
        swaps = await tx.swaps_of(rebalance.rebalance_id)
        if await _waits(tx, rebalance, swaps):
            await tx.save_rebalance(replace(rebalance, due_at=None), was=rebalance.state)


async def _look_again(app: App, rebalance: Rebalance) -> None:
    due_at = app.clock.now() + DIFFERENCE_RECHECK
    async with app.store.transaction(rebalance.index_id) as tx:
        await tx.save_rebalance(replace(rebalance, due_at=due_at), was=rebalance.state)


async def _close(
    app: App,
    rebalance: Rebalance,
    swaps: list[Swap],
    differences: list[Difference],
    sequence: int,
) -> None:
    now = app.clock.now()
    state = _final_state(rebalance, swaps)
    gaps = await unexplained_by_deposits(app, rebalance.index_id, differences)
    listed = {one: found.asset for one, found in (await app.venue.list_assets()).items()}
    closed = replace(
        rebalance,
        state=move(rebalance.state, state),
        note=_note(swaps, gaps),
        updated_at=now,
        ended_at=now,
        due_at=None,
    )
    async with app.store.transaction(rebalance.index_id) as tx:
        head, _ = await tx.ledger_head(rebalance.index_id)
        if head != sequence:
            # Something was booked since the balances were read: compare again.
            return
        index = await tx.get_index(rebalance.owner_id, rebalance.index_id)
        assert index is not None, "a rebalance has an index"
        await book_differences(app, tx, index, gaps, listed, rebalance.rebalance_id)
        await tx.save_rebalance(closed, was=rebalance.state)
        await _emit_end(app, tx, closed, swaps)
        index = await tx.get_index(rebalance.owner_id, rebalance.index_id)
        assert index is not None, "a rebalance has an index"
        if any(one.state is SwapState.SETTLED for one in swaps):
            index = _rebalanced(index, closed)
            await tx.save_index(index, was_version=index.version)
            done, by = EventKind.INDEX_REBALANCED, closed.rebalance_id
            await emit_index(app, tx, done, index, rebalance_id=by)


async def _emit_end(app: App, tx: Transaction, closed: Rebalance, swaps: list[Swap]) -> None:
    settled = sum(one.state is SwapState.SETTLED for one in swaps)
    await emit_rebalance(app, tx, _ENDS[closed.state], closed, swaps=len(swaps), settled=settled)


def _rebalanced(index: Index, closed: Rebalance) -> Index:
    """The end of a rebalance is no change of the index's settings: the version stays."""
    return replace(index, last_rebalanced_at=closed.ended_at)


def _final_state(rebalance: Rebalance, swaps: list[Swap]) -> RebalanceState:
    if rebalance.state is RebalanceState.HALTED:
        return RebalanceState.CANCELLED
    settled = sum(one.state is SwapState.SETTLED for one in swaps)
    if settled == len(swaps):
        return RebalanceState.COMPLETED
    return RebalanceState.PARTIAL if settled else RebalanceState.FAILED


def _note(swaps: list[Swap], differences: list[Difference]) -> str:
    left = [one for one in swaps if one.state is not SwapState.SETTLED]
    parts = [f"{counted(len(left), 'swap')} did not settle: {left[0].problem}"] if left else []
    if differences:
        differed = counted(len(differences), "balance")
        parts.append(f"{differed} differed from the ledger: explain tells how.")
    return " ".join(parts)
