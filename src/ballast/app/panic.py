"""The third step of a halt: everything into the base asset, within a budget for slippage.

Not an operation: it sells all there is, so a person says it in a terminal. A conversation reaches
the same index by index, by plans that are shown first and within the limits.
"""

from __future__ import annotations

from typing import Final

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.halting import require_may_loosen
from ballast.app.operation import Caller
from ballast.app.ports import Reader
from ballast.app.switch import OWNER, ROW_OF, halt, halted_key, level_of
from ballast.core.halting import HaltLevel
from ballast.core.ids import IdKind
from ballast.core.index import Index
from ballast.core.ledger import held
from ballast.core.panic import LEAST_BUDGET_BPS, MOST_BUDGET_BPS, PanicSale
from ballast.core.states import IndexState, SaleState, is_terminal
from ballast.errors import BallastError, ErrorCode

_EVERY_ONE: Final = 1_000_000


def require_budget(budget_bps: int) -> None:
    """Check a budget for slippage: before a person is asked, and again before anything is sold.

    Raises:
        BallastError: `invalid_input`.
    """
    if not LEAST_BUDGET_BPS <= budget_bps <= MOST_BUDGET_BPS:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The budget for slippage must be from 0.5 % to 20 %.",
            problems=[{"field": "slippage", "problem": "must be from 0.5 to 20"}],
        )


async def what_would_be_sold(app: App, owner_id: str) -> list[Index]:
    """The owner's indexes that hold anything but their base asset."""
    async with app.store.read() as reader:
        return await _to_sell(reader, owner_id)


async def panic(app: App, caller: Caller, budget_bps: int) -> list[PanicSale]:
    """Take no new risk from now on, and sell all that the owner's indexes hold into their base
    assets; the sales, which the engine carries out. Calling again changes nothing of those that
    have not ended.

    Args:
        budget_bps: how much less than at the reference prices a swap may bring at worst; what
            cannot be sold within it stays.

    Raises:
        BallastError: `invalid_input` for the budget; `trading_halted` while a file orders to halt,
            or a backup that was put back has not been compared with the venue.
    """
    require_budget(budget_bps)
    now = app.clock.now()
    async with app.store.transaction() as tx:
        key = halted_key(caller.owner_id)
        if await level_of(tx, key) is HaltLevel.NOTHING:
            # At that step nothing could be sold. The owner alone may go back to the one before.
            await require_may_loosen(app, tx, key)
            await tx.put_meta(key, ROW_OF[HaltLevel.NO_NEW_RISK])
        await halt(app, tx, OWNER, caller.owner_id, HaltLevel.NO_NEW_RISK)
        open_sales = {
            one.index_id: one
            for one in await tx.list_panic_sales(caller.owner_id)
            if not is_terminal(one.state)
        }
        for index in await _to_sell(tx, caller.owner_id):
            if index.index_id not in open_sales:
                sale = PanicSale(
                    sale_id=app.ids.new(IdKind.PANIC_SALE),
                    owner_id=index.owner_id,
                    index_id=index.index_id,
                    state=SaleState.WAITING,
                    budget_bps=budget_bps,
                    rounds=0,
                    rebalance_id=None,
                    note="",
                    asked_at=now,
                    updated_at=now,
                    ended_at=None,
                    due_at=now,
                )
                await tx.add_panic_sale(sale)
                open_sales[index.index_id] = sale
        indexes = sorted(open_sales)
        await audit(app, tx, caller, "panic", "", budget_bps=budget_bps, indexes=indexes)
    app.work_waiting.set()
    return list(open_sales.values())


async def _to_sell(reader: Reader, owner_id: str) -> list[Index]:
    indexes = await reader.list_indexes(owner_id, archived=False, after=None, limit=_EVERY_ONE)
    found = []
    for index in indexes:
        if index.state in (IndexState.ACTIVE, IndexState.PAUSED):
            units = held(await reader.balances(index.index_id))
            if any(amount for asset, amount in units.items() if asset != index.base_asset_id):
                found.append(index)
    return found
