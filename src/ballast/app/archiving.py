"""The end of an index: archived, its rows kept for ever; only when there is no money to lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from ballast.app.app import App
from ballast.app.events import emit_index
from ballast.app.fields import IndexId
from ballast.app.indexes import IndexStateView
from ballast.app.inputs import RepeatableInput
from ballast.app.naming import no_such_index
from ballast.app.operation import Call
from ballast.app.ports import Transaction
from ballast.app.pricing import usable_prices
from ballast.app.rebalances import refuse_second
from ballast.core.deposits import Deposit
from ballast.core.events import EventKind
from ballast.core.index import Index
from ballast.core.ledger import held
from ballast.core.money import dollars, value_pico
from ballast.core.states import DepositState, IndexState, move
from ballast.core.trading import Price
from ballast.core.wording import usd_shown
from ballast.errors import BallastError, ErrorCode

_UNDER_WAY: Final = (DepositState.SEEN, DepositState.PROCESSING, DepositState.ATTENTION)


class DeleteIndex(RepeatableInput):
    """Input of delete_index."""

    index_id: IndexId


async def delete_index(app: App, call: Call, given: DeleteIndex) -> IndexStateView:
    """Delete (archive) an index for good: its history stays readable, nothing can be started with
    it any more. Refused while it holds more than dust or a deposit to it is open."""
    async with app.store.read() as reader:
        index = await reader.get_index(call.owner_id, given.index_id)
        balances = await reader.balances(given.index_id)
    if index is None:
        raise no_such_index(given.index_id)
    prices, _ = await usable_prices(app, held(balances))
    async with app.store.transaction() as tx:
        present = await tx.get_index(call.owner_id, given.index_id)
        assert present is not None, "an index is never deleted"
        if present.state is not IndexState.ARCHIVED:
            await refuse_second(tx, present)
            await _require_empty(tx, present, prices)
            await _require_no_deposit(tx, present, app.clock.now())
            archived = _archived(app, present)
            await tx.save_index(archived, was_version=present.version)
            await emit_index(app, tx, EventKind.INDEX_ARCHIVED, archived)
        view = IndexStateView(
            mode=app.mode,
            index_id=present.index_id,
            name=present.name,
            state=IndexState.ARCHIVED.value,
            next_step="It is read-only now; list_indexes shows it with archived=true.",
        )
        await call.record(app, tx, view, present.index_id)
    return view


def _archived(app: App, index: Index) -> Index:
    return replace(
        index,
        state=move(index.state, IndexState.ARCHIVED),
        version=index.version + 1,
        updated_at=app.clock.now(),
    )


async def _require_empty(tx: Transaction, index: Index, prices: Mapping[str, Price]) -> None:
    """Dust is what is worth less than a swap may be; what has no price is no dust."""
    units = held(await tx.balances(index.index_id))
    assets = await tx.get_assets(sorted(units))
    unpriced = [assets[one].symbol for one in units if one not in prices]
    worth = sum(
        value_pico(units[one], assets[one].decimals, prices[one].usd)
        for one in units
        if one in prices
    )
    if unpriced or worth >= index.policy.minimum_swap_pico:
        without = f", and {', '.join(unpriced)} without a price" if unpriced else ""
        raise BallastError(
            ErrorCode.INDEX_NOT_EMPTY,
            f"The index still holds {usd_shown(worth)}{without}.",
            index_id=index.index_id,
            value_usd=dollars(worth),
        )


async def _require_no_deposit(tx: Transaction, index: Index, now: datetime) -> None:
    found = await tx.list_deposits(index.index_id, 1_000)
    still_open = [one for one in found if _is_open(one, now)]
    if still_open:
        raise BallastError(
            ErrorCode.INDEX_NOT_EMPTY,
            f"A deposit to the index is {still_open[0].state.value}; what is paid to its address "
            f"would have nowhere to go. It closes at {still_open[0].deadline:%Y-%m-%d %H:%M} UTC.",
            deposit_id=still_open[0].deposit_id,
        )


def _is_open(deposit: Deposit, now: datetime) -> bool:
    match deposit.state:
        case DepositState.AWAITING:
            return now < deposit.deadline
        case DepositState.CREDITED:
            return deposit.ended_at is None
        case _:
            return deposit.state in _UNDER_WAY
