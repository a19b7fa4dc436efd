"""What is bought with a deposit that has been credited: underweights only, never by selling."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.auditing import audit_limit
from ballast.app.deposits import KEPT
from ballast.app.engine.deposit_rows import LATE_RECHECK, put, tell
from ballast.app.events import emit_refusal
from ballast.app.planning import plan_investment, survey
from ballast.app.ports import Transaction
from ballast.app.rebalances import plan_facts, start_rebalance
from ballast.core.deposits import Deposit
from ballast.core.index import Index
from ballast.core.policy import cost_gate
from ballast.core.states import IndexState
from ballast.core.trading import Plan, Starter
from ballast.core.wording import usd_shown
from ballast.errors import BallastError, ErrorCode

INVEST_RETRY: Final = timedelta(seconds=30)

# What time mends: the money waits as cash, and the deposit says why.
_PASSING: Final = frozenset(
    {
        ErrorCode.PLAN_STALE,
        ErrorCode.REBALANCE_RUNNING,
        ErrorCode.PRICE_UNAVAILABLE,
        ErrorCode.VENUE_UNAVAILABLE,
        ErrorCode.VENUE_REFUSED,
        ErrorCode.QUOTE_REFUSED,
    }
)
# What only a person can change: the money stays cash.
_LASTING: Final = frozenset(
    {
        ErrorCode.LIMIT_EXCEEDED,
        ErrorCode.TRADING_HALTED,
        ErrorCode.KEYS_UNAVAILABLE,
        ErrorCode.INSUFFICIENT_HOLDINGS,
    }
)


async def invest(app: App, deposit: Deposit, index: Index) -> None:
    """Buy underweights with what was credited; a deposit never causes a sale."""
    if index.state is not IndexState.ACTIVE:
        text = f"{KEPT}: the index is {index.state.value}."
        await _keep_as_cash(app, deposit, "kept_as_cash", text, {})
        return
    if not index.policy.invest_deposits:
        await _keep_as_cash(app, deposit, "kept_as_cash", f"{KEPT}, as the policy says.", {})
        return
    async with app.store.read() as reader:
        running = await reader.active_rebalance(index.index_id)
    if running is not None:
        await _later(app, deposit, "A rebalance of the index is running.")
        return
    try:
        plan = await plan_investment(
            app, await survey(app, index), deposit.credited_units or 0, "deposit_credited"
        )
        await _carry_out(app, deposit, index, plan)
    except BallastError as refusal:
        await _refused(app, deposit, refusal)


async def _carry_out(app: App, deposit: Deposit, index: Index, plan: Plan) -> None:
    if not plan.swaps:
        text = f"{KEPT}: too little for a swap."
        await _keep_as_cash(app, deposit, "below_minimum", text, plan_facts(plan))
    elif not cost_gate(index.policy, plan.fee_pico, plan.value_pico):
        text = f"{KEPT}: investing it would cost {usd_shown(plan.fee_pico)}."
        await _keep_as_cash(app, deposit, "cost_above_limit", text, plan_facts(plan))
    else:
        await _start(app, deposit, index, plan)


async def _start(app: App, deposit: Deposit, index: Index, plan: Plan) -> None:
    """Start the purchase and settle that it was started, in one transaction."""
    # Alone: what may be spent depends on all indexes of the owner.
    async with app.store.transaction() as tx:
        await tx.add_plan(plan)
        rebalance = await start_rebalance(app, tx, index, plan, Starter.ENGINE)
        await put(tx, deposit, _ended(app, deposit))
        summary = "The deposit is being invested by buying only."
        facts: dict[str, object] = {"rebalance_id": rebalance.rebalance_id}
        await tell(app, tx, deposit, "deposit_invested", summary, facts)


async def _refused(app: App, deposit: Deposit, refusal: BallastError) -> None:
    if refusal.code in _PASSING:
        await _later(app, deposit, refusal.message, refusal)
    elif refusal.code in _LASTING:
        text = f"{KEPT}: {refusal.message}"
        facts = dict(refusal.details)
        await _keep_as_cash(app, deposit, refusal.code.value, text, facts, refusal)
    else:
        raise refusal


async def _later(app: App, deposit: Deposit, why: str, refusal: BallastError | None = None) -> None:
    later = replace(
        deposit, problem=f"Not invested yet: {why}", due_at=app.clock.now() + INVEST_RETRY
    )
    async with app.store.transaction(deposit.index_id) as tx:
        await put(tx, deposit, later)
        await _emit(app, tx, deposit, refusal)


async def _keep_as_cash(
    app: App,
    deposit: Deposit,
    reason: str,
    summary: str,
    facts: dict[str, object],
    refusal: BallastError | None = None,
) -> None:
    async with app.store.transaction(deposit.index_id) as tx:
        await put(tx, deposit, _ended(app, deposit))
        await tell(app, tx, deposit, reason, summary, facts)
        await _emit(app, tx, deposit, refusal)


async def _emit(app: App, tx: Transaction, deposit: Deposit, refusal: BallastError | None) -> None:
    if refusal is not None:
        owner_id, index_id = deposit.owner_id, deposit.index_id
        attempt = "invest_deposit"
        await audit_limit(app, tx, refusal, owner_id, index_id, attempt)
        await emit_refusal(app, tx, refusal, owner_id=owner_id, index_id=index_id, attempt=attempt)


def _ended(app: App, deposit: Deposit) -> Deposit:
    """Nothing more is to be done with it; its address is still watched for a second payment."""
    now = app.clock.now()
    return replace(deposit, problem="", ended_at=now, due_at=now + LATE_RECHECK)
