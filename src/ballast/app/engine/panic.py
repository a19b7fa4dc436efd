"""One step of selling all that an index holds: by ordinary plans, through the same signer.

The limits on turnover and size do not hold it up: they keep a conversation from spending, and here
money stays where it is, in the owner's base asset. The budget for slippage does, and what each
quote is held against.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.auditing import BALLAST, audit
from ballast.app.engine.rows import note
from ballast.app.engine.stopping import running_of, stop_running
from ballast.app.operation import Caller
from ballast.app.panic_progress import EVERYTHING_SOLD
from ballast.app.planning import Situation, plan_sale, survey, within_budget
from ballast.app.ports import DueRow, Transaction
from ballast.app.switch import halt_level
from ballast.app.withdrawals import in_base, liquidation, start_withdrawal
from ballast.core.halting import HaltLevel
from ballast.core.index import Index
from ballast.core.money import format_percent_bps
from ballast.core.panic import MOST_ROUNDS, PanicSale
from ballast.core.states import RebalanceState, SaleState, move
from ballast.core.trading import Plan
from ballast.core.wording import usd_shown
from ballast.errors import BallastError, ErrorCode

RECHECK: Final = timedelta(seconds=5)
HALTED_RECHECK: Final = timedelta(seconds=30)
# How long prices, the venue or the index's key may be out of reach before a sale is given up.
PATIENCE: Final = timedelta(hours=24)
GIVEN_UP: Final = "Given up because everything is sold into the base asset."

_PASSING: Final = frozenset(
    {
        ErrorCode.PLAN_STALE,
        ErrorCode.REBALANCE_RUNNING,
        ErrorCode.PRICE_UNAVAILABLE,
        ErrorCode.VENUE_UNAVAILABLE,
        ErrorCode.VENUE_REFUSED,
        ErrorCode.QUOTE_REFUSED,
        ErrorCode.KEYS_UNAVAILABLE,
        ErrorCode.INSUFFICIENT_HOLDINGS,
    }
)


async def step_panic_sale(app: App, row: DueRow) -> None:
    """Sell, look whether it is over, or say what stays."""
    async with app.store.read() as reader:
        sale = await reader.get_panic_sale(row.owner_id, row.row_id)
        assert sale is not None, "a due sale exists"
        index = await reader.get_index(sale.owner_id, sale.index_id)
        assert index is not None, "a sale has an index"
        level = await halt_level(app.halt_orders, reader, sale.owner_id)
        running = await reader.active_rebalance(sale.index_id)
    if running is not None:
        await _wait_for_its_end(app, index, sale)
    elif level is HaltLevel.NONE:
        await _end(app, sale, SaleState.CANCELLED, "Trading was resumed.")
    elif level is HaltLevel.NOTHING:
        await _later(app, sale, "Nothing is signed at this level.", HALTED_RECHECK)
    else:
        await _sell_or_end(app, index, sale)


async def _wait_for_its_end(app: App, index: Index, sale: PanicSale) -> None:
    """What runs ends by itself, but for one that rests because its index is paused."""
    async with app.store.transaction(index.index_id) as tx:
        running = await running_of(tx, index)
        rests = running is not None and running.rebalance.state is RebalanceState.HALTED
        if rests and running is not None and running.can_stop:
            await stop_running(app, tx, running, giving_up=GIVEN_UP)
        await _put(app, tx, sale, sale.state, "A rebalance of the index runs.", RECHECK)


async def _sell_or_end(app: App, index: Index, sale: PanicSale) -> None:
    try:
        seen = await survey(app, index)
        everything = in_base(seen, seen.drift.value_pico)
        wide = await plan_sale(app, seen, everything, liquidate=True, reason=EVERYTHING_SOLD)
        plan = within_budget(seen, wide, sale.budget_bps)
        if plan.swaps and sale.rounds < MOST_ROUNDS:
            await _sell(app, seen, sale, plan)
        else:
            stays = _what_stays(seen, sale)
            await _end(app, sale, SaleState.LEFT if stays else SaleState.SOLD, stays)
    except BallastError as refusal:
        if refusal.code not in _PASSING:
            raise
        if app.clock.now() - sale.asked_at > PATIENCE:
            await _end(app, sale, SaleState.LEFT, f"Given up after a day. {refusal.message}")
        else:
            await _later(app, sale, refusal.message, HALTED_RECHECK)


async def _sell(app: App, seen: Situation, sale: PanicSale, plan: Plan) -> None:
    """Start a round, and keep that it was started, in one transaction."""
    withdrawal = liquidation(app, seen, plan)
    async with app.store.transaction(sale.index_id) as tx:
        index = await tx.get_index(sale.owner_id, sale.index_id)
        assert index is not None, "an index is never deleted"
        await tx.add_plan(plan)
        await tx.add_withdrawal(withdrawal)
        started = await start_withdrawal(app, tx, index, plan, withdrawal)
        went = replace(sale, rounds=sale.rounds + 1, rebalance_id=started.rebalance_id)
        await _put(app, tx, went, SaleState.SELLING, "", RECHECK, was=sale.state)
    app.work_waiting.set()


def _what_stays(seen: Situation, sale: PanicSale) -> str:
    """What is still held beside the base asset and is worth a swap, in words."""
    base, least = seen.index.base_asset_id, seen.index.policy.minimum_swap_pico
    left = [
        f"{seen.assets[one.asset_id].symbol} worth {usd_shown(one.value_pico)}"
        for one in seen.drift.assets
        if one.asset_id != base and one.value_pico >= least
    ]
    left += [f"{one}, which the venue does not list" for one in seen.orphaned]
    if not left:
        return ""
    budget = format_percent_bps(sale.budget_bps)
    return f"Not sold at no worse than {budget} % below the price, so it stays: {', '.join(left)}."


async def _later(app: App, sale: PanicSale, why: str, pause: timedelta) -> None:
    async with app.store.transaction(sale.index_id) as tx:
        await _put(app, tx, sale, sale.state, why, pause)


async def _end(app: App, sale: PanicSale, state: SaleState, told: str) -> None:
    now = app.clock.now()
    ended = replace(
        sale, state=move(sale.state, state), note=told, updated_at=now, ended_at=now, due_at=None
    )
    summary = told or "Everything was sold into the base asset."
    async with app.store.transaction(sale.index_id) as tx:
        await tx.save_panic_sale(ended, was=sale.state)
        await note(
            app,
            tx,
            owner_id=sale.owner_id,
            index_id=sale.index_id,
            reason=f"panic_{state.value}",
            summary=summary,
            reference=sale.rebalance_id or "",
            facts={"rounds": sale.rounds, "budget_bps": sale.budget_bps},
        )
        caller = Caller(sale.owner_id, BALLAST)
        await audit(app, tx, caller, "panic_sale", sale.sale_id, state.value, left=told)


async def _put(
    app: App,
    tx: Transaction,
    sale: PanicSale,
    state: SaleState,
    why: str,
    pause: timedelta,
    was: SaleState | None = None,
) -> None:
    now = app.clock.now()
    later = replace(sale, state=state, note=why, updated_at=now, due_at=now + pause)
    await tx.save_panic_sale(later, was=was or sale.state)
