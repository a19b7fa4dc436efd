"""What a unit is worth moves with the market alone, whatever comes and goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ballast.core.money import PICO
from ballast.core.unit_value import Flow, advance, first_unit_value

START = datetime(2026, 1, 1, tzinfo=UTC)
FRESH = first_unit_value("idx_1", "own_1", START)
CENT = PICO // 100


@given(
    steps=st.lists(
        st.tuples(
            st.integers(500, 2_000),  # the market, in thousandths of what it was
            st.integers(10**4 * PICO, 10**6 * PICO),  # what comes in
            st.booleans(),  # or whether a third goes out instead
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_unit_follows_the_market_however_much_comes_and_goes(steps):
    market, units = Fraction(1), Fraction(0)
    last, sequence = FRESH, 0
    for thousandths, money, out in steps:
        market = market * thousandths / 1_000 if units else market
        worth = int(units * market)
        flow = -(worth // 3) if out and worth > 3 * CENT else money
        units += Fraction(flow) / market
        sequence += 1
        at = START + timedelta(hours=sequence)
        value = worth + flow
        last = advance(last, [Flow(worth, flow)], at=at, value_pico=value, sequence=sequence)

    assert abs(Fraction(last.unit_pico, PICO) / market - 1) < Fraction(1, 10**6)
    assert last.value_pico == value
    assert last.sequence == sequence


def test_a_large_deposit_pays_its_own_costs():
    small = advance(FRESH, [Flow(0, PICO)], at=START, value_pico=PICO, sequence=1)

    after = advance(
        small, [Flow(PICO, 9_999 * PICO)], at=START, value_pico=9_980 * PICO, sequence=2
    )

    assert after.unit_pico == PICO * 998 // 1_000
    assert after.paid_pico == 10_000 * PICO


def test_what_was_emptied_goes_on_from_where_it_was():
    full = advance(FRESH, [Flow(0, 100 * PICO)], at=START, value_pico=120 * PICO, sequence=1)
    empty = advance(full, [Flow(120 * PICO, -120 * PICO)], at=START, value_pico=0, sequence=2)
    again = advance(empty, [Flow(0, 50 * PICO)], at=START, value_pico=50 * PICO, sequence=3)

    assert full.unit_pico == empty.unit_pico == again.unit_pico == 120 * PICO // 100
    assert empty.paid_pico == -20 * PICO
