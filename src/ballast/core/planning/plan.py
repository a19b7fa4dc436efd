"""What a plan is made from and what it says. All values are integers in pico-dollars."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ballast.core.drift import AssetPrice
from ballast.core.money import PPM


@dataclass(frozen=True, slots=True)
class PlanInput:
    """The facts a plan is made from.

    Attributes:
        holdings: base units by asset id.
        prices: for every asset held or targeted.
        targets: integer weights on any common scale; an asset held but not targeted is removed.
        fee_ppm: what a swap costs, in parts per million of its input; the same for every pair.
        minimum_swap_pico: no swap is worth less than this.
        tolerance_bps: how far from its target an asset may end, in basis points of that target,
            where it saves a swap.
        base_asset_id: where the comparison's plan goes through; None: an asset that is neither
            sold nor bought.

    Raises:
        ValueError: a negative number, a fee of everything or more, or targets without a sum.
    """

    holdings: Mapping[str, int]
    prices: Mapping[str, AssetPrice]
    targets: Mapping[str, int]
    fee_ppm: int
    minimum_swap_pico: int
    tolerance_bps: int = 200
    base_asset_id: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.fee_ppm < PPM:
            raise ValueError("fee_ppm is a share below 1,000,000")
        if self.minimum_swap_pico < 0 or self.tolerance_bps < 0:
            raise ValueError("the minimum swap and the tolerance are zero or more")
        if sum(self.targets.values()) <= 0 or min(self.targets.values()) < 0:
            raise ValueError("targets must be weights of zero or more with a positive sum")

    def without(self, frozen: Collection[str]) -> PlanInput:
        """The same facts with some assets set aside, such as those whose price cannot be trusted.

        They are neither valued nor traded, and the others keep their proportions among
        themselves: nothing is traded to make up for what is set aside.
        """
        return replace(
            self,
            holdings={
                asset: units for asset, units in self.holdings.items() if asset not in frozen
            },
            targets={
                asset: weight for asset, weight in self.targets.items() if asset not in frozen
            },
        )


@dataclass(frozen=True, slots=True)
class SwapLeg:
    """One swap, sized from what is held now.

    Attributes:
        input_units: base units of `sell` to spend.
        input_pico: their value.
        expected_output_units: base units of `buy` after the fee at these prices, rounded down; the
            venue's quote replaces it.
    """

    sell: str
    buy: str
    input_units: int
    input_pico: int
    expected_output_units: int


class SkipReason(StrEnum):
    """Why a difference was left as it is."""

    BELOW_MINIMUM = "below_minimum"
    """Worth less than the smallest swap."""
    WITHIN_TOLERANCE = "within_tolerance"
    """Close enough to the target to save a swap."""
    NO_COUNTERPART = "no_counterpart"
    """What stands against it was skipped."""


@dataclass(frozen=True, slots=True)
class SkippedLeg:
    """A difference that the plan leaves.

    Attributes:
        value_pico: what would have been sold (above 0) or spent on buying it (below 0).
    """

    asset_id: str
    value_pico: int
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same purchases, funded by selling into a base asset first and buying from it after.

    Attributes:
        swaps: number of them.
        notional_pico: value of all their inputs: the sales must also earn the second fee.
        fee_pico: fees of both rounds.
        rounds: 2 when the purchases must wait for the sales.
    """

    swaps: int
    notional_pico: int
    fee_pico: int
    rounds: int


@dataclass(frozen=True, slots=True)
class SwapPlan:
    """Swaps that can all start at once, and what they leave.

    Attributes:
        swaps: largest first; no asset is both sold and bought.
        skipped: differences left as they are, sorted by asset id.
        value_pico: of all holdings before the plan.
        fee_pico: expected fees of all swaps, each rounded up.
        notional_pico: value of all inputs.
        through_base: what the same change would take through the base asset.
    """

    swaps: tuple[SwapLeg, ...]
    skipped: tuple[SkippedLeg, ...]
    value_pico: int
    fee_pico: int
    notional_pico: int
    through_base: Comparison


def holdings_after(holdings: Mapping[str, int], plan: SwapPlan) -> dict[str, int]:
    """Base units by asset id once every swap has given what was expected of it."""
    after = dict(holdings)
    for swap in plan.swaps:
        after[swap.sell] = after.get(swap.sell, 0) - swap.input_units
        after[swap.buy] = after.get(swap.buy, 0) + swap.expected_output_units
    return after
