"""Reads and writes of sales of everything."""

from __future__ import annotations

from typing import Final

from ballast.adapters.store import panic_tables as t
from ballast.adapters.store.queries import by
from ballast.adapters.store.row_session import RowReader, RowWriter
from ballast.adapters.store.rows import Record
from ballast.core.panic import PanicSale
from ballast.core.states import SaleState, move

SALES: Final = Record(PanicSale, t.panic_sales)

_c: Final = t.panic_sales.c
_SALE: Final = by(t.panic_sales, "owner_id", "sale_id")
_SALES: Final = by(t.panic_sales, "owner_id").order_by(_c.asked_at.desc(), _c.sale_id.desc())
_SAVE: Final = SALES.replace("sale_id", "state")


class SqlPanicReader(RowReader):
    """Fulfils the port `PanicReader`."""

    async def get_panic_sale(self, owner_id: str, sale_id: str) -> PanicSale | None:
        """One sale of this owner's."""
        return await self._one(SALES, _SALE, owner_id=owner_id, sale_id=sale_id)

    async def list_panic_sales(self, owner_id: str) -> list[PanicSale]:
        """All there ever were, newest first."""
        return await self._all(SALES, _SALES, owner_id=owner_id)


class SqlPanicWrites(SqlPanicReader, RowWriter):
    """Fulfils the port `PanicTransaction`."""

    async def add_panic_sale(self, sale: PanicSale) -> None:
        """Add a sale."""
        await self._add(SALES, sale)

    async def save_panic_sale(self, sale: PanicSale, was: SaleState) -> None:
        """Replace a sale that is still in the state `was`."""
        if was is not sale.state:
            move(was, sale.state)
        await self._save(
            _SAVE,
            SALES.to_row(sale),
            key_sale_id=sale.sale_id,
            key_owner_id=sale.owner_id,
            was_state=was.value,
        )
