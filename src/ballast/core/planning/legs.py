"""The differences that a plan must trade, evened out: sales and purchases that can meet.

A leg is one asset's difference. A sale counts what leaves, a purchase what is spent on it, so the
two sides add up to the same when nothing is rounded or skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

# Rounding of values leaves differences of a few pico-dollars. A billionth of a dollar covers them
# and is far below anything that can be traded.
ROUNDING_PICO: Final = 1_000


@dataclass(frozen=True, slots=True)
class Legs:
    """Differences by asset id, in pico-dollars.

    Attributes:
        sells: value to sell, above 0.
        buys: value to spend on buying, above 0.
        tolerances: how far a leg may end from its difference where it saves a swap; default 0.
        exits: assets to be sold whole: their leg is never made smaller.
        ceilings: most that can be sold of an asset; default: what its leg says.
    """

    sells: Mapping[str, int]
    buys: Mapping[str, int]
    tolerances: Mapping[str, int] = field(default_factory=dict)
    exits: frozenset[str] = frozenset()
    ceilings: Mapping[str, int] = field(default_factory=dict)

    def interval(self, asset: str) -> tuple[int, int]:
        """Least and most a leg may end at, a sale above 0: never on the other side of 0."""
        amount = self.sells.get(asset) or -self.buys[asset]
        if asset in self.exits:
            return amount, amount
        slack = max(self.tolerances.get(asset, 0), ROUNDING_PICO)
        if amount < 0:
            return amount - slack, min(amount + slack, 0)
        highest = max(amount, self.ceilings.get(asset, amount))
        return max(amount - slack, 0), min(amount + slack, highest)

    def excess(self) -> int:
        """What tolerances cannot absorb: above 0 of sales, below 0 of purchases."""
        low, high = 0, 0
        for asset in (*self.sells, *self.buys):
            least, most = self.interval(asset)
            low, high = low + least, high + most
        return max(low, 0) + min(high, 0)


def even_out(legs: Legs, minimum: int) -> Legs:
    """Drop the legs below the minimum and let both sides meet again.

    What a dropped leg leaves on the other side, and tolerances do not absorb, first goes to the
    largest dropped legs, raised to the minimum; what is left then, less than the minimum, is taken
    off or added to the largest leg that can take it.

    Returns:
        Legs of at least the minimum whose sides can meet within their tolerances; none at all
        when one side is empty.
    """
    sells, buys = _worthwhile(legs.sells, minimum), _worthwhile(legs.buys, minimum)
    kept = replace(legs, sells=sells, buys=buys)
    _revive(legs, kept, sells, buys, max(minimum, 1))
    while sells and buys and (excess := kept.excess()):
        _absorb(
            kept, sells if excess > 0 else buys, buys if excess > 0 else sells, abs(excess), minimum
        )
    return kept if sells and buys else Legs({}, {})


def _worthwhile(side: Mapping[str, int], minimum: int) -> dict[str, int]:
    return {asset: value for asset, value in side.items() if value >= minimum and value > 0}


def _revive(
    legs: Legs, kept: Legs, sells: dict[str, int], buys: dict[str, int], minimum: int
) -> None:
    """Bring back the largest dropped legs of the lighter side while a whole swap lacks there."""
    excess = kept.excess()
    dropped, side = (legs.buys, buys) if excess > 0 else (legs.sells, sells)
    missing = abs(excess)
    for asset in sorted(dropped.keys() - side.keys(), key=lambda a: (-dropped[a], a)):
        if missing < minimum:
            return
        if _can_grow_to(legs, asset, minimum):
            side[asset] = minimum
            missing -= minimum


def _absorb(
    legs: Legs, heavy: dict[str, int], light: dict[str, int], gap: int, minimum: int
) -> None:
    """Take a gap off the heavier side, or add it to the lighter one, or give up a leg for it.

    Each call closes the gap, or brings one leg down to its minimum or tolerance, or drops one: so
    it is called at most a few times per leg.
    """
    spare = {asset: _spare(legs, asset, value - max(minimum, 1)) for asset, value in heavy.items()}
    shrinking = _largest(spare)
    if spare[shrinking] > 0:
        heavy[shrinking] -= min(gap, spare[shrinking])
        return
    able = {asset: value for asset, value in light.items() if _can_grow_by(legs, asset, gap)}
    if able and gap < max(minimum, ROUNDING_PICO):
        light[_largest(able)] += gap
        return
    del heavy[min(heavy, key=lambda asset: (asset in legs.exits, heavy[asset], asset))]


def _spare(legs: Legs, asset: str, above_minimum: int) -> int:
    """By how much a leg can shrink so that the excess shrinks with it."""
    if asset in legs.exits:
        return 0
    low, high = legs.interval(asset)
    return min(low if asset in legs.sells else -high, above_minimum)


def _can_grow_by(legs: Legs, asset: str, gap: int) -> bool:
    if asset in legs.buys:
        return True
    _, high = legs.interval(asset)
    return asset not in legs.exits and high + gap <= legs.ceilings.get(asset, 0)


def _can_grow_to(legs: Legs, asset: str, value: int) -> bool:
    if asset in legs.exits:
        return value <= legs.sells[asset]
    return asset in legs.buys or value <= legs.ceilings.get(asset, legs.sells[asset])


def _largest(side: Mapping[str, int]) -> str:
    return min(side, key=lambda asset: (-side[asset], asset))
