"""Money that comes only buys; money that goes only sells."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ballast.core.drift import AssetPrice
from ballast.core.money import PPM
from ballast.core.planning import (
    PlanInput,
    SkipReason,
    holdings_after,
    plan_deposit,
    plan_withdrawal,
)
from tests.core.planning_cases import (
    USD,
    check_every_plan,
    plan_inputs,
    rounding_pico,
    unit_pico,
    values_of,
)

DOLLAR = AssetPrice(6, Decimal(1))
CASH = "cash"


@st.composite
def funded(
    draw: st.DrawFn, *, least_dollars: int = 0, cash_is_target: bool | None = None
) -> tuple[PlanInput, int]:
    """An index with cash that came in; the cash may be a target as well."""
    facts = draw(plan_inputs())
    came = draw(st.integers(least_dollars * 10**6, 100_000 * 10**6))
    had = draw(st.integers(0, 10_000 * 10**6))
    targeted = draw(st.booleans()) if cash_is_target is None else cash_is_target
    weight = draw(st.integers(1, 5_000)) if targeted else 0
    return replace(
        facts,
        holdings={**facts.holdings, CASH: came + had},
        prices={**facts.prices, CASH: DOLLAR},
        targets={**facts.targets, **({CASH: weight} if weight else {})},
    ), came


def dollars(**amounts: int) -> PlanInput:
    """Assets worth a dollar each, equal targets for a, b and c, no fee."""
    return PlanInput(
        holdings={asset: amount * 10**6 for asset, amount in amounts.items()},
        prices=dict.fromkeys(("a", "b", "c", "gone", CASH), DOLLAR),
        targets={"a": 1, "b": 1, "c": 1},
        fee_ppm=0,
        minimum_swap_pico=USD,
    )


def spent(plan_holdings: dict[str, int], facts: PlanInput) -> dict[str, int]:
    """Whole units by which each holding changed."""
    return {
        asset: (units - facts.holdings.get(asset, 0)) // 10**6
        for asset, units in plan_holdings.items()
        if units != facts.holdings.get(asset, 0)
    }


@given(case=funded())
def test_a_deposit_keeps_what_every_plan_promises(case: tuple[PlanInput, int]) -> None:
    facts, came = case

    check_every_plan(facts, plan_deposit(facts, CASH, came))


@given(case=funded())
def test_a_deposit_sells_nothing_but_the_cash_that_came(case: tuple[PlanInput, int]) -> None:
    facts, came = case

    plan = plan_deposit(facts, CASH, came)

    assert {swap.sell for swap in plan.swaps} <= {CASH}
    assert sum(swap.input_units for swap in plan.swaps) <= came


@given(case=funded())
def test_a_deposit_leaves_the_cash_that_its_own_target_needs(case: tuple[PlanInput, int]) -> None:
    facts, came = case

    plan = plan_deposit(facts, CASH, came)

    after = values_of(facts, holdings_after(facts.holdings, plan))
    needed = facts.targets.get(CASH, 0) * sum(after.values()) // sum(facts.targets.values())
    if plan.swaps:
        assert after[CASH] >= needed - rounding_pico(facts)


@given(case=funded(least_dollars=10, cash_is_target=False))
def test_a_deposit_is_spent_to_the_last_base_unit(case: tuple[PlanInput, int]) -> None:
    facts, came = case

    plan = plan_deposit(facts, CASH, came)

    assert sum(swap.input_units for swap in plan.swaps) == came


@given(case=funded())
def test_a_deposit_lifts_the_deepest_to_a_common_level(case: tuple[PlanInput, int]) -> None:
    case_facts, came = case
    facts = replace(case_facts, minimum_swap_pico=0)

    plan = plan_deposit(facts, CASH, came)

    after = values_of(facts, holdings_after(facts.holdings, plan))
    bought = {swap.buy for swap in plan.swaps}
    slack = rounding_pico(facts)
    for asset in bought:
        for other in facts.targets.keys() - {CASH}:
            level = after[other] * facts.targets[asset]
            assert after[asset] * facts.targets[other] <= level + slack * 10_000


def test_a_deposit_buys_what_is_furthest_below() -> None:
    facts = dollars(a=100, b=80, c=60, cash=50)

    plan = plan_deposit(facts, CASH, 50 * 10**6)

    assert spent(holdings_after(facts.holdings, plan), facts) == {"b": 15, "c": 35, CASH: -50}


def test_a_first_deposit_buys_every_target() -> None:
    facts = dollars(cash=300)

    plan = plan_deposit(facts, CASH, 300 * 10**6)

    after = holdings_after(facts.holdings, plan)
    assert spent(after, facts) == {"a": 100, "b": 100, "c": 100, CASH: -300}


def test_a_small_deposit_goes_to_few_instead_of_being_left() -> None:
    facts = replace(dollars(a=100, b=99, c=98, cash=2), minimum_swap_pico=USD)

    plan = plan_deposit(facts, CASH, 2 * 10**6)

    assert spent(holdings_after(facts.holdings, plan), facts) == {"c": 2, CASH: -2}


def test_a_deposit_at_an_odd_price_leaves_no_unit_behind() -> None:
    third = AssetPrice(6, Decimal("0.33333"))
    facts = replace(dollars(a=10, b=10, c=10), prices=dict.fromkeys(("a", "b", "c", CASH), third))
    funded_facts = replace(facts, holdings={**facts.holdings, CASH: 90_000_007}, fee_ppm=1_234)

    for came in range(90_000_000, 90_000_007):
        plan = plan_deposit(funded_facts, CASH, came)

        assert sum(swap.input_units for swap in plan.swaps) == came


def test_a_deposit_below_the_minimum_waits() -> None:
    facts = replace(dollars(a=100, b=100, c=100, cash=3), minimum_swap_pico=5 * USD)

    assert plan_deposit(facts, CASH, 3 * 10**6).swaps == ()


def test_a_deposit_that_is_not_held_is_refused() -> None:
    with pytest.raises(ValueError, match="among the holdings"):
        plan_deposit(dollars(cash=1), CASH, 2 * 10**6)


@given(case=funded(), value=st.integers(1, 2_000_000 * USD))
def test_a_withdrawal_keeps_what_every_plan_promises(
    case: tuple[PlanInput, int], value: int
) -> None:
    facts, _ = case

    check_every_plan(facts, plan_withdrawal(facts, CASH, value))


@given(case=funded(), value=st.integers(1, 2_000_000 * USD))
def test_a_withdrawal_buys_nothing_but_what_leaves(case: tuple[PlanInput, int], value: int) -> None:
    facts, _ = case

    assert {swap.buy for swap in plan_withdrawal(facts, CASH, value).swaps} <= {CASH}


@given(case=funded(), value=st.integers(1, 2_000_000 * USD))
def test_a_withdrawal_covers_its_value_after_fees(case: tuple[PlanInput, int], value: int) -> None:
    funded_facts, _ = case
    facts = replace(funded_facts, minimum_swap_pico=0)
    values = values_of(facts, facts.holdings)
    others = sum(values.values()) - values[CASH]
    possible = values[CASH] + others * (PPM - facts.fee_ppm) // PPM
    assume(value <= possible - rounding_pico(facts))

    plan = plan_withdrawal(facts, CASH, value)

    assert holdings_after(facts.holdings, plan)[CASH] * USD // 10**6 >= value


@given(case=funded())
def test_a_withdrawal_of_everything_leaves_nothing_but_dust(case: tuple[PlanInput, int]) -> None:
    facts, _ = case

    plan = plan_withdrawal(facts, CASH, 10_000_000 * USD)

    after = values_of(facts, holdings_after(facts.holdings, plan))
    for asset in after.keys() - {CASH}:
        yields_nothing = after[asset] < 2 * unit_pico(facts, CASH)
        assert after[asset] == 0 or after[asset] < facts.minimum_swap_pico or yields_nothing
    assert all(leg.reason is SkipReason.BELOW_MINIMUM for leg in plan.skipped) or plan.swaps == ()


@given(case=funded(), value=st.integers(1, 1_000 * USD))
def test_a_withdrawal_sells_no_more_than_it_needs(case: tuple[PlanInput, int], value: int) -> None:
    facts, _ = case

    plan = plan_withdrawal(facts, CASH, value)

    enough = value * PPM // (PPM - facts.fee_ppm) + rounding_pico(facts) * len(facts.holdings)
    assert plan.notional_pico <= max(enough, facts.minimum_swap_pico + rounding_pico(facts))


def test_a_withdrawal_sells_what_is_furthest_above() -> None:
    facts = dollars(a=100, b=80, c=60)

    plan = plan_withdrawal(facts, CASH, 40 * USD)

    sold = {swap.sell: swap.input_pico // USD for swap in plan.swaps}
    assert sold == {"a": 30, "b": 10}


def test_a_withdrawal_sells_what_has_no_target_first() -> None:
    facts = dollars(a=100, b=100, c=100, gone=30)

    plan = plan_withdrawal(facts, CASH, 20 * USD)

    assert {swap.sell for swap in plan.swaps} == {"gone"}


def test_a_withdrawal_at_an_odd_price_is_not_a_unit_short() -> None:
    third = AssetPrice(2, Decimal("3.33333"))
    facts = dollars(a=100, b=100, c=100)
    odd = replace(
        facts,
        holdings=dict.fromkeys("abc", 10_001),
        prices={**facts.prices, "a": third, "b": third, "c": third},
        fee_ppm=1_234,
    )

    for value in range(100 * USD, 101 * USD, USD // 7):
        plan = plan_withdrawal(odd, CASH, value)

        assert holdings_after(odd.holdings, plan)[CASH] * USD // 10**6 >= value


def test_cash_at_hand_is_used_before_anything_is_sold() -> None:
    facts = dollars(a=100, b=100, c=100, cash=50)

    assert plan_withdrawal(facts, CASH, 50 * USD).swaps == ()


def test_a_withdrawal_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than nothing"):
        plan_withdrawal(dollars(a=1), CASH, 0)
