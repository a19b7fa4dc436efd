"""Amounts, their text and their value: exact, or refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.money import (
    PICO,
    dollars,
    format_amount,
    format_percent_bps,
    format_percent_ppm,
    parse_amount,
    parse_percent_bps,
    parse_units,
    split_by_weight,
    units_for_value,
    value_pico,
)
from ballast.errors import BallastError

UNITS = st.integers(0, 10**38)
DECIMALS = st.integers(0, 24)
PRICES = st.decimals("0.000000001", "10000000", allow_nan=False, allow_infinity=False, places=12)

NOT_AMOUNTS = [
    "",
    " 1",
    "1 ",
    "1\n",
    "+1",
    "-1",
    "01",
    ".5",
    "5.",
    "1e3",
    "1E+999999",
    "NaN",
    "Infinity",
    "1_000",
    "1,000",
    "１",
    "٣",
    "0x10",
    "0." + "1" * 25,
]


@given(units=UNITS, decimals=DECIMALS)
def test_an_amount_survives_being_written_and_read(units, decimals):
    if len(str(units // 10**decimals)) <= 30:
        assert parse_amount(format_amount(units, decimals), decimals) == units


@pytest.mark.parametrize("text", [*NOT_AMOUNTS, "1" * 31])
def test_what_is_no_plain_decimal_number_is_refused(text):
    with pytest.raises(BallastError) as refusal:
        parse_amount(text, 24)

    assert refusal.value.code == "invalid_amount"


@pytest.mark.parametrize("text", [*NOT_AMOUNTS, "1.0", "1" * 40])
def test_base_units_are_a_whole_number_in_canonical_form(text):
    with pytest.raises(BallastError):
        parse_units(text)


def test_an_amount_is_never_rounded_to_fit_its_asset():
    with pytest.raises(BallastError) as refusal:
        parse_amount("0.0000001", 6)

    assert "7 decimals; this asset has 6" in refusal.value.message
    assert parse_amount("0.10000000", 6) == 100_000


@given(units=UNITS, decimals=DECIMALS, price=PRICES)
def test_a_value_is_rounded_down_and_by_less_than_one_pico_dollar(units, decimals, price):
    exact = Fraction(units) * Fraction(price) * PICO / 10**decimals

    assert 0 <= exact - value_pico(units, decimals, price) < 1


@given(value=st.integers(0, 10**30), decimals=DECIMALS, price=PRICES)
def test_units_for_a_value_never_cost_more_than_it(value, decimals, price):
    units = units_for_value(value, decimals, price)

    assert value_pico(units, decimals, price) <= value
    assert Fraction(units + 1) * Fraction(price) * PICO / 10**decimals > value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (PICO, "1.00"), (5 * PICO // 1000, "0.01"), (-PICO // 2, "-0.50"), (-1, "0.00")],
)
def test_dollars_are_rounded_to_cents_and_there_is_no_minus_zero(value, text):
    assert dollars(value) == text


@given(bps=st.integers(0, 99_999))
def test_a_percentage_survives_being_written_and_read(bps):
    assert parse_percent_bps(format_percent_bps(bps)) == bps


def test_parts_per_million_are_shown_as_percent_with_two_decimals():
    assert format_percent_ppm(12_345) == "1.23"
    assert format_percent_ppm(-12_350) == "-1.24"
    assert format_percent_ppm(-49) == "0.00"


@given(
    total=UNITS,
    weights=st.dictionaries(st.text(max_size=3), st.integers(1, 10_000), min_size=1, max_size=8),
)
def test_a_split_neither_makes_nor_loses_a_unit(total, weights):
    shares = split_by_weight(total, weights)

    scale = sum(weights.values())
    assert sum(shares.values()) == total
    assert all(abs(shares[key] * scale - total * weight) < scale for key, weight in weights.items())


def test_a_price_of_many_decimals_is_used_exactly():
    assert value_pico(3, 0, Decimal("0.333333333333")) == 999_999_999_999
