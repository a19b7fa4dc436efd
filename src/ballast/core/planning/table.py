"""Legs as columns, and the sets of them that can be settled among themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ballast.core.planning.legs import Legs

Block = tuple[int, ...]
"""Positions of legs that are settled among themselves, rising. k legs take k - 1 swaps."""

Partition = list[Block]
"""Blocks that together hold every leg once."""


@dataclass(frozen=True, slots=True)
class LegTable:
    """Legs, largest first, so that a set of them is a set of positions.

    A leg may end within its tolerance, so it offers an interval, and a block is balanced when its
    intervals can add up to zero.

    Attributes:
        assets: ids; legs of one size are in the order of their ids.
        amounts: signed pico-dollars, a sale above 0.
        lows: the least each may end at, never on the other side of 0.
        highs: the most each may end at, never on the other side of 0.
    """

    assets: tuple[str, ...]
    amounts: tuple[int, ...]
    lows: tuple[int, ...]
    highs: tuple[int, ...]

    @staticmethod
    def of(legs: Legs) -> LegTable:
        """Build the columns from legs whose sides can meet (`even_out`)."""
        signed = {**legs.sells, **{asset: -value for asset, value in legs.buys.items()}}
        assets = sorted(signed, key=lambda asset: (-abs(signed[asset]), asset))
        spans = [legs.interval(asset) for asset in assets]
        return LegTable(
            assets=tuple(assets),
            amounts=tuple(signed[asset] for asset in assets),
            lows=tuple(low for low, _ in spans),
            highs=tuple(high for _, high in spans),
        )

    def is_balanced(self, block: Iterable[int]) -> bool:
        """Whether these legs can be settled among themselves."""
        low, high = 0, 0
        for i in block:
            low, high = low + self.lows[i], high + self.highs[i]
        return low <= 0 <= high

    def may_stay(self, position: int) -> bool:
        """Whether this leg is within its tolerance and needs no swap."""
        return self.lows[position] <= 0 <= self.highs[position]
