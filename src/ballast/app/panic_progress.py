"""How far selling everything has come: for whoever asks for the state, and whoever waits for it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ballast.app.app import App
from ballast.app.ports import Reader
from ballast.app.progress import swap_views
from ballast.app.switch import halt_level
from ballast.app.views import SwapView, View
from ballast.core.panic import PanicSale
from ballast.core.states import is_terminal

# As its plans say why they were made.
EVERYTHING_SOLD: Final = "everything_sold"
# Rebalances of an index that are looked through for those of its sale: it makes three at most.
_RECENT: Final = 50


class PendingSale(View):
    """One index that is not sold yet, and what it waits for."""

    index_id: str
    name: str
    state: str
    note: str


class PanicView(View):
    """Everything is being sold: since when, and how many indexes are done."""

    level: str
    since: datetime
    indexes: int
    done: int
    left: list[PendingSale]


class SaleView(View):
    """What became of one index: what was sold, and what was left and why."""

    id: str
    index_id: str
    name: str
    state: str
    done: bool
    note: str
    swaps: list[SwapView]


async def pending_panic(app: App, reader: Reader, owner_id: str) -> PanicView | None:
    """How far it has come; None when nothing is left to do."""
    sales = await reader.list_panic_sales(owner_id)
    left = [one for one in sales if not is_terminal(one.state)]
    if not left:
        return None
    since = min(one.asked_at for one in left)
    level = await halt_level(app.halt_orders, reader, owner_id)
    asked = sum(one.asked_at >= since for one in sales)
    return PanicView(
        level=level.word,
        since=since,
        indexes=asked,
        done=asked - len(left),
        left=[
            PendingSale(
                index_id=one.index_id,
                name=await _name(reader, one),
                state=one.state.value,
                note=one.note,
            )
            for one in reversed(left)
        ],
    )


async def sales_as_they_stand(app: App, owner_id: str, sale_ids: list[str]) -> list[SaleView]:
    """These sales, each with every swap that it has made so far."""
    async with app.store.read() as reader:
        return [await _seen(reader, owner_id, one) for one in sale_ids]


async def _seen(reader: Reader, owner_id: str, sale_id: str) -> SaleView:
    sale = await reader.get_panic_sale(owner_id, sale_id)
    assert sale is not None, "a sale is never deleted"
    return SaleView(
        id=sale_id,
        index_id=sale.index_id,
        name=await _name(reader, sale),
        state=sale.state.value,
        done=is_terminal(sale.state),
        note=sale.note,
        swaps=await _swaps_of(reader, sale),
    )


async def _swaps_of(reader: Reader, sale: PanicSale) -> list[SwapView]:
    swaps = []
    for one in reversed(await reader.list_rebalances(sale.index_id, _RECENT)):
        if one.created_at < sale.asked_at or (sale.ended_at and one.created_at > sale.ended_at):
            continue
        plan = await reader.get_plan(sale.owner_id, one.plan_id)
        if plan is not None and plan.reason == EVERYTHING_SOLD:
            swaps += await reader.swaps_of(one.rebalance_id)
    assets = await reader.get_assets(sorted({a for one in swaps for a in (one.sell, one.buy)}))
    return await swap_views(reader, swaps, assets)


async def _name(reader: Reader, sale: PanicSale) -> str:
    index = await reader.get_index(sale.owner_id, sale.index_id)
    assert index is not None, "a sale has an index"
    return index.name
