"""Plans back to the targets: all of them, or only the assets outside their bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ballast.core.drift import band_limit, is_breached, value_holdings
from ballast.core.money import BPS
from ballast.core.planning.compose import compose
from ballast.core.planning.legs import Legs
from ballast.core.planning.plan import PlanInput, SwapPlan
from ballast.core.planning.value import (
    drain_down,
    fill_up,
    spent_for,
    value_after_purchases,
    value_after_sales,
    yield_of,
)
from ballast.core.policy import Band, Destination

# Share of the band that an asset keeps from its target, in percent. At the edge itself rounding
# and slippage would leave it outside again, so it stops a hundredth of the band before.
_KEPT_PERCENT: Final[Mapping[Destination, int]] = {
    Destination.TARGET: 0,
    Destination.HALF_BAND: 50,
    Destination.BAND_EDGE: 99,
}
_PERCENT: Final = 100


def plan_to_targets(given: PlanInput) -> SwapPlan:
    """Bring every asset to its target: build an index, or rebalance it whole.

    The targets are shares of the value that is left after the plan's own fees, so the index ends
    on them exactly but for rounding, the tolerance and skipped legs.

    Raises:
        ValueError: a negative amount, or an asset without a price.
    """
    values = value_holdings(given.holdings, given.prices, given.targets)
    scale = sum(given.targets.values())
    weights = {asset: given.targets.get(asset, 0) for asset in values}
    after = value_after_sales(
        sum(values.values()), list(values.values()), list(weights.values()), scale, given.fee_ppm
    )
    wanted = {asset: weight * after // scale for asset, weight in weights.items()}
    tolerances = {asset: value * given.tolerance_bps // BPS for asset, value in wanted.items()}
    return compose(given, values, _legs(given, values, wanted, tolerances))


def plan_within_bands(given: PlanInput, band: Band, destination: Destination) -> SwapPlan:
    """Move the assets outside their bands back to the destination, and leave the others alone.

    What they give goes to the assets that lie deepest below their targets, what they need comes
    from those highest above, level by level: so no other asset crosses its target, and none
    leaves its band. An asset without a target is sold whole.

    Args:
        given: the facts; a difference below its minimum swap breaches nothing.
        band: the narrower limit counts.
        destination: how far back to go.

    Returns:
        A plan without swaps when no asset is outside its band.

    Raises:
        ValueError: a negative amount, an asset without a price, or a band without a limit.
    """
    values = value_holdings(given.holdings, given.prices, given.targets)
    course = _Course(given, values, band, _KEPT_PERCENT[destination])
    course.find_movers()
    if not course.movers:
        return compose(given, values, Legs({}, {}))
    wanted = course.wanted()
    tolerances = {asset: course.tolerance(asset, value) for asset, value in wanted.items()}
    return compose(given, values, _legs(given, values, wanted, tolerances))


def _legs(
    given: PlanInput,
    values: Mapping[str, int],
    wanted: Mapping[str, int],
    tolerances: Mapping[str, int],
) -> Legs:
    """Differences between what is held and what is wanted; purchases with their fee on top."""
    sells = {a: values[a] - wanted[a] for a in values if values[a] > wanted[a]}
    buys = {
        a: spent_for(wanted[a] - values[a], given.fee_ppm) for a in values if values[a] < wanted[a]
    }
    return Legs(
        sells=sells,
        buys=buys,
        tolerances=tolerances,
        exits=frozenset(asset for asset in sells if not given.targets.get(asset)),
        ceilings={asset: values[asset] for asset in sells},
    )


@dataclass(slots=True)
class _Course:
    """Where assets outside their bands go. Weights are numerators over `fine`.

    `fine` is 10,000 x 100 times the targets' scale, so that a band, and a percentage of it, is a
    whole number.
    """

    given: PlanInput
    values: Mapping[str, int]
    band: Band
    kept_percent: int
    after: int = 0
    movers: dict[str, int] = field(default_factory=dict)

    def find_movers(self) -> None:
        """Find what is outside its band, also when measured against the value after the fees."""
        self.after = sum(self.values.values())
        while new := [a for a in self.values if a not in self.movers and self._breached(a)]:
            self.movers |= {asset: self._destination(asset) for asset in new}
            total, fee = sum(self.values.values()), self.given.fee_ppm
            values = [self.values[asset] for asset in self.movers]
            weights = list(self.movers.values())
            # Sales may exceed purchases or the other way: the dearer of the two is what is paid.
            self.after = min(
                value_after_sales(total, values, weights, self._fine, fee),
                value_after_purchases(total, values, weights, self._fine, fee),
            )

    def wanted(self) -> dict[str, int]:
        """Value each asset should end at: movers at their destination, others level by level."""
        wanted = dict(self.values)
        wanted |= {asset: self._moved(asset) for asset in self.movers}
        sold = sum(max(self.values[asset] - wanted[asset], 0) for asset in self.movers)
        bought = sum(max(wanted[asset] - self.values[asset], 0) for asset in self.movers)
        surplus = sold - spent_for(bought, self.given.fee_ppm)
        if surplus > 0:
            self._level(wanted, yield_of(surplus, self.given.fee_ppm), up=True)
        elif surplus < 0:
            self._level(wanted, -surplus, up=False)
        return wanted

    def tolerance(self, asset: str, wanted: int) -> int:
        """What may be missed: the usual share of the target, at most half the way to the edge."""
        target = self._weight(asset) * self.after // self._fine
        room = self._limit(asset) * self.after // self._fine - abs(wanted - target)
        return max(min(target * self.given.tolerance_bps // BPS, room // 2), 0)

    def _level(self, wanted: dict[str, int], amount: int, *, up: bool) -> None:
        pool = [asset for asset in wanted if self._may_move(asset, wanted[asset], up=up)]
        levels = fill_up if up else drain_down
        minimum = self.given.minimum_swap_pico
        parts = levels(
            [wanted[asset] for asset in pool],
            [self.given.targets[asset] for asset in pool],
            amount,
            [0 if asset in self.movers else minimum for asset in pool],
        )
        for asset, part in zip(pool, parts, strict=True):
            wanted[asset] += part if up else -part

    def _moved(self, asset: str) -> int:
        """Where a mover ends: at its destination, or further, where that is too near for a swap.

        A breach is worth a swap (`is_breached`), so a minimum swap never takes it past its target.
        Where the fees alone, by making the whole smaller, bring it there, it stays.
        """
        value, least = self.values[asset], self.given.minimum_swap_pico
        destination = self.movers[asset] * self.after // self._fine
        above = self._is_above(asset)
        if above and value > destination:
            return max(min(destination, value - least), 0)
        if not above and value < destination:
            return max(destination, value + least)
        return value

    def _may_move(self, asset: str, wanted: int, *, up: bool) -> bool:
        """Whether an asset can take or give: it has a target and does not go the other way."""
        if not self.given.targets.get(asset):
            return False
        return wanted >= self.values[asset] if up else wanted <= self.values[asset]

    def _breached(self, asset: str) -> bool:
        limit = band_limit(self.given.targets.get(asset, 0), self._scale, self.band)
        return is_breached(
            self.values[asset],
            self.after,
            self.given.targets.get(asset, 0),
            self._scale,
            limit,
            max(self.given.minimum_swap_pico, 1),
        )

    def _destination(self, asset: str) -> int:
        kept = self._limit(asset) * self.kept_percent // _PERCENT
        return max(self._weight(asset) + (kept if self._is_above(asset) else -kept), 0)

    def _is_above(self, asset: str) -> bool:
        return self.values[asset] * self._fine > self._weight(asset) * self.after

    @property
    def _scale(self) -> int:
        return sum(self.given.targets.values())

    @property
    def _fine(self) -> int:
        return self._scale * BPS * _PERCENT

    def _weight(self, asset: str) -> int:
        return self.given.targets.get(asset, 0) * BPS * _PERCENT

    def _limit(self, asset: str) -> int:
        return band_limit(self.given.targets.get(asset, 0), self._scale, self.band) * _PERCENT
