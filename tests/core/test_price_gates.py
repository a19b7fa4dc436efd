"""An observation passes every gate, or is frozen for one named reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.price_gates import (
    PriceFault,
    PriceGates,
    Reading,
    agree,
    jumped_from,
    own_fault,
    price_fault,
)
from ballast.core.trading import Price

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
READING = Reading(NOW, NOW)
GATES = PriceGates()


def seen(usd, age=0, source="1click"):
    """An observation of one asset, so many seconds old."""
    return Price("btc", Decimal(usd), source, NOW - timedelta(seconds=age))


def fault(first, second=None, recent=()):
    return price_fault(first, second, recent, READING, GATES)


def sane_prices():
    """Prices as sources write them, over the whole range that is plausible."""
    return st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent),
        st.integers(1, 10**17),
        st.integers(-18, -5),
    )


def ages(low=0, high=120):
    return st.integers(low * 1_000_000, high * 1_000_000).map(lambda micros: micros / 1_000_000)


@given(usd=sane_prices(), age=ages(-5, 120))
def test_a_sound_price_passes_when_nothing_speaks_against_it(usd, age):
    assert fault(seen(usd, age)) is None


@pytest.mark.parametrize(
    ("usd", "reason"),
    [
        ("NaN", PriceFault.NOT_FINITE),
        ("sNaN", PriceFault.NOT_FINITE),
        ("Infinity", PriceFault.NOT_FINITE),
        ("-Infinity", PriceFault.NOT_FINITE),
        ("0", PriceFault.NOT_POSITIVE),
        ("-0", PriceFault.NOT_POSITIVE),
        ("0E+999999999", PriceFault.NOT_POSITIVE),
        ("-0.01", PriceFault.NOT_POSITIVE),
        ("1E+999999999", PriceFault.IMPLAUSIBLE),
        ("1E-999999999", PriceFault.IMPLAUSIBLE),
        ("1E+13", PriceFault.IMPLAUSIBLE),
        ("9E-19", PriceFault.IMPLAUSIBLE),
        ("1." + "1" * 60, PriceFault.IMPLAUSIBLE),
        ("9.99E+12", None),
        ("1E-18", None),
        ("1." + "1" * 59, None),
    ],
)
def test_what_is_no_price_is_told_from_what_is_one(usd, reason):
    assert fault(seen(usd)) == reason


def test_an_asset_without_a_price_is_frozen_even_if_another_source_has_one():
    assert fault(None, second=seen("100")) is PriceFault.MISSING


@given(beyond=ages(0, 10_000))
def test_age_and_future_are_limited_to_the_microsecond(beyond):
    old, early = seen("1", 120), seen("1", -5)
    assert fault(old) is fault(early) is None

    moment = timedelta(seconds=beyond) + timedelta(microseconds=1)
    older = Price("btc", old.usd, "1click", old.observed_at - moment)
    earlier = Price("btc", early.usd, "1click", early.observed_at + moment)
    assert fault(older) is PriceFault.STALE
    assert fault(earlier) is PriceFault.FROM_THE_FUTURE


def test_time_that_passes_while_reading_makes_no_price_old_or_early():
    slow = Reading(NOW, NOW + timedelta(hours=1))

    assert own_fault(seen("1", 120), slow, GATES) is None
    assert own_fault(seen("1", -3600), slow, GATES) is None
    assert own_fault(seen("1", 121), slow, GATES) is PriceFault.STALE


# --- the second source ----------------------------------------------------------------------------


@given(first=sane_prices(), second=sane_prices())
def test_a_sound_second_price_freezes_exactly_when_it_is_over_five_percent_away(first, second):
    low, high = sorted((Fraction(first), Fraction(second)))
    apart = (high - low) / low

    found = fault(seen(first), second=seen(second, source="second"))

    assert found is (PriceFault.DISAGREES if apart > Fraction(5, 100) else None)


@given(hundredths=st.integers(1, 10**30))
def test_five_percent_agree_and_the_smallest_step_more_does_not(hundredths):
    low, high, above = (
        Decimal(f"{units}E-30")
        for units in (100 * hundredths, 105 * hundredths, 105 * hundredths + 1)
    )

    assert agree(seen(low), seen(high), GATES)
    assert agree(seen(high), seen(low), GATES)
    assert not agree(seen(low), seen(above), GATES)
    assert not agree(seen(above), seen(low), GATES)


def test_a_hair_beyond_twenty_eight_digits_still_counts():
    low = Decimal("1.000000000000000000000000000000000000000")
    high = Decimal("1.050000000000000000000000000000000000001")

    assert not agree(seen(low), seen(high), GATES)


@pytest.mark.parametrize(
    "silent",
    [
        None,
        seen("NaN"),
        seen("0"),
        seen("-500"),
        seen("1E+400"),
        seen("500", age=121),
        seen("500", age=-6),
    ],
)
def test_a_second_price_that_is_not_sound_neither_freezes_nor_confirms(silent):
    assert fault(seen("100"), second=silent) is None
    assert fault(seen("150"), second=silent, recent=[seen("100", 60)]) is PriceFault.JUMPED


# --- jumps ----------------------------------------------------------------------------------------


@given(usd=sane_prices(), before=st.lists(st.tuples(sane_prices(), ages(0, 600)), max_size=6))
def test_a_price_is_held_against_every_observation_of_the_last_five_minutes(usd, before):
    recent = [seen(earlier, age) for earlier, age in before]
    too_far = any(
        abs(Fraction(usd) - Fraction(earlier)) > Fraction(earlier) / 5
        for earlier, age in before
        if age <= 300
    )

    assert fault(seen(usd), recent=recent) is (PriceFault.JUMPED if too_far else None)


@pytest.mark.parametrize(
    ("usd", "reason"),
    [
        ("120", None),
        ("120.0000000000000000001", PriceFault.JUMPED),
        ("80", None),
        ("79.9999999999999999999", PriceFault.JUMPED),
    ],
)
def test_twenty_percent_is_no_jump_and_a_hair_more_is(usd, reason):
    assert fault(seen(usd), recent=[seen("100", 60)]) is reason


def test_a_jump_counts_against_the_window_and_not_only_the_last_price():
    climbing = [seen("100", 240), seen("110", 120)]

    assert fault(seen("121"), recent=climbing) is PriceFault.JUMPED
    assert jumped_from(seen("121"), climbing, GATES) == climbing[0]


def test_what_was_seen_over_five_minutes_ago_is_forgotten():
    assert fault(seen("500"), recent=[seen("100", 300)]) is PriceFault.JUMPED
    assert fault(seen("500"), recent=[seen("100", 300.001)]) is None


def test_an_answer_older_than_the_last_one_is_no_way_around_the_gate():
    assert fault(seen("500", age=60), recent=[seen("100")]) is PriceFault.JUMPED
    assert jumped_from(seen("500", age=300), [seen("100")], GATES) == seen("100")
    assert jumped_from(seen("500", age=301), [seen("100")], GATES) is None


@given(usd=sane_prices(), earlier=sane_prices(), age=ages(0, 300))
def test_a_second_source_that_agrees_lets_any_jump_through(usd, earlier, age):
    assert fault(seen(usd), second=seen(usd), recent=[seen(earlier, age)]) is None


def test_a_second_source_that_still_sees_the_old_price_freezes_the_jump_as_disagreement():
    assert fault(seen("130"), seen("100"), [seen("100", 60)]) is PriceFault.DISAGREES


def test_the_limits_are_settings():
    loose = PriceGates(
        max_age=timedelta(hours=1),
        agreement_bps=10_000,
        jump_bps=100_000,
        jump_window=timedelta(seconds=1),
    )

    assert price_fault(seen("1", 3600), seen("2", 3600), [], READING, loose) is None
    assert price_fault(seen("11"), None, [seen("1")], READING, loose) is None
    assert price_fault(seen("12"), None, [seen("1")], READING, loose) is PriceFault.JUMPED
