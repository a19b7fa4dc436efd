"""Where a rebalance or a deposit stands, leg by leg."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ballast.app.app import App
from ballast.app.deposits import (
    KEPT,
    DepositView,
    deposit_next_step,
    deposit_view,
    require_deposit,
)
from ballast.app.fields import ProgressId
from ballast.app.inputs import Input
from ballast.app.operation import Call, Output
from ballast.app.ports import Reader
from ballast.app.switch import halt_level
from ballast.app.views import SwapView
from ballast.core.decisions import Decision
from ballast.core.deposits import Deposit
from ballast.core.halting import HaltLevel
from ballast.core.ids import IdKind, kind_of
from ballast.core.index import Asset
from ballast.core.money import format_amount
from ballast.core.states import (
    UNSIGNED,
    DepositState,
    RebalanceState,
    SwapState,
    WithdrawalState,
    is_terminal,
)
from ballast.core.trading import Rebalance, Swap
from ballast.core.withdrawals import Withdrawal
from ballast.core.wording import amount_shown, grouped
from ballast.errors import BallastError, ErrorCode

# Which swap it is stands beside this, in the list of swaps.
BY_HAND: Final = (
    "It is still watched. For the venue's support: ballast incident SWAP_ID; if it never resolves, "
    "the owner ends it: ballast write-off SWAP_ID. Both in a terminal."
)


PAUSED: Final = (
    "Its index is paused: what is not signed waits. resume_index lets it go on; pause_index with "
    "cancel=true gives it up."
)
STOPPED: Final = (
    "Trading is halted: what is not signed waits until the owner says, in a terminal: "
    "ballast resume. Or give it up: pause_index with cancel=true."
)
GIVEN_UP: Final = (
    "What was not signed is given up; what was signed goes on: call get_progress again."
)


class GetProgress(Input):
    """Input of get_progress."""

    id: ProgressId


class ProgressView(Output):
    """Where something that runs stands. `done`: nothing more will happen by itself."""

    id: str
    kind: str
    index_id: str
    state: str
    done: bool
    summary: str
    swaps: list[SwapView]
    credited_amount: str | None
    follow_up_id: str | None
    started_at: datetime
    ended_at: datetime | None
    problem: str
    next_step: str


async def get_progress(app: App, call: Call, given: GetProgress) -> ProgressView:
    """Show where a rebalance, deposit or withdrawal stands: state, legs, amounts, what is next.
    Call it until done is true. follow_up_id names the rebalance that invests a deposit."""
    async with app.store.read() as reader:
        match kind_of(given.id):
            case IdKind.DEPOSIT:
                return await _of_deposit(app, reader, call.owner_id, given.id)
            case IdKind.WITHDRAWAL:
                return await _of_withdrawal(app, reader, call.owner_id, given.id)
        return await _of_rebalance(app, reader, call.owner_id, given.id)


async def _of_deposit(app: App, reader: Reader, owner_id: str, deposit_id: str) -> ProgressView:
    deposit = await require_deposit(reader, owner_id, deposit_id)
    assets = await reader.get_assets([deposit.asset_id, deposit.credit_asset_id])
    view = deposit_view(app.mode, deposit, assets)
    decisions = await reader.decisions_about(deposit_id)
    follow_up = next(
        (str(one.facts["rebalance_id"]) for one in decisions if "rebalance_id" in one.facts), None
    )
    short = next((one.summary for one in decisions if one.reason == "deposit_short"), "")
    return ProgressView(
        mode=app.mode,
        id=deposit_id,
        kind="deposit",
        index_id=deposit.index_id,
        state=deposit.state.value,
        done=deposit.ended_at is not None,
        summary=_deposit_summary(deposit, view, decisions),
        swaps=[],
        credited_amount=view.credited_amount,
        follow_up_id=follow_up,
        started_at=deposit.created_at,
        ended_at=deposit.ended_at,
        problem=deposit.problem or short,
        next_step=f"Follow its investment: call get_progress with id={follow_up}."
        if follow_up
        else deposit_next_step(app.mode, deposit),
    )


def _deposit_summary(deposit: Deposit, view: DepositView, decisions: list[Decision]) -> str:
    if deposit.state is not DepositState.CREDITED:
        return deposit.state.value
    kept = next((one.summary for one in decisions if one.summary.startswith(KEPT)), "")
    amount = grouped(view.credited_amount or "")
    return f"{amount} {view.credit.symbol} credited. {kept}".removesuffix(". ")


async def _of_rebalance(app: App, reader: Reader, owner_id: str, rebalance_id: str) -> ProgressView:
    rebalance = await reader.get_rebalance(owner_id, rebalance_id)
    if rebalance is None:
        raise BallastError(
            ErrorCode.NOT_FOUND, "There is no such rebalance.", rebalance_id=rebalance_id
        )
    swaps = await reader.swaps_of(rebalance_id)
    stopped = await _what_stops(app, reader, rebalance, swaps)
    assets = await reader.get_assets(sorted({a for one in swaps for a in (one.sell, one.buy)}))
    return ProgressView(
        mode=app.mode,
        id=rebalance_id,
        kind=rebalance.kind.value,
        index_id=rebalance.index_id,
        state=rebalance.state.value,
        done=is_terminal(rebalance.state),
        summary=_summary(swaps),
        swaps=await swap_views(reader, swaps, assets),
        credited_amount=None,
        follow_up_id=None,
        started_at=rebalance.created_at,
        ended_at=rebalance.ended_at,
        problem=rebalance.note,
        next_step=stopped or _next_step(rebalance, swaps),
    )


async def _what_stops(app: App, reader: Reader, rebalance: Rebalance, swaps: list[Swap]) -> str:
    """Why what is still to be signed waits for the owner; empty when it does not."""
    withdrawal = await reader.withdrawal_of_rebalance(rebalance.rebalance_id)
    unsigned = any(one.state in UNSIGNED for one in swaps)
    if not unsigned and not (withdrawal and withdrawal.payout_to_come):
        return ""
    if rebalance.state is RebalanceState.HALTED:
        return PAUSED
    level = await halt_level(app.halt_orders, reader, rebalance.owner_id)
    return STOPPED if level is HaltLevel.NOTHING else ""


async def swap_views(reader: Reader, swaps: list[Swap], assets: dict[str, Asset]) -> list[SwapView]:
    """Swaps as people read them, each with the hash of its latest intent."""
    views = []
    for swap in swaps:
        intents = await reader.intents_of(swap.swap_id)
        views.append(SwapView.of(swap, assets, intents[-1].intent_hash if intents else None))
    return views


async def _of_withdrawal(
    app: App, reader: Reader, owner_id: str, withdrawal_id: str
) -> ProgressView:
    withdrawal = await reader.get_withdrawal(owner_id, withdrawal_id)
    if withdrawal is None:
        raise BallastError(
            ErrorCode.NOT_FOUND, "There is no such withdrawal.", withdrawal_id=withdrawal_id
        )
    swaps, stopped = await _swaps_of_withdrawal(app, reader, withdrawal)
    wanted = {asset for one in swaps for asset in (one.sell, one.buy)}
    out = withdrawal.payout_asset_id
    assets = await reader.get_assets(sorted(wanted | ({out} if out else set())))
    delivered = withdrawal.delivered_units
    return ProgressView(
        mode=app.mode,
        id=withdrawal_id,
        kind="withdrawal" if out else "liquidation",
        index_id=withdrawal.index_id,
        state=withdrawal.state.value,
        done=is_terminal(withdrawal.state),
        summary=_withdrawal_summary(withdrawal, assets.get(out or "")),
        swaps=await swap_views(reader, swaps, assets),
        credited_amount=None
        if out is None or delivered is None
        else format_amount(delivered, assets[out].decimals),
        follow_up_id=None,
        started_at=withdrawal.created_at,
        ended_at=withdrawal.ended_at,
        problem=withdrawal.problem,
        next_step=stopped or _withdrawal_next_step(withdrawal.state),
    )


async def _swaps_of_withdrawal(
    app: App, reader: Reader, withdrawal: Withdrawal
) -> tuple[list[Swap], str]:
    """Its sales and its payout, and what stops them."""
    if withdrawal.rebalance_id is None:
        return [], ""
    rebalance = await reader.get_rebalance(withdrawal.owner_id, withdrawal.rebalance_id)
    assert rebalance is not None, "a started withdrawal has a rebalance"
    swaps = await reader.swaps_of(withdrawal.rebalance_id)
    return swaps, await _what_stops(app, reader, rebalance, swaps)


def _withdrawal_summary(withdrawal: Withdrawal, out: Asset | None) -> str:
    if out is None or withdrawal.delivered_units is None:
        return withdrawal.state.value
    amount = amount_shown(withdrawal.delivered_units, out.decimals)
    sent = f" in {', '.join(withdrawal.transactions)}" if withdrawal.transactions else ""
    return f"{amount} {out.symbol} delivered on {out.chain}{sent}"


def _withdrawal_next_step(state: WithdrawalState) -> str:
    match state:
        case WithdrawalState.PLANNED:
            return "Not started: call withdraw with its plan_id if the owner agrees."
        case WithdrawalState.SENT:
            return "Done. get_index shows what is left."
        case WithdrawalState.FAILED:
            return "The problem says why. What was sold is kept as cash; preview it again."
        case WithdrawalState.ATTENTION:
            return f"This needs the owner's attention: the problem says what is known. {BY_HAND}"
        case _:
            return "Running: call get_progress again in a few seconds."


def _summary(swaps: list[Swap]) -> str:
    settled = sum(one.state is SwapState.SETTLED for one in swaps)
    ended = sum(is_terminal(one.state) for one in swaps)
    text = f"{settled} of {len(swaps)} swaps settled"
    return text if ended == settled else f"{text}, {ended - settled} ended otherwise"


def _next_step(rebalance: Rebalance, swaps: list[Swap]) -> str:
    match rebalance.state:
        case RebalanceState.COMPLETED:
            return "Done. explain says why it traded; get_drift shows where it stands."
        case RebalanceState.PARTIAL | RebalanceState.FAILED if any(
            one.state is SwapState.WRITTEN_OFF for one in swaps
        ):
            return "A swap was given up: its problem says what is missing. The index trades again."
        case RebalanceState.PARTIAL | RebalanceState.FAILED:
            return "Some swaps did not settle; nothing is lost. Preview a new rebalance."
        case RebalanceState.HALTED:
            return GIVEN_UP
        case RebalanceState.CANCELLED:
            return "Cancelled. Preview a new rebalance if it is still wanted."
        case _ if any(one.state is SwapState.ATTENTION for one in swaps):
            return f"A swap needs attention: its problem says what is known. {BY_HAND}"
        case _:
            return "Running: call get_progress again in a few seconds."
