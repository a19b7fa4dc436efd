"""Planning: from holdings, prices and targets to the fewest and cheapest swaps.

`plan_to_targets` and `plan_within_bands` rebalance, `plan_deposit` and `plan_withdrawal` follow
money that comes and goes. All of it is exact integers, and the same facts give the same plan.
"""

from ballast.core.drift import AssetPrice
from ballast.core.planning.flows import plan_deposit, plan_withdrawal
from ballast.core.planning.plan import (
    Comparison,
    PlanInput,
    SkippedLeg,
    SkipReason,
    SwapLeg,
    SwapPlan,
    holdings_after,
)
from ballast.core.planning.targets import plan_to_targets, plan_within_bands

__all__ = [
    "AssetPrice",
    "Comparison",
    "PlanInput",
    "SkipReason",
    "SkippedLeg",
    "SwapLeg",
    "SwapPlan",
    "holdings_after",
    "plan_deposit",
    "plan_to_targets",
    "plan_withdrawal",
    "plan_within_bands",
]
