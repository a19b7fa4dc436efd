"""Writing down what happened, for those who want to be told, in the transaction in which it did.

The row is the promise: whoever delivers reads rows, so a crash after the commit loses nothing, and
what was rolled back is never told. Nothing here waits for anybody outside.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ballast.app.app import App
from ballast.app.ports import Transaction
from ballast.core.deposits import Deposit
from ballast.core.events import EVENTS, Event, EventKind
from ballast.core.ids import IdKind
from ballast.core.index import Index
from ballast.core.states import SwapState
from ballast.core.trading import Rebalance, Swap
from ballast.core.withdrawals import Withdrawal
from ballast.errors import BallastError, ErrorCode

REPEATED_AFTER: Final = timedelta(hours=1)


async def emit(
    app: App,
    tx: Transaction,
    what: EventKind,
    /,
    *,
    owner_id: str,
    index_id: str | None,
    **data: object,
) -> None:
    """Add an event behind the others of its index, or of its owner when it is about no index.

    Args:
        what: which event.
        data: exactly the fields of its spec, JSON-ready, amounts as text; never a secret,
            and no text that came from outside.
    """
    assert set(data) == set(EVENTS[what].fields), f"{what} carries {sorted(EVENTS[what].fields)}"
    stream = index_id or owner_id
    event = Event(
        event_id=app.ids.new(IdKind.EVENT),
        owner_id=owner_id,
        index_id=index_id,
        stream=stream,
        sequence=await tx.last_event_sequence(stream) + 1,
        kind=what,
        at=app.clock.now(),
        data=data,
        told_at=None,
    )
    await tx.add_event(event)
    app.news.set()


async def emit_index(
    app: App, tx: Transaction, kind: EventKind, index: Index, **more: object
) -> None:
    """An event about an index as it is after the change."""
    await emit(
        app,
        tx,
        kind,
        owner_id=index.owner_id,
        index_id=index.index_id,
        name=index.name,
        state=index.state.value,
        version=str(index.version),
        **more,
    )


async def emit_rebalance(
    app: App, tx: Transaction, kind: EventKind, rebalance: Rebalance, *, swaps: int, settled: int
) -> None:
    """An event about a rebalance as it is after the change."""
    await emit(
        app,
        tx,
        kind,
        owner_id=rebalance.owner_id,
        index_id=rebalance.index_id,
        rebalance_id=rebalance.rebalance_id,
        plan_id=rebalance.plan_id,
        kind=rebalance.kind.value,
        started_by=rebalance.started_by.value,
        state=rebalance.state.value,
        swaps=str(swaps),
        settled=str(settled),
    )


async def emit_trade(app: App, tx: Transaction, swap: Swap) -> None:
    """The event of a swap that has ended."""
    done = swap.state is SwapState.SETTLED
    await emit(
        app,
        tx,
        EventKind.TRADE_COMPLETED if done else EventKind.TRADE_FAILED,
        owner_id=swap.owner_id,
        index_id=swap.index_id,
        swap_id=swap.swap_id,
        rebalance_id=swap.rebalance_id,
        state=swap.state.value,
        sell_asset_id=swap.sell,
        buy_asset_id=swap.buy,
        input_units=str(swap.input_units),
        output_units=str(swap.output_units or 0),
        refunded_units=str(swap.refunded_units or 0),
    )


async def emit_withdrawal(app: App, tx: Transaction, sent: Withdrawal) -> None:
    """The event of a withdrawal that was delivered, or of a liquidation that has ended."""
    await emit(
        app,
        tx,
        EventKind.WITHDRAWAL_SENT,
        owner_id=sent.owner_id,
        index_id=sent.index_id,
        withdrawal_id=sent.withdrawal_id,
        state=sent.state.value,
        chain=sent.chain,
        payout_asset_id=sent.payout_asset_id,
        sent_units=str(sent.sent_units or 0),
        delivered_units=str(sent.delivered_units or 0),
        transactions=list(sent.transactions),
    )


async def emit_deposit(app: App, tx: Transaction, kind: EventKind, deposit: Deposit) -> None:
    """An event about a deposit as it is after the change."""
    credited = deposit.credited_units
    await emit(
        app,
        tx,
        kind,
        owner_id=deposit.owner_id,
        index_id=deposit.index_id,
        deposit_id=deposit.deposit_id,
        state=deposit.state.value,
        credit_asset_id=deposit.credit_asset_id,
        credited_units=None if credited is None else str(credited),
    )


async def emit_refusal(
    app: App,
    tx: Transaction,
    refusal: BallastError,
    *,
    owner_id: str,
    index_id: str | None,
    attempt: str,
) -> None:
    """What a refusal tells others, if anything: a limit that stopped something, a plan that waits
    for a person's word, a frozen price.

    The same again within the hour is not told again: somebody who tries on, or a check that comes
    round every few minutes, would fill a mailbox.

    Args:
        attempt: the operation that was refused, or what Ballast tried by itself.
    """
    app.observer.refused(refusal)
    if refusal.code is ErrorCode.LIMIT_EXCEEDED:
        told: list[tuple[EventKind, dict[str, object]]] = [
            (EventKind.LIMIT_REFUSED, {"attempt": attempt, "limit": _first_limit(refusal)})
        ]
    elif refusal.code is ErrorCode.CONFIRMATION_NEEDED:
        fields = EVENTS[EventKind.CONFIRMATION_NEEDED].fields
        told = [(EventKind.CONFIRMATION_NEEDED, {name: refusal.details[name] for name in fields})]
    elif refusal.code is ErrorCode.PRICE_UNAVAILABLE:
        told = [(EventKind.PRICE_FROZEN, one) for one in _frozen(refusal)]
    else:
        return
    since = app.clock.now() - REPEATED_AFTER
    for what, data in told:
        if not await tx.event_since(index_id or owner_id, what, data, since):
            await emit(app, tx, what, owner_id=owner_id, index_id=index_id, **data)


def _first_limit(refusal: BallastError) -> object:
    """The name of the limit that a refusal is about, or of the first one."""
    broken = refusal.details.get("limits")
    return broken[0]["limit"] if isinstance(broken, list) and broken else None


def _frozen(refusal: BallastError) -> list[dict[str, object]]:
    """A refusal that names no asset is about a source, not about a price."""
    named = refusal.details.get("assets")
    if not isinstance(named, list):
        return []
    return [{"asset_id": one["asset_id"], "why": one["reason"]} for one in named]
