"""Swap rows: a deposit address, what it promised, what came in, and how it stands."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ballast.devnet.fates import Fate
from ballast.devnet.network import Network
from ballast.devnet.store import Value
from ballast.devnet.terms import Terms

TERMINAL: Final = frozenset({"SUCCESS", "REFUNDED", "FAILED"})


@dataclass(frozen=True, slots=True)
class Payment:
    """One arrival of the origin asset at a deposit address. Times in microseconds of domain time.

    `visible_us`: from then on the service counts it. `closed`: swapped or returned.
    """

    n: int
    units: int
    arrived_us: int
    visible_us: int
    tx_hash: str
    intent_hash: str | None
    closed: bool


@dataclass(frozen=True, slots=True)
class Swap:
    """One live quote and its fate. Amounts in base units; None while nothing has happened."""

    n: int
    address: str
    memo: str
    chain: str
    response: dict[str, Any]
    terms: Terms
    status: str
    next_us: int | None
    updated_us: int
    amount_in: int | None
    amount_out: int | None
    settled_us: int | None
    refunded: int
    refund_reason: str | None
    slippage_bps: int | None
    hint_hash: str | None
    near_hash: str | None
    destination_hash: str | None
    fate: Fate | None

    @property
    def ref(self) -> str:
        """How the books name this swap."""
        return f"swap-{self.n}"


def swap_number(network: Network, address: str, memo: str = "") -> int | None:
    """The number of the swap with this deposit address and memo."""
    row = network.store.one("SELECT n FROM swaps WHERE address = ? AND memo = ?", address, memo)
    return int(row["n"]) if row else None


def load_swap(network: Network, number: int) -> Swap:
    """The swap of this number, which must exist."""
    return _swap(network.store.one("SELECT * FROM swaps WHERE n = ?", number))


def all_swaps(network: Network) -> list[Swap]:
    """Every swap, oldest first."""
    return [_swap(row) for row in network.store.all("SELECT * FROM swaps ORDER BY n")]


def latest_swaps(network: Network, count: int) -> list[Swap]:
    """So many at most, newest first."""
    rows = network.store.all("SELECT * FROM swaps ORDER BY n DESC LIMIT ?", count)
    return [_swap(row) for row in rows]


def _swap(row: sqlite3.Row) -> Swap:
    fields: dict[str, Any] = dict(row)
    fields["response"] = json.loads(fields["response"])
    fields["terms"] = Terms.from_text(fields["terms"])
    for name in ("amount_in", "amount_out", "refunded"):
        fields[name] = int(fields[name]) if fields[name] is not None else None
    fields["fate"] = Fate.from_text(fields["fate"]) if fields["fate"] else None
    return Swap(**fields)


def payments(network: Network, number: int) -> Sequence[Payment]:
    """What came in for a swap, in order of arrival."""
    rows = network.store.all("SELECT * FROM deposits WHERE swap_n = ? ORDER BY n", number)
    return [
        Payment(
            n=row["n"],
            units=int(row["amount"]),
            arrived_us=row["arrived_us"],
            visible_us=row["visible_us"],
            tx_hash=row["tx_hash"],
            intent_hash=row["intent_hash"],
            closed=bool(row["closed"]),
        )
        for row in rows
    ]


def open_payments(network: Network, number: int) -> list[Payment]:
    """What came in for a swap and was neither swapped nor returned."""
    return [payment for payment in payments(network, number) if not payment.closed]


def change_swap(network: Network, number: int, **fields: Value) -> None:
    """Set columns of a swap row. Only inside `store.write()`."""
    names = ", ".join(f"{name} = ?" for name in fields)  # names are ours, values are bound
    network.store.run(f"UPDATE swaps SET {names} WHERE n = ?", *fields.values(), number)  # noqa: S608


def close_payments(network: Network, closing: Sequence[Payment]) -> None:
    """Mark payments as swapped or returned. Only inside `store.write()`."""
    for payment in closing:
        network.store.run("UPDATE deposits SET closed = 1 WHERE n = ?", payment.n)
