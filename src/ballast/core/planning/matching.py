"""Which overweight asset is swapped into which underweight one, in as few swaps as can be found.

Legs that can be settled among themselves form a block. A block of k legs takes k - 1 swaps, so the
fewest swaps are the most blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ballast.core.planning.blocks import best_fit, packed_blocks, two_pointer
from ballast.core.planning.exact import MOST_LEGS, exact_blocks, upper_bound
from ballast.core.planning.legs import Legs
from ballast.core.planning.table import Block, LegTable, Partition

Strategy = Callable[[LegTable], Partition]

# Cheapest first: a later one is asked only while more blocks are possible.
STRATEGIES: Final[Sequence[Strategy]] = (two_pointer, best_fit, packed_blocks)


@dataclass(frozen=True, slots=True)
class Pairing:
    """One swap by value: pico-dollars of `sell` to be spent on `buy`."""

    sell: str
    buy: str
    pico: int


def pair_up(legs: Legs) -> list[Pairing]:
    """Pair sales with purchases.

    Args:
        legs: whose sides can meet (`even_out`).

    Returns:
        Fewer pairings than there are legs. The pairings of a leg add up to its difference, or to
        one within its tolerance; a leg within its tolerance may have none.
    """
    table = LegTable.of(legs)
    return [pairing for block in fewest_swaps(table) for pairing in settle(table, block)]


def fewest_swaps(table: LegTable) -> Partition:
    """The partition with the most blocks: of the strategies, and of all where legs are few."""
    best: Partition = []
    bound = upper_bound(table)
    exact = (exact_blocks,) if len(table.assets) <= MOST_LEGS else ()
    for strategy in (*STRATEGIES, *exact):
        if len(best) == bound:
            break
        best = max(best, strategy(table), key=len)
    return best


def settle(table: LegTable, block: Block) -> list[Pairing]:
    """Pair the largest sale left with the largest purchase left until the block is settled."""
    amounts = _adjusted(table, block)
    sells = sorted((-amount, i) for i, amount in amounts.items() if amount > 0)
    buys = sorted((amount, i) for i, amount in amounts.items() if amount < 0)
    pairings = []
    while sells and buys:
        (sold, seller), (bought, buyer) = sells.pop(0), buys.pop(0)
        value = min(-sold, -bought)
        pairings.append(Pairing(table.assets[seller], table.assets[buyer], value))
        if sold + value:
            sells.insert(0, (sold + value, seller))
        elif bought + value:
            buys.insert(0, (bought + value, buyer))
    return pairings


def _adjusted(table: LegTable, block: Block) -> dict[int, int]:
    """Amounts of a balanced block, moved within their intervals so that they add up to 0.

    The heavier side gives way first: trading less is cheaper than trading more.
    """
    amounts = {i: table.amounts[i] for i in block}
    excess = sum(amounts.values())
    limits = table.lows if excess > 0 else table.highs
    heavier = [i for i in block if (amounts[i] > 0) == (excess > 0)]
    lighter = [i for i in block if (amounts[i] > 0) != (excess > 0)]
    for side in (heavier, lighter):
        rooms = {i: abs(amounts[i] - limits[i]) for i in side}
        for i, part in _shares(rooms, abs(sum(amounts.values()))).items():
            amounts[i] += -part if excess > 0 else part
    assert sum(amounts.values()) == 0, "a block that is not balanced was settled"
    return amounts


def _shares(rooms: dict[int, int], amount: int) -> dict[int, int]:
    """Parts of an amount in proportion to the rooms; the whole rooms where they are too small."""
    total = sum(rooms.values())
    if total <= amount:
        return rooms
    parts = {i: amount * room // total for i, room in rooms.items()}
    left = amount - sum(parts.values())
    for i, room in rooms.items():
        more = min(room - parts[i], left)
        parts[i], left = parts[i] + more, left - more
    return parts
