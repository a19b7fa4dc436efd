"""Figures of performance against the same ones computed slowly, one step at a time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise

import pytest

from ballast.core.performance import DAY, HOUR, figures, return_since
from ballast.core.unit_value import UnitValue

START = datetime(2026, 1, 1, 6, tzinfo=UTC)


def past(worths, every=timedelta(hours=1), start=START):
    return [
        UnitValue("idx_1", "own_1", start + number * every, 0, round(worth * 10**12), 0, 0)
        for number, worth in enumerate(worths)
    ]


def walk(count, seed):
    dice, worth, worths = random.Random(seed), 1.0, []
    for _ in range(count):
        worths.append(worth)
        worth *= 1 + dice.gauss(0, 0.01)
    return worths


def slow(points, bars_a_year, bar):
    """Every formula as the textbook has it, in decimals of fifty digits."""
    with localcontext(prec=50):
        worths, clock = [Decimal(points[0].unit_pico)], points[0].at
        clock = clock.replace(minute=0, second=0, microsecond=0)
        clock = clock.replace(hour=0) if bar == DAY else clock
        while (clock := clock + bar) < points[-1].at:
            worths.append([Decimal(p.unit_pico) for p in points if p.at <= clock][-1])
        worths.append(Decimal(points[-1].unit_pico))
        changes = [b / a - 1 for a, b in pairwise(worths)]
        n = len(changes)
        mean = sum(changes) / n
        spread = (sum((c - mean) ** 2 for c in changes) / (n - 1)).sqrt()
        losses = (sum(min(c, Decimal(0)) ** 2 for c in changes) / n).sqrt()
        year = Decimal(bars_a_year)
        fall = min(
            later / earlier - 1 for place, earlier in enumerate(worths) for later in worths[place:]
        )
        growth = (worths[-1] / worths[0]) ** (year / n) - 1
        return {
            "returns": n,
            "volatility": spread * year.sqrt(),
            "sharpe": mean / spread * year.sqrt(),
            "sortino": mean * year / (losses * year.sqrt()),
            "max_drawdown": fall,
            "calmar": growth / -fall,
        }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("count", "every", "bar", "year"),
    [
        (24 * 40, timedelta(hours=1), DAY, 365),
        (24 * 10, timedelta(hours=1), HOUR, 8_766),
        (90, timedelta(hours=17), DAY, 365),
        (40, timedelta(minutes=25), HOUR, 8_766),
    ],
)
def test_every_figure_is_what_the_slow_way_gives(seed, count, every, bar, year):
    points = past(walk(count, seed), every)

    found, expected = figures(points), slow(points, year, bar)

    assert found.bar == bar
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(float(value), rel=1e-9), name


def test_a_year_has_365_days_and_not_252():
    # 35.4 % a year, day by day: 252 days to the year would call it 23.3 %.
    points = past([1.354 ** (day / 365) for day in range(366)], every=DAY)
    falling = points[:-1] + past([1.0], start=points[-1].at)

    assert return_since(points, None) == pytest.approx(0.354)
    growth = figures(falling)
    assert growth.max_drawdown == pytest.approx(1 / 1.354 ** (364 / 365) - 1)
    assert growth.calmar == pytest.approx(0, abs=1e-9)


def test_a_window_begins_with_the_last_worth_at_or_before_its_start():
    points = past([100.0, 110.0, 121.0, 133.1], every=timedelta(hours=4))

    assert return_since(points, timedelta(hours=4)) == pytest.approx(0.1)
    assert return_since(points, timedelta(hours=7)) == pytest.approx(0.21)
    assert return_since(points, timedelta(hours=12)) == pytest.approx(0.331)
    assert return_since(points, timedelta(hours=13)) is None
    assert return_since(points[:1], None) is None


def test_a_worth_from_long_before_a_window_is_not_taken_for_that_of_its_start():
    before = past([100.0, 110.0], every=timedelta(hours=1))
    after = past([150.0], start=before[-1].at + timedelta(days=15))

    assert return_since(before + after, timedelta(days=1)) is None
    assert return_since(before + after, timedelta(days=14)) == pytest.approx(150 / 110 - 1)


def test_the_start_is_the_first_height_to_fall_from():
    assert figures(past([1.0, 0.9, 0.95, 0.99])).max_drawdown == pytest.approx(-0.1)


def test_a_short_past_has_no_ratios_and_a_still_one_nothing_to_divide_by():
    short = figures(past([1.0, 1.1]))
    still = figures(past([1.0] * 30))

    assert (short.volatility, short.sharpe, short.calmar) == (None, None, None)
    assert (still.volatility, still.sharpe, still.sortino, still.calmar) == (0, None, None, None)
