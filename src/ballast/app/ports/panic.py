"""Sales of everything."""

from __future__ import annotations

from typing import Protocol

from ballast.core.panic import PanicSale
from ballast.core.states import SaleState


class PanicReader(Protocol):
    """Reads of sales."""

    async def get_panic_sale(self, owner_id: str, sale_id: str) -> PanicSale | None: ...
    async def list_panic_sales(self, owner_id: str) -> list[PanicSale]:
        """All there ever were, newest first."""
        ...


class PanicTransaction(PanicReader, Protocol):
    """Writes of sales."""

    async def add_panic_sale(self, sale: PanicSale) -> None: ...
    async def save_panic_sale(self, sale: PanicSale, was: SaleState) -> None:
        """Replace a sale that is still in the state `was`; StateMovedError otherwise."""
        ...
