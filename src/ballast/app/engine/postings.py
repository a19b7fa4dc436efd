"""Ledger entries of a swap's life, each booked once under its own external key."""

from __future__ import annotations

from datetime import datetime

from ballast.app.app import App
from ballast.app.ports import Transaction
from ballast.core.ids import IdKind
from ballast.core.ledger import Account, Entry, EntryKind, Posting, transfer
from ballast.core.trading import Swap


async def post_swap(
    app: App,
    tx: Transaction,
    swap: Swap,
    kind: EntryKind,
    postings: tuple[Posting, ...],
    event_at: datetime,
) -> None:
    """Book one fact of a swap; the same fact a second time changes nothing."""
    entry = Entry(
        entry_id=app.ids.new(IdKind.ENTRY),
        owner_id=swap.owner_id,
        index_id=swap.index_id,
        kind=kind,
        reference=swap.swap_id,
        external_key=f"{swap.swap_id}:{kind.value}",
        event_at=event_at,
        postings=postings,
    )
    await tx.post(entry, app.clock.now())


async def post_release(app: App, tx: Transaction, swap: Swap, source: Account) -> None:
    """Give back what was set aside for a swap of which nothing moved."""
    postings = transfer(swap.sell, swap.input_units, source, Account.AVAILABLE)
    await post_swap(app, tx, swap, EntryKind.SWAP_RELEASED, postings, app.clock.now())
