"""The third step of a halt: everything into the base asset, within a budget for slippage.

It sells all there is, so a person says it: in a terminal, or as an answer to what a conversation
has asked for (`app/panic_asking.py`).
"""

from __future__ import annotations

from typing import Final

from ballast.app.app import App
from ballast.app.auditing import audit
from ballast.app.operation import Caller
from ballast.app.ports import Reader, Transaction
from ballast.app.resuming import require_may_loosen
from ballast.app.switch import OWNER, ROW_OF, halt, halted_key, level_of
from ballast.core.halting import HaltLevel
from ballast.core.ids import IdKind
from ballast.core.index import Index
from ballast.core.ledger import held
from ballast.core.money import format_percent_bps, parse_percent_bps
from ballast.core.panic import LEAST_BUDGET_BPS, MOST_BUDGET_BPS, PanicSale
from ballast.core.states import IndexState, SaleState, is_terminal
from ballast.errors import BallastError, ErrorCode

BUDGET_NEEDED: Final = (
    f"must be from {format_percent_bps(LEAST_BUDGET_BPS)} to {format_percent_bps(MOST_BUDGET_BPS)} "
    "percent, with at most two decimals"
)
_EVERY_ONE: Final = 1_000_000


def read_budget(text: str, field: str = "slippage") -> int:
    """A budget for slippage in basis points, from percent as somebody wrote it.

    Args:
        field: where it was given.

    Raises:
        BallastError: `invalid_input`.
    """
    try:
        budget_bps = parse_percent_bps(text.strip().removesuffix("%").rstrip())
    except BallastError:
        budget_bps = 0
    require_budget(budget_bps, field)
    return budget_bps


def require_budget(budget_bps: int, field: str = "slippage") -> None:
    """Check a budget for slippage: before a person is asked, and again before anything is sold.

    Args:
        field: where it was given.

    Raises:
        BallastError: `invalid_input`.
    """
    if not LEAST_BUDGET_BPS <= budget_bps <= MOST_BUDGET_BPS:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            "The budget for slippage must be from 0.5 % to 20 %.",
            problems=[{"field": field, "problem": BUDGET_NEEDED}],
        )


async def what_would_be_sold(app: App, owner_id: str) -> list[Index]:
    """The indexes that a panic would begin to sell."""
    async with app.store.read() as reader:
        return await to_sell(reader, owner_id)


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
    async with app.store.transaction() as tx:
        key = halted_key(caller.owner_id)
        if await level_of(tx, key) is HaltLevel.NOTHING:
            # At that step nothing could be sold. The owner alone may go back to the one before.
            await require_may_loosen(app, tx, key)
            await tx.put_meta(key, ROW_OF[HaltLevel.NO_NEW_RISK])
        await halt(app, tx, OWNER, caller.owner_id, HaltLevel.NO_NEW_RISK)
        sales = await sell_everything(app, tx, caller, budget_bps)
    app.work_waiting.set()
    return sales


async def sell_everything(
    app: App, tx: Transaction, caller: Caller, budget_bps: int
) -> list[PanicSale]:
    """Leave a row for each index that is to be sold; all sales that have not ended."""
    sales = await _open_sales(tx, caller.owner_id)
    for index in await to_sell(tx, caller.owner_id):
        sale = _sale(app, index, budget_bps)
        await tx.add_panic_sale(sale)
        sales.append(sale)
    indexes = sorted(one.index_id for one in sales)
    await audit(app, tx, caller, "panic", "", budget_bps=budget_bps, indexes=indexes)
    return sales


async def to_sell(reader: Reader, owner_id: str) -> list[Index]:
    """The owner's indexes that hold anything but their base asset and are not being sold yet."""
    indexes = await reader.list_indexes(owner_id, archived=False, after=None, limit=_EVERY_ONE)
    sold = {one.index_id for one in await _open_sales(reader, owner_id)}
    found = []
    for index in indexes:
        if index.state in (IndexState.ACTIVE, IndexState.PAUSED) and index.index_id not in sold:
            units = held(await reader.balances(index.index_id))
            if any(amount for asset, amount in units.items() if asset != index.base_asset_id):
                found.append(index)
    return found


async def _open_sales(reader: Reader, owner_id: str) -> list[PanicSale]:
    sales = await reader.list_panic_sales(owner_id)
    return [one for one in sales if not is_terminal(one.state)]


def _sale(app: App, index: Index, budget_bps: int) -> PanicSale:
    now = app.clock.now()
    return PanicSale(
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
