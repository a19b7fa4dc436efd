"""Prices kept as they were seen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ballast.app.ports import Transaction
from ballast.core.trading import Price


class Writable(Protocol):
    """A store that can be written to."""

    def transaction(self, of: str | None = None) -> AbstractAsyncContextManager[Transaction]:
        """A write transaction about something."""
        ...


class StorePriceLog:
    """Keeps observations in the store; the same one a second time changes nothing."""

    def __init__(self, store: Writable) -> None:
        self._store = store

    async def keep(self, observations: Sequence[Price]) -> None:
        """Keep them, in one transaction."""
        async with self._store.transaction("observations") as tx:
            await tx.add_observations(observations)
