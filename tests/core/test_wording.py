"""Numbers as people read them."""

from __future__ import annotations

import pytest

from ballast.core.money import PICO
from ballast.core.wording import amount_shown, grouped, shortened, usd_shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("1234567.89", "1,234,567.89"),
        ("-1234567.89", "-1,234,567.89"),
        ("1234.000001234", "1,234.000001234"),
        ("1000", "1,000"),
        ("999.5", "999.5"),
        ("-0.04", "-0.04"),
        ("0", "0"),
        ("everything", "everything"),
        ("nep141:1234567.near", "nep141:1234567.near"),
        ("", ""),
    ],
)
def test_thousands_are_set_apart_in_numbers_and_in_nothing_else(number, shown):
    assert grouped(number) == shown


def test_a_value_is_dollars_and_cents():
    assert usd_shown(1_234_567 * PICO + 890 * PICO // 1000) == "$1,234,567.89"
    assert usd_shown(-1_234 * PICO - PICO // 2) == "-$1,234.50"


def test_an_amount_is_whole_or_cut_where_nobody_reads_on():
    assert amount_shown(1_234_567_123_456_789_012, 15) == "1,234.567123456789012"
    assert shortened("1234.567123456789012") == "1,234.56712345…"
    assert shortened("1234.5") == "1,234.5"
