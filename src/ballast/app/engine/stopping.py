"""Stopping what runs at an index: what is signed goes on, all else waits or is given up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ballast.app.app import App
from ballast.app.engine.rows import give_up
from ballast.app.ports import Transaction
from ballast.core.index import Index
from ballast.core.states import UNSIGNED, RebalanceState, WithdrawalState, is_terminal, move
from ballast.core.trading import Rebalance, Swap
from ballast.core.withdrawals import Withdrawal


@dataclass(frozen=True, slots=True)
class Running:
    """A rebalance that has not ended, and what of it nobody has signed yet."""

    rebalance: Rebalance
    unsigned: list[Swap]
    under_way: int
    withdrawal: Withdrawal | None

    @property
    def can_stop(self) -> bool:
        """Whether anything of it is still to be signed, a payout after its sales included."""
        return bool(self.unsigned) or self.payout_to_come

    @property
    def payout_to_come(self) -> bool:
        """Whether a payout is added once the sales have ended."""
        return self.withdrawal is not None and self.withdrawal.payout_to_come


async def running_of(tx: Transaction, index: Index) -> Running | None:
    """What runs at an index; None when nothing does."""
    rebalance = await tx.active_rebalance(index.index_id)
    if rebalance is None:
        return None
    swaps = await tx.swaps_of(rebalance.rebalance_id)
    unsigned = [one for one in swaps if one.state in UNSIGNED]
    open_swaps = sum(not is_terminal(one.state) for one in swaps)
    withdrawal = await tx.withdrawal_of_rebalance(rebalance.rebalance_id)
    return Running(rebalance, unsigned, open_swaps - len(unsigned), withdrawal)


async def stop_running(
    app: App, tx: Transaction, running: Running, *, giving_up: str | None
) -> None:
    """Halt a rebalance. What waits is not due again until it is resumed; what was given up may
    have been the last that the rebalance waited for.

    Args:
        giving_up: why what is not signed is given up; None lets it wait.
    """
    rebalance, now = running.rebalance, app.clock.now()
    state = rebalance.state
    if state is RebalanceState.EXECUTING:
        state = move(state, RebalanceState.HALTED)
    halted = replace(rebalance, state=state, updated_at=now, due_at=now if giving_up else None)
    await tx.save_rebalance(halted, was=rebalance.state)
    for swap in running.unsigned:
        if giving_up:
            await give_up(app, tx, swap, giving_up)
        else:
            await tx.save_swap(replace(swap, due_at=None, updated_at=now), was=swap.state)
    if giving_up:
        await _cancel_withdrawal(app, tx, running, giving_up)


async def _cancel_withdrawal(app: App, tx: Transaction, running: Running, because: str) -> None:
    """Nothing is sent any more: neither the payout that was to come, nor one not signed yet."""
    withdrawal, now = running.withdrawal, app.clock.now()
    if withdrawal is None or is_terminal(withdrawal.state):
        return
    failed = replace(
        withdrawal,
        state=move(withdrawal.state, WithdrawalState.FAILED),
        problem=f"{because} What its sales brought is kept as cash.",
        updated_at=now,
        ended_at=now,
    )
    await tx.save_withdrawal(failed, was=withdrawal.state)
