"""Bringing back what left its band, and only that."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.drift import AssetPrice, band_limit, measure_drift
from ballast.core.money import BPS
from ballast.core.planning import PlanInput, SwapPlan, holdings_after, plan_within_bands
from ballast.core.policy import Band, Destination
from tests.core.planning_cases import (
    USD,
    bands,
    check_every_plan,
    plan_inputs,
    rounding_pico,
    values_of,
)

TWENTY_PERCENT = Band(absolute_bps=None, relative_bps=2_000)
CENT = AssetPrice(2, Decimal(1))
destinations = st.sampled_from(Destination)


def breached(facts: PlanInput, holdings: dict[str, int], band: Band, dust: int) -> tuple[str, ...]:
    report = measure_drift(holdings, facts.prices, facts.targets, band, dust_pico=dust)
    return report.breached


def basket(**cents: int) -> PlanInput:
    """Four equal targets (`gone` has none), a dollar a piece, no fee unless changed."""
    return PlanInput(
        holdings=cents,
        prices=dict.fromkeys(("a", "b", "c", "d", "gone"), CENT),
        targets=dict.fromkeys(("a", "b", "c", "d"), 2_500),
        fee_ppm=0,
        minimum_swap_pico=USD,
    )


def ending(facts: PlanInput, plan: SwapPlan) -> dict[str, int]:
    return holdings_after(facts.holdings, plan)


@given(facts=plan_inputs(), band=bands, destination=destinations)
def test_it_keeps_what_every_plan_promises(
    facts: PlanInput, band: Band, destination: Destination
) -> None:
    check_every_plan(facts, plan_within_bands(facts, band, destination))


@given(facts=plan_inputs(), band=bands, destination=destinations)
def test_it_trades_only_when_something_left_its_band(
    facts: PlanInput, band: Band, destination: Destination
) -> None:
    plan = plan_within_bands(facts, band, destination)

    if not breached(facts, dict(facts.holdings), band, max(facts.minimum_swap_pico, 1)):
        assert plan.swaps == ()
        assert plan.skipped == ()


@given(facts=plan_inputs(), band=bands, destination=destinations)
def test_afterwards_every_asset_is_inside_its_band(
    facts: PlanInput, band: Band, destination: Destination
) -> None:
    plan = plan_within_bands(facts, band, destination)

    after, scale = values_of(facts, ending(facts, plan)), sum(facts.targets.values())
    whole = sum(after.values())
    # Next to the edge itself dust can lie on the far side of it.
    dust = 2 * len(after) * facts.minimum_swap_pico + rounding_pico(facts)
    for asset, value in after.items():
        weight = facts.targets.get(asset, 0)
        allowed = band_limit(weight, scale, band) * whole // (BPS * scale)
        assert abs(value - weight * whole // scale) <= allowed + dust


@given(facts=plan_inputs(tolerances_bps=st.just(0)), band=bands, destination=destinations)
def test_nothing_crosses_its_target(facts: PlanInput, band: Band, destination: Destination) -> None:
    plan = plan_within_bands(facts, band, destination)
    before, after = values_of(facts, facts.holdings), values_of(facts, ending(facts, plan))
    left, scale = sum(after.values()), sum(facts.targets.values())
    dust = 2 * len(after) * facts.minimum_swap_pico + rounding_pico(facts)

    for asset, value in after.items():
        # Fees of the whole plan move a target by less than the plan's fees.
        target = facts.targets.get(asset, 0) * left // scale
        if value > before[asset]:
            assert value <= target + dust + plan.fee_pico
        if value < before[asset]:
            assert value >= target - dust - plan.fee_pico


@given(facts=plan_inputs(minimums=st.just(USD)), band=bands)
def test_a_nearer_destination_costs_less(facts: PlanInput, band: Band) -> None:
    exact = replace(facts, tolerance_bps=0)

    costs = [
        plan_within_bands(exact, band, destination).notional_pico
        for destination in (Destination.BAND_EDGE, Destination.HALF_BAND, Destination.TARGET)
    ]

    slack = 2 * len(facts.prices) * USD + rounding_pico(facts)
    assert costs[0] <= costs[1] + slack
    assert costs[1] <= costs[2] + slack


@pytest.mark.parametrize(
    ("destination", "cents"),
    [
        (Destination.TARGET, 25_000),
        (Destination.HALF_BAND, 27_500),
        (Destination.BAND_EDGE, 29_950),
    ],
)
def test_the_destination_says_how_far_back(destination: Destination, cents: int) -> None:
    facts = replace(basket(a=31_000, b=23_000, c=23_000, d=23_000), tolerance_bps=0)

    plan = plan_within_bands(facts, TWENTY_PERCENT, destination)

    assert ending(facts, plan)["a"] == cents
    assert {swap.sell for swap in plan.swaps} == {"a"}


def test_what_is_sold_goes_to_the_deepest_first() -> None:
    facts = replace(basket(a=31_000, b=20_500, c=23_000, d=25_500), tolerance_bps=0)

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.HALF_BAND)

    # 3,500 lift b from 20,500 to the level of c, then both by half of what is left.
    assert ending(facts, plan) == {"a": 27_500, "b": 23_500, "c": 23_500, "d": 25_500}


def test_what_is_bought_comes_from_the_highest_first() -> None:
    facts = replace(basket(a=19_000, b=29_000, c=26_500, d=25_500), tolerance_bps=0)

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.HALF_BAND)

    assert ending(facts, plan) == {"a": 22_500, "b": 26_000, "c": 26_000, "d": 25_500}


def test_a_removed_asset_is_sold_whole_and_its_dust_is_left() -> None:
    sold = basket(a=24_000, b=24_000, c=24_000, d=24_000, gone=4_000)
    dust = basket(a=24_990, b=24_990, c=24_990, d=24_990, gone=40)

    plan = plan_within_bands(sold, TWENTY_PERCENT, Destination.HALF_BAND)

    assert ending(sold, plan)["gone"] == 0
    assert plan_within_bands(dust, TWENTY_PERCENT, Destination.HALF_BAND).swaps == ()


def test_a_breach_too_small_to_swap_is_no_breach() -> None:
    facts = basket(a=310, b=230, c=230, d=230)

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.HALF_BAND)

    assert plan.swaps == ()
    assert plan.skipped == ()


def test_a_breach_worth_a_swap_gets_one_even_if_its_destination_is_nearer() -> None:
    facts = replace(basket(a=3_200, b=2_200, c=2_300, d=2_300), minimum_swap_pico=6 * USD)

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.HALF_BAND)

    # Half the band is 27.50 dollars, 4.50 away; a swap is 6 dollars, still short of the target.
    assert [(swap.sell, swap.buy, swap.input_units) for swap in plan.swaps] == [("a", "b", 600)]


def test_a_swap_of_exactly_the_minimum_survives_rounding() -> None:
    cents = replace(basket(a=1_067, b=2_200, c=2_300, d=2_299), minimum_swap_pico=601 * USD // 100)
    facts = replace(cents, prices={**cents.prices, "a": AssetPrice(2, Decimal(3))})

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.HALF_BAND)

    # 200 base units of 3 cents would be one cent too few.
    assert [(swap.sell, swap.buy, swap.input_units) for swap in plan.swaps] == [("a", "b", 201)]


def test_a_shortage_worth_a_swap_gets_one_even_if_its_destination_is_nearer() -> None:
    facts = replace(basket(a=1_800, b=2_800, c=2_700, d=2_700), minimum_swap_pico=6 * USD)

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.HALF_BAND)

    assert [(swap.sell, swap.buy, swap.input_units) for swap in plan.swaps] == [("b", "a", 600)]


def test_what_the_fees_push_out_of_its_band_is_brought_back_as_well() -> None:
    drifted = basket(a=22_500, b=29_950, c=13_775, d=13_775, gone=20_000)
    facts = replace(drifted, fee_ppm=20_000)

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.HALF_BAND)

    # 29.95 % of what there was is more than 30 % of what 2 % on every sale leave.
    assert {swap.sell for swap in plan.swaps} == {"b", "gone"}
    assert breached(facts, ending(facts, plan), TWENTY_PERCENT, USD) == ()


def test_all_assets_may_be_outside_at_once() -> None:
    facts = PlanInput(
        holdings={"large": 70_000, "small": 30_000},
        prices={"large": CENT, "small": CENT},
        targets={"large": 9_000, "small": 1_000},
        fee_ppm=2_000,
        minimum_swap_pico=USD,
    )

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.HALF_BAND)

    assert [(swap.sell, swap.buy) for swap in plan.swaps] == [("small", "large")]
    assert breached(facts, ending(facts, plan), TWENTY_PERCENT, 1) == ()


def test_the_plan_settles_a_second_look() -> None:
    facts = replace(basket(a=31_000, b=20_000, c=24_000, d=25_000), fee_ppm=3_000)

    plan = plan_within_bands(facts, TWENTY_PERCENT, Destination.BAND_EDGE)
    again = replace(facts, holdings=ending(facts, plan))

    assert plan.swaps
    assert plan_within_bands(again, TWENTY_PERCENT, Destination.BAND_EDGE).swaps == ()
