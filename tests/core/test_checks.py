"""One alert for each crossing of a band, however long an asset lingers at its edge."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ballast.core.checks import BACK_INSIDE_PERCENT, still_outside
from ballast.core.drift import AssetDrift

BAND = 100_000


def at(share_percent: int, asset_id: str = "btc") -> AssetDrift:
    """An asset that uses so many percent of its band."""
    drift = share_percent * BAND // 100
    return AssetDrift(asset_id, 1, 1, 0, 0, drift, None, BAND, breached=abs(share_percent) > 100)


def alerts(shares: list[int]) -> list[int]:
    """At which steps of its way an asset is told of."""
    known: tuple[str, ...] = ()
    told = []
    for step, share in enumerate(shares):
        known, fresh = still_outside([at(share)], known, rebalanced=False)
        if fresh:
            told.append(step)
    return told


def test_an_asset_that_trembles_at_its_edge_is_told_of_once():
    assert alerts([90, 101, 99, 102, 85, 101, -101]) == [1]


def test_once_it_was_well_inside_the_next_crossing_is_told_of_again():
    assert alerts([101, BACK_INSIDE_PERCENT, 101, BACK_INSIDE_PERCENT + 1, 101]) == [0, 2]


def test_a_breach_after_a_rebalance_is_a_new_one():
    assert still_outside([at(101)], ["btc"], rebalanced=True) == (("btc",), ("btc",))


@given(st.lists(st.integers(-200, 200), max_size=60))
def test_between_two_alerts_it_was_well_inside(shares):
    told = alerts(shares)

    for first, second in pairwise(told):
        assert min(map(abs, shares[first:second])) <= BACK_INSIDE_PERCENT
