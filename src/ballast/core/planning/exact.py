"""The most balanced blocks, exactly, where legs are few enough to look at every subset."""

from __future__ import annotations

from typing import Final

from ballast.core.planning.table import Block, LegTable, Partition

MOST_LEGS: Final = 12
"""Above this the search takes longer than a plan should: tens of milliseconds."""


def upper_bound(table: LegTable) -> int:
    """No partition has more blocks than this.

    A block of legs that may stay is one of them each. Any other block needs a sale and a purchase;
    where all of one side in it may stay, it uses up one of those instead.
    """
    stay = [i for i in range(len(table.assets)) if table.may_stay(i)]
    must = [table.amounts[i] for i in range(len(table.assets)) if i not in stay]
    sells = sum(1 for amount in must if amount > 0)
    return len(stay) + min(sells, len(must) - sells)


def exact_blocks(table: LegTable) -> Partition:
    """A partition with the most blocks. Time and memory double with each leg: see `MOST_LEGS`."""
    search = _Search(table)
    return [_positions(mask) for mask in search.blocks_of((1 << len(table.assets)) - 1)]


class _Search:
    """Dynamic programme over sets of legs, each a bit mask.

    In a partition everything that is left after taking some blocks out is balanced as well, so
    only balanced sets are ever looked at. The block that holds a set's lowest leg is tried in
    every way, which meets each partition once.
    """

    def __init__(self, table: LegTable) -> None:
        lows, highs = [0], [0]
        for low, high in zip(table.lows, table.highs, strict=True):
            lows += [part + low for part in lows]
            highs += [part + high for part in highs]
        masks = range(1, len(lows))
        self._balanced = {mask for mask in masks if lows[mask] <= 0 <= highs[mask]}
        self._by_lowest: dict[int, list[int]] = {}
        for mask in sorted(self._balanced, key=lambda mask: (mask.bit_count(), mask)):
            self._by_lowest.setdefault(mask & -mask, []).append(mask)
        self._stay = sum(1 << i for i in range(len(table.assets)) if table.may_stay(i))
        self._sells = sum(1 << i for i, amount in enumerate(table.amounts) if amount > 0)
        self._known: dict[int, tuple[int, ...]] = {0: ()}

    def blocks_of(self, whole: int) -> tuple[int, ...]:
        """The most blocks that a balanced set splits into."""
        if whole in self._known:
            return self._known[whole]
        best: tuple[int, ...] = (whole,)
        bound = self._bound(whole)
        for block in self._by_lowest[whole & -whole]:
            rest = whole ^ block
            if len(best) == bound:
                break
            if block & whole == block and (rest in self._balanced or not rest):
                if 1 + self._bound(rest) <= len(best):
                    continue
                if 1 + len(found := self.blocks_of(rest)) > len(best):
                    best = (block, *found)
        self._known[whole] = best
        return best

    def _bound(self, mask: int) -> int:
        must = mask & ~self._stay
        sells = (must & self._sells).bit_count()
        return (mask & self._stay).bit_count() + min(sells, must.bit_count() - sells)


def _positions(mask: int) -> Block:
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)
