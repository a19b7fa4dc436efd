"""Random indexes for the planning tests: holdings, prices and targets of a realistic size."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from hypothesis import strategies as st

from ballast.core.drift import AssetPrice, value_holdings
from ballast.core.money import PICO, scale, units_for_value
from ballast.core.planning import PlanInput, SwapPlan, holdings_after
from ballast.core.policy import Band

USD = PICO

UP_TO_ONE_PERCENT = st.integers(0, 10_000)
UP_TO_FIVE_PERCENT = st.integers(0, 500)
UP_TO_FIVE_DOLLARS = st.integers(0, 5 * USD)

prices = st.builds(
    AssetPrice,
    decimals=st.sampled_from([8, 9, 18, 24]),
    # The cheapest and the dearest thing that is traded; a base unit is worth at most 0.1 cent.
    price=st.decimals(Decimal("0.00001"), Decimal(100_000), places=5),
)
bands = st.builds(
    Band, absolute_bps=st.none() | st.integers(50, 2_000), relative_bps=st.integers(200, 5_000)
)


@st.composite
def plan_inputs(
    draw: st.DrawFn,
    *,
    most_assets: int = 9,
    fees_ppm: st.SearchStrategy[int] = UP_TO_ONE_PERCENT,
    minimums: st.SearchStrategy[int] = UP_TO_FIVE_DOLLARS,
    tolerances_bps: st.SearchStrategy[int] = UP_TO_FIVE_PERCENT,
) -> PlanInput:
    """An index near its targets or far from them, with removed and missing assets."""
    count = draw(st.integers(1, most_assets))
    names = [f"nep141:asset-{i}" for i in range(count)]
    weights = draw(st.lists(st.integers(0, 5_000), min_size=count, max_size=count))
    weights[0] = max(weights[0], 1)
    dollars = draw(st.integers(0, 1_000_000))
    quoted = {name: draw(prices) for name in names}
    holdings = {}
    for name, weight in zip(names, weights, strict=True):
        drift = draw(st.just(1_000) | st.integers(600, 1_600) | st.integers(0, 5_000))
        share = weight or draw(st.integers(0, 2_000))
        value = dollars * USD * share * drift // (1_000 * sum(weights))
        holdings[name] = units_for_value(value, quoted[name].decimals, quoted[name].price)
    return PlanInput(
        holdings=holdings,
        prices=quoted,
        targets={name: weight for name, weight in zip(names, weights, strict=True) if weight},
        fee_ppm=draw(fees_ppm),
        minimum_swap_pico=draw(minimums),
        tolerance_bps=draw(tolerances_bps),
        base_asset_id=draw(st.none() | st.sampled_from(names)),
    )


def values_of(given: PlanInput, holdings: Mapping[str, int]) -> dict[str, int]:
    """Value in pico-dollars of other holdings at the same prices."""
    return value_holdings(holdings, given.prices, given.targets)


def unit_pico(given: PlanInput, asset: str) -> int:
    """What one base unit is worth, rounded up: what rounding an amount may cost."""
    quoted = given.prices[asset]
    numerator, denominator = quoted.price.as_integer_ratio()
    return -(-numerator * PICO // (denominator * scale(quoted.decimals)))


def rounding_pico(given: PlanInput) -> int:
    """More than all the rounding of a plan can be worth: each seller's swaps round down."""
    return len(given.prices) * sum(unit_pico(given, asset) + 10_000 for asset in given.prices)


def check_every_plan(given: PlanInput, plan: SwapPlan) -> None:
    """What holds of any plan, whatever it is for."""
    sold = {swap.sell for swap in plan.swaps}
    bought = {swap.buy for swap in plan.swaps}
    after = holdings_after(given.holdings, plan)
    lost = plan.value_pico - sum(values_of(given, after).values()) - plan.fee_pico

    assert not sold & bought
    assert len(plan.swaps) <= max(len(sold) + len(bought) - 1, 0)
    assert min(after.values(), default=0) >= 0
    assert abs(lost) <= sum(unit_pico(given, swap.buy) + 4 for swap in plan.swaps)
    assert plan.notional_pico == sum(swap.input_pico for swap in plan.swaps)
    for swap in plan.swaps:
        assert swap.input_pico >= given.minimum_swap_pico
        assert swap.input_units > 0
        assert swap.expected_output_units > 0
    assert not {leg.asset_id for leg in plan.skipped} & (sold | bought)
