"""What a story came to: the books side by side, and the figures of its rebalances."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BookLine:
    """One asset: base units held by Ballast's ledger, and by the venue's books."""

    symbol: str
    ledger_units: int
    venue_units: int

    @property
    def agrees(self) -> bool:
        """Equal to the last base unit."""
        return self.ledger_units == self.venue_units


def compare_books(holdings: list[Answer], balances: dict[str, int]) -> list[BookLine]:
    """Put the holdings of get_index beside the venue's balances.

    An asset that only one side knows is compared with zero.
    """
    lines = [
        BookLine(one["symbol"], int(one["amount_units"]), balances.get(one["asset_id"], 0))
        for one in holdings
    ]
    known = {one["asset_id"] for one in holdings}
    return lines + [
        BookLine(asset_id, 0, units)
        for asset_id, units in sorted(balances.items())
        if asset_id not in known
    ]


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """One rebalance that completed: when, what was outside its band, and the plan."""

    at: datetime
    outside: tuple[str, ...]
    plan: Answer


@dataclass(slots=True)
class Outcome:
    """The end of one story. Amounts of money are planned ones, in US dollars.

    Attributes:
        problems: everything that does not agree, in sentences; empty when all is well.
    """

    name: str
    rebalances: list[Rebalanced] = field(default_factory=list)
    domain_time: timedelta = timedelta()
    books: list[BookLine] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def total(self, figure: str) -> Decimal:
        """The sum of one figure of the plans' comparisons, such as `swaps` or `fee_usd`."""
        return sum((Decimal(one.plan["comparison"][figure]) for one in self.rebalances), Decimal(0))

    def add_books(self, lines: list[BookLine], faults: list[str]) -> None:
        """Keep the comparison of the books, and state every difference as a problem."""
        self.books = lines
        self.problems += [
            f"{line.symbol}: the ledger says {line.ledger_units} base units, "
            f"the venue {line.venue_units}."
            for line in lines
            if not line.agrees
        ]
        self.problems += [f"The venue's own books: {fault}" for fault in faults]

    def saved_percent(self) -> str:
        """The share of the cost through the base that was saved, in whole percent."""
        through_base = self.total("fee_usd_through_base")
        if not through_base:
            return "0"
        share = 100 - 100 * self.total("fee_usd") / through_base
        return str(share.quantize(Decimal(1), ROUND_HALF_UP))
