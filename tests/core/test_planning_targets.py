"""What a plan to the targets promises to whoever owns the index."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballast.core.drift import AssetPrice
from ballast.core.money import BPS, PPM
from ballast.core.planning import (
    PlanInput,
    SkipReason,
    SwapPlan,
    holdings_after,
    plan_to_targets,
)
from ballast.core.planning.value import value_after_sales
from tests.core.planning_cases import (
    USD,
    plan_inputs,
    rounding_pico,
    unit_pico,
    values_of,
)

V = TypeVar("V")

CENTS = st.just(USD // 100)
BASE = AssetPrice(6, Decimal(1))


def after_fees(facts: PlanInput) -> int:
    """Value left after the fees of an exact plan."""
    values = values_of(facts, facts.holdings)
    return value_after_sales(
        sum(values.values()),
        list(values.values()),
        [facts.targets.get(asset, 0) for asset in values],
        sum(facts.targets.values()),
        facts.fee_ppm,
    )


def sides(plan: SwapPlan) -> tuple[set[str], set[str]]:
    return {swap.sell for swap in plan.swaps}, {swap.buy for swap in plan.swaps}


@given(facts=plan_inputs())
def test_value_only_leaves_as_fees(facts: PlanInput) -> None:
    plan = plan_to_targets(facts)

    after = values_of(facts, holdings_after(facts.holdings, plan))

    lost = plan.value_pico - sum(after.values()) - plan.fee_pico
    assert abs(lost) <= sum(unit_pico(facts, swap.buy) + 4 for swap in plan.swaps)


@given(facts=plan_inputs())
def test_no_more_is_sold_than_is_held(facts: PlanInput) -> None:
    plan = plan_to_targets(facts)

    for asset in facts.holdings:
        sold = sum(swap.input_units for swap in plan.swaps if swap.sell == asset)
        assert sold <= facts.holdings[asset]


@given(facts=plan_inputs())
def test_a_removed_asset_worth_a_swap_is_sold_to_the_last_base_unit(facts: PlanInput) -> None:
    plan = plan_to_targets(facts)

    after = holdings_after(facts.holdings, plan)

    for asset in facts.holdings.keys() - facts.targets.keys():
        traded = any(swap.sell == asset for swap in plan.swaps)
        assert after[asset] == (0 if traded else facts.holdings[asset])


@given(facts=plan_inputs())
def test_an_asset_with_a_target_is_never_sold_whole(facts: PlanInput) -> None:
    plan = plan_to_targets(replace(facts, tolerance_bps=200, minimum_swap_pico=USD))

    after = holdings_after(facts.holdings, plan)

    floor = after_fees(facts) // 2
    scale = sum(facts.targets.values())
    for asset in facts.targets:
        if floor * facts.targets[asset] > 20 * USD * scale and facts.holdings[asset]:
            assert after[asset] > 0


@given(facts=plan_inputs(minimums=CENTS, tolerances_bps=st.just(0)))
def test_without_tolerance_every_asset_ends_on_its_target(facts: PlanInput) -> None:
    check_targets_hit(facts, tolerance_bps=0)


@given(facts=plan_inputs())
def test_every_asset_ends_within_tolerance_but_for_dust(facts: PlanInput) -> None:
    check_targets_hit(facts, facts.tolerance_bps)


def check_targets_hit(facts: PlanInput, tolerance_bps: int) -> None:
    plan = plan_to_targets(facts)
    after, whole = values_of(facts, holdings_after(facts.holdings, plan)), after_fees(facts)
    scale = sum(facts.targets.values())
    # Dust next to each of the other legs can end with one asset.
    dust = len(after) * facts.minimum_swap_pico + rounding_pico(facts)

    for asset, value in after.items():
        target = facts.targets.get(asset, 0) * whole // scale
        assert abs(value - target) <= target * tolerance_bps // BPS + dust


@given(facts=plan_inputs())
def test_nothing_is_both_sold_and_bought(facts: PlanInput) -> None:
    sold, bought = sides(plan_to_targets(facts))

    assert not sold & bought


@given(facts=plan_inputs())
def test_swaps_are_fewer_than_the_assets_they_touch(facts: PlanInput) -> None:
    plan = plan_to_targets(facts)

    sold, bought = sides(plan)

    assert len(plan.swaps) <= max(len(sold) + len(bought) - 1, 0)
    assert len({(swap.sell, swap.buy) for swap in plan.swaps}) == len(plan.swaps)


@given(facts=plan_inputs())
def test_no_swap_is_below_the_minimum_or_yields_nothing(facts: PlanInput) -> None:
    for swap in plan_to_targets(facts).swaps:
        assert swap.input_pico >= facts.minimum_swap_pico
        assert swap.input_units > 0
        assert swap.expected_output_units > 0


@given(facts=plan_inputs(minimums=st.just(0), tolerances_bps=st.just(0)))
def test_the_notional_is_what_overweight_assets_have_too_much(facts: PlanInput) -> None:
    plan = plan_to_targets(facts)

    values, whole = values_of(facts, facts.holdings), after_fees(facts)
    scale = sum(facts.targets.values())
    too_much = sum(
        max(value - facts.targets.get(asset, 0) * whole // scale, 0)
        for asset, value in values.items()
    )
    assert abs(plan.notional_pico - too_much) <= rounding_pico(facts) * len(values)


@given(facts=plan_inputs())
def test_going_through_a_base_asset_never_takes_less(facts: PlanInput) -> None:
    plan = plan_to_targets(facts)

    assert plan.through_base.swaps >= len(plan.swaps) or facts.base_asset_id is not None
    assert plan.through_base.notional_pico >= plan.notional_pico
    assert plan.through_base.fee_pico >= plan.fee_pico - len(plan.swaps)
    if plan.swaps and facts.base_asset_id is None:
        assert plan.notional_pico * 2 <= plan.through_base.notional_pico
        assert plan.through_base.rounds == 2


@given(facts=plan_inputs(fees_ppm=st.integers(0, 5_000), minimums=st.just(USD)))
def test_a_second_plan_at_the_same_prices_is_empty(facts: PlanInput) -> None:
    first = plan_to_targets(facts)

    # What the tolerance saved in fees moves every target by a hair, so the second look has one.
    again = replace(
        facts,
        holdings=holdings_after(facts.holdings, first),
        tolerance_bps=facts.tolerance_bps + 5,
        # Dust of one leg can rest beside that of another, and joined they are worth a swap.
        minimum_swap_pico=len(facts.holdings) * USD,
    )

    assert plan_to_targets(again).swaps == ()


def shuffled(items: Mapping[str, V], order: random.Random) -> dict[str, V]:
    keys = list(items)
    order.shuffle(keys)
    return {key: items[key] for key in keys}


@given(facts=plan_inputs(), order=st.randoms(use_true_random=False))
def test_the_order_of_the_facts_changes_nothing(facts: PlanInput, order: random.Random) -> None:
    other = replace(
        facts,
        holdings=shuffled(facts.holdings, order),
        prices=shuffled(facts.prices, order),
        targets=shuffled(facts.targets, order),
    )

    assert plan_to_targets(other) == plan_to_targets(facts)


@given(
    facts=plan_inputs(minimums=st.just(0), tolerances_bps=st.just(0)), factor=st.integers(2, 1_000)
)
def test_an_index_many_times_as_large_trades_many_times_as_much(
    facts: PlanInput, factor: int
) -> None:
    small = plan_to_targets(facts)
    large = plan_to_targets(
        replace(facts, holdings={asset: units * factor for asset, units in facts.holdings.items()})
    )

    slack = rounding_pico(facts) * len(facts.holdings) * factor
    assert abs(large.notional_pico - small.notional_pico * factor) <= slack


@given(facts=plan_inputs(minimums=st.just(0)))
def test_weights_on_another_scale_give_the_same_plan(facts: PlanInput) -> None:
    finer = {asset: weight * 10_000 for asset, weight in facts.targets.items()}

    assert plan_to_targets(replace(facts, targets=finer)) == plan_to_targets(facts)


@given(facts=plan_inputs(), more_ppm=st.integers(1, 50_000))
def test_a_higher_fee_never_leaves_more(facts: PlanInput, more_ppm: int) -> None:
    dearer = replace(facts, fee_ppm=facts.fee_ppm + more_ppm)

    assert after_fees(dearer) <= after_fees(facts)


@given(facts=plan_inputs())
def test_the_value_after_fees_solves_its_equation(facts: PlanInput) -> None:
    values, scale = values_of(facts, facts.holdings), sum(facts.targets.values())
    after = after_fees(facts)

    sales = sum(
        max(value - Fraction(facts.targets.get(asset, 0) * after, scale), Fraction(0))
        for asset, value in values.items()
    )

    assert 0 <= sum(values.values()) - after - sales * Fraction(facts.fee_ppm, PPM) < 2


def test_a_new_index_is_built_from_its_base_asset_in_one_round() -> None:
    facts = PlanInput(
        holdings={"usdc": 10_000 * 10**6},
        prices={
            "usdc": BASE,
            "btc": AssetPrice(8, Decimal(60_000)),
            "eth": AssetPrice(18, Decimal(3_000)),
        },
        targets={"btc": 5_000, "eth": 4_000, "usdc": 1_000},
        fee_ppm=2_000,
        minimum_swap_pico=USD,
        base_asset_id="usdc",
    )

    plan = plan_to_targets(facts)

    assert [(swap.sell, swap.buy) for swap in plan.swaps] == [("usdc", "btc"), ("usdc", "eth")]
    # 10,000 = V' + 0.2 % of (10,000 - 10 % of V'), so V' = 9,980 / 0.9998 = 9,981.996...
    assert [swap.input_pico // USD for swap in plan.swaps] == [5_001, 4_000]
    assert plan.fee_pico // USD == 18
    assert (plan.through_base.swaps, plan.through_base.rounds) == (2, 1)


def test_overweight_is_swapped_straight_into_underweight() -> None:
    facts = PlanInput(
        holdings={"btc": 10**8, "eth": 10 * 10**18, "usdc": 40_000 * 10**6},
        prices={
            "usdc": BASE,
            "btc": AssetPrice(8, Decimal(60_000)),
            "eth": AssetPrice(18, Decimal(2_000)),
        },
        targets={"btc": 3_333, "eth": 3_333, "usdc": 3_334},
        fee_ppm=2_000,
        minimum_swap_pico=USD,
        base_asset_id="usdc",
    )

    plan = plan_to_targets(facts)

    assert [(swap.sell, swap.buy) for swap in plan.swaps] == [("btc", "eth")]
    assert plan.through_base.swaps == 2
    assert plan.through_base.rounds == 2


def test_small_differences_are_left_and_named() -> None:
    facts = PlanInput(
        holdings={"a": 100_000_000, "b": 99_500_000, "gone": 400_000, "usdc": 101_000_000},
        prices=dict.fromkeys(("a", "b", "gone", "usdc"), BASE),
        targets={"a": 1, "b": 1, "usdc": 1},
        fee_ppm=2_000,
        minimum_swap_pico=USD // 2,
    )

    plan = plan_to_targets(facts)

    assert plan.swaps == ()
    reasons = {leg.asset_id: leg.reason for leg in plan.skipped}
    assert reasons["gone"] is SkipReason.BELOW_MINIMUM
    assert reasons["usdc"] is SkipReason.WITHIN_TOLERANCE
    assert {leg.asset_id for leg in plan.skipped if leg.value_pico > 0} == {"gone", "usdc"}


def test_many_small_purchases_do_not_stop_a_large_sale() -> None:
    names = [f"small-{i:02}" for i in range(50)]
    facts = PlanInput(
        holdings={"large": 40_000_000} | dict.fromkeys(names, 0),
        prices=dict.fromkeys(["large", *names], BASE),
        targets=dict.fromkeys(names, 1),
        fee_ppm=0,
        minimum_swap_pico=USD,
    )

    plan = plan_to_targets(facts)

    assert sum(swap.input_units for swap in plan.swaps) == 40_000_000
    assert all(swap.input_units >= 1_000_000 for swap in plan.swaps)


def test_a_remainder_below_the_minimum_joins_the_swap_beside_it() -> None:
    units = {"a": 200_000_000, "b": 150_000_000, "x": 500_000, "y": 49_500_000}
    facts = PlanInput(
        holdings=units,
        prices=dict.fromkeys(units, BASE),
        targets=dict.fromkeys(units, 1),
        fee_ppm=0,
        minimum_swap_pico=USD,
        tolerance_bps=0,
    )

    plan = plan_to_targets(facts)

    # a has 100 too much and x lacks 99.50: the 0.50 left of a is no swap to y, so x takes it.
    amounts = {(swap.sell, swap.buy): swap.input_units for swap in plan.swaps}
    assert amounts == {("a", "x"): 100_000_000, ("b", "y"): 50_000_000}


def test_what_cannot_be_priced_is_set_aside_and_not_made_up_for() -> None:
    facts = PlanInput(
        holdings={"a": 60_000_000, "b": 40_000_000, "sick": 0},
        prices={"a": BASE, "b": BASE},
        targets={"a": 3_000, "b": 2_000, "sick": 5_000},
        fee_ppm=2_000,
        minimum_swap_pico=USD,
    )

    assert plan_to_targets(facts.without({"sick"})).swaps == ()
    with pytest.raises(ValueError, match="sick needs a price"):
        plan_to_targets(facts)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fee_ppm": PPM},
        {"fee_ppm": -1},
        {"minimum_swap_pico": -1},
        {"tolerance_bps": -1},
        {"targets": {}},
        {"targets": {"a": -1, "b": 3}},
    ],
)
def test_facts_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    sound = PlanInput({"a": 1}, {"a": BASE}, {"a": 1}, fee_ppm=0, minimum_swap_pico=0)

    with pytest.raises(ValueError, match=r"fee_ppm|minimum|targets"):
        replace(sound, **wrong)  # type: ignore[arg-type]


@settings(max_examples=20)
@given(facts=plan_inputs(most_assets=40))
def test_larger_indexes_keep_the_same_promises(facts: PlanInput) -> None:
    plan = plan_to_targets(facts)
    after, (sold, bought) = holdings_after(facts.holdings, plan), sides(plan)

    assert min(after.values(), default=0) >= 0
    assert not sold & bought
    assert len(plan.swaps) <= max(len(sold) + len(bought) - 1, 0)
    check_targets_hit(facts, facts.tolerance_bps)
