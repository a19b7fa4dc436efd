"""Selling everything into the base asset at once, at no worse than a stated share of its worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ballast.core.states import SaleState

# The widest a sale may be; the narrowest that any sale could keep to.
MOST_BUDGET_BPS: Final = 2_000
LEAST_BUDGET_BPS: Final = 50
DEFAULT_BUDGET_BPS: Final = 300
# Rounds of sales after which what is left stays.
MOST_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class PanicSale:
    """Selling all that one index holds, as its owner has asked in a terminal.

    Attributes:
        budget_bps: how much less than at the reference prices each swap may bring at worst.
        rounds: of sales that were started so far.
        rebalance_id: the last of them.
        note: why it waits, or what stays and why.
    """

    sale_id: str
    owner_id: str
    index_id: str
    state: SaleState
    budget_bps: int
    rounds: int
    rebalance_id: str | None
    note: str
    asked_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
