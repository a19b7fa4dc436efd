"""The screen may name too many indexes, but never misses one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.core.drift import AssetPrice, measure_drift
from ballast.core.policy import Band
from ballast.core.screen import Screen, Watched
from tests.core.planning_cases import bands, prices

NAMES = [f"asset-{i}" for i in range(6)]
HALVES = {"a": 1, "b": 1}
TEN_PERCENT = Band(absolute_bps=None, relative_bps=1_000)
CENTS = dict.fromkeys("ab", AssetPrice(2, Decimal(1)))

baskets = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10**24), max_size=6)
weights = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 10**8), min_size=1, max_size=6)
watched = st.builds(Watched, holdings=baskets, targets=weights, band=bands)


def decimals(quoted: dict[str, AssetPrice]) -> dict[str, int]:
    return {asset: price.decimals for asset, price in quoted.items()}


def is_breached(index: Watched, quoted: dict[str, AssetPrice]) -> bool:
    return bool(measure_drift(index.holdings, quoted, index.targets, index.band).breached)


@given(
    indexes=st.lists(watched, max_size=12),
    quoted=st.fixed_dictionaries(dict.fromkeys(NAMES, prices)),
)
def test_every_index_that_is_outside_is_named(
    indexes: list[Watched], quoted: dict[str, AssetPrice]
) -> None:
    named = Screen(indexes, decimals(quoted)).breached(quoted)

    assert named == sorted(set(named))
    outside = {i for i, index in enumerate(indexes) if is_breached(index, quoted)}
    assert outside <= set(named)


@given(units=st.integers(1, 10**30), past=st.integers(1, 3))
def test_an_index_one_base_unit_outside_is_named(units: int, past: int) -> None:
    edge = Watched({"a": 11 * units + past, "b": 9 * units - past}, HALVES, TEN_PERCENT)

    assert Screen([edge], decimals(CENTS)).breached(CENTS) == [0]


def test_indexes_well_inside_are_not_named() -> None:
    inside = Watched({"a": 10_900, "b": 9_100}, HALVES, TEN_PERCENT)
    outside = Watched({"a": 11_100, "b": 8_900}, HALVES, TEN_PERCENT)
    empty = Watched({}, HALVES, TEN_PERCENT)
    smaller = Watched({"b": 500}, {"b": 1}, TEN_PERCENT)

    # Four times its target, but within five points of it.
    points = Watched({"a": 400, "b": 9_600}, {"a": 1, "b": 99}, Band(500, None))

    screen = Screen([inside, outside, empty, smaller, outside, points], decimals(CENTS))

    assert screen.breached(CENTS) == [1, 4]


def test_new_prices_move_an_index_out_and_back() -> None:
    screen = Screen([Watched({"a": 10_000, "b": 10_000}, HALVES, TEN_PERCENT)], decimals(CENTS))
    risen = CENTS | {"a": replace(CENTS["a"], price=Decimal("1.5"))}

    assert [screen.breached(quoted) for quoted in (CENTS, risen, CENTS)] == [[], [0], []]


def test_more_indexes_than_one_pass_holds_keep_their_positions() -> None:
    inside = Watched({"a": 10_000, "b": 10_000}, HALVES, TEN_PERCENT)
    outside = Watched({"a": 20_000, "b": 10_000}, HALVES, TEN_PERCENT)
    indexes = [inside] * 10_000
    for position in (0, 4_095, 4_096, 9_999):
        indexes[position] = outside

    assert Screen(indexes, decimals(CENTS)).breached(CENTS) == [0, 4_095, 4_096, 9_999]


def test_no_index_is_no_work() -> None:
    assert Screen([], decimals(CENTS)).breached(CENTS) == []


def test_a_missing_price_is_refused() -> None:
    screen = Screen([Watched({"a": 1}, HALVES, TEN_PERCENT)], decimals(CENTS))

    with pytest.raises(KeyError):
        screen.breached({"a": CENTS["a"]})
