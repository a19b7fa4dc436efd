"""What becomes of a withdrawal as its sales and its payout end."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ballast.app.app import App
from ballast.app.events import emit_withdrawal
from ballast.app.payouts import new_payout
from ballast.app.ports import Transaction
from ballast.core.ledger import Account
from ballast.core.states import SwapState, WithdrawalState, is_terminal, move
from ballast.core.trading import Purpose, Rebalance, Swap
from ballast.core.withdrawals import Withdrawal

# A fixed amount may fall short by this much, in percent: prices move while the sales run.
SHORTFALL_PERCENT: Final = 2


async def after_sales(app: App, rebalance: Rebalance, swaps: list[Swap]) -> bool:
    """Go on with the withdrawal of a rebalance whose legs have all ended.

    Returns:
        Whether a payout was added, so that the rebalance is not over yet.
    """
    async with app.store.transaction(rebalance.index_id) as tx:
        withdrawal = await tx.withdrawal_of_rebalance(rebalance.rebalance_id)
        if withdrawal is None or is_terminal(withdrawal.state):
            return False
        if withdrawal.state is WithdrawalState.SELLING:
            return await _sold(app, tx, withdrawal, len(swaps))
        payout = next(one for one in swaps if one.purpose is Purpose.PAYOUT)
        assert payout.state is not SwapState.SETTLED, "a delivered payout ends its withdrawal"
        await _save(app, tx, withdrawal, WithdrawalState.FAILED, payout.problem)
    return False


async def _sold(app: App, tx: Transaction, withdrawal: Withdrawal, position: int) -> bool:
    balances = await tx.balances(withdrawal.index_id)
    cash = balances.get((withdrawal.base_asset_id, Account.AVAILABLE), 0)
    if withdrawal.payout_asset_id is None:
        done = replace(withdrawal, sent_units=0)
        await _save(app, tx, done, WithdrawalState.SENT, "")
        return False
    units = cash if withdrawal.everything else min(cash, withdrawal.asked_units)
    enough = withdrawal.asked_units * (100 - SHORTFALL_PERCENT) // 100
    if units == 0 or (units < enough and not withdrawal.everything):
        problem = "The sales brought too little to send; what they brought is kept as cash."
        await _save(app, tx, withdrawal, WithdrawalState.FAILED, problem)
        return False
    await new_payout(app, tx, withdrawal, units, position=position)
    await _save(app, tx, withdrawal, WithdrawalState.SENDING, "")
    return True


async def move_withdrawal(
    app: App, tx: Transaction, rebalance_id: str, state: WithdrawalState, problem: str
) -> None:
    """Move the withdrawal a rebalance belongs to."""
    withdrawal = await tx.withdrawal_of_rebalance(rebalance_id)
    assert withdrawal is not None, "a payout belongs to a withdrawal"
    await _save(app, tx, withdrawal, state, problem)


async def end_withdrawal(
    app: App,
    tx: Transaction,
    rebalance_id: str,
    *,
    sent_units: int,
    delivered_units: int,
    transactions: tuple[str, ...],
) -> None:
    """Close a withdrawal whose payout was delivered."""
    withdrawal = await tx.withdrawal_of_rebalance(rebalance_id)
    assert withdrawal is not None, "a payout belongs to a withdrawal"
    done = replace(
        withdrawal,
        sent_units=sent_units,
        delivered_units=delivered_units,
        transactions=transactions,
    )
    await _save(app, tx, done, WithdrawalState.SENT, "")


async def _save(
    app: App, tx: Transaction, withdrawal: Withdrawal, state: WithdrawalState, problem: str
) -> None:
    now = app.clock.now()
    moved = replace(
        withdrawal,
        state=move(withdrawal.state, state),
        problem=problem,
        updated_at=now,
        ended_at=now if is_terminal(state) else None,
    )
    await tx.save_withdrawal(moved, was=withdrawal.state)
    if state is WithdrawalState.SENT:
        await emit_withdrawal(app, tx, moved)
