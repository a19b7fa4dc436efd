"""Sales of everything in the store, on either database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ballast.app.ports import StateMovedError, Store
from ballast.core.states import IllegalMoveError, SaleState
from ballast.errors import ErrorCode
from tests.adapters import store_rows as a
from tests.adapters.limit_rows import panic_sale
from tests.adapters.store_world import refused


async def test_a_sale_comes_back_moves_and_is_one_at_a_time_for_its_index(store: Store):
    sale = panic_sale()
    selling = replace(sale, state=SaleState.SELLING, rounds=1, rebalance_id="reb_1")
    sold = replace(selling, state=SaleState.SOLD, ended_at=a.NOON, due_at=None)
    async with store.transaction() as tx:
        await a.add_ground(tx)
        await tx.add_panic_sale(sale)
    with refused(ErrorCode.INTERNAL):
        async with store.transaction() as tx:
            await tx.add_panic_sale(replace(sale, sale_id="pan_2"))
    async with store.transaction(a.INDEX) as tx:
        await tx.save_panic_sale(selling, was=SaleState.WAITING)
    with pytest.raises(StateMovedError):
        async with store.transaction(a.INDEX) as tx:
            await tx.save_panic_sale(selling, was=SaleState.WAITING)
    async with store.transaction(a.INDEX) as tx:
        await tx.save_panic_sale(sold, was=SaleState.SELLING)
        await tx.add_panic_sale(replace(sale, sale_id="pan_2"))
    with pytest.raises(IllegalMoveError):
        async with store.transaction(a.INDEX) as tx:
            await tx.save_panic_sale(selling, was=SaleState.SOLD)

    async with store.read() as reader:
        assert await reader.get_panic_sale(a.OWNER, "pan_1") == sold
        assert await reader.get_panic_sale("own_other", "pan_1") is None
        assert {one.sale_id for one in await reader.list_panic_sales(a.OWNER)} == {"pan_1", "pan_2"}
        assert [
            one.row_id for one in await reader.due_rows(a.NOON, 10) if one.kind == "panic_sale"
        ] == ["pan_2"]
