"""Adding a leg: the row for the engine, and what it sells set aside in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from ballast.app.app import App
from ballast.app.ports import Transaction
from ballast.core.ids import IdKind
from ballast.core.ledger import Account, Entry, EntryKind, transfer
from ballast.core.states import SwapState
from ballast.core.trading import Purpose, Rebalance, Swap


@dataclass(frozen=True, slots=True)
class Leg:
    """What is sold for what; a payout says where it is delivered.

    Attributes:
        units: what is sold, base units.
        value_pico: its value, which spending limits count.
        cost_pico: what of it is expected to go to fees and spread, which the budget counts.
        floor_units: the least that may come of it.
    """

    purpose: Purpose
    sell: str
    buy: str
    units: int
    value_pico: int
    floor_units: int
    cost_pico: int = 0
    recipient: str | None = None
    recipient_memo: str | None = None


async def add_leg(app: App, tx: Transaction, rebalance: Rebalance, position: int, leg: Leg) -> None:
    """Add a leg of a rebalance and reserve its input, in the caller's transaction.

    Raises:
        BallastError: `insufficient_holdings` when less than its input is available.
    """
    now = app.clock.now()
    swap = Swap(
        swap_id=app.ids.new(IdKind.SWAP),
        owner_id=rebalance.owner_id,
        index_id=rebalance.index_id,
        rebalance_id=rebalance.rebalance_id,
        position=position,
        purpose=leg.purpose,
        recipient=leg.recipient,
        recipient_memo=leg.recipient_memo,
        state=SwapState.PLANNED,
        sell=leg.sell,
        buy=leg.buy,
        input_units=leg.units,
        value_pico=leg.value_pico,
        cost_pico=leg.cost_pico,
        floor_units=leg.floor_units,
        quoted_units=None,
        minimum_units=None,
        deposit_address=None,
        deposit_memo=None,
        quote_deadline=None,
        quote=None,
        output_units=None,
        refunded_units=None,
        created_at=now,
        updated_at=now,
        published_at=None,
        ended_at=None,
        due_at=now,
        attempts=0,
        problem="",
    )
    await tx.add_swap(swap)
    entry = Entry(
        entry_id=app.ids.new(IdKind.ENTRY),
        owner_id=swap.owner_id,
        index_id=swap.index_id,
        kind=EntryKind.SWAP_RESERVED,
        reference=swap.swap_id,
        external_key=f"{swap.swap_id}:reserved",
        event_at=now,
        postings=transfer(leg.sell, leg.units, Account.AVAILABLE, Account.RESERVED),
    )
    await tx.post(entry, now)
