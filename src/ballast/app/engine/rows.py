"""Small writes that several steps share."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ballast.app.app import App
from ballast.app.engine.postings import post_release
from ballast.app.events import emit_trade
from ballast.app.ports import Transaction
from ballast.core.decisions import Decision
from ballast.core.ids import IdKind
from ballast.core.ledger import Account
from ballast.core.states import SwapState, move
from ballast.core.trading import Purpose, Swap


async def wait_swap(
    app: App, swap: Swap, pause: timedelta, problem: str, *, tried: bool = True
) -> None:
    """Leave a swap where it is and look again later; `tried`: whether that was an attempt."""
    now = app.clock.now()
    later = replace(
        swap,
        problem=problem,
        attempts=swap.attempts + (1 if tried else 0),
        updated_at=now,
        due_at=now + pause,
    )
    async with app.store.transaction(swap.index_id) as tx:
        await tx.save_swap(later, was=swap.state)


async def forget_swap(app: App, swap: Swap) -> None:
    """A swap that has ended needs no more looks."""
    async with app.store.transaction(swap.index_id) as tx:
        await tx.save_swap(replace(swap, due_at=None), was=swap.state)


async def give_up(app: App, tx: Transaction, swap: Swap, problem: str) -> None:
    """End a swap of which nothing was signed, and give back what it had reserved."""
    now = app.clock.now()
    failed = replace(
        swap,
        state=move(swap.state, SwapState.FAILED),
        problem=problem,
        updated_at=now,
        ended_at=now,
        due_at=None,
    )
    await end_leg(app, tx, failed, was=swap.state)
    await post_release(app, tx, swap, Account.RESERVED)


async def end_leg(app: App, tx: Transaction, ended: Swap, *, was: SwapState) -> None:
    """Save a swap that has just ended, tell of it, and let the engine look at its rebalance if it
    was the last one open. A payout is told of as what its withdrawal becomes."""
    await tx.save_swap(ended, was=was)
    if ended.purpose is not Purpose.PAYOUT:
        await emit_trade(app, tx, ended)
    if await tx.has_open_swaps(ended.rebalance_id):
        return
    rebalance = await tx.get_rebalance(ended.owner_id, ended.rebalance_id)
    assert rebalance is not None, "a swap has a rebalance"
    now = app.clock.now()
    woken = replace(rebalance, due_at=now, updated_at=now)
    await tx.save_rebalance(woken, was=rebalance.state)


async def note(
    app: App,
    tx: Transaction,
    *,
    owner_id: str,
    index_id: str,
    reason: str,
    summary: str,
    reference: str,
    facts: dict[str, object],
) -> None:
    """Leave a decision row: what was seen and what came of it."""
    await tx.add_decision(
        Decision(
            decision_id=app.ids.new(IdKind.DECISION),
            owner_id=owner_id,
            index_id=index_id,
            at=app.clock.now(),
            reason=reason,
            summary=summary,
            reference=reference,
            facts=facts,
        )
    )
